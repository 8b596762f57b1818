/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Full CRLs (RFC 5280 5) of every CA: a new one after each revocation, and before half of its seven days are over. The
 * number only goes up. A CRL that is out of date is made when it is asked for, or at the next tick.
 */
#ifndef CA_CRL_H
#define CA_CRL_H

#include "ca/hierarchy.h"
#include "store/ca.h"

/* A certificate of this CA was revoked: what is published is out of date. Expects a transaction. */
err_t crl_mark(struct tx *tx, const char *ca);
/* The newest CRL, made anew if it is out of date, due, or `force`. */
err_t crl_get(struct issuer *is, struct arena *a, const struct ca *ca, bool force, struct str *ret);
/* crl_get for every CA. */
err_t crl_all(struct issuer *is, bool force);

#endif
