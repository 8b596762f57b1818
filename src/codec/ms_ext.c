/* SPDX-License-Identifier: Apache-2.0 */
/* Microsoft extension values: see ms_ext.h. */
#include "codec/ms_ext.h"

#include "base/rd.h"
#include "base/text.h"
#include "codec/der.h"
#include "codec/oid.h"

enum { NAME_CHARACTERS = 64, VALUE_MAX = LIMIT_EKUS * (LIMIT_OID_TEXT + 8) + 64, SID_MAX = 184 };

static err_t
wrap(struct arena *a, uint8_t tag, const struct buf *content, struct str *ret)
{
	auto_buf struct buf out;

	buf_init(&out, VALUE_MAX + 8);
	TRY(der_put(&out, tag, buf_str(content)));
	*ret = arena_str(a, buf_str(&out));
	return OK;
}

/* One character of valid UTF-8, which *p moves past. */
static unsigned
next_character(const uint8_t **p)
{
	unsigned c = *(*p)++, more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	if (more > 0)
		c &= 0x3fu >> more;
	for (; more > 0; more--)
		c = c << 6 | (*(*p)++ & 0x3f);
	return c;
}

err_t
ms_template_name_encode(struct arena *a, const char *name, struct str *ret)
{
	const uint8_t *p = (const uint8_t *)name;
	auto_buf struct buf b;

	buf_init(&b, 2 * NAME_CHARACTERS);
	TRY(text_utf8(str_c(name)));
	if (name[0] == '\0')
		FAIL(ERR_MALFORMED, "template name is empty");
	while (*p != '\0') {
		unsigned c = next_character(&p);

		if (c > 0xffff)
			FAIL(ERR_MALFORMED, "template name has a character past the BMP");
		if (b.n == 2 * NAME_CHARACTERS)
			FAIL(ERR_TOO_LARGE, "template name has more than %d characters",
			    NAME_CHARACTERS);
		TRY(buf_putc(&b, (uint8_t)(c >> 8)));
		TRY(buf_putc(&b, (uint8_t)c));
	}
	return wrap(a, DER_BMP, &b, ret);
}

static err_t
character_put(struct buf *b, unsigned c)
{
	if (c < 0x80)
		return buf_putc(b, (uint8_t)c);
	if (c < 0x800)
		return buf_put(b,
		    STR(((uint8_t[]){ (uint8_t)(0xc0 | c >> 6), (uint8_t)(0x80 | (c & 0x3f)) })));
	return buf_put(b,
	    STR(((uint8_t[]){ (uint8_t)(0xe0 | c >> 12), (uint8_t)(0x80 | (c >> 6 & 0x3f)),
		(uint8_t)(0x80 | (c & 0x3f)) })));
}

/* As some clients write it (strongSwan does). */
static err_t
utf8_name(struct arena *a, struct str der, const char **ret)
{
	struct str s;

	TRY(der_take(&der, DER_UTF8, &s));
	TRY(rd_end(&der));
	if (s.n == 0 || s.n > NAME_CHARACTERS)
		FAIL(ERR_DER, "template name of %zu bytes", s.n);
	return text_cstr(a, s, ret);
}

err_t
ms_template_name_parse(struct arena *a, struct str der, const char **ret)
{
	struct str s;
	auto_buf struct buf b;

	buf_init(&b, 3 * NAME_CHARACTERS);
	if (der.n > 0 && der.p[0] == DER_UTF8)
		return utf8_name(a, der, ret);
	TRY(der_take(&der, DER_BMP, &s));
	TRY(rd_end(&der));
	if (s.n == 0 || s.n % 2 != 0 || s.n > 2 * NAME_CHARACTERS)
		FAIL(ERR_DER, "template name of %zu bytes", s.n);
	for (size_t i = 0; i < s.n; i += 2) {
		unsigned c = (unsigned)(s.p[i] << 8 | s.p[i + 1]);

		if (c == 0 || (c >= 0xd800 && c < 0xe000))
			FAIL(ERR_DER, "character %04x in a template name", c);
		TRY(character_put(&b, c));
	}
	*ret = arena_cstr(a, buf_str(&b));
	return OK;
}

static err_t
number_put(struct buf *b, uint32_t v)
{
	/* A leading zero keeps it positive. X.690 8.3 */
	uint8_t bytes[5] = { 0, (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
		(uint8_t)v };
	size_t skip = 0;

	while (skip < 4 && bytes[skip] == 0 && bytes[skip + 1] < 0x80)
		skip++;
	return der_put(b, DER_INTEGER, str_of(bytes + skip, sizeof(bytes) - skip));
}

static err_t
number_take(struct str *in, uint32_t *ret)
{
	struct str s;
	uint64_t v = 0;

	TRY(der_take(in, DER_INTEGER, &s));
	if (s.n == 0 || s.n > 5 || s.p[0] >= 0x80 || (s.n > 1 && s.p[0] == 0 && s.p[1] < 0x80))
		FAIL(ERR_DER, "version is no small positive number");
	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	if (v > UINT32_MAX)
		FAIL(ERR_DER, "version past 32 bits");
	*ret = (uint32_t)v;
	return OK;
}

err_t
ms_template_info_encode(struct arena *a, const struct ms_template_info *t, struct str *ret)
{
	auto_buf struct buf b;
	struct str oid;

	buf_init(&b, VALUE_MAX);
	TRY(oid_content(a, t->oid, &oid));
	TRY(der_put(&b, DER_OID, oid));
	TRY(number_put(&b, t->major));
	TRY(number_put(&b, t->minor));
	return wrap(a, DER_SEQUENCE, &b, ret);
}

err_t
ms_template_info_parse(struct arena *a, struct str der, struct ms_template_info *ret)
{
	struct ms_template_info t = { 0 };
	struct str seq, oid;

	TRY(der_take(&der, DER_SEQUENCE, &seq));
	TRY(rd_end(&der));
	TRY(der_take(&seq, DER_OID, &oid));
	TRY(oid_text(a, oid, &t.oid));
	if (seq.n > 0)
		TRY(number_take(&seq, &t.major));
	if (seq.n > 0)
		TRY(number_take(&seq, &t.minor));
	TRY(rd_end(&seq));
	*ret = t;
	return OK;
}

err_t
ms_app_policies_encode(struct arena *a, const char *const *oids, size_t n, struct str *ret)
{
	auto_buf struct buf b;

	buf_init(&b, VALUE_MAX);
	if (n == 0 || n > LIMIT_EKUS)
		FAIL(ERR_MALFORMED, "%zu application policies; 1 to %u can be written", n,
		    LIMIT_EKUS);
	for (size_t i = 0; i < n; i++) {
		auto_buf struct buf one;
		struct str oid;

		buf_init(&one, LIMIT_OID_TEXT + 8);
		TRY(oid_content(a, oids[i], &oid));
		TRY(der_put(&one, DER_OID, oid));
		TRY(der_put(&b, DER_SEQUENCE, buf_str(&one)));
	}
	return wrap(a, DER_SEQUENCE, &b, ret);
}

err_t
ms_app_policies_parse(struct arena *a, struct str der, const char ***ret, size_t *retn)
{
	const char *oids[LIMIT_EKUS];
	struct str seq, one, oid;
	size_t n = 0;

	TRY(der_take(&der, DER_SEQUENCE, &seq));
	TRY(rd_end(&der));
	if (seq.n == 0)
		FAIL(ERR_DER, "no application policy within");
	while (seq.n > 0) {
		if (n == LIMIT_EKUS)
			FAIL(ERR_TOO_LARGE, "more than %u application policies", LIMIT_EKUS);
		TRY(der_take(&seq, DER_SEQUENCE, &one));
		TRY(der_take(&one, DER_OID, &oid));
		TRY(rd_end(&one)); /* qualifiers have no meaning here */
		TRY(oid_text(a, oid, &oids[n++]));
	}
	*ret = arena_copy(a, oids, n * sizeof(oids[0]));
	*retn = n;
	return OK;
}

/* Digits of one part; leading zeros do not occur. */
static bool
sid_part(const char **s)
{
	size_t n = strspn(*s, "0123456789");

	if (n == 0 || n > 10 || (n > 1 && (*s)[0] == '0'))
		return false;
	*s += n;
	return true;
}

/* MS-DTYP 2.4.2.1: S-1-authority and 1 to 15 sub-authorities */
bool
ms_sid_valid(const char *sid)
{
	size_t parts = 0;

	if (strncmp(sid, "S-1-", 4) != 0 || strlen(sid) > SID_MAX)
		return false;
	sid += 4;
	if (strncmp(sid, "0x", 2) == 0) {
		size_t n = strspn(sid + 2, "0123456789abcdefABCDEF");

		if (n == 0 || n > 12)
			return false;
		sid += 2 + n;
	} else if (!sid_part(&sid)) {
		return false;
	}
	for (; *sid == '-'; parts++) {
		sid++;
		if (!sid_part(&sid))
			return false;
	}
	return *sid == '\0' && parts >= 1 && parts <= 15;
}

/* MS-WCCE 2.2.2.7.7.4 */
err_t
ms_sid_encode(struct arena *a, const char *sid, struct str *ret)
{
	auto_buf struct buf value, other, names;
	struct str type;

	buf_init(&value, SID_MAX + 8);
	buf_init(&other, SID_MAX + 32);
	buf_init(&names, SID_MAX + 40);
	if (!ms_sid_valid(sid))
		FAIL(ERR_MALFORMED, "not a security identifier: %.200s", sid);
	TRY(oid_content(a, OID_NTDS_OBJECTSID, &type));
	TRY(der_put(&value, DER_OCTETS, str_c(sid)));
	TRY(der_put(&other, DER_OID, type));
	TRY(der_put(&other, DER_CONTEXT(0), buf_str(&value)));
	TRY(der_put(&names, DER_CONTEXT(0), buf_str(&other)));
	return wrap(a, DER_SEQUENCE, &names, ret);
}

err_t
ms_sid_parse(struct arena *a, struct str der, const char **ret)
{
	struct str names, other, type, value, octets;
	const char *oid, *sid;

	TRY(der_take(&der, DER_SEQUENCE, &names));
	TRY(rd_end(&der));
	TRY(der_take(&names, DER_CONTEXT(0), &other));
	TRY(rd_end(&names));
	TRY(der_take(&other, DER_OID, &type));
	TRY(der_take(&other, DER_CONTEXT(0), &value));
	TRY(rd_end(&other));
	TRY(der_take(&value, DER_OCTETS, &octets));
	TRY(rd_end(&value));
	TRY(oid_text(a, type, &oid));
	if (strcmp(oid, OID_NTDS_OBJECTSID) != 0)
		FAIL(ERR_DER, "SID extension with type %s", oid);
	TRY(text_cstr(a, octets, &sid));
	if (!ms_sid_valid(sid))
		FAIL(ERR_MALFORMED, "not a security identifier");
	*ret = sid;
	return OK;
}
