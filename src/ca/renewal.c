/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/renewal.h"

#include "ca/policy.h"
#include "codec/ms_ext.h"
#include "codec/oid.h"

err_t
renewal_certificate(const struct hierarchy *h, struct str der, uint8_t ret_sha256[32])
{
	auto_cert struct cert *c = NULL;
	const struct ca *by;
	err_t e;

	TRY_CTX(cert_parse(der, &c), "certificate to renew");
	e = hierarchy_verify(h, c, &by);
	if (err_is(e, ERR_CHAIN) || err_is(e, ERR_EXPIRED)) {
		err_forget(e);
		FAIL(ERR_CALLER_EXPIRED, "serial %s", cert_serial(c));
	}
	TRY(e);
	memcpy(ret_sha256, cert_sha256(c), 32);
	return OK;
}

err_t
renewal_record(struct tx *tx, struct arena *a, const uint8_t sha256[32], struct issued *ret)
{
	struct str hash = str_of(sha256, 32);
	struct issued row;
	err_t e = store_issued_by_cert(tx, a, hash, &row);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_CALLER_UNKNOWN, "certificate %s", text_hex(a, hash));
	}
	TRY(e);
	if (row.state != ISSUED_VALID)
		FAIL(ERR_CALLER_REVOKED, "serial %s of %s", row.serial, row.ca);
	*ret = row;
	return OK;
}

err_t
renewal_names(struct arena *a, struct str der, const struct csr *csr)
{
	struct san *was_san = NULL, *now_san = NULL;
	size_t nwas = 0, nnow = 0;
	auto_cert struct cert *c = NULL;
	struct dn was, now;

	TRY(cert_parse(der, &c));
	TRY(dn_decode(a, cert_subject_der(c), &was));
	TRY_CTX(dn_decode(a, csr->subject, &now), "subject of the request");
	if (!dn_equal(&was, &now))
		FAIL(ERR_RENEWAL_NAMES, "requested %s, the certificate has %s", dn_print(a, &now),
		    dn_print(a, &was));
	if (cert_san_der(c).n > 0)
		TRY(san_decode(a, cert_san_der(c), &was_san, &nwas));
	if (csr->san.n > 0)
		TRY_CTX(
		    san_decode(a, csr->san, &now_san, &nnow), "alternative names of the request");
	if (!san_equal(was_san, nwas, now_san, nnow))
		FAIL(ERR_RENEWAL_NAMES, "requested %s, the certificate has %s",
		    san_print(a, now_san, nnow), san_print(a, was_san, nwas));
	return OK;
}

err_t
renewal_stays(
    struct tx *tx, struct arena *a, const struct issued *was, const char *ca, bool ordered)
{
	uint64_t fence = 0;
	bool closed = false;

	if (!str_ieq_c(str_c(was->ca), ca))
		FAIL(ERR_RENEWAL, "serial %s is of %s, and %s was asked", was->serial, was->ca, ca);
	if (ordered || id_is_zero(was->order))
		return OK;
	TRY(store_order_state_get(tx, was->order, &fence, &closed));
	if (closed)
		FAIL(
		    ERR_ORDER_CLOSED, "order %s of serial %s", id_text(a, was->order), was->serial);
	return OK;
}

err_t
renewal_sid(struct arena *a, struct str der, const char **ret)
{
	auto_cert struct cert *c = NULL;
	struct str value;
	err_t e;

	TRY(cert_parse(der, &c));
	e = cert_extension(a, c, OID_NTDS_SECURITY, &value);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		*ret = "";
		return OK;
	}
	TRY(e);
	return ms_sid_parse(a, value, ret);
}

err_t
renewal_inherit(struct arena *a, const struct issued *was, struct grant *g)
{
	g->order = was->order;
	g->slot = was->slot;
	g->device = was->device;
	g->user = was->user;
	g->profile = was->profile;
	if (g->template.enrolment_flags & TEMPLATE_NO_SECURITY_EXTENSION)
		return OK;
	return renewal_sid(a, was->cert, &g->sid);
}
