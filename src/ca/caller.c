/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/caller.h"

#include "codec/oid.h"

err_t
caller_certificate(const struct hierarchy *h, struct str der, uint8_t ret_sha256[32])
{
	auto_cert struct cert *c = NULL;
	const struct ca *by;
	err_t e;

	TRY_CTX(cert_parse(der, &c), "certificate of the caller");
	e = hierarchy_verify(h, c, &by);
	if (err_is(e, ERR_CHAIN) || err_is(e, ERR_EXPIRED)) {
		err_forget(e);
		FAIL(ERR_CALLER_EXPIRED, "serial %s", cert_serial(c));
	}
	TRY(e);
	if (!cert_has_eku(c, OID_EKU_CLIENT_AUTH))
		FAIL(ERR_CALLER_EXPIRED, "serial %s is not for client authentication",
		    cert_serial(c));
	memcpy(ret_sha256, cert_sha256(c), 32);
	return OK;
}

err_t
caller_principal(struct tx *tx, struct arena *a, const uint8_t sha256[32], struct caller *ret)
{
	struct str hash = str_of(sha256, 32);
	struct caller c = { 0 };
	struct issued row;
	err_t e = store_issued_by_cert(tx, a, hash, &row);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_CALLER_UNKNOWN, "certificate %s", text_hex(a, hash));
	}
	TRY(e);
	if (row.state != ISSUED_VALID)
		FAIL(ERR_CALLER_REVOKED, "serial %s of %s", row.serial, row.ca);
	e = store_principal_by_cert(tx, a, hash, &c.who);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_CALLER_UNKNOWN, "serial %s of %s", row.serial, row.ca);
	}
	TRY(e);
	if (!c.who.enabled)
		FAIL(ERR_CALLER_DISABLED, "principal %s", c.who.name);
	memcpy(c.sha256, sha256, 32);
	*ret = c;
	return OK;
}
