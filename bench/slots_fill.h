/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices by the million, each with a user of its own and ten slots, made by SQL rather than one by one, with indexes
 * made afterwards. bench_slots checks that the tables are those that the service's own calls leave.
 */
#ifndef BENCH_SLOTS_FILL_H
#define BENCH_SLOTS_FILL_H

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "must.h"
#include "store/store.h"

static void
sql(sqlite3 *h, const char *text)
{
	char *why = NULL;

	if (sqlite3_exec(h, text, NULL, NULL, &why) == SQLITE_OK)
		return;
	fprintf(stderr, "%s: %.200s\n", why, text);
	exit(1);
}

/* Ids that lie anywhere, and no two alike: 2654435761 is odd. */
#define ID(what, n) \
	"cast(printf('" what "%%015x', (" n ") * 2654435761 %% 4294967296 * 268435456 + (" n \
	")) AS BLOB)"
#define NUMBERS(n) \
	"WITH RECURSIVE i (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i WHERE i + 1 < " n ") "
#define HASH "(i * 2654435761 %% 4294967296)"

static const char people[] = NUMBERS("%lld") "INSERT INTO users SELECT " ID("u",
    "i") ", printf('user%%07d@corp.example', i), "
	 "printf('User %%07d', i), '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', 'cloud', 1, "
	 "0, 0 FROM i";
static const char devices[] = NUMBERS(
    "%lld") "INSERT INTO devices (id, user_id, name, fqdn, serial, machine_id, manufacturer, model, "
	    "platform, os, "
	    "os_version, agent_version, imei, meid, wifi_mac, ethernet_mac, udid, ownership, category, enrol_profile, "
	    "enrol_type, "
	    "rooted, cpu, sku, join_type, sid, dn, notes, scope_tags, withheld, state, identity, identity_sha256, "
	    "identity_not_after, last_seen, inventory, fence, enrolled) SELECT " ID(
		"d", "i") ", " ID("u",
		"i") ", "
		     "printf('laptop-%%07d', i), '', '', '', '', '', 'linux', '', '', '', '', '', '', '', '', 0, '', '', '', 0, "
		     "'', '', 0, "
		     "'', '', '', '', '', 1, x'', x'', 0, 0, '', 0, 0 FROM i";
/* Of a hundred: 2 failed, 3 waiting, 5 renewing, 1 removed, the others installed. The first of ten is a
 * trusted root. */
static const char slots[] = NUMBERS(
    "%lld") "INSERT INTO slots (number, id, device, user_id, profile, item, kind, wanted, wanted_hash, "
	    "reached_hash, "
	    "fault, detail, since, assigned, installed, request, serial, subject, issuer, cert_sha256, not_before, not_after, "
	    "state, thumbprint) SELECT i + 1, " ID("s", "i") ", " ID(
		"d", "i / 10") ", iif(i %% 10 = 0, zeroblob(16), " ID("u", "i / 10") "), " ID("p",
		"i %% 10") ", zeroblob(16), iif(i %% 10 = 0, 'trusted-root', 'pkcs'), 1, "
			   "x'01', x'01', "
			   "iif(" HASH
			   " / 7 %% 100 < 2, 'ca-denied', ''), '', 1700000000000 + i, 0, 0, " ID(
			       "r",
			       "i") ", "
				    "printf('5a%%08x%%08x', " HASH
				    ", i), printf('CN=user%%07d,OU=Profile %%d,O=Corp', i / 10, i %% 10), 'Corp "
				    "Issuing CA', "
				    "cast(printf('%%016x%%016x', " HASH
				    ", i) AS BLOB), 1700000000, 1800000000 + " HASH " %% 31536000, "
				    "CASE WHEN " HASH " / 7 %% 100 < 2 THEN 7 WHEN " HASH
				    " / 7 %% 100 < 5 THEN 1 WHEN " HASH " / 7 %% 100 < 10 "
				    "THEN 6 WHEN " HASH
				    " / 7 %% 100 < 11 THEN 9 ELSE 5 END, printf('%%020x%%020x', " HASH
				    ", i) FROM i";
/* The newest request of each: done. */
static const char requests[] =
    "INSERT INTO requests (id, slot, device, kind, state, fence, attempts, hash, ca, owner, lease_until, "
    "not_before, fault, "
    "detail, keep, about, leaf, sealed, password, serial, sent, ca_request, unissued, created, updated) SELECT request, id, device, iif(kind = "
    "'trusted-root', 3, 1), 5, 1, 1, x'01', 'Corp Issuing CA', '', 0, 0, '', '', '', zeroblob(16), "
    "zeroblob(600), x'', x'', "
    "serial, '', '', 0, since, since FROM slots";
/* What the triggers would have written. */
static const char sums[] =
    "INSERT INTO slot_counts SELECT profile, state, fault, count(*), max(since) FROM slots GROUP BY 1, 2, 3;"
    "INSERT INTO slot_users SELECT profile, user_id, sum(state IN (1, 2, 3, 4, 8)), sum(state IN (5, 6)), "
    "sum(state = 7), "
    "max(since) FROM slots GROUP BY 1, 2;"
    "INSERT INTO slot_user_counts SELECT profile, standing, count(*) FROM slot_users GROUP BY 1, 2;"
    "INSERT INTO slot_text_due SELECT number FROM slots;";

/* Takes indexes and triggers away, and gives the text that makes them again. */
static char *
strip(sqlite3 *h)
{
	sqlite3_stmt *st = NULL;
	char *again = NULL, *drop = NULL;

	sqlite3_prepare_v2(h,
	    "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND (type = 'trigger' OR (type = 'index' "
	    "AND "
	    "tbl_name IN ('slots', 'requests')))",
	    -1, &st, NULL);
	while (sqlite3_step(st) == SQLITE_ROW) {
		char *a = sqlite3_mprintf("%z%s;", again, sqlite3_column_text(st, 2));
		char *d = sqlite3_mprintf(
		    "%zDROP %s %s;", drop, sqlite3_column_text(st, 0), sqlite3_column_text(st, 1));

		again = a;
		drop = d;
	}
	sqlite3_finalize(st);
	sql(h, drop);
	sqlite3_free(drop);
	return again;
}

static void
fill(sqlite3 *h, int64_t n, bool bulk)
{
	char *again = bulk ? strip(h) : NULL, *text;

	sql(h, "BEGIN");
	text = sqlite3_mprintf(people, (n + 9) / 10);
	sql(h, text);
	sqlite3_free(text);
	text = sqlite3_mprintf(devices, (n + 9) / 10);
	sql(h, text);
	sqlite3_free(text);
	text = sqlite3_mprintf(slots, n);
	sql(h, text);
	sqlite3_free(text);
	sql(h, requests);
	if (bulk) {
		sql(h, sums);
		sql(h, again);
		sqlite3_free(again);
	}
	sql(h, "COMMIT");
}

static sqlite3 *
made(const char *path)
{
	struct store *s;
	sqlite3 *h = NULL;

	must(store_open(&(struct store_conf){ .path = path, .schema = STORE_SERVICE }, &s), "open");
	store_close(s);
	if (sqlite3_open(path, &h) != SQLITE_OK)
		exit(1);
	sql(h,
	    "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000; PRAGMA foreign_keys=OFF");
	return h;
}

#endif
