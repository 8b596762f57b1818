/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of wake-ups, with a way that does as told. */
#include "expect.h"

#include <pthread.h>
#include <unistd.h>

#include "daemon/push.h"
#include "pki/key.h"
#include "store/device_state.h"

enum { MOST = 64 };

struct world {
	char path[64];
	struct store *store;
	pthread_mutex_t lock;
	struct push_result answers[MOST]; /* for the next wake-ups; then PUSH_SENT */
	size_t nanswers, at;
	struct id bad;     /* answered for by its own address: a pause */
	enum due_kind due; /* of every device */
	size_t looks;
	int64_t scan_ms, waiting_ms;
	struct id woken[MOST];
	int64_t when[MOST];
	size_t n;
};

static err_t
open_fetch(void *ctx, struct fetch **ret)
{
	struct tls_client_conf conf = { 0 };

	(void)ctx;
	return fetch_new(&conf, ret);
}

static err_t
due(void *ctx, struct tx *tx, struct arena *a, struct id device, enum due_kind *ret)
{
	struct world *w = ctx;

	(void)tx;
	(void)a;
	(void)device;
	pthread_mutex_lock(&w->lock);
	*ret = w->due;
	w->looks++;
	pthread_mutex_unlock(&w->lock);
	return OK;
}

static err_t
wake(void *ctx, struct fetch *f, struct arena *a, struct id device, struct push_result *ret)
{
	struct world *w = ctx;
	bool fails;

	(void)f;
	(void)a;
	pthread_mutex_lock(&w->lock);
	w->when[w->n % MOST] = when_mono_ms();
	w->woken[w->n++ % MOST] = device;
	*ret = w->at < w->nanswers ? w->answers[w->at++] : (struct push_result){ .end = PUSH_SENT };
	if (id_eq(device, w->bad))
		*ret = (struct push_result){ .end = PUSH_PAUSE, .after_ms = 1 };
	fails = ret->end == 0;
	pthread_mutex_unlock(&w->lock);
	if (fails)
		FAIL(ERR_WINDOWS_PUSH, "no token");
	return OK;
}

static struct push *
start(struct world *w, int64_t gap_ms)
{
	const struct push_conf conf = { .store = w->store,
		.way = { .who = "a device",
		    .metric = "chancery_x_total",
		    .gap_ms = gap_ms,
		    .scan_ms = w->scan_ms,
		    .waiting_ms = w->waiting_ms,
		    .ctx = w,
		    .open = open_fetch,
		    .due = due,
		    .wake = wake } };
	struct push *p;

	expect_ok(push_start(&conf, &p));
	return p;
}

static size_t
count(struct world *w)
{
	size_t n;

	pthread_mutex_lock(&w->lock);
	n = w->n;
	pthread_mutex_unlock(&w->lock);
	return n;
}

/* Until so many were woken. */
static void
await(struct world *w, size_t n)
{
	for (int i = 0; count(w) < n && i < 3000; i++)
		usleep(10000);
	assert_true(count(w) >= n);
}

/* Until nobody was woken for a while. */
static void
settle_down(struct world *w)
{
	size_t before;

	do {
		before = count(w);
		usleep(600000);
	} while (count(w) != before);
}

/* Until it says why it pauses: it hears so after the wake-up. */
static void
await_trouble(struct push *p, struct err_report *why)
{
	for (int i = 0; !push_trouble(p, why) && i < 3000; i++)
		usleep(10000);
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct store_conf conf = { .schema = STORE_SERVICE };

	snprintf(w->path, sizeof(w->path), "/tmp/push-%d.db", (int)getpid());
	conf.path = w->path;
	expect_ok(store_open(&conf, &w->store));
	pthread_mutex_init(&w->lock, NULL);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-lock" };
	struct world *w = *state;
	char path[80];

	store_close(w->store);
	for (size_t i = 0; i < COUNT(ends); i++) {
		snprintf(path, sizeof(path), "%s%s", w->path, ends[i]);
		unlink(path);
	}
	pthread_mutex_destroy(&w->lock);
	free(w);
	return 0;
}

static void
what_happens_to_a_device_at_once_is_one_wake_up(void **state)
{
	struct world *w = *state;
	struct push *p = start(w, 0);
	struct id one = id_new(), two = id_new();

	for (int i = 0; i < 20; i++)
		push_nudge(p, id_str(&one));
	push_nudge(p, id_str(&two));
	await(w, 2);
	settle_down(w);
	assert_int_equal(count(w), 2);
	/* What happens later is another. */
	push_nudge(p, id_str(&one));
	await(w, 3);
	push_stop(p);
}

static void
two_wake_ups_of_a_device_are_apart_and_none_is_lost(void **state)
{
	struct world *w = *state;
	struct push *p = start(w, 1000);
	struct id one = id_new();

	push_nudge(p, id_str(&one));
	await(w, 1);
	push_nudge(p, id_str(&one));
	await(w, 2);
	assert_true(w->when[1] - w->when[0] >= 900);
	push_stop(p);
}

static void
a_service_that_refuses_stops_all_and_nobody_is_forgotten(void **state)
{
	struct world *w = *state;
	struct push *p = start(w, 0);
	struct id v[5];
	struct err_report why = { .code = ERR_NONE };
	int64_t began = when_mono_ms();

	w->answers[0] = (struct push_result){ .end = PUSH_PAUSE, .after_ms = 1500 };
	err_take(ERROR(ERR_BUSY, "later"), &w->answers[0].why);
	w->nanswers = 1;
	v[0] = id_new();
	push_nudge(p, id_str(&v[0]));
	await(w, 1);
	for (size_t i = 1; i < COUNT(v); i++) {
		v[i] = id_new();
		push_nudge(p, id_str(&v[i]));
	}
	await_trouble(p, &why);
	assert_int_equal(why.code, ERR_BUSY);
	await(w, 6);
	assert_true(w->when[1] - began >= 1500);
	for (size_t i = 0; i < COUNT(v); i++) {
		bool found = false;

		for (size_t k = 1; k < 6; k++)
			found |= id_eq(w->woken[k], v[i]);
		assert_true(found);
	}
	settle_down(w);
	assert_false(push_trouble(p, &why));
	push_stop(p);
}

static void
a_failure_of_the_way_is_a_pause_for_that_reason(void **state)
{
	struct world *w = *state;
	struct push *p = start(w, 0);
	struct err_report why = { .code = ERR_NONE };
	struct id one = id_new();

	w->nanswers = 1; /* an end of 0: it fails */
	push_nudge(p, id_str(&one));
	await(w, 1);
	await_trouble(p, &why);
	assert_int_equal(why.code, ERR_WINDOWS_PUSH);
	assert_string_equal(why.detail, "no token");
	push_stop(p);
}

static void
one_that_fails_keeps_nobody_waiting_and_is_given_up_in_the_end(void **state)
{
	struct world *w = *state;
	struct push *p = start(w, 0);
	struct id bad = id_new(), good = id_new();

	for (size_t i = 0; i < 10; i++)
		w->answers[i] = (struct push_result){ .end = PUSH_AGAIN, .after_ms = 1 };
	w->nanswers = 10;
	push_nudge(p, id_str(&bad));
	await(w, 6);
	settle_down(w);
	assert_int_equal(count(w), 6); /* the first time, and five more */
	w->nanswers = w->at;
	push_nudge(p, id_str(&good));
	await(w, 7);
	assert_true(id_eq(w->woken[6], good));
	push_stop(p);
}

static void
one_whose_address_says_what_the_service_would_is_given_up_in_the_end(void **state)
{
	struct world *w = *state;
	struct push *p = start(w, 0);
	struct id good = id_new();
	size_t n;

	w->bad = id_new();
	push_nudge(p, id_str(&w->bad));
	await(w, 1);
	push_nudge(p, id_str(&good));
	/* All are held back for it, until the other one gets through: then it is tried five times more, by itself. */
	await(w, 7);
	settle_down(w);
	n = count(w);
	settle_down(w);
	assert_int_equal(count(w), n);
	/* It fails by itself from now on, and nobody else does. */
	push_nudge(p, id_str(&w->bad));
	await(w, n + 6);
	settle_down(w);
	assert_int_equal(count(w), n + 6);
	memset(&w->bad, 0, sizeof(w->bad));
	push_nudge(p, id_str(&w->woken[0]));
	await(w, n + 7);
	settle_down(w);
	assert_int_equal(count(w), n + 7);
	push_stop(p);
}

static void
what_is_refused_or_gone_is_not_sent_again(void **state)
{
	struct world *w = *state;
	struct push *p = start(w, 0);
	struct id v[3] = { id_new(), id_new(), id_new() };

	w->answers[0].end = PUSH_REFUSED;
	w->answers[1].end = PUSH_UNREGISTERED;
	w->answers[2].end = PUSH_NOBODY;
	w->nanswers = 3;
	for (size_t i = 0; i < COUNT(v); i++)
		push_nudge(p, id_str(&v[i]));
	await(w, 3);
	settle_down(w);
	assert_int_equal(count(w), 3);
	push_stop(p);
}

static err_t
put_device(struct tx *tx, void *arg)
{
	const struct id *id = arg;
	uint8_t hash[32];

	hash_sha256(id_str(id), hash);
	TRY(store_device_insert(tx,
	    &(struct device){ .id = *id,
		.name = "phone",
		.platform = "ios",
		.state = DEVICE_ACTIVE,
		.identity = LIT("identity"),
		.identity_sha256 = STR(hash) }));
	return store_device_state_put(
	    tx, &(struct channel_state){ .device = *id, .channel = "", .state = LIT("x") });
}

/* Until all were looked at so often. */
static void
await_looks(struct world *w, size_t n)
{
	size_t have = 0;

	for (int i = 0; have < n && i < 3000; i++) {
		usleep(10000);
		pthread_mutex_lock(&w->lock);
		have = w->looks;
		pthread_mutex_unlock(&w->lock);
	}
	assert_true(have >= n);
}

/* It was off for longer than the push service keeps a wake-up; and what waits for it is no reason for one a minute. */
static void
who_is_due_something_is_looked_for_again_and_again(void **state)
{
	struct world *w = *state;
	struct id one = id_new();
	struct push *p;
	size_t n;

	w->scan_ms = 100;
	w->waiting_ms = 3600000;
	w->due = DUE_WAITING;
	expect_ok(store_write(w->store, put_device, &one));
	p = start(w, 0);
	await(w, 1);
	await_looks(w, 10);
	n = count(w);
	assert_true(n <= 2); /* a look may fall between a wake-up and its end */
	await_looks(w, 20);
	assert_int_equal(count(w), n);
	pthread_mutex_lock(&w->lock);
	w->due = DUE_NEWS;
	pthread_mutex_unlock(&w->lock);
	await(w, n + 2);
	push_stop(p);
	assert_true(id_eq(w->woken[n], one));
	/* A service that begins anew does not know what became of the one before. */
	w->due = DUE_WAITING;
	w->n = 0;
	w->scan_ms = 0;
	p = start(w, 0);
	await(w, 1);
	push_stop(p);
	w->waiting_ms = w->scan_ms = 100;
	w->n = 0;
	p = start(w, 0);
	await(w, 3);
	push_stop(p);
}

/* A second one whose mark has the same place as the first one's. */
static struct id
sharing(const struct id *one)
{
	enum { PLACES = 65536 };
	struct id other;

	do
		other = id_new();
	while (str_hash(id_str(&other)) % PLACES != str_hash(id_str(one)) % PLACES);
	return other;
}

static void
two_that_share_a_mark_are_not_woken_by_every_change(void **state)
{
	struct world *w = *state;
	struct id one = id_new(), two = sharing(&one);
	struct push *p;
	size_t n;

	w->waiting_ms = 3600000;
	w->due = DUE_WAITING;
	expect_ok(store_write(w->store, put_device, &one));
	expect_ok(store_write(w->store, put_device, &two));
	p = start(w, 0);
	await(w, 2);
	settle_down(w);
	n = count(w);
	for (size_t i = 1; i <= 5; i++) {
		push_nudge(p, STR_EMPTY);
		await_looks(w, 2 + 2 * i);
	}
	settle_down(w);
	assert_int_equal(count(w), n);
	push_stop(p);
	/* When the time for a look is there both are. */
	w->scan_ms = 100;
	w->n = 0;
	p = start(w, 0);
	await(w, 4);
	push_stop(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_happens_to_a_device_at_once_is_one_wake_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    two_wake_ups_of_a_device_are_apart_and_none_is_lost, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_service_that_refuses_stops_all_and_nobody_is_forgotten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_failure_of_the_way_is_a_pause_for_that_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    one_that_fails_keeps_nobody_waiting_and_is_given_up_in_the_end, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    one_whose_address_says_what_the_service_would_is_given_up_in_the_end, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    what_is_refused_or_gone_is_not_sent_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    who_is_due_something_is_looked_for_again_and_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    two_that_share_a_mark_are_not_woken_by_every_change, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
