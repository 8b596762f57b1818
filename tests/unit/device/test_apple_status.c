/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the report of an Apple device wakes. */
#include "expect.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "device/apple_heard.h"
#include "device/apple_status.h"
#include "pki/key.h"
#include "store/device_state.h"

#define NOW 1780000000
#define GONE \
	"{\"StatusItems\":{\"security\":{\"certificate\":{\"list\":[{\"identifier\":\"1\",\"_removed\":true}]}}},\"Errors\":[]}"

struct fixture {
	struct arena *a;
	char dir[64];
	struct device_edge edge;
	struct device device;
	struct apple_state state;
	unsigned woken;
};

static void
notified(void *ctx, unsigned topic, struct str key)
{
	struct fixture *f = ctx;

	(void)key;
	f->woken += topic == TOPIC_DEVICE;
}

/* As it was left at some time. */
static err_t
put(struct tx *tx, void *arg)
{
	struct fixture *f = arg;
	struct channel_state row = { .device = f->device.id, .channel = "" };
	struct apple_heard heard = { .since = NOW - 100, .refused = "" };
	struct apple_mark mark;
	uint8_t hash[32];
	struct str blob;

	hash_sha256(LIT("1"), hash);
	memcpy(mark.id, hash, APPLE_MARK);
	memcpy(mark.sha256, f->state.items[0].sha256, APPLE_MARK);
	heard.v = &mark;
	heard.n = 1;
	TRY(apple_state_write(f->a, &f->state, &row.state));
	row.updated = when_now();
	TRY(store_device_state_put(tx, &row));
	TRY(apple_heard_write(f->a, &heard, &blob));
	return store_device_report_put(tx, f->device.id, "", blob);
}

static err_t
put_device(struct tx *tx, void *arg)
{
	struct fixture *f = arg;

	return store_device_insert(tx, &f->device);
}

static int
setup(void **state)
{
	static struct apple_item item = { .alias = "chancery-1", .sha256 = { 1, 2, 3 } };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->a = arena_new();
	snprintf(f->dir, sizeof(f->dir), "/tmp/status-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	when_set(NOW);
	expect_ok(store_open(&(struct store_conf){ .path = arena_printf(f->a, "%s/x.db", f->dir),
				 .schema = STORE_SERVICE,
				 .readers = 2,
				 .notify = notified,
				 .notify_ctx = f },
	    &f->edge.store));
	f->edge.apple_declarative = true;
	f->device = (struct device){ .id = id_new(),
		.name = "phone",
		.platform = "ios",
		.os_version = "17.5",
		.reporting = "declarative",
		.state = DEVICE_ACTIVE,
		.identity = LIT("identity"),
		.identity_sha256 = str_of("0123456789abcdef0123456789abcdef", 32),
		.enrolled = NOW - 50 };
	apple_state_read(f->a, STR_EMPTY, &f->state);
	f->state.token = LIT("token");
	f->state.known_ms = (NOW - 50) * 1000LL;
	f->state.items = &item;
	f->state.nitems = 1;
	expect_ok(store_write(f->edge.store, put_device, f));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	DIR *d = opendir(f->dir);

	store_close(f->edge.store);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
		unlink(arena_printf(f->a, "%s/%s", f->dir, e->d_name));
	closedir(d);
	rmdir(f->dir);
	arena_free(f->a);
	free(f);
	when_set(0);
	return 0;
}

/* Seconds later it reports that its certificate is gone. */
static unsigned
woken_by_report(struct fixture *f, when_t later)
{
	struct pl *body = pl_dict(f->a);
	struct apple_msg m = { .channel = "", .body = body };

	pl_set_data(f->a, body, "Data", LIT(GONE));
	expect_ok(store_write(f->edge.store, put, f));
	when_set(when_now() + later);
	f->woken = 0;
	expect_ok(apple_status_take(&f->edge, f->a, &f->device, &m));
	return f->woken;
}

static void
a_report_that_comes_while_a_session_is_under_way_wakes_nobody(void **state)
{
	struct fixture *f = *state;

	f->state.sent = "command";
	assert_int_equal(woken_by_report(f, 1), 0);
	f->state.sent = "";
	f->state.ask = APPLE_ASK_PROFILES | APPLE_ASK_CERTIFICATES;
	assert_int_equal(woken_by_report(f, 1), 0);
}

static void
a_session_that_the_device_broke_off_does_not_keep_it_asleep(void **state)
{
	struct fixture *f = *state;

	f->state.sent = "command";
	assert_int_equal(woken_by_report(f, 3600), 1);
	f->state.sent = "";
	f->state.ask = APPLE_ASK_PROFILES | APPLE_ASK_CERTIFICATES;
	assert_int_equal(woken_by_report(f, 3600), 1);
}

static void
a_report_after_the_session_wakes_the_device(void **state)
{
	struct fixture *f = *state;

	f->state.ask = APPLE_ASK_LATER;
	assert_int_equal(woken_by_report(f, 1), 1);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_report_that_comes_while_a_session_is_under_way_wakes_nobody),
		CASE(a_session_that_the_device_broke_off_does_not_keep_it_asleep),
		CASE(a_report_after_the_session_wakes_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
