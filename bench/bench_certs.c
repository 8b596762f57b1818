/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an administrator waits for in a CA with 1,000,000 certificates: a page of a list, a page deep in it, counts, and
 * searches, as the records are asked by the command line. ours: the slowest of the median times of one row, in
 * milliseconds; floor: 100 ms, the longest that feels immediate. BENCH_CERTS=n makes n certificates instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "pki/key.h"
#include "store/ca.h"
#include "store/pending.h"
#include "store/store.h"

enum { CERTS = 1000000, GROUP = 20000, TURNS = 5, PAGE = 100, CERT_BYTES = 1200 };

static void
must(err_t e, const char *what)
{
	struct err_report why;

	if (err_ok(e))
		return;
	err_take(e, &why);
	fprintf(stderr, "%s: %s: %s\n", what, err_info(why.code)->text, why.detail);
	exit(1);
}

struct fill {
	int64_t from, to;
};

/* What a real issuer would have written: mostly valid, some revoked, some denied. */
static err_t
fill_tx(struct tx *tx, void *arg)
{
	const struct fill *f = arg;
	static uint8_t body[CERT_BYTES];

	for (int64_t i = f->from; i < f->to; i++) {
		auto_arena struct arena *a = arena_new();
		uint8_t hash[32], spki[32];
		struct issued x = { .ca = "Corp Issuing CA",
			.template = i % 3 == 0 ? "Wifi" : "Machine",
			.requester = i % 2 == 0 ? "connector" : "service",
			.state = i % 50 == 0 ? ISSUED_REVOKED : ISSUED_VALID,
			.serial = arena_printf(
			    a, "5a00112233445566778899aabbcc%012llx", (unsigned long long)i),
			.subject = arena_printf(a, "CN=user%07lld,OU=Staff,O=Corp", (long long)i),
			.san = arena_printf(a, "UPN:user%07lld@corp.example", (long long)i),
			.cert = STR(body),
			.order = id_new(),
			.fence = 1,
			.not_before = 1767225600 + i * 30,
			.not_after = 1767225600 + i * 30 + 365 * 86400,
			.requested = 1767225600 + i * 30,
			.resolved = 1767225600 + i * 30,
			.message = "Issued" };

		hash_sha256(str_c(x.serial), hash);
		hash_sha256(str_c(x.subject), spki);
		x.cert_sha256 = STR(hash);
		x.spki_sha256 = STR(spki);
		if (x.state == ISSUED_REVOKED) {
			x.revoked = x.resolved + 86400;
			x.reason = 1;
		}
		TRY(store_issued_insert(tx, &x));
	}
	return OK;
}

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

static const struct ask asks[] = {
	{ "list", { 0 }, false },
	{ "list_deep", { .before = CERTS / 2 }, false },
	{ "list_revoked", { .state = ISSUED_REVOKED }, false },
	{ "list_template", { .template = "wifi", .requester = "service" }, false },
	{ "list_ending",
	    { .ends_from = 1767225600 + 366 * 86400, .ends_before = 1767225600 + 367 * 86400 },
	    false },
	{ "search", { .text = "user0000042" }, false },
	{ "search_none", { .text = "nobody@nowhere" }, false },
	{ "count_revoked", { .state = ISSUED_REVOKED }, true },
	{ "count", { 0 }, true },
};

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(struct store *s, const struct ask *ask)
{
	double took[TURNS];

	for (size_t i = 0; i < TURNS; i++) {
		auto_arena struct arena *a = arena_new();
		struct asked q = { .ask = ask, .a = a };
		double from = now_ms();

		must(store_read(s, ask_tx, &q), ask->name);
		took[i] = now_ms() - from;
	}
	qsort(took, TURNS, sizeof(*took), compare);
	printf("bench certs_%s ours=%.2f ms floor=100 ratio=%.3f\n", ask->name, took[TURNS / 2],
	    took[TURNS / 2] / 100);
	fflush(stdout);
}

int
main(void)
{
	char dir[] = "/tmp/chancery-bench-XXXXXX";
	struct arena *a = arena_new();
	struct store_conf conf = { .schema = STORE_CA };
	const char *text = getenv("BENCH_CERTS");
	struct store *s = NULL;
	int64_t total = CERTS;
	struct fill f = { 0 };

	if (text != NULL)
		must(text_i64(str_c(text), GROUP, 100000000, &total), "BENCH_CERTS");
	if (mkdtemp(dir) == NULL)
		abort();
	conf.path = arena_printf(a, "%s/ca.db", dir);
	must(store_open(&conf, &s), "store");
	while (f.to < total) {
		f.from = f.to;
		f.to = f.from + GROUP;
		must(store_write(s, fill_tx, &f), "filling");
	}
	for (size_t i = 0; i < COUNT(asks); i++)
		measure(s, &asks[i]);
	store_close(s);
	if (system(arena_printf(a, "rm -rf %s", dir)) != 0)
		abort();
	arena_free(a);
	return 0;
}
