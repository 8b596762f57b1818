/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/fips.h"

#include <openssl/provider.h>

#include "pki/ssl_err.h"

err_t
fips_enable(void)
{
	/* base: reading and writing of keys, which the FIPS provider leaves to others. Both stay until the process ends. */
	OSSL_PROVIDER *fips = OSSL_PROVIDER_load(NULL, "fips");
	OSSL_PROVIDER *base = fips == NULL ? NULL : OSSL_PROVIDER_load(NULL, "base");

	if (base != NULL && OSSL_PROVIDER_self_test(fips) == 1 &&
	    EVP_default_properties_enable_fips(NULL, 1) == 1)
		return OK;
	(void)OSSL_PROVIDER_unload(base);
	(void)OSSL_PROVIDER_unload(fips);
	FAIL_SSL(ERR_FIPS, "%s", "");
}

bool
fips_is_on(void)
{
	return EVP_default_properties_is_fips_enabled(NULL) == 1;
}

err_t
fips_refuse(const char *what)
{
	if (fips_is_on())
		FAIL(ERR_FIPS_REFUSED, "%s", what);
	return OK;
}
