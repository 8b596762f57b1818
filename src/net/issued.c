/* SPDX-License-Identifier: Apache-2.0 */
#include "net/issued.h"

#include "pki/cert.h"
#include "pki/csr.h"

err_t
issued_chain(struct arena *a, struct str leaf, const struct str *certs, size_t n, struct str **ret,
    size_t *retn)
{
	struct str *chain = arena_array(a, n + 1, sizeof(*chain));
	auto_cert struct cert *at = NULL;
	size_t nchain = 0;

	TRY_CTX(cert_parse(leaf, &at), "issued certificate");
	while (nchain < n && !cert_self_issued(at)) {
		struct cert *found = NULL;

		for (size_t i = 0; i < n && found == NULL; i++) {
			auto_cert struct cert *c = NULL;

			TRY_CTX(cert_parse(certs[i], &c), "chain of the issued certificate");
			if (!str_eq(cert_der(c), cert_der(at)) &&
			    str_eq(cert_subject_der(c), cert_issuer_der(at)))
				found = steal(c);
		}
		if (found == NULL)
			break;
		chain[nchain++] = arena_str(a, cert_der(found));
		cert_free(at);
		at = found;
	}
	*ret = chain;
	*retn = nchain;
	return OK;
}

err_t
issued_leaf(struct arena *a, struct str csr, const struct str *certs, size_t n, struct str *ret)
{
	auto_csr struct csr request = { 0 };

	TRY_CTX(csr_parse(a, csr, &request), "our own request");
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;

		TRY_CTX(cert_parse(certs[i], &c), "answer of the CA");
		if (memcmp(cert_spki_sha256(c), request.spki_sha256, 32) == 0) {
			*ret = certs[i];
			return OK;
		}
	}
	FAIL(ERR_KEY_MISMATCH, "none of the %zu certificates of the CA's answer", n);
}
