/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distinguished names: the format text of a profile, the resolved name, its DER, and comparison of decoded names.
 *
 * A format ("CN={{UserName}},E={{EmailAddress}},O=Finance Group") is parsed once, before any value is put in, so a value
 * can hold any character and never changes the structure. Grammar: CertStrToName quoting (doubled quotes inside) plus
 * the backslash escapes of RFC 4514; RDN separator ',' or ';' (one of them in a format), '+' for multi-valued RDNs.
 * Blanks around keys and unquoted values are trimmed; values put in are kept to the letter.
 *
 * Encoding: root first (the text's last RDN is the first element, the RFC 4514 reading); PrintableString when the value
 * fits and UTF8String otherwise, IA5String for E and DC, PrintableString demanded for C and SERIALNUMBER. Lengths of
 * X.520 upper bounds are checked: CN 64, O 64, OU 64, L 128, ST 128, C exactly 2, E 255.
 */
#ifndef CODEC_DN_H
#define CODEC_DN_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"

struct dn_format; /* parsed, in the arena */

/* Where values come from: NULL value and OK means "known, but has none"; ERR_VARIABLE_UNKNOWN: no such variable. */
typedef err_t (*dn_lookup)(void *ctx, struct arena *a, const char *variable, const char **ret);

/* ERR_NAME_FORMAT with the position in the detail. */
err_t dn_format_parse(struct arena *a, const char *text, struct dn_format **ret);
/* The variables named in it, without braces, in order; duplicates kept. */
size_t dn_format_variables(const struct dn_format *f, const char *const **ret);
/* A text with variables that is no name (SAN values): the same braces. */
err_t dn_text_resolve(
    struct arena *a, const char *format, dn_lookup lookup, void *ctx, const char **ret);
err_t dn_text_variables(struct arena *a, const char *format, const char *const **ret, size_t *retn);

struct dn_ava {
	const char *oid;
	const char *value; /* UTF-8 */
};
struct dn_rdn {
	struct dn_ava *ava;
	size_t n;
};
/* In the order of the encoding: root (C, O ...) first. */
struct dn {
	struct dn_rdn *rdn;
	size_t n;
};

/* ERR_VARIABLE_EMPTY (detail names the variable), ERR_NAME_TOO_LONG (names the RDN), ERR_NAME_CHARACTERS. */
err_t dn_resolve(
    struct arena *a, const struct dn_format *f, dn_lookup lookup, void *ctx, struct dn *ret);
err_t dn_encode(struct arena *a, const struct dn *dn, struct str *ret);
err_t dn_decode(struct arena *a, struct str der, struct dn *ret);
/* Same RDNs in the same order with the same values, whatever the string types (RFC 5280 7.1 without case folding). */
bool dn_equal(const struct dn *a, const struct dn *b);
/* The same without regard to the order of the RDNs: Windows encodes a name as its text is written, most specific first, and
 * Microsoft's CA puts the attributes into an order of its own. */
bool dn_same_parts(const struct dn *a, const struct dn *b);
/* For people, most specific first: CN=..., O=...; quoted where needed. */
const char *dn_print(struct arena *a, const struct dn *dn);

#endif
