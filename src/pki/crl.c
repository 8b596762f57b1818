/* SPDX-License-Identifier: Apache-2.0 */
/* See crl.h. */
#include "pki/crl.h"

#include <openssl/asn1.h>

#include "base/limits.h"
#include "base/text.h"
#include "codec/der.h"
#include "codec/oid.h"
#include "pki/build.h"
#include "pki/key_int.h"

#define OID_CRL_NUMBER "2.5.29.20"
#define OID_DELTA_INDICATOR "2.5.29.27"
#define OID_ISSUING_POINT "2.5.29.28"
#define OID_AKI "2.5.29.35"
#define OID_FRESHEST_CRL "2.5.29.46"
#define OID_CA_VERSION "1.3.6.1.4.1.311.21.1"
#define OID_NEXT_PUBLISH "1.3.6.1.4.1.311.21.4"
#define OID_PUBLISHED_AT "1.3.6.1.4.1.311.21.14"

/* One entry is below this: serial 22, time 17, reason 14, lengths. */
#define ENTRY_BYTES 80
#define AROUND_BYTES (LIMIT_CERT_BYTES + 8192)

/* A positive INTEGER of these bytes. */
static err_t
put_integer(struct buf *b, struct str bytes)
{
	uint8_t content[24];
	size_t n = 0;

	while (bytes.n > 1 && bytes.p[0] == 0)
		bytes = str_of(bytes.p + 1, bytes.n - 1);
	if (bytes.n == 0 || bytes.n > 20)
		FAIL(ERR_RANGE, "integer of %zu bytes", bytes.n);
	if ((bytes.p[0] & 0x80) != 0)
		content[n++] = 0;
	memcpy(content + n, bytes.p, bytes.n);
	return der_put(b, DER_INTEGER, str_of(content, n + bytes.n));
}

static err_t
put_extension(struct arena *a, struct buf *b, const char *oid, bool critical, struct str value)
{
	static const uint8_t yes[] = { DER_BOOLEAN, 1, 0xff };
	struct str parts[3] = { STR_EMPTY, critical ? STR(yes) : STR_EMPTY, STR_EMPTY };

	TRY(oid_content(a, oid, &parts[0]));
	TRY(build_wrap(a, DER_OID, parts[0], &parts[0]));
	TRY(build_wrap(a, DER_OCTETS, value, &parts[2]));
	return der_put(b, DER_SEQUENCE, build_join(a, parts, 3));
}

static err_t
put_number(struct arena *a, struct buf *list, const char *oid, bool critical, uint64_t number)
{
	auto_buf struct buf num;
	uint8_t be[8];

	buf_init(&num, 32);
	for (int i = 0; i < 8; i++)
		be[i] = (uint8_t)(number >> (56 - 8 * i));
	TRY(put_integer(&num, STR(be)));
	return put_extension(a, list, oid, critical, buf_str(&num));
}

/* DistributionPoint with one URL; also an IssuingDistributionPoint of nothing else. */
static err_t
point_der(struct arena *a, const char *url, struct str *ret)
{
	struct str der;

	TRY(build_wrap(a, DER_CONTEXT_PRIMITIVE(6), str_c(url), &der));
	TRY(build_wrap(a, DER_CONTEXT(0), der, &der));
	TRY(build_wrap(a, DER_CONTEXT(0), der, &der));
	return build_wrap(a, DER_SEQUENCE, der, ret);
}

/* CRLDistributionPoints with one URL. */
static err_t
put_point(struct arena *a, struct buf *list, const char *oid, const char *url)
{
	struct str der;

	if (url == NULL)
		return OK;
	TRY(point_der(a, url, &der));
	TRY(build_wrap(a, DER_SEQUENCE, der, &der));
	return put_extension(a, list, oid, false, der);
}

/* RFC 5280 5.2.5 */
static err_t
put_scope(struct arena *a, struct buf *list, const char *url)
{
	struct str der;

	if (url == NULL)
		return OK;
	TRY(point_der(a, url, &der));
	return put_extension(a, list, OID_ISSUING_POINT, true, der);
}

/* RFC 5280 5.3.1 as an extension list; unspecified is left out. */
static err_t
put_reason(struct buf *b, const struct crl_spec *s, int reason)
{
	static const uint8_t head[] = { 0x30, 0x0c, 0x30, 0x0a, DER_OID, 3, 0x55, 0x1d, 0x15,
		DER_OCTETS, 3, V_ASN1_ENUMERATED, 1 };

	if (reason == 0)
		return OK;
	if (reason < 0 || reason > 10 || reason == 7 || (reason == CRL_REASON_REMOVE && !s->delta))
		FAIL(ERR_RANGE, "revocation reason %d", reason);
	TRY(buf_put(b, STR(head)));
	return buf_putc(b, (uint8_t)reason);
}

static err_t
put_entry(struct arena *a, struct buf *list, struct buf *one, const struct crl_spec *s,
    const struct crl_entry *e)
{
	struct str serial, when;

	buf_reset(one);
	TRY(text_unhex(a, str_c(e->serial), &serial));
	TRY(put_integer(one, serial));
	TRY(build_time(a, e->when, &when));
	TRY(buf_put(one, when));
	TRY(put_reason(one, s, e->reason));
	return der_put(list, DER_SEQUENCE, buf_str(one));
}

static err_t
put_entries(struct buf *tbs, const struct crl_spec *s)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf list, one;

	buf_init(&list, s->n * ENTRY_BYTES + 16);
	buf_init(&one, ENTRY_BYTES);
	if (s->n == 0)
		return OK; /* the list must be absent when empty: 5.1.2.6 */
	for (size_t i = 0; i < s->n; i++) {
		TRY(put_entry(a, &list, &one, s, &s->v[i]));
		arena_reset(a);
	}
	return der_put(tbs, DER_SEQUENCE, buf_str(&list));
}

/* In the order of an AD CS CA. */
static err_t
put_extensions(struct arena *a, struct buf *tbs, const struct crl_spec *s)
{
	auto_buf struct buf list;
	struct str der;

	buf_init(&list, 8192);
	TRY(build_aki_der(a, s->issuer, s->signer, &der));
	TRY(put_extension(a, &list, OID_AKI, false, der));
	TRY(put_number(a, &list, OID_CA_VERSION, false, s->ca_version));
	TRY(put_number(a, &list, OID_CRL_NUMBER, false, s->number));
	if (s->next_publish != 0) {
		TRY(build_time(a, s->next_publish, &der));
		TRY(put_extension(a, &list, OID_NEXT_PUBLISH, false, der));
	}
	if (!s->delta)
		TRY(put_point(a, &list, OID_FRESHEST_CRL, s->fresh_url));
	TRY(put_point(a, &list, OID_PUBLISHED_AT, s->own_url));
	TRY(put_scope(a, &list, s->point));
	if (s->delta)
		TRY(put_number(a, &list, OID_DELTA_INDICATOR, true, s->base));
	TRY(build_wrap(a, DER_SEQUENCE, buf_str(&list), &der));
	return der_put(tbs, DER_CONTEXT(0), der);
}

err_t
crl_make(struct arena *a, const struct crl_spec *s, struct str *ret_der)
{
	static const uint8_t version2[] = { DER_INTEGER, 1, 1 };
	auto_buf struct buf body = { 0 }, tbs = { 0 };
	struct str from, to;

	if (s->n > LIMIT_CRL_ENTRIES)
		FAIL(ERR_TOO_LARGE, "%zu entries", s->n);
	buf_init(&body, s->n * ENTRY_BYTES + AROUND_BYTES);
	buf_init(&tbs, s->n * ENTRY_BYTES + AROUND_BYTES + 16);
	TRY(build_time(a, s->this_update, &from));
	TRY(build_time(a, s->next_update, &to));
	TRY(buf_put(&body, STR(version2)));
	TRY(buf_put(&body, key_sigalg(s->signer)));
	TRY(buf_put(&body, cert_subject_der(s->issuer)));
	TRY(buf_put(&body, from));
	TRY(buf_put(&body, to));
	TRY(put_entries(&body, s));
	TRY(put_extensions(a, &body, s));
	TRY(der_put(&tbs, DER_SEQUENCE, buf_str(&body)));
	return key_sign_tbs(a, s->signer, buf_str(&tbs), ret_der);
}
