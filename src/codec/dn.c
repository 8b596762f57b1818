/* SPDX-License-Identifier: Apache-2.0 */
/* Distinguished names as DER and as text for people: see dn.h. Formats and variables: dn_format.c.
 * */
#include "codec/dn.h"

#include "base/rd.h"
#include "base/text.h"
#include "codec/der.h"
#include "codec/dn_key.h"
#include "codec/oid.h"

enum { NAME_DER_MAX = LIMIT_NAME_AVAS * (LIMIT_NAME_VALUE + 160) };

static uint8_t
string_tag(const struct dn_ava *v)
{
	const struct dn_key *k = dn_key_by_oid(v->oid);

	if (k != NULL && k->string == DN_IA5)
		return DER_IA5;
	return dn_printable(v->value) ? DER_PRINTABLE : DER_UTF8;
}

/* AttributeTypeAndValue; RFC 5280 4.1.2.4 */
static err_t
ava_encode(struct arena *a, const struct dn_ava *v, struct str *ret)
{
	auto_buf struct buf inner, outer;
	struct str type;

	buf_init(&inner, LIMIT_NAME_VALUE + 160);
	buf_init(&outer, LIMIT_NAME_VALUE + 160);
	TRY(dn_value_check(v->oid, v->value));
	TRY(oid_content(a, v->oid, &type));
	TRY(der_put(&inner, DER_OID, type));
	TRY(der_put(&inner, string_tag(v), str_c(v->value)));
	TRY(der_put(&outer, DER_SEQUENCE, buf_str(&inner)));
	*ret = arena_str(a, buf_str(&outer));
	return OK;
}

static int
by_encoding(const void *x, const void *y)
{
	return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

static err_t
rdn_encode(struct arena *a, const struct dn_rdn *r, struct buf *out)
{
	auto_buf struct buf set;
	struct str *avas;

	buf_init(&set, NAME_DER_MAX);
	if (r->n == 0 || r->n > LIMIT_NAME_AVAS)
		FAIL(ERR_NAME_FORMAT, "a part of the name with %zu attributes", r->n);
	avas = arena_array(a, r->n, sizeof(*avas));
	for (size_t i = 0; i < r->n; i++)
		TRY(ava_encode(a, &r->ava[i], &avas[i]));
	qsort(avas, r->n, sizeof(*avas), by_encoding); /* X.690 11.6: SET OF in ascending order */
	for (size_t i = 0; i < r->n; i++)
		TRY(buf_put(&set, avas[i]));
	return der_put(out, DER_SET, buf_str(&set));
}

err_t
dn_encode(struct arena *a, const struct dn *dn, struct str *ret)
{
	auto_buf struct buf rdns, out;

	buf_init(&rdns, NAME_DER_MAX);
	buf_init(&out, NAME_DER_MAX + 8);
	for (size_t i = 0; i < dn->n; i++)
		TRY(rdn_encode(a, &dn->rdn[i], &rdns));
	TRY(der_put(&out, DER_SEQUENCE, buf_str(&rdns)));
	*ret = arena_str(a, buf_str(&out));
	return OK;
}

/* Latin-1, which is what T61String is in certificates, or BMPString, as UTF-8. */
static err_t
wide_decode(struct arena *a, struct str s, size_t width, const char **ret)
{
	auto_buf struct buf b;

	buf_init(&b, s.n * 3 + 1);
	if (s.n % width != 0)
		FAIL(ERR_DER, "BMPString of %zu bytes", s.n);
	for (size_t i = 0; i < s.n; i += width) {
		unsigned c = width == 1 ? s.p[i] : (unsigned)(s.p[i] << 8 | s.p[i + 1]);

		if (c == 0 || (c >= 0xd800 && c < 0xe000))
			FAIL(ERR_DER, "character %04x in a name", c);
		if (c < 0x80) {
			TRY(buf_putc(&b, (uint8_t)c));
			continue;
		}
		if (c < 0x800) {
			TRY(buf_putc(&b, (uint8_t)(0xc0 | c >> 6)));
		} else {
			TRY(buf_putc(&b, (uint8_t)(0xe0 | c >> 12)));
			TRY(buf_putc(&b, (uint8_t)(0x80 | (c >> 6 & 0x3f))));
		}
		TRY(buf_putc(&b, (uint8_t)(0x80 | (c & 0x3f))));
	}
	*ret = arena_cstr(a, buf_str(&b));
	return OK;
}

static err_t
string_decode(struct arena *a, uint8_t tag, struct str s, const char **ret)
{
	const char *text;

	if (tag == DER_BMP)
		return wide_decode(a, s, 2, ret);
	if (tag == DER_T61)
		return wide_decode(a, s, 1, ret);
	if (tag != DER_UTF8 && tag != DER_PRINTABLE && tag != DER_IA5)
		FAIL(ERR_DER, "string type %02x in a name", tag);
	TRY(text_cstr(a, s, &text));
	if (tag != DER_UTF8 && !dn_ia5(text))
		FAIL(ERR_DER, "characters past ASCII in string type %02x", tag);
	*ret = text;
	return OK;
}

static err_t
ava_decode(struct arena *a, struct str *set, struct dn_ava *ret)
{
	struct str seq, type, value;
	struct dn_ava v;
	uint8_t tag;

	TRY(der_take(set, DER_SEQUENCE, &seq));
	TRY(der_take(&seq, DER_OID, &type));
	TRY(der_next(&seq, &tag, &value));
	TRY(rd_end(&seq));
	if (value.n > 2 * LIMIT_NAME_VALUE)
		FAIL(ERR_TOO_LARGE, "value of %zu bytes in a name", value.n);
	TRY(oid_text(a, type, &v.oid));
	TRY(string_decode(a, tag, value, &v.value));
	*ret = v;
	return OK;
}

static err_t
rdn_decode(struct arena *a, struct str *seq, size_t *left, struct dn_rdn *ret)
{
	struct dn_ava avas[LIMIT_NAME_AVAS];
	struct str set;
	size_t n = 0;

	TRY(der_take(seq, DER_SET, &set));
	if (set.n == 0)
		FAIL(ERR_DER, "a part of the name is empty");
	while (set.n > 0) {
		if (*left == 0)
			FAIL(ERR_TOO_LARGE, "name with more than %u attributes", LIMIT_NAME_AVAS);
		--*left;
		TRY(ava_decode(a, &set, &avas[n++]));
	}
	ret->ava = arena_copy(a, avas, n * sizeof(avas[0]));
	ret->n = n;
	return OK;
}

err_t
dn_decode(struct arena *a, struct str der, struct dn *ret)
{
	struct dn_rdn rdns[LIMIT_NAME_AVAS];
	size_t n = 0, left = LIMIT_NAME_AVAS;
	struct str seq;

	TRY(der_take(&der, DER_SEQUENCE, &seq));
	TRY(rd_end(&der));
	while (seq.n > 0) {
		if (n == LIMIT_NAME_AVAS)
			FAIL(ERR_TOO_LARGE, "name with more than %u parts", LIMIT_NAME_AVAS);
		TRY(rdn_decode(a, &seq, &left, &rdns[n]));
		n++;
	}
	ret->rdn = arena_copy(a, rdns, n * sizeof(rdns[0]));
	ret->n = n;
	return OK;
}

static size_t
ava_occurrences(const struct dn_rdn *r, const struct dn_ava *v)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += strcmp(r->ava[i].oid, v->oid) == 0 && strcmp(r->ava[i].value, v->value) == 0;
	return n;
}

/* An RDN is a set: the order of its attributes says nothing. */
static bool
rdn_equal(const struct dn_rdn *x, const struct dn_rdn *y)
{
	if (x->n != y->n)
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (ava_occurrences(x, &x->ava[i]) != ava_occurrences(y, &x->ava[i]))
			return false;
	return true;
}

bool
dn_equal(const struct dn *a, const struct dn *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!rdn_equal(&a->rdn[i], &b->rdn[i]))
			return false;
	return true;
}

static size_t
rdn_occurrences(const struct dn *dn, const struct dn_rdn *r)
{
	size_t n = 0;

	for (size_t i = 0; i < dn->n; i++)
		n += rdn_equal(&dn->rdn[i], r);
	return n;
}

bool
dn_same_parts(const struct dn *a, const struct dn *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (rdn_occurrences(a, &a->rdn[i]) != rdn_occurrences(b, &a->rdn[i]))
			return false;
	return true;
}

static bool
wants_quotes(const char *v)
{
	size_t n = strlen(v);

	/* The backslash is ours: CertNameToStr() leaves it, and our own formats read it as an escape. */
	return n == 0 || v[0] == ' ' || v[n - 1] == ' ' || strpbrk(v, ",+=\"\n<>#;\\{}") != NULL;
}

static void
value_print(struct buf *b, const char *v, err_t *e)
{
	*e = buf_putc(b, '"');
	for (; err_ok(*e) && *v != '\0'; v++) {
		*e = buf_putc(b, (uint8_t)*v);
		if (err_ok(*e) && *v == '"')
			*e = buf_putc(b, '"');
	}
	if (err_ok(*e))
		*e = buf_putc(b, '"');
}

static err_t
ava_print(struct arena *a, const struct dn_ava *v, struct buf *b)
{
	const struct dn_key *k = dn_key_by_oid(v->oid);
	const char *value = text_safe(a, str_c(v->value));
	err_t e = OK;

	TRY(buf_printf(b, "%s%s=", k == NULL ? "OID." : "", k == NULL ? v->oid : k->name));
	if (!wants_quotes(value))
		return buf_puts(b, value);
	value_print(b, value, &e);
	return e;
}

/* reference: CertNameToStr() with its reverse flag, as Windows shows names. */
const char *
dn_print(struct arena *a, const struct dn *dn)
{
	auto_buf struct buf b;
	err_t e = OK;

	/* A byte is at most four when it is made safe, and a quote two. */
	buf_init(
	    &b, dn->n == 0 ? 1 : LIMIT_NAME_AVAS * (8 * LIMIT_NAME_VALUE + LIMIT_OID_TEXT + 16));
	for (size_t i = dn->n; i-- > 0 && err_ok(e);) {
		const struct dn_rdn *r = &dn->rdn[i];

		for (size_t j = 0; j < r->n && err_ok(e); j++) {
			if (b.n > 0)
				e = buf_puts(&b, j > 0 ? " + " : ", ");
			if (err_ok(e))
				e = ava_print(a, &r->ava[j], &b);
		}
	}
	err_forget(e);
	return arena_cstr(a, buf_str(&b));
}
