/* SPDX-License-Identifier: Apache-2.0 */
#include "store/trigram.h"

#include "store/row.h"

/* Slots of the sample, the oldest; runs that one question asks for at most. */
enum { SAMPLE = 2000, RUN = 3, RUNS_MAX = 64 };

size_t
characters_of(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static size_t
character(const char *s)
{
	size_t n = 1;

	while ((s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* In quotes, those within it doubled. */
static const char *
quoted(struct arena *a, const char *from, const char *end)
{
	char *out = arena_alloc(a, 2 * (size_t)(end - from) + 3);
	size_t k = 0;

	out[k++] = '"';
	for (const char *p = from; p < end; p++) {
		if (*p == '"')
			out[k++] = '"';
		out[k++] = *p;
	}
	out[k++] = '"';
	out[k] = '\0';
	return out;
}

/* Each once; what is past the first RUNS_MAX is left to the comparison with the whole. */
static size_t
runs_of(struct arena *a, const char *text, const char *v[RUNS_MAX])
{
	size_t n = 0;

	for (const char *s = text; n < RUNS_MAX && characters_of(s) >= RUN; s += character(s)) {
		const char *end = s, *one;
		bool known = false;

		for (int i = 0; i < RUN; i++)
			end += character(end);
		one = quoted(a, s, end);
		for (size_t i = 0; i < n; i++)
			known = known || strcmp(v[i], one) == 0;
		if (!known)
			v[n++] = one;
	}
	return n;
}

err_t
store_trigrams(struct tx *tx, struct arena *a, const char *text, const char **ret)
{
	const char *v[RUNS_MAX], *all = "", *rare = "";
	size_t n = runs_of(a, text, v);

	for (size_t i = 0; i < n; i++) {
		int64_t hits = 0;

		TRY(row_number(
		    tx, STMT_SLOT_TEXT_SAMPLE, VALS(val_text(v[i]), val_i64(SAMPLE)), &hits));
		all = arena_printf(a, "%s%s ", all, v[i]);
		if (hits <= SAMPLE / 2)
			rare = arena_printf(a, "%s%s ", rare, v[i]);
	}
	*ret = *rare == '\0' ? all : rare;
	return OK;
}
