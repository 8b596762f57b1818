/* SPDX-License-Identifier: Apache-2.0 */
#include "net/issued.h"

#include "pki/cert.h"
#include "pki/cert_skim.h"
#include "pki/csr.h"

err_t
issued_chain(struct arena *a, struct str leaf, const struct str *certs, size_t n, struct str **ret,
    size_t *retn)
{
	struct str *chain = arena_array(a, n + 1, sizeof(*chain));
	struct cert_skim *all = arena_array(a, n + 1, sizeof(*all)), at;
	size_t nchain = 0;

	TRY_CTX(cert_skim(leaf, &at), "issued certificate");
	for (size_t i = 0; i < n; i++)
		TRY_CTX(cert_skim(certs[i], &all[i]), "chain of the issued certificate");
	while (nchain < n && !cert_skim_self(&at)) {
		const struct cert_skim *found = NULL;

		for (size_t i = 0; i < n && found == NULL; i++)
			if (!str_eq(all[i].der, at.der) && cert_skim_under(&at, &all[i]))
				found = &all[i];
		if (found == NULL)
			break;
		chain[nchain++] = arena_str(a, found->der);
		at = *found;
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
