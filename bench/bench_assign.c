/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What assigning costs: desired_for() of one device with ten profiles in stores of 1,000, 100,000 and 1,000,000 devices
 * (the floor of the larger ones is the smallest, so the ratio should stay near one), and assigning a profile to the group
 * that holds every device. CPU time of the calling thread for the former; wall clock for the latter, as the writer thread
 * does the work. Also what an import of 20,000 users costs in CPU time of the process, one transaction, keys in no order,
 * when so many users are there already.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "model/assign.h"
#include "model/desired.h"

#define PROFILES 10
#define LOOKS 2000
#define BATCH 1000
#define IMPORTED 20000
#define IMPORT_FLOOR_US 250.0 /* of a row; a store that holds few has about 50 */

struct bench {
	struct store *store;
	struct arena *a;
	struct id group, profiles[PROFILES];
	size_t from, to;
	double us;
};

static void
must(err_t e)
{
	if (err_ok(e))
		return;
	fprintf(stderr, "%s\n", err_detail());
	abort();
}

static double
now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* In order of n, so that filling the store does not take longer than measuring it; looks go by leaps. */
static struct id
id_of(size_t n)
{
	struct id id = { { 1 } };

	for (size_t i = 0; i < 8; i++)
		id.b[15 - i] = (uint8_t)(n >> (8 * i));
	return id;
}

static err_t
fill(struct tx *tx, void *arg)
{
	struct bench *b = arg;

	for (size_t i = b->from; i < b->to; i++) {
		struct id id = id_of(i);

		TRY(store_device_insert(tx,
		    &(struct device){
			.id = id, .name = "device", .platform = "linux", .state = DEVICE_ACTIVE }));
		TRY(store_member_add(tx, b->group, (struct member){ id, MEMBER_DEVICE }));
	}
	return OK;
}

static err_t
begin(struct tx *tx, void *arg)
{
	struct bench *b = arg;
	struct profile p = { .type = "#chancery.linuxTrustedRootCertificate",
		.platform = "linux",
		.display_name = "P",
		.settings = "{\"certFileName\":\"r.cer\",\"trustedRootCertificate\":\"AAAA\"}",
		.version = 1 };
	struct group g = { .id = b->group, .display_name = "All", .source = SOURCE_CLOUD };

	TRY(store_group_insert(tx, &g));
	for (size_t i = 0; i < PROFILES; i++) {
		p.id = b->profiles[i];
		TRY(store_profile_insert(tx, &p));
	}
	return OK;
}

static err_t
look(struct tx *tx, void *arg)
{
	struct bench *b = arg;
	double from = now_us(CLOCK_THREAD_CPUTIME_ID);

	for (size_t i = 0; i < LOOKS; i++) {
		auto_arena struct arena *a = arena_new();
		struct device d;
		struct desired *v;
		size_t n;

		TRY(store_device_get(tx, a, id_of((i * 7919 * 65537) % b->to), &d));
		TRY(desired_for(tx, a, &d, &v, &n));
		if (n != PROFILES)
			abort();
	}
	b->us = (now_us(CLOCK_THREAD_CPUTIME_ID) - from) / LOOKS;
	return OK;
}

/* Every key another one, and in no order. */
static err_t
import(struct tx *tx, void *arg)
{
	struct bench *b = arg;

	for (size_t i = b->from; i < b->to; i++) {
		struct id id = id_new();
		const char *upn = arena_printf(b->a, "%s@contoso.example", id_text(b->a, id));

		TRY(store_user_insert(tx,
		    &(struct user){ .id = id,
			.upn = upn,
			.display_name = upn,
			.given_name = "",
			.surname = "",
			.mail = upn,
			.enabled = true,
			.source = SOURCE_FILE }));
	}
	return OK;
}

static double
imported(struct bench *b, size_t n)
{
	double from;

	b->from = 0;
	b->to = n;
	from = now_us(CLOCK_PROCESS_CPUTIME_ID);
	must(store_write(b->store, import, b));
	return (now_us(CLOCK_PROCESS_CPUTIME_ID) - from) / (double)n;
}

static double
assign(struct bench *b, size_t profile)
{
	struct assignment to = { .kind = TARGET_GROUP, .group = b->group };
	struct warnings warn;
	double from = now_us(CLOCK_MONOTONIC);

	must(profile_assign(b->store, b->a, "bench", b->profiles[profile], &to, 1, &warn));
	return (now_us(CLOCK_MONOTONIC) - from) / 1000;
}

static void
grow(struct bench *b, size_t devices)
{
	while (b->to < devices) {
		b->from = b->to;
		b->to = devices - b->to < BATCH ? devices : b->to + BATCH;
		must(store_write(b->store, fill, b));
	}
}

int
main(void)
{
	static const size_t sizes[] = { 1000, 100000, 1000000 };
	char dir[] = "/tmp/bench-assign-XXXXXX", path[64], command[96];
	struct bench b = { .a = arena_new(), .group = id_new() };
	double first = 0, ms, us;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/x.db", dir);
	must(store_open(&(struct store_conf){ .path = path, .schema = STORE_SERVICE }, &b.store));
	for (size_t i = 0; i < PROFILES; i++)
		b.profiles[i] = id_new();
	must(store_write(b.store, begin, &b));
	for (size_t i = 0; i < PROFILES; i++)
		(void)assign(&b, i);
	for (size_t k = 0; k < COUNT(sizes); k++) {
		grow(&b, sizes[k]);
		must(store_read(b.store, look, &b));
		must(store_read(b.store, look, &b)); /* the second time with warm caches */
		first = k == 0 ? b.us : first;
		printf("bench desired-%zu ours=%.1f us floor=%.1f ratio=%.2f\n", sizes[k], b.us,
		    first, b.us / first);
		fflush(stdout);
	}
	ms = assign(&b, 0);
	printf("bench assign-1000000 ours=%.1f ms floor=1000 ratio=%.3f\n", ms, ms / 1000);
	for (size_t n = 0; n < 300000; n += IMPORTED) {
		us = imported(&b, IMPORTED);
		if (n == 0 || n == 100000 || n == 280000)
			printf("bench import-%zu ours=%.1f us floor=%.0f ratio=%.2f\n", n, us,
			    IMPORT_FLOOR_US, us / IMPORT_FLOOR_US);
		fflush(stdout);
	}
	store_close(b.store);
	arena_free(b.a);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? 0 : 1;
}
