/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/cert_skim.h"

#include "base/limits.h"
#include "base/rd.h"
#include "codec/der.h"

/* A whole element, tag and length with it. */
static err_t
take_whole(struct str *in, uint8_t tag, struct str *ret)
{
	const uint8_t *start = in->p;
	struct str content;

	TRY(der_take(in, tag, &content));
	*ret = str_of(start, (size_t)(in->p - start));
	return OK;
}

/* RFC 5280 4.1: version, serial number, algorithm, issuer, validity, subject, key; what follows stays unread. */
static err_t
skim(struct str der, struct cert_skim *ret)
{
	struct str cert, tbs, skipped;

	ret->der = der;
	TRY(der_take(&der, DER_SEQUENCE, &cert));
	TRY(rd_end(&der));
	TRY(der_take(&cert, DER_SEQUENCE, &tbs));
	TRY(der_take(&cert, DER_SEQUENCE, &skipped));
	TRY(der_take(&cert, DER_BITSTRING, &skipped));
	TRY(rd_end(&cert));
	if (tbs.n > 0 && tbs.p[0] == DER_CONTEXT(0))
		TRY(der_take(&tbs, DER_CONTEXT(0), &skipped));
	TRY(der_take(&tbs, DER_INTEGER, &skipped));
	TRY(der_take(&tbs, DER_SEQUENCE, &skipped));
	TRY(take_whole(&tbs, DER_SEQUENCE, &ret->issuer));
	TRY(der_take(&tbs, DER_SEQUENCE, &skipped));
	TRY(take_whole(&tbs, DER_SEQUENCE, &ret->subject));
	return take_whole(&tbs, DER_SEQUENCE, &ret->spki);
}

err_t
cert_skim(struct str der, struct cert_skim *ret)
{
	struct cert_skim got;
	err_t e;

	if (der.n == 0 || der.n > LIMIT_CERT_BYTES)
		FAIL(ERR_CERTIFICATE, "%zu bytes", der.n);
	e = skim(der, &got);
	if (!err_ok(e)) {
		err_forget(e);
		FAIL(ERR_CERTIFICATE, "not a certificate in DER");
	}
	*ret = got;
	return OK;
}
