/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in OpenSSL provider for keys that live elsewhere: TLS, X.509 and CMS code uses them like any other.
 *
 * A far key has a public half here and a function that performs the private operation (an IPC call to a key process, a
 * token). Signing gives the function a digest; decryption gives it the ciphertext.
 */
#ifndef PKI_KEYPROV_H
#define PKI_KEYPROV_H

#include "pki/key.h"

enum far_padding {
	FAR_PKCS1 = 1,
	FAR_OAEP_SHA1,
	FAR_OAEP_SHA256,
	FAR_OAEP_SHA384,
	FAR_OAEP_SHA512
};

struct far_key {
	void *ctx;
	/* scheme: enum sign_scheme. *ret in the arena. */
	err_t (*sign)(
	    void *ctx, struct arena *a, uint8_t scheme, struct str digest, struct str *ret);
	/* RSA decryption of a key transport, padding: enum far_padding; NULL: cannot. Failure must not tell why. */
	err_t (*decrypt)(
	    void *ctx, struct arena *a, unsigned padding, struct str in, struct str *ret);
};

/*
 * Registers the provider in the default library context; once per process, before threads; again is harmless. OpenSSL's
 * own provider stays the first choice for everything that names none.
 */
err_t keyprov_init(void);
/* `far` is copied; its ctx must outlive the key. */
err_t keyprov_key(const struct far_key *far, struct str spki, struct key **ret);

#endif
