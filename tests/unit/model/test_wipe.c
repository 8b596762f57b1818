/* SPDX-License-Identifier: Apache-2.0 */
/* A device that is to be wiped: asked for, told, done, refused, cancelled, too late. */
#include "world.h"

#include "model/enrol.h"
#include "model/retired.h"
#include "model/wipe.h"

static err_t
anybody(void *ctx, const struct device *now)
{
	(void)ctx;
	(void)now;
	return OK;
}
static const struct life_actor admin = { "admin", anybody, NULL };

static err_t
nobody(void *ctx, const struct device *now)
{
	(void)ctx;
	(void)now;
	FAIL(ERR_FORBIDDEN, "%s", "");
}

static void
device_put(struct world *w, struct tx *tx)
{
	struct device d;

	expect_ok(store_device_get(tx, w->a, w->device.id, &d));
	d.platform = w->device.platform;
	expect_ok(store_device_update(tx, &d));
}

/* A world whose device is of that platform, with nothing assigned to it. */
static void
becomes(struct world *w, const char *platform)
{
	w->device.platform = platform;
	world_write(w, device_put);
}

static void
installed(struct world *w)
{
	struct command *v;
	struct job j;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	world_obey(w, &v[0], NULL);
	j = world_job(w);
	world_finish(w, &j, JOB_ISSUED);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	world_obey(w, &v[0], NULL);
}

static err_t
says(struct world *w, enum report_wipe can, const struct report_result *res, struct command **ret,
    size_t *retn)
{
	struct report r = { .has_inventory = true,
		.items = w->held,
		.nitems = w->nheld,
		.results = res,
		.nresults = res == NULL ? 0 : 1,
		.wipe = can };

	return checkin_run(w->store, w->a, w->device.id, &r, ret, retn);
}

/* It is told, and nothing else with it. */
static struct command
told(struct world *w)
{
	struct command *v;
	size_t n;

	expect_ok(says(w, REPORT_WIPE_CAN, NULL, &v, &n));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].kind, COMMAND_WIPE);
	assert_true(wipe_is_command(v[0].id));
	return v[0];
}

struct life_of {
	struct world *w;
	struct device_life life;
	struct device device;
	int64_t counts[WIPE_FAILED + 1];
};

static err_t
life_read(struct tx *tx, void *arg)
{
	struct life_of *l = arg;

	TRY(store_device_get(tx, l->w->a, l->w->device.id, &l->device));
	TRY(store_device_wipe_counts(tx, l->counts));
	return store_device_life_get(tx, l->w->a, l->w->device.id, &l->life);
}

static struct life_of
life(struct world *w)
{
	struct life_of l = { .w = w };

	expect_ok(store_read(w->store, life_read, &l));
	return l;
}

static enum wipe_state
stands(struct world *w)
{
	struct life_of l = life(w);

	return wipe_state_of(&l.life);
}

static bool
revokes(struct world *w)
{
	bool yes = false;
	struct job *v;
	size_t n = world_lease(w, &v);

	for (size_t i = 0; i < n; i++)
		yes |= v[i].kind == REQUEST_REVOKE;
	return yes;
}

static const struct wipe_how all = { .pin = "" };

static void
a_device_is_told_with_its_next_contact_and_is_gone_when_it_says_yes(void **state)
{
	WORLD(state);
	struct report_result yes = { .status = RESULT_OK };
	struct command *v;
	struct order o;
	size_t n;

	installed(w);
	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
	assert_int_equal(life(w).life.wipe, WIPE_PENDING);
	assert_false(revokes(w));
	assert_string_equal(world_word(w, "pkcs"), "installed");
	yes.id = told(w).id;
	assert_int_equal(life(w).life.wipe, WIPE_ISSUED);
	assert_true(revokes(w));
	expect_err(ERR_DEVICE_WIPED, says(w, REPORT_WIPE_CAN, &yes, &v, &n));
	assert_int_equal(life(w).life.wipe, WIPE_DONE);
	assert_int_equal(life(w).device.state, DEVICE_GONE);
	assert_string_equal(world_word(w, "pkcs"), "removed");
	assert_string_equal(world_word(w, "trusted-root"), "removed");
	expect_err(ERR_DEVICE_WIPED, says(w, REPORT_WIPE_CAN, NULL, &v, &n));
	expect_ok(retired_next(w->store, w->a, (struct id){ 0 }, LIT("h"), "Identity CA", &o));
	assert_true(id_eq(o.device, w->device.id));
}

static void
until_it_answers_it_is_told_again(void **state)
{
	WORLD(state);
	struct report_result later = { .status = RESULT_NOT_NOW };
	struct command *v;
	size_t n;

	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
	later.id = told(w).id;
	expect_ok(says(w, REPORT_WIPE_CAN, &later, &v, &n));
	assert_int_equal(n, 1);
	assert_string_equal(v[0].id, later.id);
	expect_ok(says(w, REPORT_WIPE_NOT_HERE, NULL, &v, &n));
	assert_int_equal(n, 0);
	assert_int_equal(life(w).counts[WIPE_ISSUED], 1);
}

static void
one_that_says_no_gets_nothing_until_the_wipe_is_cancelled(void **state)
{
	WORLD(state);
	struct report_result no = { .status = RESULT_ERROR, .code = "406", .detail = "no" };
	struct command *v;
	size_t n;

	installed(w);
	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
	no.id = told(w).id;
	expect_ok(says(w, REPORT_WIPE_CAN, &no, &v, &n));
	assert_int_equal(n, 2); /* what it has is removed */
	assert_int_equal(life(w).life.wipe, WIPE_FAILED);
	assert_string_equal(life(w).life.wipe_fault, "device-refused");
	assert_string_equal(life(w).life.wipe_detail, "406: no");
	w->nheld = 0;
	expect_ok(says(w, REPORT_WIPE_CAN, NULL, &v, &n));
	assert_int_equal(n, 0);
	expect_ok(device_wipe_cancel(w->store, w->a, &admin, w->device.id));
	expect_ok(says(w, REPORT_WIPE_CAN, NULL, &v, &n));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_CA);
	assert_int_equal(world_lines(w, "device.wipe", w->device.id), 1);
	assert_int_equal(world_lines(w, "device.wipeIssued", w->device.id), 1);
	assert_int_equal(world_lines(w, "device.wipeFailed", w->device.id), 1);
	assert_int_equal(world_lines(w, "device.wipeCancel", w->device.id), 1);
	assert_int_equal(world_lines(w, "device.wiped", w->device.id), 0);
}

static void
one_that_never_lets_itself_be_wiped_is_not_told_and_keeps_what_it_has(void **state)
{
	WORLD(state);
	struct command *v;
	size_t n;

	installed(w);
	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
	expect_ok(says(w, REPORT_WIPE_NEVER, NULL, &v, &n));
	assert_int_equal(n, 0);
	assert_int_equal(life(w).life.wipe, WIPE_FAILED);
	assert_string_equal(life(w).life.wipe_fault, "device-no-wipe");
	assert_string_equal(world_word(w, "pkcs"), "installed");
	assert_false(revokes(w));
}

static void
what_is_cancelled_in_time_changes_nothing(void **state)
{
	WORLD(state);
	struct command *v;
	size_t n;

	installed(w);
	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
	expect_ok(device_wipe_cancel(w->store, w->a, &admin, w->device.id));
	expect_ok(device_wipe_cancel(w->store, w->a, &admin, w->device.id));
	expect_ok(says(w, REPORT_WIPE_CAN, NULL, &v, &n));
	assert_int_equal(n, 0);
	assert_string_equal(world_word(w, "pkcs"), "installed");
	assert_false(revokes(w));
}

static void
a_yes_counts_even_after_it_was_cancelled(void **state)
{
	WORLD(state);
	struct report_result yes = { .status = RESULT_OK };
	struct command *v;
	size_t n;

	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
	yes.id = told(w).id;
	expect_ok(device_wipe_cancel(w->store, w->a, &admin, w->device.id));
	expect_err(ERR_DEVICE_WIPED, says(w, REPORT_WIPE_CAN, &yes, &v, &n));
	expect_err(ERR_WIPE_TAKEN, device_wipe_cancel(w->store, w->a, &admin, w->device.id));
	expect_err(ERR_DEVICE_RETIRED, device_wipe(w->store, w->a, &admin, w->device.id, &all));
}

static void
a_yes_that_nobody_asked_for_is_of_no_interest(void **state)
{
	WORLD(state);
	struct report_result yes = { .id = wipe_command_id(w->a, w->device.id),
		.status = RESULT_OK };
	struct report_result other = { .id = wipe_command_id(w->a, w->user.id),
		.status = RESULT_OK };
	struct command *v;
	size_t n;

	expect_ok(says(w, REPORT_WIPE_CAN, &yes, &v, &n));
	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
	expect_ok(says(w, REPORT_WIPE_CAN, &other, &v, &n));
	assert_int_equal(life(w).device.state, DEVICE_ACTIVE);
}

static void
one_that_was_asked_for_too_long_ago_is_not_told(void **state)
{
	WORLD(state);
	struct command *v;
	size_t n;

	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
	when_set(MADE_NOW + WIPE_LIFE - 1);
	assert_int_equal(stands(w), WIPE_PENDING);
	when_set(MADE_NOW + WIPE_LIFE);
	assert_int_equal(stands(w), WIPE_EXPIRED);
	expect_ok(says(w, REPORT_WIPE_CAN, NULL, &v, &n));
	assert_int_equal(v[0].kind, COMMAND_INSTALL_CA);
	assert_int_equal(life(w).life.wipe, WIPE_EXPIRED);
}

static void
one_that_nobody_came_for_is_over_by_the_clock(void **state)
{
	WORLD(state);
	struct life_of l;

	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
	when_set(MADE_NOW + WIPE_LIFE - 1);
	expect_ok(wipe_sweep(w->store));
	l = life(w);
	assert_int_equal(l.life.wipe, WIPE_PENDING);
	assert_int_equal(l.counts[WIPE_PENDING], 1);
	when_set(MADE_NOW + WIPE_LIFE);
	expect_ok(wipe_sweep(w->store));
	l = life(w);
	assert_int_equal(l.life.wipe, WIPE_EXPIRED);
	assert_int_equal(l.life.wipe_ended, MADE_NOW + WIPE_LIFE);
	assert_int_equal(l.counts[WIPE_PENDING], 0);
	assert_int_equal(l.device.state, DEVICE_ACTIVE);
	when_set(MADE_NOW + WIPE_LIFE + 60);
	expect_ok(wipe_sweep(w->store));
	assert_int_equal(life(w).life.wipe_ended, MADE_NOW + WIPE_LIFE);
	assert_int_equal(world_lines(w, "device.wipeExpired", w->device.id), 1);
}

static void
one_that_the_device_heard_of_does_not_end_by_the_clock(void **state)
{
	WORLD(state);

	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
	(void)told(w);
	when_set(MADE_NOW + 2 * WIPE_LIFE);
	expect_ok(wipe_sweep(w->store));
	assert_int_equal(stands(w), WIPE_ISSUED);
}

static void
a_pc_that_keeps_its_enrolment_gets_everything_anew_when_it_is_back(void **state)
{
	WORLD(state);
	struct wipe_how how = { .keep_user = true };
	struct report_result yes = { .status = RESULT_OK };
	struct report back = { .has_facts = true, .has_inventory = true, .wipe = REPORT_WIPE_CAN };
	struct command *v;
	size_t n;

	becomes(w, "windows");
	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &how));
	yes.id = told(w).id;
	expect_ok(says(w, REPORT_WIPE_CAN, &yes, &v, &n));
	assert_int_equal(n, 0);
	assert_int_equal(life(w).life.wipe, WIPE_RESETTING);
	assert_int_equal(life(w).device.state, DEVICE_ACTIVE);
	expect_err(ERR_WIPE_TAKEN, device_wipe_cancel(w->store, w->a, &admin, w->device.id));
	expect_err(ERR_WIPE_TAKEN, device_wipe(w->store, w->a, &admin, w->device.id, &all));
	when_set(MADE_NOW + 600);
	expect_ok(checkin_run(w->store, w->a, w->device.id, &back, &v, &n));
	assert_int_equal(life(w).life.wipe, WIPE_DONE);
	assert_int_equal(life(w).device.state, DEVICE_ACTIVE);
	assert_int_equal(world_lines(w, "device.wiped", w->device.id), 1);
	assert_int_equal(world_lines(w, "device.wipedAndBack", w->device.id), 1);
	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
}

static void
what_a_platform_cannot_keep_it_is_not_asked_to(void **state)
{
	static const struct {
		const char *platform;
		struct wipe_how how;
		bool good;
	} rows[] = {
		{ "windows", { .keep_user = true, .keep_enrolment = true }, true },
		{ "windows", { .protect = true }, true },
		{ "windows", { .protect = true, .keep_user = true }, false },
		{ "windows", { .sealed = "c2VhbGVk" }, false },
		{ "windows", { .keep_data_plan = true }, false },
		{ "ios", { .keep_data_plan = true }, true },
		{ "ios", { .keep_user = true }, false },
		{ "ios", { .sealed = "c2VhbGVk" }, false },
		{ "macos", { .sealed = "c2VhbGVk", .fallback = WIPE_FALLBACK_ALWAYS }, true },
		{ "macos", { .sealed = "" }, false },
		{ "macos", { .pin = "123456" }, false },
		{ "macos", { .sealed = "c2VhbGVk", .keep_enrolment = true }, false },
		{ "linux", { .fallback = WIPE_FALLBACK_WARN }, false },
		{ "android", { .pin = NULL }, true },
	};
	WORLD(state);

	for (size_t i = 0; i < COUNT(rows); i++) {
		err_t e;

		becomes(w, rows[i].platform);
		e = device_wipe(w->store, w->a, &admin, w->device.id, &rows[i].how);
		if (rows[i].good)
			expect_ok(e);
		else
			expect_err(ERR_WIPE_HOW, e);
	}
}

static void
the_code_of_a_mac_is_kept_until_it_is_told_and_no_longer(void **state)
{
	WORLD(state);
	struct wipe_how how = { .sealed = "NDI0MjQy" };
	struct report_result no = { .status = RESULT_ERROR };
	struct command c, *v;
	size_t n;

	becomes(w, "macos");
	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &how));
	c = told(w);
	assert_string_equal(c.wipe->sealed, "NDI0MjQy");
	no.id = c.id;
	expect_ok(says(w, REPORT_WIPE_CAN, &no, &v, &n));
	assert_null(strstr(life(w).life.wipe_how, "NDI0MjQy"));
}

static void
who_may_not_changes_nothing(void **state)
{
	WORLD(state);
	struct life_actor by = { "x", nobody, NULL };

	expect_err(ERR_FORBIDDEN, device_wipe(w->store, w->a, &by, w->device.id, &all));
	assert_int_equal(life(w).life.wipe, WIPE_NONE);
	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
	expect_err(ERR_FORBIDDEN, device_wipe_cancel(w->store, w->a, &by, w->device.id));
	assert_int_equal(life(w).life.wipe, WIPE_PENDING);
}

static void
a_device_that_is_retired_meanwhile_is_not_wiped(void **state)
{
	WORLD(state);
	struct command *v;
	size_t n;

	installed(w);
	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
	expect_ok(device_retire(w->store, w->a, "admin", w->device.id));
	assert_int_equal(life(w).life.wipe, WIPE_CANCELLED);
	expect_ok(says(w, REPORT_WIPE_CAN, NULL, &v, &n));
	for (size_t i = 0; i < n; i++)
		assert_int_not_equal(v[i].kind, COMMAND_WIPE);
}

static void
a_device_that_is_to_be_wiped_is_not_calm(void **state)
{
	WORLD(state);
	struct report r = { .has_inventory = true };
	struct checkin_calm calm;
	struct command *v;
	size_t n;

	becomes(w, "windows");
	r.identity = life(w).device.identity_sha256;
	expect_ok(checkin_run(w->store, w->a, w->device.id, &r, &v, &n));
	expect_ok(checkin_look(w->store, w->a, w->device.id, &r, &v, &n, &calm));
	assert_true(calm.until > 0);
	expect_ok(device_wipe(w->store, w->a, &admin, w->device.id, &all));
	expect_ok(checkin_look(w->store, w->a, w->device.id, &r, &v, &n, &calm));
	assert_int_equal(n, 0);
	assert_int_equal(calm.until, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_device_is_told_with_its_next_contact_and_is_gone_when_it_says_yes),
		IN_WORLD(until_it_answers_it_is_told_again),
		IN_WORLD(one_that_says_no_gets_nothing_until_the_wipe_is_cancelled),
		IN_WORLD(one_that_never_lets_itself_be_wiped_is_not_told_and_keeps_what_it_has),
		IN_WORLD(what_is_cancelled_in_time_changes_nothing),
		IN_WORLD(a_yes_counts_even_after_it_was_cancelled),
		IN_WORLD(a_yes_that_nobody_asked_for_is_of_no_interest),
		IN_WORLD(one_that_was_asked_for_too_long_ago_is_not_told),
		IN_WORLD(one_that_nobody_came_for_is_over_by_the_clock),
		IN_WORLD(one_that_the_device_heard_of_does_not_end_by_the_clock),
		IN_WORLD(a_pc_that_keeps_its_enrolment_gets_everything_anew_when_it_is_back),
		IN_WORLD(what_a_platform_cannot_keep_it_is_not_asked_to),
		IN_WORLD(the_code_of_a_mac_is_kept_until_it_is_told_and_no_longer),
		IN_WORLD(who_may_not_changes_nothing),
		IN_WORLD(a_device_that_is_retired_meanwhile_is_not_wiped),
		IN_WORLD(a_device_that_is_to_be_wiped_is_not_calm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
