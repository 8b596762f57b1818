/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/oid.h"
#include "pki/cert.h"
#include "pki/cert_skim.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_arena struct arena *a = arena_new();
	auto_cert struct cert *c = NULL;
	auto_key struct key *k = NULL;
	struct str v, der;
	struct cert_skim skimmed;
	err_t skim = cert_skim(str_of(p, n), &skimmed), e = cert_parse(str_of(p, n), &c);
	bool both = err_ok(skim) && err_ok(e);

	err_forget(skim);
	/* What both read says the same. */
	if (both &&
	    (!str_eq(skimmed.subject, cert_subject_der(c)) ||
		!str_eq(skimmed.issuer, cert_issuer_der(c))))
		abort();

	if (!err_ok(e)) {
		err_forget(e);
		return 0;
	}
	if (cert_subject(c) == NULL || cert_issuer(c) == NULL || cert_serial(c) == NULL)
		abort();
	(void)cert_has_eku(c, OID_EKU_CLIENT_AUTH);
	err_forget(cert_key(c, &k));
	err_forget(cert_extension(a, c, "2.5.29.17", &v));
	der = cert_der(c);
	err_forget(cert_verify(c, c, cert_not_before(c)));
	err_forget(cert_verify_path(c, NULL, 0, &der, 1, OID_EKU_CLIENT_AUTH, cert_not_before(c)));
	return 0;
}
