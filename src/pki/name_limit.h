/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Name constraints (RFC 5280 4.2.1.10) of the certificates above, for who is about to sign below them.
 *
 * A certificate whose names are not permitted would be signed and verify nowhere. Names are those of the certificate
 * to be: subject (also its e-mail addresses, and a common name that reads as a host name) and alternative names.
 *
 * Not here: the check of a path that exists (cert_verify_path).
 */
#ifndef PKI_NAME_LIMIT_H
#define PKI_NAME_LIMIT_H

#include "pki/cert.h"

/* Has it the extension at all? */
bool name_limit_is(const struct cert *ca);
/* subject: DER Name; san: DER GeneralNames or empty. ERR_NAME_CONSTRAINT; also when the constraints cannot be
 * understood. */
err_t name_limit_check(const struct cert *ca, struct str subject, struct str san);

#endif
