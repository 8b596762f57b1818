/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_auth.h"

#include "codec/oid.h"
#include "pki/cert.h"
#include "pki/cms_sign.h"

/* The certificate whose key signed the body. */
static err_t
signer(struct http_req *r, struct str *ret)
{
	const struct device_edge *edge = http_ctx(r);
	struct arena *a = http_arena(r);
	const char *header = http_header(r, "Mdm-Signature");
	auto_cert struct cert *cert = NULL;
	struct str der, found;
	when_t when;

	if (header == NULL)
		FAIL(ERR_DEVICE_UNKNOWN,
		    "neither a client certificate nor a signature came with it");
	TRY(text_unbase64(a, str_c(header), &der));
	TRY(cms_detached_check(a, der, http_body(r), &found));
	TRY(cert_parse(found, &cert));
	/* One that is over still says whose message it is: the device that holds it is given its next. To OpenSSL the very end
	 * is over already. */
	when = when_now() < cert_not_after(cert) ? when_now() : cert_not_after(cert) - 1;
	TRY(cert_verify_path(cert, NULL, 0, edge->identity_anchors, edge->nidentity_anchors,
	    OID_EKU_CLIENT_AUTH, when));
	*ret = found;
	return OK;
}

err_t
apple_caller(struct http_req *r, struct device **ret)
{
	struct str cert = http_peer_cert(r);

	if (cert.n == 0)
		TRY(signer(r, &cert));
	return device_known(http_ctx(r), http_arena(r), cert, DEVICE_LEAVING, ret);
}
