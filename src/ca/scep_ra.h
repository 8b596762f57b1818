/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registration authority of SCEP: one RSA key and certificate for each CA that is reached over SCEP. Clients seal
 * their requests to it and its signature is on every answer, so that the CA's own key may be of any kind and never
 * opens anything.
 *
 * Made at the first use, from the template CEPEncryption with digitalSignature beside keyEncipherment, in the keys
 * folder; renewed for the same key when a month is left or the CA has a new certificate. What clients sealed to the
 * certificate before is opened as well.
 */
#ifndef CA_SCEP_RA_H
#define CA_SCEP_RA_H

#include "ca/own_cert.h"

struct scep_ras;
struct scep_ras *scep_ras_new(void);
void scep_ras_free(struct scep_ras *r); /* NULL is fine */

struct scep_ra {
	const struct key *key;
	const struct cert *cert;
}; /* good until the issuer is closed */

err_t scep_ra_get(struct issuer *is, struct arena *a, const struct ca *ca, struct scep_ra *ret);
/* For issuer_tick(): renews what is due, and forgets challenges and transactions of long ago. */
err_t scep_upkeep(struct issuer *is);

#endif
