/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FIPS mode: libcrypto uses the algorithms of its FIPS provider alone.
 *
 * With it on, whatever is fetched without saying otherwise has the property fips=yes, in this process, until it ends; our
 * own generator of RSA keys is not used (key_make_by()). What is not approved then fails where it is used.
 *
 * Not here: the validation of a provider; that is the affair of who built it.
 */
#ifndef PKI_FIPS_H
#define PKI_FIPS_H

#include "base/err.h"

/* Loads the provider, which tests itself, and makes fips=yes the default. ERR_FIPS: there is none, or its test failed. */
err_t fips_enable(void);
bool fips_is_on(void);
/* Before what cannot be done by approved algorithms. ERR_FIPS_REFUSED in FIPS mode, with `what` as its detail. */
err_t fips_refuse(const char *what);

#endif
