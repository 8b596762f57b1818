/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/ocsp.h"

#include <time.h>

#include "base/limits.h"
#include "codec/der.h"
#include "pki/build.h"
#include "pki/key_int.h"

enum {
	DER_ENUMERATED = 0x0a,
	DER_GENERALIZED_TIME = 0x18,
	NONCE_ECHOED = 32,
	SINGLE_BYTES = 256,
	AROUND_BYTES = LIMIT_CERT_BYTES + 8192
};

/* With their tags. */
static const uint8_t alg_sha1[] = { 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a };
static const uint8_t alg_sha256[] = { 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
	0x01 };
static const uint8_t oid_basic[] = { 0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01,
	0x01 };
static const uint8_t oid_nonce[] = { 0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01,
	0x02 };
static const uint8_t null_params[] = { DER_NULL, 0 };

static const struct {
	enum ocsp_hash hash;
	struct str oid;
} hashes[] = {
	{ CERTID_SHA1, { alg_sha1, sizeof(alg_sha1) } },
	{ CERTID_SHA256, { alg_sha256, sizeof(alg_sha256) } },
};

/* ---- requests ---- */

static bool
next_is(struct str in, uint8_t tag)
{
	return in.n > 0 && in.p[0] == tag;
}

/* Passes an element over that may stand here. */
static err_t
skip(struct str *in, uint8_t tag)
{
	struct str content;

	return next_is(*in, tag) ? der_take(in, tag, &content) : OK;
}

static err_t
take_algorithm(struct str in, struct ocsp_id *id)
{
	for (size_t i = 0; i < COUNT(hashes); i++) {
		if (!str_starts(in, hashes[i].oid))
			continue;
		in = str_of(in.p + hashes[i].oid.n, in.n - hashes[i].oid.n);
		id->hash = hashes[i].hash;
		id->params = in.n > 0;
		if (in.n > 0 && !str_eq(in, STR(null_params)))
			FAIL(ERR_OCSP_REQUEST, "parameters of a hash");
		return OK;
	}
	FAIL(ERR_OCSP_REQUEST, "a hash that is neither SHA-1 nor SHA-256");
}

/* RFC 6960 4.1.1: CertID */
static err_t
take_id(struct str in, struct ocsp_id *ret)
{
	struct str alg;

	TRY(der_take(&in, DER_SEQUENCE, &alg));
	TRY(take_algorithm(alg, ret));
	TRY(der_take(&in, DER_OCTETS, &ret->name_hash));
	TRY(der_take(&in, DER_OCTETS, &ret->key_hash));
	TRY(der_take(&in, DER_INTEGER, &ret->serial));
	if (in.n > 0)
		FAIL(ERR_OCSP_REQUEST, "bytes after a CertID");
	if (ret->name_hash.n != ocsp_hash_size(ret->hash) ||
	    ret->key_hash.n != ocsp_hash_size(ret->hash))
		FAIL(ERR_OCSP_REQUEST, "a hash of the wrong length");
	if (ret->serial.n < 1 || ret->serial.n > 40)
		FAIL(ERR_OCSP_REQUEST, "a serial number of %zu bytes", ret->serial.n);
	return OK;
}

/* Takes one extension; fails on a critical one that is not the nonce. */
static err_t
take_extension(struct str *in, struct str *ret_nonce)
{
	struct str ext, critical = STR_EMPTY, value;
	bool is_nonce;

	TRY(der_take(in, DER_SEQUENCE, &ext));
	is_nonce = str_starts(ext, STR(oid_nonce));
	TRY(skip(&ext, DER_OID));
	if (next_is(ext, DER_BOOLEAN))
		TRY(der_take(&ext, DER_BOOLEAN, &critical));
	TRY(der_take(&ext, DER_OCTETS, &value));
	if (ext.n > 0)
		FAIL(ERR_OCSP_REQUEST, "bytes after an extension");
	if (is_nonce && ret_nonce != NULL) {
		*ret_nonce = value;
		return OK;
	}
	if (critical.n == 1 && critical.p[0] != 0)
		FAIL(ERR_OCSP_REQUEST, "a critical extension that is not known");
	return OK;
}

/* A list of them under this tag, if there is one. */
static err_t
take_extensions(struct str *in, uint8_t tag, struct str *ret_nonce)
{
	struct str list;
	unsigned n = 0;

	if (!next_is(*in, tag))
		return OK;
	TRY(der_take(in, tag, &list));
	TRY(der_take(&list, DER_SEQUENCE, &list));
	for (; list.n > 0; n++) {
		if (n == LIMIT_EXTENSIONS)
			FAIL(ERR_OCSP_REQUEST, "more than %u extensions", LIMIT_EXTENSIONS);
		TRY(take_extension(&list, ret_nonce));
	}
	return OK;
}

/* RFC 9654 2.1: an OCTET STRING inside; old clients put the bytes there as they are. */
static err_t
check_nonce(struct str *nonce)
{
	struct str rest = *nonce, inner;
	err_t e;

	if (nonce->p == NULL)
		return OK;
	e = der_take(&rest, DER_OCTETS, &inner);
	if (!err_ok(e) || rest.n > 0)
		inner = *nonce;
	err_forget(e);
	if (inner.n < 1 || inner.n > LIMIT_OCSP_NONCE)
		FAIL(ERR_OCSP_REQUEST, "a nonce of %zu bytes", inner.n);
	if (inner.n > NONCE_ECHOED)
		*nonce = STR_EMPTY;
	return OK;
}

static err_t
take_list(struct arena *a, struct str list, struct ocsp_req *q)
{
	q->v = arena_array(a, LIMIT_OCSP_CERTS, sizeof(*q->v));
	while (list.n > 0) {
		struct str one, id;

		if (q->n == LIMIT_OCSP_CERTS)
			FAIL(ERR_OCSP_REQUEST, "more than %u certificates", LIMIT_OCSP_CERTS);
		TRY(der_take(&list, DER_SEQUENCE, &one));
		TRY(der_take(&one, DER_SEQUENCE, &id));
		TRY(take_id(id, &q->v[q->n++]));
		TRY(take_extensions(&one, DER_CONTEXT(0), NULL));
		if (one.n > 0)
			FAIL(ERR_OCSP_REQUEST, "bytes after a request");
	}
	if (q->n == 0)
		FAIL(ERR_OCSP_REQUEST, "no certificate is named");
	return OK;
}

static err_t
take_version(struct str *in)
{
	static const uint8_t v1[] = { DER_INTEGER, 1, 0 };
	struct str version;

	if (!next_is(*in, DER_CONTEXT(0)))
		return OK;
	TRY(der_take(in, DER_CONTEXT(0), &version));
	if (!str_eq(version, STR(v1)))
		FAIL(ERR_OCSP_REQUEST, "version");
	return OK;
}

static err_t
parse(struct arena *a, struct str in, struct ocsp_req *q)
{
	struct str whole, tbs, list;

	TRY(der_take(&in, DER_SEQUENCE, &whole));
	if (in.n > 0)
		FAIL(ERR_OCSP_REQUEST, "bytes after the request");
	TRY(der_take(&whole, DER_SEQUENCE, &tbs));
	TRY(skip(&whole, DER_CONTEXT(0))); /* optionalSignature */
	if (whole.n > 0)
		FAIL(ERR_OCSP_REQUEST, "bytes after the signature");
	TRY(take_version(&tbs));
	TRY(skip(&tbs, DER_CONTEXT(1))); /* requestorName */
	TRY(der_take(&tbs, DER_SEQUENCE, &list));
	TRY(take_list(a, list, q));
	TRY(take_extensions(&tbs, DER_CONTEXT(2), &q->nonce));
	if (tbs.n > 0)
		FAIL(ERR_OCSP_REQUEST, "bytes after the extensions");
	return check_nonce(&q->nonce);
}

err_t
ocsp_request_parse(struct arena *a, struct str der, struct ocsp_req *ret)
{
	struct ocsp_req q = { .ca = "" };
	struct err_report why;
	err_t e;

	if (der.n > LIMIT_OCSP_BYTES)
		FAIL(ERR_OCSP_REQUEST, "%zu bytes", der.n);
	e = parse(a, der, &q);
	if (!err_ok(e)) { /* whatever was wrong, it is the request that cannot be read */
		err_take(e, &why);
		FAIL(ERR_OCSP_REQUEST, "%s", why.detail);
	}
	*ret = q;
	return OK;
}

/* ---- issuers ---- */

err_t
ocsp_issuer(const struct cert *c, struct ocsp_issuer *ret)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = NULL;
	struct str spki, in, bits;

	TRY(cert_key(c, &k));
	TRY(key_spki(a, k, &spki));
	TRY(der_take(&spki, DER_SEQUENCE, &in));
	TRY(der_take(&in, DER_SEQUENCE, &bits));
	TRY(der_take(&in, DER_BITSTRING, &bits));
	if (bits.n < 2)
		FAIL(ERR_KEY, "public key");
	bits = str_of(bits.p + 1, bits.n - 1); /* without the octet of unused bits */
	hash_sha1(bits, ret->key_sha1);
	hash_sha256(bits, ret->key_sha256);
	hash_sha1(cert_subject_der(c), ret->name_sha1);
	hash_sha256(cert_subject_der(c), ret->name_sha256);
	return OK;
}

bool
ocsp_issuer_is(const struct ocsp_issuer *i, const struct ocsp_id *id)
{
	if (id->hash == CERTID_SHA1)
		return str_eq(id->name_hash, STR(i->name_sha1)) &&
		    str_eq(id->key_hash, STR(i->key_sha1));
	return str_eq(id->name_hash, STR(i->name_sha256)) &&
	    str_eq(id->key_hash, STR(i->key_sha256));
}

/* ---- answers: written from the inside out; each puts one element ---- */

static err_t
put_time(struct buf *b, when_t t)
{
	time_t clock = t;
	struct tm tm;
	char text[32];

	if (gmtime_r(&clock, &tm) == NULL || tm.tm_year < 50 || tm.tm_year >= 8100)
		FAIL(ERR_RANGE, "a time that answers cannot hold");
	if (strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm) != 15)
		FAIL(ERR_RANGE, "a time that answers cannot hold");
	return der_put(b, DER_GENERALIZED_TIME, str_of(text, 15));
}

static err_t
put_id(struct buf *b, const struct ocsp_id *id)
{
	auto_buf struct buf alg, body;

	buf_init(&alg, 32);
	buf_init(&body, SINGLE_BYTES);
	TRY(buf_put(&alg, hashes[id->hash == CERTID_SHA1 ? 0 : 1].oid));
	if (id->params)
		TRY(buf_put(&alg, STR(null_params)));
	TRY(der_put(&body, DER_SEQUENCE, buf_str(&alg)));
	TRY(der_put(&body, DER_OCTETS, id->name_hash));
	TRY(der_put(&body, DER_OCTETS, id->key_hash));
	TRY(der_put(&body, DER_INTEGER, id->serial));
	return der_put(b, DER_SEQUENCE, buf_str(&body));
}

static err_t
put_status(struct buf *b, const struct ocsp_single *s)
{
	uint8_t reason[] = { DER_ENUMERATED, 1, (uint8_t)s->reason };
	auto_buf struct buf body;

	buf_init(&body, 64);
	switch (s->status) {
	case STATUS_GOOD:
		return der_put(b, DER_CONTEXT_PRIMITIVE(0), STR_EMPTY);
	case STATUS_UNKNOWN:
		return der_put(b, DER_CONTEXT_PRIMITIVE(2), STR_EMPTY);
	case STATUS_REVOKED:
		break;
	}
	if (s->reason < 0 || s->reason > 10 || s->reason == 7)
		FAIL(ERR_RANGE, "revocation reason %d", s->reason);
	TRY(put_time(&body, s->revoked));
	if (s->reason != 0)
		TRY(der_put(&body, DER_CONTEXT(0), STR(reason)));
	return der_put(b, DER_CONTEXT(1), buf_str(&body));
}

static err_t
put_single(struct buf *list, const struct ocsp_answer *s, const struct ocsp_single *one)
{
	auto_buf struct buf body, next;

	buf_init(&body, SINGLE_BYTES);
	buf_init(&next, 32);
	TRY(put_id(&body, &one->id));
	TRY(put_status(&body, one));
	TRY(put_time(&body, s->this_update));
	TRY(put_time(&next, s->next_update));
	TRY(der_put(&body, DER_CONTEXT(0), buf_str(&next)));
	return der_put(list, DER_SEQUENCE, buf_str(&body));
}

static err_t
put_nonce(struct buf *b, struct str nonce)
{
	auto_buf struct buf ext, one, list;

	buf_init(&ext, SINGLE_BYTES);
	buf_init(&one, SINGLE_BYTES);
	buf_init(&list, SINGLE_BYTES);
	if (nonce.n == 0)
		return OK;
	TRY(buf_put(&ext, STR(oid_nonce)));
	TRY(der_put(&ext, DER_OCTETS, nonce));
	TRY(der_put(&one, DER_SEQUENCE, buf_str(&ext)));
	TRY(der_put(&list, DER_SEQUENCE, buf_str(&one)));
	return der_put(b, DER_CONTEXT(1), buf_str(&list));
}

/* RFC 6960 4.2.1: ResponseData. The responder is named by its key. */
static err_t
put_data(struct buf *tbs, const struct ocsp_answer *s)
{
	size_t max = s->n * SINGLE_BYTES + 1024;
	auto_buf struct buf body, list, id;

	buf_init(&body, max);
	buf_init(&list, max);
	buf_init(&id, 32);
	TRY(der_put(&id, DER_OCTETS, s->key_id));
	TRY(der_put(&body, DER_CONTEXT(2), buf_str(&id)));
	TRY(put_time(&body, s->produced));
	for (size_t i = 0; i < s->n; i++)
		TRY(put_single(&list, s, &s->v[i]));
	TRY(der_put(&body, DER_SEQUENCE, buf_str(&list)));
	TRY(put_nonce(&body, s->nonce));
	return der_put(tbs, DER_SEQUENCE, buf_str(&body));
}

/* BasicOCSPResponse. A wrong signature harms nobody but the one answer, so it is not checked again here. */
static err_t
put_basic(struct arena *a, struct buf *b, const struct ocsp_answer *s)
{
	size_t max = s->n * SINGLE_BYTES + AROUND_BYTES;
	auto_buf struct buf body, bits, certs;
	struct str signature;

	buf_init(&body, max);
	buf_init(&bits, 4096);
	buf_init(&certs, AROUND_BYTES);
	TRY(put_data(&body, s));
	TRY(key_sign(a, s->key, buf_str(&body), &signature));
	TRY(buf_put(&body, key_sigalg(s->key)));
	TRY(buf_putc(&bits, 0));
	TRY(buf_put(&bits, signature));
	TRY(der_put(&body, DER_BITSTRING, buf_str(&bits)));
	TRY(der_put(&certs, DER_SEQUENCE, cert_der(s->signer)));
	TRY(der_put(&body, DER_CONTEXT(0), buf_str(&certs)));
	return der_put(b, DER_SEQUENCE, buf_str(&body));
}

err_t
ocsp_answer_make(struct arena *a, const struct ocsp_answer *s, struct str *ret_der)
{
	static const uint8_t successful[] = { DER_ENUMERATED, 1, 0 };
	size_t max = s->n * SINGLE_BYTES + AROUND_BYTES;
	auto_buf struct buf basic, bytes, body, out;

	buf_init(&basic, max);
	buf_init(&bytes, max + 64);
	buf_init(&body, max + 64);
	buf_init(&out, max + 64);
	if (s->n < 1 || s->n > LIMIT_OCSP_CERTS)
		FAIL(ERR_RANGE, "%zu answers", s->n);
	TRY(put_basic(a, &basic, s));
	TRY(buf_put(&bytes, STR(oid_basic)));
	TRY(der_put(&bytes, DER_OCTETS, buf_str(&basic)));
	TRY(der_put(&body, DER_SEQUENCE, buf_str(&bytes)));
	buf_reset(&bytes);
	TRY(buf_put(&bytes, STR(successful)));
	TRY(der_put(&bytes, DER_CONTEXT(0), buf_str(&body)));
	TRY(der_put(&out, DER_SEQUENCE, buf_str(&bytes)));
	*ret_der = arena_str(a, buf_str(&out));
	return OK;
}

struct str
ocsp_refusal(enum ocsp_failure f)
{
	static const uint8_t bytes[][5] = {
		[REFUSE_MALFORMED] = { DER_SEQUENCE, 3, DER_ENUMERATED, 1, REFUSE_MALFORMED },
		[REFUSE_INTERNAL] = { DER_SEQUENCE, 3, DER_ENUMERATED, 1, REFUSE_INTERNAL },
		[REFUSE_TRY_LATER] = { DER_SEQUENCE, 3, DER_ENUMERATED, 1, REFUSE_TRY_LATER },
		[REFUSE_UNAUTHORIZED] = { DER_SEQUENCE, 3, DER_ENUMERATED, 1, REFUSE_UNAUTHORIZED },
	};

	return STR(bytes[f]);
}
