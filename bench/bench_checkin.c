/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a check-in costs that finds everything as it should be, with ten profiles, in stores of 1,000, 100,000 and
 * 1,000,000 devices (each with ten slots and as many requests). 100 devices, spread over the store, were brought there
 * by real check-ins. ours: processor time of one check-in in microseconds; floor: 1.2 times that of the smallest store.
 * BENCH_CHECKIN=n ends with n devices.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/assign.h"
#include "model/checkin.h"
#include "pki/key.h"
#include "root.h"
#include "slots_fill.h"

enum { PROFILES = 10, DEVICES = 100, TURNS = 20 };

struct bench {
	struct store *store;
	struct arena *a;
	struct id devices[DEVICES];
	struct id group;
	struct report_item items[PROFILES];
};

static double
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static err_t
people_add(struct tx *tx, void *arg)
{
	struct bench *b = arg;
	struct group g = { .id = b->group, .display_name = "All", .source = SOURCE_CLOUD };

	TRY(store_group_insert(tx, &g));
	for (size_t i = 0; i < DEVICES; i++) {
		struct device d = { .id = id_new(),
			.name = "bench",
			.platform = "linux",
			.state = DEVICE_ACTIVE,
			.enrolled = when_now(),
			.last_seen = when_now() };

		b->devices[i] = d.id;
		TRY(store_device_insert(tx, &d));
		TRY(store_member_add(tx, b->group, (struct member){ d.id, MEMBER_DEVICE }));
	}
	return OK;
}

static void
profiles_add(struct bench *b)
{
	struct assignment to = { .kind = TARGET_GROUP, .group = b->group };

	for (int i = 0; i < PROFILES; i++) {
		struct warnings warn;
		struct profile p = root_profile(b->store, b->a, i);

		must(profile_assign(b->store, b->a, "bench", p.id, &to, 1, &warn), "assign");
	}
}

/* Takes all that is offered; *report is what the device says from then on. */
static void
settle(struct bench *b, struct id device, struct report *report)
{
	struct report_result results[PROFILES];
	struct command *v;
	size_t n;

	*report = (struct report){ .has_inventory = true, .items = b->items };
	must(checkin_run(b->store, b->a, device, report, &v, &n), "first check-in");
	if (n != PROFILES)
		abort();
	for (size_t i = 0; i < n; i++) {
		uint8_t *hash = arena_alloc(b->a, 32);

		hash_sha256(v[i].der, hash);
		b->items[i] =
		    (struct report_item){ .alias = v[i].alias, .sha256 = str_of(hash, 32) };
		results[i] = (struct report_result){ .id = v[i].id, .status = RESULT_OK };
	}
	report->nitems = n;
	report->results = results;
	report->nresults = n;
	must(checkin_run(b->store, b->a, device, report, &v, &n), "second check-in");
	report->results = NULL;
	report->nresults = 0;
	if (n != 0)
		abort();
}

static double
idle(struct bench *b)
{
	struct report report[1];
	struct command *v;
	double from = 0;
	size_t n;

	for (size_t i = 0; i < DEVICES; i++)
		settle(b, b->devices[i], report);
	for (int turn = -1; turn < TURNS; turn++) {
		if (turn == 0)
			from = cpu_us();
		for (size_t i = 0; i < DEVICES; i++) {
			auto_arena struct arena *a = arena_new();

			must(checkin_run(b->store, a, b->devices[i], report, &v, &n), "check-in");
			if (n != 0)
				abort();
		}
	}
	return (cpu_us() - from) / (TURNS * DEVICES);
}

int
main(void)
{
	static const int64_t sizes[] = { 1000, 100000, 1000000 };
	const char *last = getenv("BENCH_CHECKIN");
	char dir[] = "/tmp/bench-XXXXXX", path[64];
	int64_t end = sizes[COUNT(sizes) - 1];
	double first = 0, us;

	if (last != NULL)
		must(text_i64(str_c(last), 1000, end, &end), "BENCH_CHECKIN");
	if (mkdtemp(dir) == NULL)
		return 1;
	for (size_t i = 0; i < COUNT(sizes) && sizes[i] <= end; i++) {
		struct bench b = { .a = arena_new(), .group = id_new() };
		sqlite3 *h;

		snprintf(path, sizeof(path), "%s/%zu.db", dir, i);
		h = made(path);
		fill(h, sizes[i] * 10, true);
		sqlite3_close(h);
		must(store_open(
			 &(struct store_conf){ .path = path, .schema = STORE_SERVICE }, &b.store),
		    "open");
		must(store_write(b.store, people_add, &b), "devices");
		profiles_add(&b);
		us = idle(&b);
		first = i == 0 ? us : first;
		printf("bench checkin_%lld ours=%.1f us floor=%.1f ratio=%.2f\n",
		    (long long)sizes[i], us, 1.2 * first, us / (1.2 * first));
		fflush(stdout);
		store_close(b.store);
		unlink(path);
		arena_free(b.a);
	}
	rmdir(dir);
	return 0;
}
