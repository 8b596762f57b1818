/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal of the identities of devices and connectors: who shows the old certificate gets one for a new key.
 *
 *   renew_begin(id, key) ── the order for the new certificate, under the id of the first one
 *   ... the caller has the order sealed and the identity CA issue ...
 *   renew_finish(id, certificate) ── it waits beside the old one
 *   renew_used_*(certificate) ── its first use: from now on it is the identity, the old one is refused
 *
 * Guarantees
 * 1. Until the new certificate was used the old one is good, so a device that is killed anywhere, or never hears the
 *    answer, has a way in: it asks again.
 * 2. A later renewal takes the place of an earlier one that was not used; the order's fence says which is later.
 * 3. Things are sealed to the old certificate until the new one was used: nobody knows sooner whether it got there.
 * 4. A device that asks again and again does not fill the CA: renew_count().
 *
 * The CA counts the old certificate as superseded from the moment at which it signs the new one; here that does not
 * matter, since the record and no CRL says who is who.
 *
 * Not here: how the order becomes a certificate (daemon/identity.h).
 */
#ifndef MODEL_RENEW_H
#define MODEL_RENEW_H

#include "model/enrol.h"

/* ERR_BAD_REQUEST: spki_sha256 has not 32 bytes. Writes nothing. */
err_t renew_begin(struct arena *a, enum code_kind kind, struct id id, struct id user,
    struct str spki_sha256, struct str holder, const char *identity_ca, struct enrol *ret);
/* What a device asks for in this way counts: LIMIT_RENEWALS a day (of UTC), with those that are under way. Before one is
 * issued. ERR_RENEWALS. */
err_t renew_count(struct store *s, struct arena *a, struct id device, when_t now);
/* Nothing was issued of what was counted at that time. */
err_t renew_uncount(struct store *s, struct id device, when_t counted);
/* ERR_ENROL_OVERTAKEN: a later order was finished before. */
err_t renew_finish(struct store *s, const struct enrol *e, struct str cert, struct str cert_sha256,
    when_t not_after);
/* Is this a certificate that waits for its first use? It was used now. ERR_NOT_FOUND: it is none. */
err_t renew_used_device(struct store *s, struct arena *a, struct str sha256, struct device *ret);
err_t renew_used_connector(
    struct store *s, struct arena *a, struct str sha256, struct connector *ret);

#endif
