/* SPDX-License-Identifier: Apache-2.0 */
/* Subject alternative names: see san.h. RFC 5280 4.2.1.6; UPN: MS-WCCE, otherName
 * 1.3.6.1.4.1.311.20.2.3. */
#include "codec/san.h"

#include <arpa/inet.h>
#include <strings.h>

#include "base/rd.h"
#include "base/text.h"
#include "codec/der.h"
#include "codec/dn.h"
#include "codec/dn_key.h"
#include "codec/oid.h"

/* GeneralName ::= CHOICE */
enum {
	TAG_OTHER = DER_CONTEXT(0),
	TAG_EMAIL = DER_CONTEXT_PRIMITIVE(1),
	TAG_DNS = DER_CONTEXT_PRIMITIVE(2),
	TAG_DIRECTORY = DER_CONTEXT(4),
	TAG_URI = DER_CONTEXT_PRIMITIVE(6),
	TAG_IP = DER_CONTEXT_PRIMITIVE(7),
	TAG_ID = DER_CONTEXT_PRIMITIVE(8),
};

enum {
	RAW_MAX = LIMIT_SAN_VALUE + 64, /* content bytes of an element that is kept as it is */
	SANS_DER_MAX = LIMIT_SANS * (RAW_MAX + 8),
};

const char *
san_type_name(enum san_type t)
{
	switch (t) {
	case SAN_EMAIL:
		return "mail";
	case SAN_UPN:
		return "upn";
	case SAN_DNS:
		return "dns";
	case SAN_URI:
		return "uri";
	case SAN_IP:
		return "ip";
	case SAN_DIRECTORY:
		return "directory";
	case SAN_OTHER:
		break;
	}
	return "other";
}

static err_t
value_check(const struct san *s)
{
	const char *what = san_type_name(s->type);
	bool raw = s->type == SAN_DIRECTORY || s->type == SAN_OTHER;
	size_t max = raw ? 2 * (RAW_MAX + 8) : LIMIT_SAN_VALUE;

	if (s->value[0] == '\0')
		FAIL(ERR_NAME_CHARACTERS, "alternative name (%s) is empty", what);
	if (strlen(s->value) > max)
		FAIL(
		    ERR_NAME_TOO_LONG, "alternative name (%s) is longer than %zu bytes", what, max);
	if (!err_ok(text_utf8(str_c(s->value))))
		FAIL(ERR_NAME_CHARACTERS, "alternative name (%s) is not UTF-8", what);
	if (dn_has_control(s->value))
		FAIL(ERR_NAME_CHARACTERS, "alternative name (%s) has a control character", what);
	return OK;
}

static err_t
ia5_put(struct buf *b, uint8_t tag, const struct san *s)
{
	if (!dn_ia5(s->value))
		FAIL(ERR_NAME_CHARACTERS, "alternative name (%s) allows ASCII only, not \"%s\"",
		    san_type_name(s->type), s->value);
	/* A blank is in none of the three syntaxes (RFC 5321, RFC 1034, RFC 3986). */
	if (strchr(s->value, ' ') != NULL)
		FAIL(ERR_NAME_CHARACTERS, "alternative name (%s) \"%s\" has a blank",
		    san_type_name(s->type), s->value);
	return der_put(b, tag, str_c(s->value));
}

static err_t
upn_put(struct arena *a, struct buf *b, const char *upn)
{
	auto_buf struct buf value, other;
	struct str type;

	buf_init(&value, RAW_MAX);
	buf_init(&other, RAW_MAX);
	TRY(oid_content(a, OID_UPN, &type));
	TRY(der_put(&value, DER_UTF8, str_c(upn)));
	TRY(der_put(&other, DER_OID, type));
	TRY(der_put(&other, DER_CONTEXT(0), buf_str(&value)));
	return der_put(b, TAG_OTHER, buf_str(&other));
}

static err_t
ip_put(struct buf *b, const char *text)
{
	uint8_t ip[16];

	if (inet_pton(AF_INET, text, ip) == 1)
		return der_put(b, TAG_IP, str_of(ip, 4));
	if (inet_pton(AF_INET6, text, ip) == 1)
		return der_put(b, TAG_IP, str_of(ip, 16));
	FAIL(ERR_NAME_CHARACTERS, "alternative name (ip): \"%s\" is no address", text);
}

/* The hex of a whole element goes in as it is; it must be one element. */
static err_t san_take(struct arena *a, struct str *in, struct san *ret);

static err_t
raw_put(struct arena *a, struct buf *b, const struct san *s)
{
	struct str der, rest;
	struct san is;

	TRY(text_unhex(a, str_c(s->value), &der));
	rest = der;
	TRY(san_take(a, &rest, &is));
	TRY(rd_end(&rest));
	if (is.type != s->type)
		FAIL(ERR_MALFORMED, "alternative name (%s) with the bytes of another kind (%s)",
		    san_type_name(s->type), san_type_name(is.type));
	return buf_put(b, der);
}

static err_t
san_put(struct arena *a, struct buf *b, const struct san *s)
{
	TRY(value_check(s));
	switch (s->type) {
	case SAN_EMAIL:
		return ia5_put(b, TAG_EMAIL, s);
	case SAN_UPN:
		return upn_put(a, b, s->value);
	case SAN_DNS:
		return ia5_put(b, TAG_DNS, s);
	case SAN_URI:
		return ia5_put(b, TAG_URI, s);
	case SAN_IP:
		return ip_put(b, s->value);
	case SAN_DIRECTORY:
	case SAN_OTHER:
		return raw_put(a, b, s);
	}
	FAIL(ERR_MALFORMED, "alternative name of type %d", (int)s->type);
}

err_t
san_encode(struct arena *a, const struct san *sans, size_t n, struct str *ret)
{
	auto_buf struct buf names, out;

	buf_init(&names, SANS_DER_MAX);
	buf_init(&out, SANS_DER_MAX + 8);
	if (n == 0 || n > LIMIT_SANS)
		FAIL(ERR_MALFORMED, "%zu alternative names; 1 to %u can be written", n, LIMIT_SANS);
	for (size_t i = 0; i < n; i++)
		TRY(san_put(a, &names, &sans[i]));
	TRY(der_put(&out, DER_SEQUENCE, buf_str(&names)));
	*ret = arena_str(a, buf_str(&out));
	return OK;
}

static err_t
ia5_take(struct arena *a, struct str s, const char **ret)
{
	const char *text;

	TRY(text_cstr(a, s, &text));
	if (!dn_ia5(text))
		FAIL(ERR_DER, "alternative name with characters past ASCII");
	*ret = text;
	return OK;
}

static err_t
ip_take(struct arena *a, struct str s, const char **ret)
{
	char text[INET6_ADDRSTRLEN];

	if (s.n != 4 && s.n != 16)
		FAIL(ERR_DER, "IP address of %zu bytes", s.n);
	if (inet_ntop(s.n == 4 ? AF_INET : AF_INET6, s.p, text, sizeof(text)) == NULL)
		FAIL(ERR_SYSTEM, "inet_ntop");
	*ret = arena_strdup(a, text);
	return OK;
}

/* otherName: a UPN, or anything else as it is */
static err_t
other_take(struct arena *a, struct str content, struct str whole, struct san *ret)
{
	struct str type, value, text;
	const char *oid;
	uint8_t tag;

	TRY(der_take(&content, DER_OID, &type));
	TRY(der_take(&content, DER_CONTEXT(0), &value));
	TRY(rd_end(&content));
	TRY(oid_text(a, type, &oid));
	if (strcmp(oid, OID_UPN) != 0) {
		TRY(der_next(&value, &tag, &text));
		TRY(rd_end(&value));
		ret->type = SAN_OTHER;
		ret->value = text_hex(a, whole);
		return OK;
	}
	ret->type = SAN_UPN;
	TRY(der_take(&value, DER_UTF8, &text));
	TRY(rd_end(&value));
	if (text.n > LIMIT_SAN_VALUE)
		FAIL(ERR_TOO_LARGE, "alternative name of %zu bytes", text.n);
	return text_cstr(a, text, &ret->value);
}

/*
 * Every kind is read to its end, also those that are kept as they are: a name that libraries cannot
 * read takes its neighbours with it. x400Address and ediPartyName are in no certificate of today.
 */
static err_t
san_take(struct arena *a, struct str *in, struct san *ret)
{
	const uint8_t *start = in->p;
	struct str content, whole;
	const char *oid;
	struct dn name;
	uint8_t tag;

	TRY(der_next(in, &tag, &content));
	whole = str_of(start, (size_t)(content.p + content.n - start));
	if (content.n > ((tag & 0x20) != 0 ? (size_t)RAW_MAX : LIMIT_SAN_VALUE))
		FAIL(ERR_TOO_LARGE, "alternative name of %zu bytes", content.n);
	switch (tag) {
	case TAG_OTHER:
		return other_take(a, content, whole, ret);
	case TAG_EMAIL:
		ret->type = SAN_EMAIL;
		return ia5_take(a, content, &ret->value);
	case TAG_DNS:
		ret->type = SAN_DNS;
		return ia5_take(a, content, &ret->value);
	case TAG_URI:
		ret->type = SAN_URI;
		return ia5_take(a, content, &ret->value);
	case TAG_IP:
		ret->type = SAN_IP;
		return ip_take(a, content, &ret->value);
	case TAG_DIRECTORY:
		TRY_CTX(dn_decode(a, content, &name), "directory name as alternative name");
		ret->type = SAN_DIRECTORY;
		ret->value = text_hex(a, whole);
		return OK;
	case TAG_ID:
		TRY_CTX(oid_text(a, content, &oid), "registered id as alternative name");
		ret->type = SAN_OTHER;
		ret->value = text_hex(a, whole);
		return OK;
	}
	FAIL(ERR_DER, "alternative name with tag %02x", tag);
}

err_t
san_decode(struct arena *a, struct str der, struct san **ret, size_t *retn)
{
	struct san sans[LIMIT_SANS];
	struct str seq;
	size_t n = 0;

	TRY(der_take(&der, DER_SEQUENCE, &seq));
	TRY(rd_end(&der));
	if (seq.n == 0)
		FAIL(ERR_DER, "no alternative name within"); /* RFC 5280: SIZE (1..MAX) */
	while (seq.n > 0) {
		if (n == LIMIT_SANS)
			FAIL(ERR_TOO_LARGE, "more than %u alternative names", LIMIT_SANS);
		TRY(san_take(a, &seq, &sans[n]));
		n++;
	}
	*ret = arena_copy(a, sans, n * sizeof(sans[0]));
	*retn = n;
	return OK;
}

static bool
one_equal(const struct san *x, const struct san *y)
{
	const char *at;

	if (x->type != y->type)
		return false;
	if (x->type == SAN_DNS)
		return strcasecmp(x->value, y->value) == 0;
	at = x->type == SAN_EMAIL ? strrchr(x->value, '@') : NULL;
	if (at == NULL || strlen(x->value) != strlen(y->value))
		return strcmp(x->value, y->value) == 0;
	/* RFC 5280 7.5: the local part as it is, the host part without regard to case */
	return memcmp(x->value, y->value, (size_t)(at - x->value)) == 0 &&
	    strcasecmp(at, y->value + (at - x->value)) == 0;
}

static bool
all_in(const struct san *a, size_t na, const struct san *b, size_t nb)
{
	for (size_t i = 0; i < na; i++) {
		bool found = false;

		for (size_t j = 0; j < nb && !found; j++)
			found = one_equal(&a[i], &b[j]);
		if (!found)
			return false;
	}
	return true;
}

bool
san_equal(const struct san *a, size_t na, const struct san *b, size_t nb)
{
	return all_in(a, na, b, nb) && all_in(b, nb, a, na);
}

const char *
san_print(struct arena *a, const struct san *sans, size_t n)
{
	auto_buf struct buf b;
	err_t e = OK;

	buf_init(&b, LIMIT_SANS * (4 * LIMIT_SAN_VALUE + 16) + 1);
	for (size_t i = 0; i < n && err_ok(e); i++)
		e = buf_printf(&b, "%s%s:%s", i == 0 ? "" : ", ", san_type_name(sans[i].type),
		    text_safe(a, str_c(sans[i].value)));
	err_forget(e);
	return arena_cstr(a, buf_str(&b));
}
