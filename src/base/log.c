/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "base/when.h"

#define LOG_LINE (32u << 10)
#define LOG_END 2u      /* what closes it */
#define LOG_VALUE 4096u /* longer values are cut */

/* Set once per process, before its threads start. */
static struct {
	const char *role, *proc;
	enum log_level min;
	enum log_format format;
} setup = { .role = "-", .proc = "-", .min = LOG_LEVEL_INFO, .format = LOG_FORMAT_KV };

static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_ERROR] = "error",
};

void
log_setup(const char *role, const char *proc, enum log_level min, enum log_format format)
{
	setup.role = role;
	setup.proc = proc;
	setup.min = min;
	setup.format = format;
}

/* One line under way. */
struct line {
	struct arena *a;
	struct buf *b;
};

static bool
is_bare(struct str s)
{
	static const char also[] = "._:/@+-";

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
			continue;
		if (c == 0 || strchr(also, c) == NULL)
			return false;
	}
	return s.n > 0;
}

/* With a backslash before quotes and backslashes. */
static const char *
escape(struct arena *a, struct str s)
{
	char *to = arena_array(a, s.n + 1, 2);
	char *q = to;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			*q++ = '\\';
		*q++ = (char)s.p[i];
	}
	return to;
}

static err_t
put_pair(struct line *l, const char *key, const char *value)
{
	struct str v = str_c(value);

	if (v.n > LOG_VALUE)
		v.n = LOG_VALUE;
	if (setup.format == LOG_FORMAT_JSON) {
		/* Made safe first: JSON has no \xNN, so it is text with a backslash. */
		const char *safe = escape(l->a, str_c(text_safe(l->a, v)));

		return buf_printf(l->b, "%s\"%s\":\"%s\"", l->b->n == 0 ? "{" : ",", key, safe);
	}
	if (is_bare(v))
		return buf_printf(l->b, "%s%s=%.*s", l->b->n == 0 ? "" : " ", key, (int)v.n, v.p);
	return buf_printf(l->b, "%s%s=\"%s\"", l->b->n == 0 ? "" : " ", key,
	    text_safe(l->a, str_c(escape(l->a, v))));
}

static err_t
put_head(struct line *l, enum log_level level, const char *msg)
{
	TRY(put_pair(l, "t", when_text_ms(l->a, when_now_ms())));
	TRY(put_pair(l, "level", level_names[level]));
	TRY(put_pair(l, "role", setup.role));
	TRY(put_pair(l, "proc", setup.proc));
	TRY(put_pair(l, "pid", arena_printf(l->a, "%d", (int)getpid())));
	return put_pair(l, "msg", msg);
}

/* In one write, so that lines of threads and processes do not mix. A log that cannot be written stops nothing. */
static void
line_write(struct str s)
{
	while (s.n > 0) {
		ssize_t put = write(STDERR_FILENO, s.p, s.n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return;
		s = str_of(s.p + put, s.n - (size_t)put);
	}
}

/* Fails when the pairs do not fit; those that do are there then. */
static err_t
put_pairs(struct line *l, va_list ap)
{
	const char *key;

	while ((key = va_arg(ap, const char *)) != NULL)
		TRY(put_pair(l, key, va_arg(ap, const char *)));
	return OK;
}

void
log_event(enum log_level level, const char *msg, ...)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct line l = { .a = a, .b = &b };
	va_list ap;
	err_t e;

	buf_init(&b, LOG_LINE);
	if (level < setup.min)
		return;
	e = put_head(&l, level, msg);
	va_start(ap, msg);
	if (err_ok(e))
		e = put_pairs(&l, ap);
	va_end(ap);
	/* What does not fit is left out; the line stays whole, and the end always fits. */
	b.max += LOG_END;
	if (err_ok(buf_puts(&b, setup.format == LOG_FORMAT_JSON ? "}\n" : "\n")))
		line_write(buf_str(&b));
}

void
log_report(const char *msg, const struct err_report *rep)
{
	const struct err_info *info = err_info(rep->code);

	log_event(LOG_LEVEL_ERROR, msg, "fault", info->id, "text", info->text, "detail",
	    rep->detail, "hint", info->hint, "trail", rep->trail, NULL);
}

void
log_error(const char *msg, err_t e)
{
	struct err_report rep;

	err_take(e, &rep);
	log_report(msg, &rep);
}

int
log_end(const char *program, err_t e)
{
	struct err_report rep;
	const struct err_info *info;

	err_take(e, &rep);
	info = err_info(rep.code);
	fprintf(stderr, "%s: %s\n", program, info->text);
	if (rep.detail[0] != '\0')
		fprintf(stderr, "detail: %s\n", rep.detail);
	if (info->hint[0] != '\0')
		fprintf(stderr, "hint: %s\n", info->hint);
	return info->exit;
}
