/* SPDX-License-Identifier: Apache-2.0 */
/* Who was not let in is told in the audit log: soon, and without filling it. */
#include "world.h"

#include "model/refusal.h"

struct seen {
	struct arena *a;
	struct audit *v;
	size_t n;
};

static err_t
read_audit(struct tx *tx, void *arg)
{
	struct seen *s = arg;

	return store_audit_list(tx, s->a, 0, 1000, &s->v, &s->n);
}

/* The lines with this action, newest last. */
static size_t
lines(struct world *w, const char *action, const struct audit **ret)
{
	struct seen s = { .a = w->a };
	size_t n = 0;

	expect_ok(store_read(w->store, read_audit, &s));
	for (size_t i = 0; i < s.n; i++)
		if (strcmp(s.v[i].action, action) == 0) {
			*ret = &s.v[i];
			n++;
		}
	return n;
}

static void
the_first_is_told_at_once_and_what_follows_in_one_line_later(void **state)
{
	struct world *w = *state;
	struct refusals *x = refusals_new();
	const struct audit *last = NULL;

	refusals_note(x, REFUSED_DEVICE, ERR_CODE, "192.0.2.7", "there is no such code");
	expect_ok(refusals_tell(x, w->store, false));
	assert_int_equal(lines(w, "device.refused", &last), 1);
	assert_string_equal(last->actor, "device");
	assert_string_equal(last->target, "enrolment-code");
	assert_non_null(strstr(last->after, "\"count\":1,"));
	assert_non_null(
	    strstr(last->after, "\"addresses\":[\"192.0.2.7\"],\"moreAddresses\":false"));
	assert_non_null(strstr(last->after, "there is no such code"));

	for (int i = 0; i < 1000; i++) {
		char from[32];

		snprintf(from, sizeof(from), "192.0.2.%d", i % 6);
		refusals_note(x, REFUSED_DEVICE, ERR_CODE, from, "it was used");
		expect_ok(refusals_tell(x, w->store, false));
	}
	assert_int_equal(lines(w, "device.refused", &last), 1);
	when_set(MADE_NOW + 601);
	expect_ok(refusals_tell(x, w->store, false));
	expect_ok(refusals_tell(x, w->store, false));
	assert_int_equal(lines(w, "device.refused", &last), 2);
	assert_non_null(strstr(last->after, "\"count\":1000,"));
	assert_non_null(strstr(last->after, "\"192.0.2.3\"],\"moreAddresses\":true"));
	refusals_free(x);
}

static void
each_side_and_fault_has_a_line_of_its_own(void **state)
{
	struct world *w = *state;
	struct refusals *x = refusals_new();
	const struct audit *last = NULL;

	refusals_note(x, REFUSED_DEVICE, ERR_DEVICE_RETIRED, "192.0.2.1", "device 1");
	refusals_note(x, REFUSED_DEVICE, ERR_IDENTITY_OVER, "192.0.2.1", "");
	refusals_note(x, REFUSED_CONNECTOR, ERR_CONNECTOR_REFUSED, "192.0.2.2", "");
	refusals_note(x, REFUSED_SIGN_IN, ERR_CREDENTIALS, "192.0.2.3", "admin root");
	expect_ok(refusals_tell(x, w->store, false));
	assert_int_equal(lines(w, "device.refused", &last), 2);
	assert_int_equal(lines(w, "connector.refused", &last), 1);
	assert_int_equal(lines(w, "login.refused", &last), 1);
	assert_string_equal(last->actor, "sign-in");
	assert_non_null(strstr(last->after, "\"last\":\"admin root\""));
	refusals_free(x);
}

static void
what_is_nobodys_being_kept_out_is_not_told(void **state)
{
	struct world *w = *state;
	struct refusals *x = refusals_new();
	const struct audit *last = NULL;

	refusals_note(x, REFUSED_DEVICE, ERR_BAD_REQUEST, "192.0.2.1", "");
	refusals_note(x, REFUSED_CONNECTOR, ERR_IDENTITY_OVER, "192.0.2.1", "");
	refusals_note(NULL, REFUSED_DEVICE, ERR_CODE, "192.0.2.1", "");
	expect_ok(refusals_tell(x, w->store, true));
	expect_ok(refusals_tell(NULL, w->store, true));
	assert_int_equal(
	    lines(w, "device.refused", &last) + lines(w, "connector.refused", &last), 0);
	refusals_free(x);
}

static void
at_the_end_everything_is_told(void **state)
{
	struct world *w = *state;
	struct refusals *x = refusals_new();
	const struct audit *last = NULL;

	for (int i = 0; i < 2; i++) {
		refusals_note(x, REFUSED_SIGN_IN, ERR_OAUTH_SECRET, "192.0.2.1", "");
		expect_ok(refusals_tell(x, w->store, i == 1));
	}
	assert_int_equal(lines(w, "login.refused", &last), 2);
	refusals_free(x);
}

static void
what_a_sender_wrote_cannot_break_the_line(void **state)
{
	struct world *w = *state;
	struct refusals *x = refusals_new();
	const struct audit *last = NULL;
	char longer[1000];

	memset(longer, '"', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	longer[3] = '\n';
	/* A character that is cut in two. */
	memcpy(longer + 158, "\xc3\xa4", 2);
	refusals_note(x, REFUSED_DEVICE, ERR_CODE, longer, longer);
	expect_ok(refusals_tell(x, w->store, false));
	assert_int_equal(lines(w, "device.refused", &last), 1);
	assert_null(strchr(last->after, '\n'));
	assert_true(strlen(last->after) < 1000);
	refusals_free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(the_first_is_told_at_once_and_what_follows_in_one_line_later),
		IN_WORLD(each_side_and_fault_has_a_line_of_its_own),
		IN_WORLD(what_is_nobodys_being_kept_out_is_not_told),
		IN_WORLD(at_the_end_everything_is_told),
		IN_WORLD(what_a_sender_wrote_cannot_break_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
