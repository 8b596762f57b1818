/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was revoked after a backup was made, from the lists that the CA published since: each list must be signed with a
 * key that the backup has, and be no older than the one the backup has of its kind. Taken over are
 *
 *   a certificate that the backup takes for valid     revoked, with the time and reason of the list
 *   one that is on hold there and revoked by now      revoked for good
 *   a serial that the backup does not know            a record "known only from CRL": it stays revoked, on lists and in
 *                                                     OCSP, until the CA's certificate ends
 *   cessationOfOperation of what an order stood for   the order is closed
 *   the number of the list                            the next one is higher
 *
 * Nothing is taken back: a hold that was released after the backup goes on. What was issued, superseded or closed after
 * it without a trace on a list cannot be known.
 *
 * Not here: staging (cli), putting the backup in its place (ca/backup.h).
 */
#ifndef CA_RESTORE_CRL_H
#define CA_RESTORE_CRL_H

#include "store/ca.h"

/* The files of a folder, DER or PEM, several lists in one file if need be; no folder is none. All or nothing: in the
 * transaction that is given. leap: how far a number may have gone since, by a list's age in seconds.
 * ERR_RESTORE_CRL. */
err_t restore_crls(struct tx *tx, const char *folder, int64_t (*leap)(int64_t age));

#endif
