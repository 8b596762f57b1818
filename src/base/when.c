/* SPDX-License-Identifier: Apache-2.0 */
#include "base/when.h"

#include <stdatomic.h>
#include <time.h>

#define DAY 86400

static _Atomic when_t standing; /* the clock of tests; 0: the system's */

static int64_t
clock_ms(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) != 0)
		abort();
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

when_ms_t
when_now_ms(void)
{
	when_t t = atomic_load(&standing);

	return t != 0 ? t * 1000 : clock_ms(CLOCK_REALTIME);
}

when_t
when_now(void)
{
	return when_now_ms() / 1000;
}

int64_t
when_mono_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

void
when_set(when_t t)
{
	atomic_store(&standing, t);
}

/* Division towards minus infinity. */
static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

struct date {
	int64_t year;
	int month; /* 1 to 12 */
	int day;
};

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int
month_days(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/*
 * Days since 1970-01-01 of the proleptic Gregorian calendar, and back. Years are counted from 1 March, so that the
 * leap day is the last of its year; 400 such years have 146097 days. 719468 days lie between 0000-03-01 and 1970.
 */
static int64_t
days_of(struct date d)
{
	int64_t y = d.month <= 2 ? d.year - 1 : d.year;
	int64_t era = floor_div(y, 400);
	int64_t year = y - era * 400;
	int64_t month = (d.month + 9) % 12;
	int64_t day = (153 * month + 2) / 5 + d.day - 1;

	return era * 146097 + year * 365 + year / 4 - year / 100 + day - 719468;
}

static struct date
date_of(int64_t days)
{
	int64_t z = days + 719468;
	int64_t era = floor_div(z, 146097);
	int64_t in_era = z - era * 146097;
	int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * in_year + 2) / 153;
	struct date d;

	d.day = (int)(in_year - (153 * month + 2) / 5 + 1);
	d.month = (int)(month < 10 ? month + 3 : month - 9);
	d.year = year + era * 400 + (d.month <= 2);
	return d;
}

static char *
clock_text(struct arena *a, when_t t, const char *fraction)
{
	int64_t days = floor_div(t, DAY);
	int s = (int)(t - days * DAY);
	struct date d = date_of(days);

	return arena_printf(a, "%04lld-%02d-%02dT%02d:%02d:%02d%sZ", (long long)d.year, d.month,
	    d.day, s / 3600, s / 60 % 60, s % 60, fraction);
}

char *
when_text(struct arena *a, when_t t)
{
	return clock_text(a, t, "");
}

char *
when_text_ms(struct arena *a, when_ms_t t)
{
	when_t s = floor_div(t, 1000);

	return clock_text(a, s, arena_printf(a, ".%03d", (int)(t - s * 1000)));
}

/* n digits at the front, as a number from min to max. */
static err_t
take_digits(struct str *s, size_t n, int min, int max, int *ret)
{
	int v = 0;

	if (s->n < n)
		FAIL(ERR_TIME, "too short");
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			FAIL(ERR_TIME, "a digit is missing");
		v = v * 10 + (s->p[i] - '0');
	}
	if (v < min || v > max)
		FAIL(ERR_TIME, "%d is not within %d to %d", v, min, max);
	*s = str_of(s->p + n, s->n - n);
	*ret = v;
	return OK;
}

static err_t
take_char(struct str *s, uint8_t c)
{
	if (s->n == 0 || s->p[0] != c)
		FAIL(ERR_TIME, "'%c' is missing", c);
	*s = str_of(s->p + 1, s->n - 1);
	return OK;
}

static err_t
take_date(struct str *s, struct date *ret)
{
	struct date d;
	int year;

	TRY(take_digits(s, 4, 1, 9999, &year));
	d.year = year;
	TRY(take_char(s, '-'));
	TRY(take_digits(s, 2, 1, 12, &d.month));
	TRY(take_char(s, '-'));
	TRY(take_digits(s, 2, 1, month_days(d.year, d.month), &d.day));
	*ret = d;
	return OK;
}

/* ".123": at least one digit; they are dropped. */
static err_t
skip_fraction(struct str *s)
{
	int digit;

	if (s->n == 0 || s->p[0] != '.')
		return OK;
	TRY(take_char(s, '.'));
	TRY(take_digits(s, 1, 0, 9, &digit));
	while (s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9')
		*s = str_of(s->p + 1, s->n - 1);
	return OK;
}

/* "Z", "+02:00" or nothing, which is UTC; in seconds. */
static err_t
take_offset(struct str *s, int *ret)
{
	bool west = s->n > 0 && s->p[0] == '-';
	int hours, minutes;

	if (s->n == 0) {
		*ret = 0;
		return OK;
	}
	if (s->p[0] == 'Z') {
		*ret = 0;
		return take_char(s, 'Z');
	}
	TRY(take_char(s, west ? '-' : '+'));
	TRY(take_digits(s, 2, 0, 23, &hours));
	TRY(take_char(s, ':'));
	TRY(take_digits(s, 2, 0, 59, &minutes));
	*ret = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
	return OK;
}

err_t
when_parse(struct str s, when_t *ret) /* RFC 3339 5.6, without leap seconds */
{
	struct date d;
	int hour, minute, second, offset;

	TRY(take_date(&s, &d));
	TRY(take_char(&s, 'T'));
	TRY(take_digits(&s, 2, 0, 23, &hour));
	TRY(take_char(&s, ':'));
	TRY(take_digits(&s, 2, 0, 59, &minute));
	TRY(take_char(&s, ':'));
	TRY(take_digits(&s, 2, 0, 59, &second));
	TRY(skip_fraction(&s));
	TRY(take_offset(&s, &offset));
	if (s.n != 0)
		FAIL(ERR_TIME, "%zu characters too many", s.n);
	*ret = days_of(d) * DAY + hour * 3600 + minute * 60 + second - offset;
	return OK;
}

when_t
when_add_months(when_t t, int months)
{
	int64_t days = floor_div(t, DAY);
	struct date d = date_of(days);
	int64_t month = d.year * 12 + d.month - 1 + months;
	int last;

	d.year = floor_div(month, 12);
	d.month = (int)(month - d.year * 12) + 1;
	last = month_days(d.year, d.month);
	if (d.day > last)
		d.day = last;
	return days_of(d) * DAY + (t - days * DAY);
}

static const struct {
	int64_t below; /* used for spans shorter than this, in seconds */
	int64_t size;
	const char *one, *many;
} units[] = {
	{ 60, 1, "s", "s" },
	{ 3600, 60, "min", "min" },
	{ DAY, 3600, "h", "h" },
	{ 730 * DAY, DAY, "day", "days" },
	{ INT64_MAX, 365 * DAY, "year", "years" },
};

char *
when_ago(struct arena *a, when_t t, when_t now)
{
	int64_t span = t > now ? t - now : now - t;
	size_t i = 0;
	int64_t n;
	const char *unit;

	if (span == 0)
		return arena_strdup(a, "now");
	while (span >= units[i].below && i + 1 < COUNT(units))
		i++;
	n = span / units[i].size;
	unit = n == 1 ? units[i].one : units[i].many;
	if (t > now)
		return arena_printf(a, "in %lld %s", (long long)n, unit);
	return arena_printf(a, "%lld %s ago", (long long)n, unit);
}
