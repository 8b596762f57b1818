/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the provider to each other: key data, and the tables of its operations. */
#ifndef PKI_KEYPROV_INT_H
#define PKI_KEYPROV_INT_H

#include <stdatomic.h>

#include <openssl/core.h>
#include <openssl/evp.h>

#include "pki/keyprov.h"

/* It computes nothing: approved is what the process or the token does that it asks. */
#define KEYPROV_PROPERTIES "provider=chancery,fips=yes"

/* What OpenSSL holds as "key data": the public half as a key of its own provider, and the way to the private one. */
struct keyprov_data {
	atomic_uint refs;
	const char *name; /* "RSA", "EC" */
	EVP_PKEY *pub;
	bool has_far;
	struct far_key far;
};

struct keyprov_data *keyprov_data_ref(struct keyprov_data *d);
void keyprov_data_free(struct keyprov_data *d);
/* Puts why the far side failed into OpenSSL's queue, with its code: what FAIL_SSL makes of it has the code again. */
void keyprov_far_failed(err_t e);

extern const OSSL_DISPATCH keyprov_rsa_sign[];
extern const OSSL_DISPATCH keyprov_ec_sign[];
extern const OSSL_DISPATCH keyprov_rsa_decrypt[];

#define KEYPROV_FN(id, fn) \
	{ \
		id, (void (*)(void))fn \
	}

#endif
