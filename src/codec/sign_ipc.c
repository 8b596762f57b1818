/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures asked of another process: see sign_ipc.h. */
#include "codec/sign_ipc.h"

#include "base/rd.h"

enum { DIGEST_MAX = 64, SIGNATURE_MAX = 1024 /* RSA-8192 */ };

static const struct {
	enum sign_scheme scheme;
	size_t digest;
} schemes[] = {
	{ SIGN_ECDSA_SHA256, 32 },
	{ SIGN_ECDSA_SHA384, 48 },
	{ SIGN_RSA_PKCS1_SHA256, 32 },
	{ SIGN_RSA_PKCS1_SHA384, 48 },
	{ SIGN_RSA_PKCS1_SHA512, 64 },
	{ SIGN_RSA_PSS_SHA256, 32 },
	{ SIGN_RSA_PSS_SHA384, 48 },
	{ SIGN_RSA_PSS_SHA512, 64 },
};

size_t
sign_scheme_digest(unsigned scheme)
{
	for (size_t i = 0; i < COUNT(schemes); i++)
		if (schemes[i].scheme == scheme)
			return schemes[i].digest;
	return 0;
}

static err_t
check(const struct sign_req *q)
{
	size_t want = sign_scheme_digest(q->scheme);

	if (want == 0)
		FAIL(ERR_UNSUPPORTED, "signature scheme %u", (unsigned)q->scheme);
	if (q->digest.n != want)
		FAIL(ERR_MALFORMED, "digest of %zu bytes, scheme %u wants %zu", q->digest.n,
		    (unsigned)q->scheme, want);
	return OK;
}

err_t
sign_req_encode(const struct sign_req *q, struct buf *out)
{
	TRY(check(q));
	TRY(wr_u8(out, q->which));
	TRY(wr_u8(out, (uint8_t)q->scheme));
	return wr_blob(out, q->digest);
}

err_t
sign_req_parse(struct arena *a, struct str in, struct sign_req *ret)
{
	struct sign_req q;
	uint8_t scheme;

	(void)a;
	TRY(rd_u8(&in, &q.which));
	TRY(rd_u8(&in, &scheme));
	TRY(rd_blob(&in, DIGEST_MAX, &q.digest));
	TRY(rd_end(&in));
	q.scheme = (enum sign_scheme)scheme;
	TRY(check(&q));
	*ret = q;
	return OK;
}

err_t
sign_rep_encode(const struct sign_rep *q, struct buf *out)
{
	return wr_blob(out, q->signature);
}

err_t
sign_rep_parse(struct arena *a, struct str in, struct sign_rep *ret)
{
	struct sign_rep q;

	(void)a;
	TRY(rd_blob(&in, SIGNATURE_MAX, &q.signature));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}
