/* SPDX-License-Identifier: Apache-2.0 */
/* See ssl_err.h. */
#include "pki/ssl_err.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/err.h>

/* More than this says nothing more about the cause. */
#define REASONS 4

static size_t
put_reason(char *out, size_t n, size_t max, const char *sep, const char *text)
{
	int r = snprintf(out + n, max - n, "%s%s", sep, text);

	if (r < 0)
		return n;
	return (size_t)r < max - n ? n + (size_t)r : max - 1;
}

/* Our own failure, which passed through OpenSSL, says more than the code of the call in which it did. */
static enum err_code
far_code(unsigned long e, enum err_code otherwise)
{
	int code = ERR_GET_REASON(e) - SSL_FAR_REASON;

	if (ERR_GET_LIB(e) != ERR_LIB_USER || code <= ERR_NONE || code >= ERR_COUNT)
		return otherwise;
	return (enum err_code)code;
}

static void
put_queue(char *out, size_t n, size_t max, enum err_code *code)
{
	const char *data, *reason;
	unsigned long e;
	int flags, seen = 0;

	while ((e = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
		*code = far_code(e, *code);
		if (seen++ >= REASONS)
			continue; /* keep emptying */
		reason = ERR_reason_error_string(e);
		if (reason != NULL)
			n = put_reason(out, n, max, n == 0 ? "" : ": ", reason);
		if ((flags & ERR_TXT_STRING) != 0 && data != NULL && data[0] != '\0')
			n = put_reason(out, n, max, n == 0 ? "" : ": ", data);
	}
}

err_t
ssl_fail(enum err_code code, const char *file, int line, const char *fmt, ...)
{
	char text[ERR_DETAIL_MAX] = "";
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (r < 0)
		r = 0;
	put_queue(text, (size_t)r < sizeof text ? (size_t)r : sizeof text - 1, sizeof text, &code);
	return err_make(code, file, line, "%s", text);
}

void
ssl_forget(void)
{
	ERR_clear_error();
}
