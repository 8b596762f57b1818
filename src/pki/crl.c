/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs, version 2, whole (RFC 5280 5). Written directly, so that a long list costs one pass. */
#include "pki/issue.h"

#include <openssl/asn1.h>

#include "base/limits.h"
#include "base/text.h"
#include "codec/der.h"
#include "codec/oid.h"
#include "pki/build.h"
#include "pki/key_int.h"

#define OID_CRL_NUMBER "2.5.29.20"
#define OID_CRL_REASON "2.5.29.21"
#define OID_AKI "2.5.29.35"

/* One entry is below this: serial 22, time 17, reason 14, lengths. */
#define ENTRY_BYTES 80
#define AROUND_BYTES (LIMIT_CERT_BYTES + 4096)

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
put_extension(struct arena *a, struct buf *b, const char *oid, struct str value)
{
	struct str parts[2];

	TRY(oid_content(a, oid, &parts[0]));
	TRY(build_wrap(a, DER_OID, parts[0], &parts[0]));
	TRY(build_wrap(a, DER_OCTETS, value, &parts[1]));
	return der_put(b, DER_SEQUENCE, build_join(a, parts, 2));
}

/* RFC 5280 5.3.1; unspecified is left out. */
static err_t
put_reason(struct arena *a, struct buf *b, int reason)
{
	uint8_t value[] = { V_ASN1_ENUMERATED, 1, (uint8_t)reason };
	auto_buf struct buf ext;

	buf_init(&ext, 64);
	if (reason == 0)
		return OK;
	if (reason < 0 || reason > 10 || reason == 7)
		FAIL(ERR_RANGE, "revocation reason %d", reason);
	TRY(put_extension(a, &ext, OID_CRL_REASON, STR(value)));
	return der_put(b, DER_SEQUENCE, buf_str(&ext));
}

static err_t
put_entry(struct arena *a, struct buf *list, const struct crl_entry *e)
{
	auto_buf struct buf one;
	struct str serial, when;

	buf_init(&one, ENTRY_BYTES);
	TRY(text_unhex(a, str_c(e->serial), &serial));
	TRY(put_integer(&one, serial));
	TRY(build_time(a, e->when, &when));
	TRY(buf_put(&one, when));
	TRY(put_reason(a, &one, e->reason));
	return der_put(list, DER_SEQUENCE, buf_str(&one));
}

static err_t
put_entries(struct buf *tbs, const struct crl_entry *e, size_t n)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf list;

	buf_init(&list, n * ENTRY_BYTES + 16);
	if (n == 0)
		return OK; /* the list must be absent when empty: 5.1.2.6 */
	for (size_t i = 0; i < n; i++) {
		TRY(put_entry(a, &list, &e[i]));
		arena_reset(a);
	}
	return der_put(tbs, DER_SEQUENCE, buf_str(&list));
}

static err_t
put_crl_extensions(struct arena *a, struct buf *tbs, const struct cert *issuer,
    const struct key *signer, uint64_t number)
{
	auto_buf struct buf list, num;
	uint8_t be[8];
	struct str aki, seq;

	buf_init(&list, 1024);
	buf_init(&num, 32);
	for (int i = 0; i < 8; i++)
		be[i] = (uint8_t)(number >> (56 - 8 * i));
	TRY(build_aki_der(a, issuer, signer, &aki));
	TRY(put_extension(a, &list, OID_AKI, aki));
	TRY(put_integer(&num, STR(be)));
	TRY(put_extension(a, &list, OID_CRL_NUMBER, buf_str(&num)));
	TRY(build_wrap(a, DER_SEQUENCE, buf_str(&list), &seq));
	return der_put(tbs, DER_CONTEXT(0), seq);
}

err_t
crl_make(struct arena *a, const struct cert *issuer, const struct key *signer, uint64_t number,
    when_t this_update, when_t next_update, const struct crl_entry *e, size_t n,
    struct str *ret_der)
{
	static const uint8_t version2[] = { DER_INTEGER, 1, 1 };
	auto_buf struct buf body = { 0 }, tbs = { 0 };
	struct str from, to;

	if (n > LIMIT_CRL_ENTRIES)
		FAIL(ERR_TOO_LARGE, "%zu entries", n);
	buf_init(&body, n * ENTRY_BYTES + AROUND_BYTES);
	buf_init(&tbs, n * ENTRY_BYTES + AROUND_BYTES + 16);
	TRY(build_time(a, this_update, &from));
	TRY(build_time(a, next_update, &to));
	TRY(buf_put(&body, STR(version2)));
	TRY(buf_put(&body, key_sigalg(signer)));
	TRY(buf_put(&body, cert_subject_der(issuer)));
	TRY(buf_put(&body, from));
	TRY(buf_put(&body, to));
	TRY(put_entries(&body, e, n));
	TRY(put_crl_extensions(a, &body, issuer, signer, number));
	TRY(der_put(&tbs, DER_SEQUENCE, buf_str(&body)));
	return key_sign_tbs(a, signer, buf_str(&tbs), ret_der);
}
