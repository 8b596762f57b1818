/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/validity.h"

#include "base/text.h"

static const struct {
	const char *word;
	int64_t seconds;
} words[] = {
	{ "Years", 365 * 86400LL },
	{ "Months", 30 * 86400LL },
	{ "Weeks", 7 * 86400LL },
	{ "Days", 86400 },
	{ "Hours", 3600 },
	{ "Minutes", 60 },
	{ "Seconds", 1 },
};

static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
	"Oct", "Nov", "Dec" };

enum { UNITS_MAX = 1000000000, DATE_CHARS = 29 };

static err_t
month_number(struct str s, int *ret)
{
	for (size_t i = 0; i < COUNT(months); i++) {
		if (str_ieq_c(s, months[i])) {
			*ret = (int)i + 1;
			return OK;
		}
	}
	FAIL(ERR_TIME, "month");
}

/* "Tue, 21 Nov 2028 01:00:00 GMT": fields of fixed width; the name of the day says nothing that the date does not. */
err_t
validity_date(struct str text, when_t *ret)
{
	auto_arena struct arena *a = arena_new();
	struct str s = str_trim(text);
	int64_t day, year;
	int month;

	if (s.n != DATE_CHARS || s.p[3] != ',' || s.p[4] != ' ' || s.p[7] != ' ' ||
	    s.p[11] != ' ' || s.p[16] != ' ' || !str_eq(str_of(s.p + 25, 4), LIT(" GMT")))
		FAIL(ERR_TIME, "a date is written as Tue, 21 Nov 2028 01:00:00 GMT");
	TRY(text_i64(str_of(s.p + 5, 2), 1, 31, &day));
	TRY(month_number(str_of(s.p + 8, 3), &month));
	TRY(text_i64(str_of(s.p + 12, 4), 1970, 9999, &year));
	return when_parse(str_c(arena_printf(a, "%04d-%02d-%02dT%.8sZ", (int)year, month, (int)day,
			      (const char *)s.p + 17)),
	    ret);
}

static err_t
period(const char *word, const char *units, int64_t *ret)
{
	int64_t n;

	TRY_CTX(text_i64(str_trim(str_c(units)), 1, UNITS_MAX, &n), "ValidityPeriodUnits");
	for (size_t i = 0; i < COUNT(words); i++) {
		if (str_ieq_c(str_trim(str_c(word)), words[i].word)) {
			*ret = n * words[i].seconds;
			return OK;
		}
	}
	FAIL(ERR_RANGE,
	    "ValidityPeriod is one of Years, Months, Weeks, Days, Hours, Minutes, Seconds");
}

static when_t
earlier(when_t a, when_t b)
{
	return a < b ? a : b;
}

/* What the request wishes: a date wins over a period. */
static err_t
wish(const struct validity_in *in, when_t from, when_t *end)
{
	int64_t seconds;
	when_t date;

	if (in->expiration_date != NULL && in->expiration_date[0] != '\0') {
		TRY_CTX(validity_date(str_c(in->expiration_date), &date), "ExpirationDate");
		*end = earlier(*end, date);
		return OK;
	}
	if (in->period_word == NULL || in->period_units == NULL || in->period_word[0] == '\0' ||
	    in->period_units[0] == '\0')
		return OK;
	TRY(period(in->period_word, in->period_units, &seconds));
	*end = earlier(*end, from + seconds);
	return OK;
}

err_t
validity(const struct validity_in *in, when_t *ret_from, when_t *ret_to)
{
	when_t from = in->now - in->skew, end;

	if (in->ca_from != 0 && from < in->ca_from)
		from = in->ca_from;
	end = from + in->period;
	if (in->limit > 0)
		end = earlier(end, in->now + in->limit);
	if (in->heard)
		TRY(wish(in, from, &end));
	if (in->ca_to != 0)
		end = earlier(end, in->ca_to);
	if (end <= in->now)
		FAIL(ERR_RANGE, "the certificate would have ended already");
	*ret_from = from;
	*ret_to = end;
	return OK;
}
