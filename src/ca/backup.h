/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup of a CA, and putting it back.
 *
 * A backup is a folder: ca.db (of one moment, while in use), keys/ (the key files as they are: encrypted ones stay so),
 * and last of all backup.txt, without which it is not whole. It holds the keys: keep it as safe as the CA.
 *
 * To put one back, it is laid into state_dir/restore/ while the CA is down; the next issuer_open() takes it. A database
 * that has gone on since the backup is not thrown away for it: it is refused until somebody has moved that one away. As
 * nobody knows what was issued after the backup, the numbers leap ahead: no number of a CRL and no request id that may
 * have been seen outside comes again. What was issued after it is unknown to the CA then, and is not revoked by it.
 * What was revoked after it is taken over from the lists in state_dir/restore/crls/ (restore_crl.h).
 */
#ifndef CA_BACKUP_H
#define CA_BACKUP_H

#include "ca/issuer.h"

/* Into state_dir/backup/<time>/; *ret: that path. Old ones are left where they are. */
err_t backup_make(struct issuer *is, struct arena *a, const char **ret);

/* Puts back what lies in state_dir/restore/, if something does. Before the store is opened. ERR_RESTORE. */
err_t backup_restore(const char *state_dir);

/* How far numbers leap for a backup of this age: CRLs of all CAs together are made at most four times a second, and a
 * million requests, or ten a second if that is more. */
int64_t backup_crl_leap(int64_t age);
int64_t backup_request_leap(int64_t age);

#endif
