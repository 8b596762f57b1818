/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shards: parts of a CA's revocation list, each a whole list of its own for the certificates that name it (RFC 5280
 * 5.2.5: IssuingDistributionPoint with the address that stands in them).
 *
 * Which shard a certificate is of is fixed when it is issued, and stands in its record. It is drawn from the random
 * serial number, so that shards grow alike. The setting crl.shards says into how many new certificates are spread; 0:
 * they name the list of all. A shard is served for as long as the installation lives, whatever the setting says by
 * then: the highest number that it ever had is kept. CA certificates are never in a shard.
 *
 * The list of all names everybody, those of the shards too; deltas are of that one only. Shards are made when they are
 * first asked for, and by their schedule from then on.
 *
 * Not here: making lists (ca/crl.h).
 */
#ifndef CA_CRL_SHARD_H
#define CA_CRL_SHARD_H

#include "store/ca.h"

struct issuer;

/* Of a new certificate with this serial; 0: none. */
uint32_t crl_shard_of(const struct issuer *is, const uint8_t serial[20]);
/* "http://host/crl/Name.crl" -> "http://host/crl/Name~3.crl"; 0: as it is. */
const char *crl_shard_url(struct arena *a, const char *url, uint32_t shard);

/* After crl.shards was set: keeps the highest it ever had. Expects a transaction. */
err_t crl_shards_note(struct tx *tx);
/* Makes sure that shard number n is served: a list of it was seen outside. Expects a transaction. */
err_t crl_shards_raise(struct tx *tx, uint32_t n);
/* ERR_NOT_FOUND: there never was a shard of that number. Expects a transaction. */
err_t crl_shard_check(struct tx *tx, uint32_t shard);
/* Takes the setting as it is now. */
err_t crl_shards_load(struct issuer *is);

#endif
