/* SPDX-License-Identifier: Apache-2.0 */
/* Trust anchors for TLS contexts. See trust.h. */
#include "pki/trust.h"

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "pki/cert.h"

static err_t
store_fill(X509_STORE *store, const struct str *anchors, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;

		TRY(cert_parse(anchors[i], &c));
		if (X509_STORE_add_cert(store, cert_x509(c)) != 1)
			FAIL(ERR_INTERNAL, "trust anchor %s was not taken", cert_subject(c));
	}
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	return OK;
}

err_t
trust_store(const struct str *anchors, size_t n, void **ret)
{
	X509_STORE *store = X509_STORE_new();
	err_t e;

	if (store == NULL)
		FAIL(ERR_INTERNAL, "no trust store");
	e = store_fill(store, anchors, n);
	if (!err_ok(e)) {
		X509_STORE_free(store);
		TRY(e);
	}
	*ret = store;
	return OK;
}

/* A certificate's own time is looked at last, and the leaf's after those above it. */
static int
let_ended(int ok, X509_STORE_CTX *ctx)
{
	if (ok == 1)
		return 1;
	return X509_STORE_CTX_get_error(ctx) == X509_V_ERR_CERT_HAS_EXPIRED &&
	    X509_STORE_CTX_get_error_depth(ctx) == 0;
}

void
trust_let_ended(void *store)
{
	X509_STORE_set_verify_cb(store, let_ended);
}
