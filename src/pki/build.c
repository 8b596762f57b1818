/* SPDX-License-Identifier: Apache-2.0 */
/* See build.h. */
#include "pki/build.h"

#include "base/limits.h"
#include "codec/der.h"
#include "codec/ms_ext.h"
#include "codec/oid.h"

#define OID_KEY_USAGE "2.5.29.15"
#define OID_EKU "2.5.29.37"
#define OID_SKI "2.5.29.14"

err_t
build_wrap(struct arena *a, uint8_t tag, struct str content, struct str *ret)
{
	auto_buf struct buf out;

	buf_init(&out, content.n + 16);
	TRY(der_put(&out, tag, content));
	*ret = arena_str(a, buf_str(&out));
	return OK;
}

struct str
build_join(struct arena *a, const struct str *parts, size_t n)
{
	size_t total = 0, at = 0;
	uint8_t *out;

	for (size_t i = 0; i < n; i++)
		total += parts[i].n;
	out = arena_alloc(a, total + 1);
	for (size_t i = 0; i < n; i++) {
		if (parts[i].n > 0)
			memcpy(out + at, parts[i].p, parts[i].n);
		at += parts[i].n;
	}
	return str_of(out, total);
}

err_t
build_time(struct arena *a, when_t t, struct str *ret)
{
	time_t clock = t;
	struct tm tm;
	char *text;

	if (gmtime_r(&clock, &tm) == NULL || tm.tm_year < 50 || tm.tm_year >= 8100)
		FAIL(ERR_RANGE, "a time that certificates cannot hold");
	text = arena_printf(a, "%04d%02d%02d%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (tm.tm_year < 150)
		return build_wrap(a, V_ASN1_UTCTIME, str_c(text + 2), ret);
	return build_wrap(a, V_ASN1_GENERALIZEDTIME, str_c(text), ret);
}

err_t
build_key_id(const struct key *k, uint8_t ret[20])
{
	auto_arena struct arena *a = arena_new();
	struct str spki, in, bits;

	TRY(key_spki(a, k, &spki));
	TRY(der_take(&spki, DER_SEQUENCE, &in));
	TRY(der_take(&in, DER_SEQUENCE, &bits));
	TRY(der_take(&in, DER_BITSTRING, &bits));
	if (bits.n < 2)
		FAIL(ERR_KEY, "public key");
	hash_sha1(str_of(bits.p + 1, bits.n - 1), ret);
	return OK;
}

static err_t
issuer_key_id(struct arena *a, const struct cert *issuer, const struct key *signer, struct str *ret)
{
	struct str ext;
	uint8_t *id;
	err_t e;

	if (issuer != NULL) {
		e = cert_extension(a, issuer, OID_SKI, &ext);
		if (err_ok(e))
			return der_take(&ext, DER_OCTETS, ret);
		err_forget(e);
	}
	id = arena_alloc(a, 20);
	TRY(build_key_id(signer, id));
	*ret = str_of(id, 20);
	return OK;
}

err_t
build_aki_der(struct arena *a, const struct cert *issuer, const struct key *signer, struct str *ret)
{
	struct str id, inner;

	TRY(issuer_key_id(a, issuer, signer, &id));
	TRY(build_wrap(a, DER_CONTEXT_PRIMITIVE(0), id, &inner));
	return build_wrap(a, DER_SEQUENCE, inner, ret);
}

err_t
build_name(struct str der, X509_NAME **ret)
{
	static const uint8_t none[] = { DER_SEQUENCE, 0 };
	struct str in = der.n == 0 ? STR(none) : der;
	const unsigned char *p = in.p;
	auto_x509_name X509_NAME *name = NULL;

	name = d2i_X509_NAME(NULL, &p, (long)in.n);
	if (name == NULL || p != in.p + in.n)
		FAIL_SSL(ERR_DER, "subject");
	*ret = steal(name);
	return OK;
}

err_t
build_ext(STACK_OF(X509_EXTENSION) * *list, const char *oid, bool critical, struct str value)
{
	auto_object ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	auto_octets ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	if (o == NULL || v == NULL || ASN1_OCTET_STRING_set(v, value.p, (int)value.n) != 1)
		FAIL_SSL(ERR_CRYPTO, "extension %s", oid);
	e = X509_EXTENSION_create_by_OBJ(NULL, o, critical, v);
	if (e == NULL)
		FAIL_SSL(ERR_CRYPTO, "extension %s", oid);
	if (*list == NULL)
		*list = sk_X509_EXTENSION_new_null();
	if (*list == NULL || sk_X509_EXTENSION_push(*list, e) <= 0)
		abort();
	return OK;
}

/* RFC 5280 4.2.1.3; X.690 11.2.2: trailing zero bits are cut. */
void
build_key_usage_der(uint8_t usage, uint8_t ret[4])
{
	uint8_t unused = 0;

	while (unused < 7 && (usage >> unused & 1) == 0)
		unused++;
	ret[0] = DER_BITSTRING;
	ret[1] = 2;
	ret[2] = unused;
	ret[3] = usage;
}

err_t
build_key_usage(STACK_OF(X509_EXTENSION) * *list, uint8_t usage)
{
	uint8_t der[4];

	if (usage == 0)
		return OK;
	build_key_usage_der(usage, der);
	return build_ext(list, OID_KEY_USAGE, true, STR(der));
}

err_t
build_ekus_der(struct arena *a, const char *const *ekus, size_t n, struct str *ret)
{
	auto_buf struct buf body, out;
	struct str oid;

	buf_init(&body, LIMIT_EKUS * (LIMIT_OID_TEXT + 4));
	buf_init(&out, LIMIT_EKUS * (LIMIT_OID_TEXT + 4) + 8);
	if (n > LIMIT_EKUS)
		FAIL(ERR_TOO_LARGE, "%zu extended key usages", n);
	for (size_t i = 0; i < n; i++) {
		TRY(oid_content(a, ekus[i], &oid));
		TRY(der_put(&body, DER_OID, oid));
	}
	TRY(der_put(&out, DER_SEQUENCE, buf_str(&body)));
	*ret = arena_str(a, buf_str(&out));
	return OK;
}

err_t
build_ekus(STACK_OF(X509_EXTENSION) * *list, const char *const *ekus, size_t n)
{
	auto_arena struct arena *a = arena_new();
	struct str der;

	if (n == 0)
		return OK;
	TRY(build_ekus_der(a, ekus, n, &der));
	return build_ext(list, OID_EKU, false, der);
}

err_t
build_sid(STACK_OF(X509_EXTENSION) * *list, const char *sid)
{
	auto_arena struct arena *a = arena_new();
	struct str der;

	if (sid == NULL || sid[0] == '\0')
		return OK;
	TRY(ms_sid_encode(a, sid, &der));
	return build_ext(list, OID_NTDS_SECURITY, false, der);
}
