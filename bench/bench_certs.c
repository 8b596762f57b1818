/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an administrator waits for in a CA with 1,000,000 certificates: pages of lists, searches and counts, as the command
 * line asks for them. The records are made by the calls that the issuer makes (an intent, then the certificate; the index
 * of names in batches), of four templates with a fixed validity, over three years, by eight requesters.
 *
 * A question's line has its median; its worst time stands in a line of its own. ours: milliseconds; floor: 100, the longest
 * that feels immediate. certs_keep_cells and certs_keep_text are the processor time, in microseconds a certificate, of what
 * makes questions quick; floor: 40. BENCH_CERTS=n makes n certificates instead, BENCH_CERTS_DB=PATH keeps the database
 * there and uses it again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "clock.h"
#include "must.h"
#include "pki/key.h"
#include "store/ca.h"
#include "store/search.h"
#include "store/store.h"

enum { CERTS = 1000000, GROUP = 16, BATCH = 500, TURNS = 21, PAGE = 100, CERT_BYTES = 1200 };
enum { START = 1700000000, SPAN = 3 * 365 * 86400, DAY = 86400 };

/* ---- filling ---- */

struct fill {
	int64_t from, to, total;
};

static const struct {
	const char *ca, *template;
	int64_t days;
} kinds[] = {
	{ "Corp Issuing CA", "Wifi", 365 },
	{ "Corp Issuing CA", "Machine", 365 },
	{ "Corp Issuing CA", "WebServer", 90 },
	{ "Corp Device Identity CA", "DeviceIdentity", 730 },
};
static const char *const requesters[] = { "service", "connector-berlin", "connector-oslo",
	"connector-lima", "web-team", "printers", "lab", "est-gateway" };
static const char *const names[] = { "ada", "bob", "carla", "dmitri", "erin", "fatima", "george",
	"hanako", "ines", "jorge", "katrin", "li", "mohammed", "nina", "olga", "pedro", "quinn" };
static const char *const units[] = { "Staff", "Sales", "Engineering", "Operations" };

static struct issued
record(struct arena *a, int64_t i, int64_t total)
{
	uint64_t mix = (uint64_t)i * 0x9e3779b97f4a7c15u;
	size_t kind = (mix >> 33) % COUNT(kinds);
	const char *name = arena_printf(a, "%s.%s%07lld", names[(mix >> 40) % COUNT(names)],
	    names[(mix >> 50) % COUNT(names)], (long long)i);
	when_t when = START + (when_t)((double)i / (double)total * SPAN);
	struct issued x = { .ca = kinds[kind].ca,
		.template = kinds[kind].template,
		.requester = requesters[(mix >> 20) % COUNT(requesters)],
		.state = ISSUED_INTENT,
		.serial = arena_printf(
		    a, "5a%016llx%08llx", (unsigned long long)mix, (unsigned long long)i),
		.subject =
		    arena_printf(a, "CN=%s,OU=%s,O=Corp", name, units[(mix >> 60) % COUNT(units)]),
		.san = arena_printf(a, "UPN:%s@corp.example, DNS:%s.dev.corp.example", name, name),
		.order = id_new(),
		.fence = 1,
		.not_before = when,
		.not_after = when + kinds[kind].days * DAY,
		.requested = when,
		.resolved = when };

	return x;
}

/* What a real issuer would have written: mostly valid, some revoked, some denied. */
static err_t
fill_tx(struct tx *tx, void *arg)
{
	const struct fill *f = arg;
	static uint8_t body[CERT_BYTES];

	for (int64_t i = f->from; i < f->to; i++) {
		auto_arena struct arena *a = arena_new();
		struct issued x = record(a, i, f->total);
		uint8_t hash[32];

		if (i % 500 == 7) {
			x.state = ISSUED_DENIED;
			x.serial = "";
			x.not_before = x.not_after = 0;
			TRY(store_issued_insert(tx, &x));
			continue;
		}
		hash_sha256(str_c(x.serial), hash);
		x.spki_sha256 = x.cert_sha256 = STR(hash);
		x.tbs = STR(body);
		TRY(store_issued_insert(tx, &x));
		x.state = ISSUED_VALID;
		x.tbs = STR_EMPTY;
		x.cert = STR(body);
		x.message = "Issued";
		TRY(store_issued_update(tx, &x, ISSUED_INTENT));
		if (i % 50 != 0)
			continue;
		x.state = ISSUED_REVOKED;
		x.revoked = x.resolved + DAY;
		x.reason = 1;
		TRY(store_issued_update(tx, &x, ISSUED_VALID));
	}
	return OK;
}

static err_t
cas_tx(struct tx *tx, void *arg)
{
	(void)arg;
	TRY(store_ca_insert(tx, &(struct ca_row){ .name = kinds[0].ca }));
	return store_ca_insert(tx, &(struct ca_row){ .name = kinds[3].ca });
}

static err_t
index_tx(struct tx *tx, void *arg)
{
	return store_issued_index(tx, BATCH, arg);
}

static void
line(const char *name, const char *which, double ours, const char *unit, double floor)
{
	printf("bench certs_%s%s ours=%.2f %s floor=%.0f ratio=%.3f\n", name, which, ours, unit,
	    floor, ours / floor);
	fflush(stdout);
}

static void
fill(struct store *s, int64_t total)
{
	struct fill f = { .total = total };
	double from = cpu_us(), worst = 0, took;
	bool more = true;

	must(store_write(s, cas_tx, NULL), "CAs");
	while (f.to < total) {
		f.from = f.to;
		f.to = f.from + GROUP < total ? f.from + GROUP : total;
		must(store_write(s, fill_tx, &f), "filling");
	}
	printf("records: %.1f us of processor time each\n", (cpu_us() - from) / (double)total);
	from = cpu_us();
	while (more) {
		took = now_ms();
		must(store_write(s, index_tx, &more), "index");
		took = now_ms() - took;
		if (took > worst)
			worst = took;
	}
	line("keep_text", "", (cpu_us() - from) / (double)total, "us", 40);
	line("keep_text", "_batch_worst", worst, "ms", 100);
}

/* ---- asking ---- */

struct ask {
	const char *name;
	struct issued_filter f;
	bool count;
};

struct asked {
	const struct ask *ask;
	struct arena *a;
	int64_t n;
};

static err_t
ask_tx(struct tx *tx, void *arg)
{
	struct asked *q = arg;
	struct issued *v;
	size_t n;

	if (q->ask->count)
		return store_issued_count(tx, &q->ask->f, &q->n);
	TRY(store_issued_search(tx, q->a, &q->ask->f, PAGE, &v, &n));
	q->n = (int64_t)n;
	return OK;
}

enum { MIDDLE = START + SPAN / 2 };

static const struct ask asks[] = {
	{ "list", { 0 }, false },
	{ "list_deep", { .before = 20000 }, false },
	{ "list_revoked", { .state = ISSUED_REVOKED }, false },
	{ "list_denied", { .state = ISSUED_DENIED }, false },
	{ "list_template", { .template = "wifi" }, false },
	{ "list_requester", { .requester = "Lab" }, false },
	{ "list_requester_template", { .template = "webserver", .requester = "lab" }, false },
	{ "list_ca", { .ca = "corp device identity ca" }, false },
	{ "list_serial", { .serial = "5a00" }, false },
	{ "list_serial_broad", { .serial = "5a" }, false },
	{ "list_asked", { .requested_from = MIDDLE, .requested_before = MIDDLE + DAY }, false },
	{ "list_ending", { .ends_from = MIDDLE, .ends_before = MIDDLE + DAY }, false },
	{ "list_ending_template",
	    { .template = "webserver", .state = ISSUED_VALID, .ends_before = MIDDLE }, false },
	{ "search", { .text = "olga0004242" }, false },
	{ "search_digits", { .text = "0004242" }, false },
	{ "search_name", { .text = "ada.quinn" }, false },
	{ "search_all", { .text = "corp.example" }, false },
	{ "search_none", { .text = "nobody@nowhere" }, false },
	{ "search_revoked", { .text = "olga.nina", .state = ISSUED_REVOKED }, false },
	{ "search_two_letters", { .text = "qu" }, false },
	{ "count", { 0 }, true },
	{ "count_revoked", { .state = ISSUED_REVOKED }, true },
	{ "count_template", { .template = "wifi", .state = ISSUED_VALID }, true },
	{ "count_requester", { .requester = "lab" }, true },
	{ "count_asked", { .requested_from = MIDDLE + 5000 }, true },
	{ "count_ending", { .ends_from = MIDDLE, .ends_before = MIDDLE + 30 * DAY }, true },
	{ "count_serial", { .serial = "5a0" }, true },
	{ "count_text", { .text = "ada.quinn" }, true },
	{ "count_text_revoked", { .text = "corp.example", .state = ISSUED_REVOKED }, true },
	{ "count_text_all", { .text = "corp.example" }, true },
};

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(struct store *s, const struct ask *ask)
{
	double took[TURNS], cpu = cpu_us();
	int64_t n = 0;

	for (size_t i = 0; i < TURNS; i++) {
		auto_arena struct arena *a = arena_new();
		struct asked q = { .ask = ask, .a = a };
		double from = now_ms();

		must(store_read(s, ask_tx, &q), ask->name);
		took[i] = now_ms() - from;
		n = q.n;
	}
	cpu = (cpu_us() - cpu) / TURNS / 1e3;
	qsort(took, TURNS, sizeof(*took), compare);
	printf("%s: %lld found, %.2f ms of processor time\n", ask->name, (long long)n, cpu);
	line(ask->name, "", took[TURNS / 2], "ms", 100);
	line(ask->name, "_worst", took[TURNS - 1], "ms", 100);
}

static long
memory_kb(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_maxrss;
}

int
main(void)
{
	char dir[] = "/tmp/chancery-bench-XXXXXX";
	struct arena *a = arena_new();
	const char *text = getenv("BENCH_CERTS"), *kept = getenv("BENCH_CERTS_DB");
	struct store_conf conf = { .schema = STORE_CA, .path = kept };
	struct store *s = NULL;
	int64_t total = CERTS;
	bool there;

	if (text != NULL)
		must(text_i64(str_c(text), 1, 100000000, &total), "BENCH_CERTS");
	if (mkdtemp(dir) == NULL)
		abort();
	if (kept == NULL)
		conf.path = arena_printf(a, "%s/ca.db", dir);
	there = access(conf.path, R_OK) == 0;
	must(store_open(&conf, &s), "store");
	if (!there)
		fill(s, total);
	printf("memory before the questions: %ld kB\n", memory_kb());
	for (size_t i = 0; i < COUNT(asks); i++)
		measure(s, &asks[i]);
	printf("memory after the questions: %ld kB\n", memory_kb());
	store_close(s);
	if (system(arena_printf(a, "rm -rf %s", dir)) != 0)
		abort();
	arena_free(a);
	return 0;
}
