/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from outside: UTF-8, integers, hex, base64, identifiers. All checks are strict; none knows the locale.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/arena.h"
#include "base/str.h"

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms) without NUL. */
err_t text_utf8(struct str s);
/* The same, copied and NUL-terminated. */
err_t text_cstr(struct arena *a, struct str s, const char **ret);
/* Decimal, optional '-', no blanks, no leading '+'; ERR_NUMBER or ERR_RANGE. */
err_t text_i64(struct str s, int64_t min, int64_t max, int64_t *ret);
bool text_printable_ascii(struct str s);

char *text_hex(struct arena *a, struct str s); /* lower case */
err_t text_unhex(struct arena *a, struct str s, struct str *ret);

char *text_base64(struct arena *a, struct str s);    /* RFC 4648 4, padded, one line */
char *text_base64url(struct arena *a, struct str s); /* RFC 4648 5, no padding */
/* Accepts both alphabets, padding or none, and ASCII white space between; nothing else. */
err_t text_unbase64(struct arena *a, struct str s, struct str *ret);
/* Every "-----BEGIN label-----" block of a PEM text; a text without one is taken as DER and comes back alone.
 * `label` NULL: any. At most max blocks, ERR_TOO_LARGE past it. */
err_t text_unpem(
    struct arena *a, struct str s, const char *label, struct str *ret, size_t max, size_t *retn);
char *text_pem(struct arena *a, const char *label, struct str der);

/* Identifiers: 16 bytes, random for the most part, written as a GUID in lower case. */
struct id {
	uint8_t b[16];
};
#define ID_TEXT 37
struct id id_new(void); /* random, version 4 */
/* The milliseconds since 1970, then 74 random bits: version 7. For records that are made by the million: what was made
 * together lies together in every index, so few pages are written for many of them. */
struct id id_new_ordered(void);
bool id_eq(struct id a, struct id b);
bool id_is_zero(struct id a);
err_t id_parse(struct str s, struct id *ret); /* any case, optional braces; ERR_ID */
char *id_text(struct arena *a, struct id id);
struct str id_str(const struct id *id); /* its 16 bytes, borrowed */

/* A version of `s` that is safe in one log or terminal line: control characters and bad UTF-8 become \xNN. */
char *text_safe(struct arena *a, struct str s);
/* Edit distance (ASCII case ignored), for "did you mean"; at most `max`, then max + 1. */
size_t text_distance(const char *a, const char *b, size_t max);

#endif
