/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct err_info catalogue[] = {
#define E(code_, id_, http_, graph_, hresult_, scep_, exit_, who_, text_, hint_) \
	{ \
		.code = ERR_##code_, \
		.name = #code_, \
		.id = id_, \
		.http = http_, \
		.graph = graph_, \
		.hresult = hresult_, \
		.scep = scep_, \
		.exit = exit_, \
		.who = who_, \
		.text = text_, \
		.hint = hint_, \
	},
#include "base/errors.tbl"
#undef E
};

static _Thread_local struct err_report newest;

const struct err_info *
err_info(enum err_code code)
{
	if ((unsigned)code >= ERR_COUNT)
		return &catalogue[ERR_INTERNAL];
	return &catalogue[code];
}

const struct err_info *
err_info_by_id(const char *id)
{
	for (size_t i = 0; i < ERR_COUNT; i++)
		if (strcmp(catalogue[i].id, id) == 0)
			return &catalogue[i];
	return NULL;
}

const char *
err_who_name(enum err_who who)
{
	switch (who) {
	case WHO_NOBODY:
		return "nobody";
	case WHO_CALLER:
		return "caller";
	case WHO_ADMIN:
		return "administrator";
	case WHO_CA_ADMIN:
		return "CA administrator";
	case WHO_DEVICE_USER:
		return "device user";
	case WHO_SUPPORT:
		return "support";
	}
	return "support";
}

/* Copies with a cut at ERR_DETAIL_MAX that leaves no half UTF-8 character behind. */
static void
copy_cut(char to[ERR_DETAIL_MAX], const char *from)
{
	size_t n = strlen(from);

	if (n >= ERR_DETAIL_MAX) {
		n = ERR_DETAIL_MAX - 1;
		while (n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80)
			n--;
	}
	memmove(to, from, n);
	to[n] = '\0';
}

/* Adds a frame; the path begins below the source folder, wherever the build stands. */
static void
frame_add(const char *file, int line)
{
	size_t n = strlen(newest.trail);

	for (const char *at = file; (at = strstr(at, "src/")) != NULL; at += strlen("src/"))
		file = at + strlen("src/");
	snprintf(
	    newest.trail + n, sizeof(newest.trail) - n, "%s%s:%d", n == 0 ? "" : " < ", file, line);
}

static void
newest_begin(enum err_code code)
{
	newest.code = code;
	newest.detail[0] = '\0';
	newest.trail[0] = '\0';
}

err_t
err_make(enum err_code code, const char *file, int line, const char *fmt, ...)
{
	/* The arguments may point into the detail that is about to be replaced. */
	char detail[ERR_DETAIL_MAX + 4];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);

	newest_begin(code);
	copy_cut(newest.detail, detail);
	frame_add(file, line);
	return (err_t){ code };
}

err_t
err_pass(err_t e, const char *file, int line)
{
	if (newest.code != e.code)
		newest_begin(e.code);
	frame_add(file, line);
	return e;
}

err_t
err_context(err_t e, const char *file, int line, const char *fmt, ...)
{
	char detail[2 * ERR_DETAIL_MAX + 4];
	va_list ap;
	size_t n;

	if (newest.code != e.code)
		newest_begin(e.code);
	va_start(ap, fmt);
	vsnprintf(detail, ERR_DETAIL_MAX, fmt, ap);
	va_end(ap);
	n = strlen(detail);
	if (newest.detail[0] != '\0')
		snprintf(detail + n, sizeof(detail) - n, ": %s", newest.detail);
	copy_cut(newest.detail, detail);
	frame_add(file, line);
	return e;
}

void
err_take(err_t e, struct err_report *ret)
{
	if (newest.code != e.code)
		newest_begin(e.code);
	*ret = newest;
	newest_begin(ERR_NONE);
}

void
err_forget(err_t e)
{
	(void)e;
	newest_begin(ERR_NONE);
}

err_t
err_raise(const struct err_report *rep)
{
	newest = *rep;
	newest.detail[ERR_DETAIL_MAX - 1] = '\0';
	newest.trail[ERR_DETAIL_MAX - 1] = '\0';
	return (err_t){ rep->code };
}

const char *
err_detail(void)
{
	return newest.detail;
}
