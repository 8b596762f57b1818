/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the report of an Apple device wakes, and what becomes of what comes at the same time. */
#include "expect.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

#include "device/apple_heard.h"
#include "device/apple_inventory.h"
#include "device/apple_session.h"
#include "device/apple_status.h"
#include "device/apple_wake.h"
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
	enum due_kind due;
	when_ms_t gone_ms;
	bool gave_up;
	/* What is written while the writer stands still after the next note, so that it comes between two transactions of who
	 * is at work; NULL: nothing. */
	store_fn between, now;
	sem_t still, go;
	pthread_t thread;
};

static void *
write_between(void *arg)
{
	struct fixture *f = arg;

	expect_ok(store_write(f->edge.store, f->now, f));
	return NULL;
}

/* On the writer's thread. What is queued while it stands here is the next that it does. */
static void
notified(void *ctx, unsigned topic, struct str key)
{
	struct fixture *f = ctx;

	(void)key;
	f->woken += topic == TOPIC_DEVICE;
	if (f->between == NULL || topic != TOPIC_DEVICE)
		return;
	f->now = f->between;
	f->between = NULL;
	pthread_create(&f->thread, NULL, write_between, f);
	usleep(200000);
	sem_post(&f->still);
	while (sem_wait(&f->go) != 0)
		;
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
	sem_init(&f->still, 0, 0);
	sem_init(&f->go, 0, 0);
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
		.identity_not_after = NOW + 300 * 86400,
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
	sem_destroy(&f->still);
	sem_destroy(&f->go);
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

/* ---- what comes at the same time ---- */

static err_t
get_device(struct tx *tx, void *arg)
{
	struct fixture *f = arg;

	return store_device_get(tx, f->a, f->device.id, &f->device);
}

static err_t
get_state(struct tx *tx, void *arg)
{
	struct fixture *f = arg;
	struct channel_state row;

	TRY(store_device_state_get(tx, f->a, f->device.id, "", &row));
	apple_state_read(f->a, row.state, &f->state);
	return OK;
}

/* The lists were read: another certificate came by the profile, and they show it. */
static err_t
put_lists(struct tx *tx, void *arg)
{
	static struct apple_item newer = { .alias = "chancery-1", .sha256 = { 7, 7, 7 } };
	struct fixture *f = arg;
	struct channel_state row = { .device = f->device.id, .channel = "", .updated = when_now() };

	f->state.items = &newer;
	f->state.known_ms = when_now_ms() + 1;
	TRY(apple_state_write(f->a, &f->state, &row.state));
	TRY(store_device_state_put(tx, &row));
	return store_device_shown(tx, f->device.id, when_now(), "newer");
}

static void
lists_that_are_read_while_a_report_is_taken_are_what_counts(void **state)
{
	struct fixture *f = *state;

	f->between = put_lists;
	sem_post(&f->go);
	assert_int_equal(woken_by_report(f, 1), 1);
	pthread_join(f->thread, NULL);
	expect_ok(store_read(f->edge.store, get_device, f));
	assert_non_null(strstr(f->device.inventory, "070707"));
}

static err_t
put_token(struct tx *tx, void *arg)
{
	struct fixture *f = arg;
	struct channel_state row;
	struct apple_state st;

	TRY(store_device_state_get(tx, f->a, f->device.id, "", &row));
	apple_state_read(f->a, row.state, &st);
	st.token = LIT("another token");
	TRY(apple_state_write(f->a, &st, &row.state));
	return store_device_state_put(tx, &row);
}

static err_t
only_notify(struct tx *tx, void *arg)
{
	struct fixture *f = arg;

	tx_notify(tx, TOPIC_DEVICE, id_str(&f->device.id));
	return OK;
}

static void *
hold_writer(void *arg)
{
	struct fixture *f = arg;

	expect_ok(store_write(f->edge.store, only_notify, f));
	return NULL;
}

static void *
let_go(void *arg)
{
	struct fixture *f = arg;

	usleep(200000);
	sem_post(&f->go);
	return NULL;
}

/* The device's message is read with the old token, and what comes of it written after the new one. */
static struct str
said_while_a_token_comes(struct fixture *f, enum apple_status status, const char *command)
{
	struct apple_msg m = { .type = APPLE_COMMAND,
		.status = status,
		.channel = "",
		.command = command,
		.code = "",
		.detail = "",
		.body = pl_dict(f->a) };
	pthread_t holding, going;
	struct str answer;

	expect_ok(store_write(f->edge.store, put, f));
	f->between = put_token;
	pthread_create(&holding, NULL, hold_writer, f);
	while (sem_wait(&f->still) != 0)
		;
	pthread_create(&going, NULL, let_go, f);
	expect_ok(apple_session_step(&f->edge, f->a, &f->device, &m, &answer));
	pthread_join(holding, NULL);
	pthread_join(going, NULL);
	pthread_join(f->thread, NULL);
	expect_ok(store_read(f->edge.store, get_state, f));
	return answer;
}

static void
a_token_that_comes_while_a_session_is_at_work_stays(void **state)
{
	struct fixture *f = *state;
	struct str answer = said_while_a_token_comes(f, APPLE_IDLE, "");

	assert_true(str_eq(f->state.token, LIT("another token")));
	assert_true(f->state.ask != 0);
	assert_true(answer.n > 0);
	/* And where it was the lists that the session brought. */
	f->state.ask = APPLE_ASK_CERTIFICATES;
	f->state.round = "round";
	f->state.token = LIT("token");
	said_while_a_token_comes(f, APPLE_ACKNOWLEDGED, "round-certificates");
	assert_true(str_eq(f->state.token, LIT("another token")));
	assert_int_equal(f->state.ask, 0);
	assert_int_equal(f->state.nitems, 0);
}

/* ---- what such a device is woken for, beside what the model has for it ---- */

static err_t
ask_due(struct tx *tx, void *arg)
{
	struct fixture *f = arg;

	return apple_wake_due(tx, f->a, f->device.id, "topic", 30 * 86400, &f->due);
}

static enum due_kind
due(struct fixture *f)
{
	expect_ok(store_write(f->edge.store, put, f));
	expect_ok(store_read(f->edge.store, ask_due, f));
	return f->due;
}

static err_t
ask_sync(struct tx *tx, void *arg)
{
	struct fixture *f = arg;

	return store_device_ask(tx, f->device.id, when_now());
}

static void
lists_that_are_old_and_an_identity_that_ends_are_worth_a_wake_up(void **state)
{
	struct fixture *f = *state;

	f->state.topic = "topic";
	assert_int_equal(due(f), DUE_NOT);
	when_set(NOW + 23 * 3600);
	assert_int_equal(due(f), DUE_NOT); /* it tells by itself what goes */
	when_set(NOW + 24 * 3600);
	assert_int_equal(due(f), DUE_WAITING);
	f->state.known_ms = when_now_ms();
	assert_int_equal(due(f), DUE_NOT);
	when_set(NOW + 280 * 86400LL);
	f->state.known_ms = when_now_ms();
	assert_int_equal(due(f), DUE_WAITING);
	f->state.renewing = when_now() - 3600;
	assert_int_equal(due(f), DUE_NOT);
	f->state.renewing = when_now() - 86400;
	assert_int_equal(due(f), DUE_WAITING);
	/* Nobody can be woken at a topic that is not ours, or whom Apple does not know any more. */
	f->state.topic = "another";
	assert_int_equal(due(f), DUE_NOT);
	f->state.topic = "topic";
	f->state.deaf = true;
	assert_int_equal(due(f), DUE_NOT);
}

static err_t
give_up(struct tx *tx, void *arg)
{
	struct fixture *f = arg;
	const struct apple_wake w = { .channel = "", .token = LIT("token") };

	return apple_wake_failed(tx, f->a, f->device.id, &w, f->gone_ms, &f->gave_up);
}

/* Whether Apple's word that the token is gone since then counts. */
static bool
is_deaf(struct fixture *f, when_ms_t gone_ms)
{
	f->gone_ms = gone_ms;
	expect_ok(store_write(f->edge.store, put, f));
	expect_ok(store_write(f->edge.store, give_up, f));
	expect_ok(store_read(f->edge.store, get_state, f));
	assert_int_equal(f->state.deaf, f->gave_up);
	f->state.deaf = false;
	return f->gave_up;
}

static void
a_token_that_came_after_apple_gave_it_up_is_good(void **state)
{
	struct fixture *f = *state;

	f->state.token_ms = NOW * 1000LL;
	assert_true(is_deaf(f, 0));
	assert_true(is_deaf(f, NOW * 1000LL));
	assert_true(is_deaf(f, NOW * 1000LL + 1));
	assert_false(is_deaf(f, NOW * 1000LL - 1));
	f->state.token = LIT("another");
	assert_false(is_deaf(f, 0));
}

static void
a_sync_that_was_asked_for_waits_until_the_lists_are_read(void **state)
{
	struct fixture *f = *state;

	f->state.topic = "topic";
	assert_int_equal(due(f), DUE_NOT);
	expect_ok(store_write(f->edge.store, ask_sync, f));
	assert_int_equal(due(f), DUE_WAITING);
	f->state.known_ms = when_now_ms() + 1000;
	assert_int_equal(due(f), DUE_NOT);
}

/* A user of the Mac who is not known to Apple any more: nothing reaches him. */
static err_t
put_deaf_user(struct tx *tx, void *arg)
{
	struct fixture *f = arg;
	struct channel_state row = { .device = f->device.id, .channel = "user" };
	struct apple_state st;

	apple_state_read(f->a, STR_EMPTY, &st);
	st.topic = "topic";
	st.token = LIT("his token");
	st.deaf = f->gave_up;
	TRY(apple_state_write(f->a, &st, &row.state));
	row.updated = when_now();
	return store_device_state_put(tx, &row);
}

static void
a_user_whom_nobody_can_wake_is_no_reason_to_wake_the_mac(void **state)
{
	struct fixture *f = *state;

	f->state.topic = "topic";
	expect_ok(store_write(f->edge.store, put_deaf_user, f));
	assert_int_equal(due(f), DUE_WAITING);
	f->gave_up = true;
	expect_ok(store_write(f->edge.store, put_deaf_user, f));
	assert_int_equal(due(f), DUE_NOT);
}

/* The device's message with that answer; *ret: what it is told. */
static struct str
says(struct fixture *f, enum apple_status status, const char *command)
{
	static const struct apple_link not_found = { "MCInstallationErrorDomain", 4024 };
	struct apple_msg m = { .type = APPLE_COMMAND,
		.chain = &not_found,
		.nchain = status == APPLE_ERROR,
		.status = status,
		.channel = "",
		.command = command,
		.code = "",
		.detail = "",
		.body = pl_dict(f->a) };
	struct str answer;

	expect_ok(apple_session_step(&f->edge, f->a, &f->device, &m, &answer));
	return answer;
}

/* It would be a month of single days otherwise, each of which may find it locked. */
static void
a_renewal_that_a_locked_device_puts_off_is_offered_with_its_next_session(void **state)
{
	struct fixture *f = *state;

	f->edge.renew_before = 30 * 86400;
	f->edge.apple_declarative = false;
	f->device.identity_not_after = NOW + 86400;
	f->state.renewing = NOW - 3600;
	f->state.informed = NOW;
	f->state.sent = "chancery-renew";
	expect_ok(store_write(f->edge.store, put, f));
	assert_int_equal(says(f, APPLE_NOT_NOW, "chancery-renew").n, 0);
	expect_ok(store_read(f->edge.store, get_state, f));
	assert_int_equal(f->state.renewing, 0);
	assert_int_equal(f->state.naway, 1);
	/* Another word of the same session does not bring it again; an answer that is no "not now" keeps it for a day. */
	assert_int_equal(says(f, APPLE_NOT_NOW, "something").n, 0);
	f->state.renewing = NOW - 3600;
	expect_ok(store_write(f->edge.store, put, f));
	assert_int_equal(says(f, APPLE_ACKNOWLEDGED, "chancery-renew").n, 0);
	expect_ok(store_read(f->edge.store, get_state, f));
	assert_int_equal(f->state.renewing, NOW - 3600);
}

/* What it could not install is not taken for installed until the lists say so, which would offer it again and again. */
static void
what_is_not_found_is_a_success_of_a_removal_alone(void **state)
{
	struct fixture *f = *state;
	const char *slot = id_text(f->a, id_new());

	f->state.informed = NOW;
	expect_ok(store_write(f->edge.store, put, f));
	(void)says(f, APPLE_ERROR, arena_printf(f->a, "%s:0123456789abcdef", slot));
	expect_ok(store_read(f->edge.store, get_state, f));
	assert_int_equal(f->state.nresults, 0); /* it was told */
	(void)says(f, APPLE_ERROR, arena_printf(f->a, "%s:remove-0123456789abcdef", slot));
	expect_ok(store_read(f->edge.store, get_state, f));
	assert_int_equal(f->state.nresults, 1);
	assert_int_equal(f->state.results[0].status, RESULT_OK);
}

/* When the identity was last offered anew, after a session in which this was so. */
static when_t
offered(struct fixture *f, when_t before, when_t not_after)
{
	f->device.identity_not_after = not_after;
	f->state.renewing = before;
	f->state.sent = "";
	expect_ok(store_write(f->edge.store, put, f));
	assert_int_equal(says(f, APPLE_NOT_NOW, "something").n, 0);
	expect_ok(store_read(f->edge.store, get_state, f));
	assert_string_equal(f->state.sent, f->state.renewing == NOW ? "chancery-renew" : "");
	return f->state.renewing;
}

/* No challenge is to be had here, which is no reason to try every minute. */
static void
an_identity_is_offered_anew_in_time_and_not_while_that_is_under_way(void **state)
{
	struct fixture *f = *state;

	f->edge.renew_before = 30 * 86400;
	f->edge.apple_declarative = false;
	f->state.informed = NOW;
	expect_ok(ipc_client_new(arena_printf(f->a, "%s/nobody", f->dir), 1, 1, &f->edge.keys));
	assert_int_equal(offered(f, 0, NOW + 30 * 86400), 0);
	assert_int_equal(offered(f, 0, NOW + 30 * 86400 - 1), NOW);
	assert_int_equal(offered(f, NOW - 86399, NOW + 86400), NOW - 86399);
	assert_int_equal(offered(f, NOW - 86400, NOW + 86400), NOW);
	ipc_client_free(f->edge.keys);
}

/* The lists as they are known stay. */
static void
a_list_that_a_device_does_not_give_is_no_empty_one(void **state)
{
	static const enum apple_status words[] = { APPLE_ERROR, APPLE_NOT_NOW };
	struct fixture *f = *state;
	const when_ms_t known = f->state.known_ms;
	struct apple_listed listed = { "chancery-1", "U" };

	f->edge.apple_declarative = false;
	for (size_t i = 0; i < 2 * COUNT(words); i++) {
		bool certificates = i >= COUNT(words);

		f->state.informed = NOW;
		f->state.round = "r";
		f->state.ask = APPLE_ASK_CERTIFICATES | (certificates ? 0 : APPLE_ASK_PROFILES);
		f->state.listed = &listed;
		f->state.nlisted = certificates;
		expect_ok(store_write(f->edge.store, put, f));
		assert_int_equal(
		    says(f, words[i % COUNT(words)], certificates ? "r-certificates" : "r-profiles")
			.n,
		    0);
		expect_ok(store_read(f->edge.store, get_state, f));
		assert_int_equal(f->state.nitems, 1);
		assert_int_equal(f->state.known_ms, known);
		assert_false(f->state.fresh);
		assert_int_equal(f->state.ask, APPLE_ASK_LATER);
	}
}

static void
a_device_that_gave_no_lists_yet_reports_no_inventory(void **state)
{
	struct fixture *f = *state;
	struct apple_channels ch = { .n = 1 };
	struct report r = { 0 };

	ch.v = arena_array(f->a, 1, sizeof(*ch.v));
	ch.v[0].name = "";
	apple_inventory_report(f->a, &ch, NULL, &r);
	assert_false(r.has_inventory);
	ch.v[0].state.known_ms = 1;
	apple_inventory_report(f->a, &ch, NULL, &r);
	assert_true(r.has_inventory);
	assert_int_equal(r.nitems, 0);
	/* The lists of a person say nothing of the machine. */
	ch.v[0].name = "person";
	r = (struct report){ 0 };
	apple_inventory_report(f->a, &ch, NULL, &r);
	assert_false(r.has_inventory);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_report_that_comes_while_a_session_is_under_way_wakes_nobody),
		CASE(a_session_that_the_device_broke_off_does_not_keep_it_asleep),
		CASE(a_report_after_the_session_wakes_the_device),
		CASE(lists_that_are_read_while_a_report_is_taken_are_what_counts),
		CASE(a_token_that_comes_while_a_session_is_at_work_stays),
		CASE(lists_that_are_old_and_an_identity_that_ends_are_worth_a_wake_up),
		CASE(a_token_that_came_after_apple_gave_it_up_is_good),
		CASE(a_sync_that_was_asked_for_waits_until_the_lists_are_read),
		CASE(a_renewal_that_a_locked_device_puts_off_is_offered_with_its_next_session),
		CASE(a_user_whom_nobody_can_wake_is_no_reason_to_wake_the_mac),
		CASE(what_is_not_found_is_a_success_of_a_removal_alone),
		CASE(an_identity_is_offered_anew_in_time_and_not_while_that_is_under_way),
		CASE(a_list_that_a_device_does_not_give_is_no_empty_one),
		CASE(a_device_that_gave_no_lists_yet_reports_no_inventory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
