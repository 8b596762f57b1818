/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identities that devices request by SCEP: the certificate is not seen by the service when it is issued, only when the
 * device first shows it.
 *
 *   enrol_scep_begin(code) ── the device's id, the order (any key, any holder), and a row that says who is expected
 *   ... the caller leaves the order at the identity CA and gives the device challenge and address ...
 *   enrol_scep_bind(certificate) ── the first certificate of the identity CA that names the device becomes its identity
 *
 * The same for the renewal of an identity, with enrol_scep_renew() in place of the first: until the new certificate was
 * used the old one stays good.
 *
 * Guarantees: a certificate is bound only while one is expected, only if it is not older than the expectation, and once.
 * That it was issued by the identity CA is the caller's to have checked; that CA issues for a device's name by an order
 * alone.
 */
#ifndef MODEL_ENROL_SCEP_H
#define MODEL_ENROL_SCEP_H

#include "model/enrol.h"
#include "store/relay.h"

/* Seconds in which a device must request, and use what it got. */
enum { ENROL_SCEP_LIFE = 3600 };

/* Begun again with the same code it is the same device, and the earlier challenge is no longer good. ERR_CODE;
 * ERR_USER_DISABLED. */
err_t enrol_scep_begin(struct store *s, struct arena *a, const char *code, const char *platform,
    const char *identity_ca, struct enrol *ret);
err_t enrol_scep_renew(struct store *s, struct arena *a, const struct device *d,
    const char *identity_ca, struct enrol *ret);
/* ERR_NOT_FOUND: nobody is expected by this certificate (DER). */
err_t enrol_scep_bind(struct store *s, struct arena *a, struct str cert, struct device *ret);

#endif
