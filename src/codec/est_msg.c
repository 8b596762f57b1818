/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/est_msg.h"

#include <strings.h>

#include "base/secret.h"
#include "base/text.h"
#include "codec/der.h"
#include "codec/oid.h"

#define OID_RSA "1.2.840.113549.1.1.1"
#define OID_EC "1.2.840.10045.2.1"
#define OID_P256 "1.2.840.10045.3.1.7"
#define OID_P384 "1.3.132.0.34"
#define OID_RSA_SHA256 "1.2.840.113549.1.1.11"
#define OID_ECDSA_SHA256 "1.2.840.10045.4.3.2"

enum { LINE = 64 };

err_t
est_body_parse(struct arena *a, struct str body, size_t max, struct str *ret)
{
	struct str in = str_trim(body), der;
	size_t n;

	/* Four characters for three bytes, and room for line ends. */
	if (in.n > max * 2 + 256)
		FAIL(ERR_TOO_LARGE, "a body of %zu bytes", in.n);
	if (str_starts(in, LIT("-----BEGIN "))) {
		TRY(text_unpem(a, in, NULL, &der, 1, &n));
		if (n != 1)
			FAIL(ERR_BASE64, "no PEM block");
	} else {
		TRY(text_unbase64(a, in, &der));
	}
	if (der.n == 0)
		FAIL(ERR_MALFORMED, "the body is empty");
	if (der.n > max)
		FAIL(ERR_TOO_LARGE, "%zu bytes, at most %zu", der.n, max);
	*ret = der;
	return OK;
}

char *
est_body_print(struct arena *a, struct str der, bool lines)
{
	char *one = text_base64(a, der), *out, *at;
	size_t n = strlen(one);

	if (!lines)
		return one;
	at = out = arena_alloc(a, n + n / LINE + 2);
	for (size_t i = 0; i < n; i += LINE) {
		size_t k = n - i < LINE ? n - i : LINE;

		memcpy(at, one + i, k);
		at[k] = '\n';
		at += k + 1;
	}
	*at = '\0';
	secret_wipe(one, n); /* it may have been a key */
	return out;
}

bool
est_wants_lines(const char *user_agent)
{
	static const char libest[] = "libest";

	return user_agent != NULL && strncasecmp(user_agent, libest, sizeof(libest) - 1) == 0;
}

bool
est_media_type(const char *value, const char *type)
{
	struct str rest = str_c(value);

	return value != NULL && str_ieq_c(str_trim(str_cut(&rest, ';')), type);
}

err_t
est_basic_parse(
    struct arena *a, const char *value, const char **ret_name, const char **ret_password)
{
	static const char scheme[] = "Basic ";
	const char *name, *password;
	struct str both, first;
	err_t e;

	if (value == NULL || strncasecmp(value, scheme, sizeof(scheme) - 1) != 0)
		FAIL(ERR_CREDENTIALS, "only Basic authorization is taken");
	if (strlen(value) > 4 * LIMIT_TEXT)
		FAIL(ERR_CREDENTIALS, "name or password is too long");
	e = text_unbase64(a, str_trim(str_c(value + sizeof(scheme) - 1)), &both);
	if (err_ok(e) && memchr(both.p == NULL ? (const uint8_t *)"" : both.p, ':', both.n) == NULL)
		e = ERROR(ERR_CREDENTIALS, "%s", "");
	first = err_ok(e) ? str_cut(&both, ':') : STR_EMPTY;
	if (err_ok(e))
		e = text_cstr(a, first, &name);
	if (err_ok(e))
		e = text_cstr(a, both, &password);
	if (!err_ok(e) || first.n == 0 || first.n > LIMIT_TEXT || both.n > LIMIT_TEXT) {
		err_forget(e);
		FAIL(ERR_CREDENTIALS, "the Authorization header holds no name and password");
	}
	*ret_name = name;
	*ret_password = password;
	return OK;
}

static err_t
part(struct arena *a, const char *boundary, const char *type, struct str der, bool lines,
    struct buf *out)
{
	char *text = est_body_print(a, der, lines);
	err_t e = buf_printf(out,
	    "--%s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n", boundary,
	    type, text);

	secret_wipe(text, strlen(text));
	return e;
}

err_t
est_keygen_print(struct arena *a, const char *boundary, struct str key, struct str certs,
    bool lines, struct buf *out)
{
	size_t n = strlen(boundary);

	if (n < 1 || n > 70)
		FAIL(ERR_RANGE, "a boundary of %zu characters", n);
	TRY(part(a, boundary, "application/pkcs8", key, lines, out));
	TRY(part(a, boundary, "application/pkcs7-mime; smime-type=certs-only", certs, lines, out));
	return buf_printf(out, "--%s--\r\n", boundary);
}

static err_t
put_oid(struct arena *a, struct buf *b, const char *oid)
{
	struct str content;

	TRY(oid_content(a, oid, &content));
	return der_put(b, DER_OID, content);
}

/* Attribute ::= SEQUENCE { type, values SET } with values as they stand in `set`. */
static err_t
put_attribute(struct arena *a, struct buf *out, const char *oid, struct str set)
{
	auto_buf struct buf b;

	buf_init(&b, LIMIT_TEXT);
	TRY(put_oid(a, &b, oid));
	TRY(der_put(&b, DER_SET, set));
	return der_put(out, DER_SEQUENCE, buf_str(&b));
}

static err_t
put_rsa(struct arena *a, struct buf *out, unsigned bits)
{
	const uint8_t number[] = { 0, (uint8_t)(bits >> 8), (uint8_t)bits };
	auto_buf struct buf set;
	bool pad = (number[1] & 0x80) != 0;

	buf_init(&set, LIMIT_TEXT);
	TRY(der_put(&set, DER_INTEGER, str_of(number + (pad ? 0 : 1), pad ? 3 : 2)));
	TRY(put_attribute(a, out, OID_RSA, buf_str(&set)));
	return put_oid(a, out, OID_RSA_SHA256);
}

/* DER wants the members of a SET in the order of their bytes: the shorter OID comes first. */
static err_t
put_ec(struct arena *a, struct buf *out, const struct est_attrs *t)
{
	auto_buf struct buf set;

	buf_init(&set, LIMIT_TEXT);
	if (t->p384)
		TRY(put_oid(a, &set, OID_P384));
	if (t->p256)
		TRY(put_oid(a, &set, OID_P256));
	TRY(put_attribute(a, out, OID_EC, buf_str(&set)));
	return put_oid(a, out, OID_ECDSA_SHA256);
}

err_t
est_attrs_encode(struct arena *a, const struct est_attrs *t, struct str *ret)
{
	auto_buf struct buf list, out;

	buf_init(&list, LIMIT_LONG_TEXT);
	buf_init(&out, LIMIT_LONG_TEXT);
	if (t->rsa_bits > UINT16_MAX)
		FAIL(ERR_RANGE, "%u bits", t->rsa_bits);
	if (t->p256 || t->p384)
		TRY(put_ec(a, &list, t));
	if (t->rsa_bits >= 256)
		TRY(put_rsa(a, &list, t->rsa_bits));
	TRY(der_put(&out, DER_SEQUENCE, buf_str(&list)));
	*ret = arena_str(a, buf_str(&out));
	return OK;
}
