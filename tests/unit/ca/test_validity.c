/* SPDX-License-Identifier: Apache-2.0 */
#include "lab.h"

#include "ca/validity.h"

#define DAY 86400LL
#define NOW 1800000000LL

/* A template of a year, a CA limit of two and a CA with ten left. */
static struct validity_in
plain(void)
{
	return (struct validity_in){ .now = NOW,
		.skew = 300,
		.period = 365 * DAY,
		.limit = 730 * DAY,
		.ca_from = NOW - 100 * DAY,
		.ca_to = NOW + 3650 * DAY,
		.heard = true };
}

static when_t
end(const struct validity_in *in)
{
	when_t from = 0, to = 0;

	expect_ok(validity(in, &from, &to));
	assert_true(from < to);
	return to;
}

static void
refused(const struct validity_in *in, enum err_code want)
{
	when_t from, to;

	expect_err(want, validity(in, &from, &to));
}

static void
the_template_decides_when_the_request_is_silent(void **state)
{
	struct validity_in in = plain();

	(void)state;
	assert_int_equal(end(&in), NOW - 300 + 365 * DAY);
}

static void
a_request_shortens_and_never_lengthens(void **state)
{
	struct validity_in in = plain();

	(void)state;
	in.period_word = "Days";
	in.period_units = "90";
	assert_int_equal(end(&in), NOW - 300 + 90 * DAY);
	in.period_word = "years";
	in.period_units = "5";
	assert_int_equal(end(&in), NOW - 300 + 365 * DAY);
}

static void
nothing_is_heard_while_the_setting_is_off(void **state)
{
	struct validity_in in = plain();

	(void)state;
	in.heard = false;
	in.period_word = "Days";
	in.period_units = "not a number";
	in.expiration_date = "never";
	assert_int_equal(end(&in), NOW - 300 + 365 * DAY);
}

static void
a_date_wins_over_a_period(void **state)
{
	struct validity_in in = plain();
	when_t date;

	(void)state;
	in.expiration_date = "Tue, 16 Mar 2027 01:00:00 GMT";
	in.period_word = "Days";
	in.period_units = "1";
	expect_ok(when_parse(LIT("2027-03-16T01:00:00Z"), &date));
	assert_int_equal(end(&in), date);
}

static void
half_a_period_is_dropped(void **state)
{
	struct validity_in in = plain();

	(void)state;
	in.period_word = "Days";
	assert_int_equal(end(&in), NOW - 300 + 365 * DAY);
	in.period_word = "";
	in.period_units = "5";
	assert_int_equal(end(&in), NOW - 300 + 365 * DAY);
}

static void
limit_and_end_of_the_ca_cap(void **state)
{
	struct validity_in in = plain();

	(void)state;
	in.limit = 30 * DAY;
	assert_int_equal(end(&in), NOW + 30 * DAY);
	in.ca_to = NOW + 10 * DAY;
	assert_int_equal(end(&in), NOW + 10 * DAY);
	in.ca_to = NOW - 1;
	refused(&in, ERR_RANGE);
}

static void
dates_and_periods_that_cannot_be_read_are_refused(void **state)
{
	static const char *const dates[] = { "2027-03-16", "Tue, 16 Mar 2027 01:00:00",
		"Tue, 16 Mrz 2027 01:00:00 GMT", "Tue, 31 Feb 2027 01:00:00 GMT",
		"Tue, 16 Mar 2027 25:00:00 GMT", "Tue, 16 Mar 2027 01:00:00 CET" };
	struct validity_in in = plain();
	when_t t;

	(void)state;
	for (size_t i = 0; i < COUNT(dates); i++) {
		err_t e = validity_date(str_c(dates[i]), &t);

		assert_false(err_ok(e));
		err_forget(e);
	}
	in.period_word = "Fortnights";
	in.period_units = "1";
	refused(&in, ERR_RANGE);
	in.period_word = "Days";
	in.period_units = "0";
	refused(&in, ERR_RANGE);
	in.period_units = "-3";
	refused(&in, ERR_RANGE);
	in.period_units = "x";
	refused(&in, ERR_NUMBER);
}

static void
a_date_that_is_over_is_refused(void **state)
{
	struct validity_in in = plain();

	(void)state;
	in.expiration_date = "Sun, 01 Nov 2020 00:00:00 GMT";
	refused(&in, ERR_RANGE);
}

/* Days that the certificate is good for; with_attributes: the request asks for five. */
static int
issued_days(struct lab *l, struct want *w, bool with_attributes)
{
	struct ca_attribute attrs[] = { { "CertificateTemplate", TEMPLATE },
		{ "ChanceryOrder", "" }, { "ValidityPeriod", "Days" },
		{ "ValidityPeriodUnits", "5" } };
	struct ca_submit_req q = { .ca = ISSUING,
		.caller = l->caller,
		.attributes = attrs,
		.nattributes = with_attributes ? 4 : 2 };
	auto_cert struct cert *c = NULL;
	auto_buf struct buf in;
	struct ca_submit_rep rep;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	w->order.fence++;
	attrs[1].value = text_base64(l->a, lab_seal(l, w->sealer, &w->order));
	expect_ok(csr_make(l->a, w->key, &w->csr, &q.token));
	expect_ok(ca_submit_req_encode(&q, &in));
	expect_ok(lab_call(l, CA_SUBMIT, &in, &out));
	expect_ok(ca_submit_rep_parse(l->a, out, &rep));
	assert_int_equal(rep.disposition, CA_ISSUED);
	expect_ok(cert_parse(rep.leaf, &c));
	return (int)((cert_not_after(c) - cert_not_before(c) + DAY / 2) / DAY);
}

/* Through the issuer: the setting is what makes the difference, for the request and for the order. */
static void
requests_and_orders_shorten_only_after_the_setting_is_on(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);

	w.order.validity_days = 30;
	assert_int_equal(issued_days(l, &w, true), 365);
	assert_int_equal(issued_days(l, &w, false), 365);
	lab_do(l, "ca.set", lab_args("name", "request.validity_attributes", "value", "true", NULL));
	assert_int_equal(issued_days(l, &w, true), 5);
	assert_int_equal(issued_days(l, &w, false), 30);
	w.order.validity_days = 3;
	assert_int_equal(issued_days(l, &w, true), 3);
	w.order.validity_days = 3650;
	assert_int_equal(issued_days(l, &w, false), 365);
	w.order.validity_days = 0;
	assert_int_equal(issued_days(l, &w, false), 365);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_template_decides_when_the_request_is_silent),
	cmocka_unit_test(a_request_shortens_and_never_lengthens),
	cmocka_unit_test(nothing_is_heard_while_the_setting_is_off),
	cmocka_unit_test(a_date_wins_over_a_period),
	cmocka_unit_test(half_a_period_is_dropped),
	cmocka_unit_test(limit_and_end_of_the_ca_cap),
	cmocka_unit_test(dates_and_periods_that_cannot_be_read_are_refused),
	cmocka_unit_test(a_date_that_is_over_is_refused),
	cmocka_unit_test(requests_and_orders_shorten_only_after_the_setting_is_on),
};
LAB_MAIN(tests)
