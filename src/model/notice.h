/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications of failures and of certificates near their end: what is to be told, to whom, and what became of it.
 *
 * One message tells of everything that came together: a failure waits for NOTICE_SETTLE_S, and the next message about
 * failures to the same receiver comes after its period, with all that happened meanwhile counted by fault. So a mass failure is
 * one message, and no more than one a period. Of certificates near their end one message a day tells.
 *
 * Guarantees: what is told is recorded in the transaction that makes the message, so nothing is told twice or lost between; a
 * message that is not taken is tried again with growing pauses for a day, then given up and shown as such.
 *
 * Not here: sending (daemon/notify.h).
 */
#ifndef MODEL_NOTICE_H
#define MODEL_NOTICE_H

#include "codec/json.h"
#include "store/notice.h"

#define NOTICE_SETTLE_S 60
#define NOTICE_HORIZON_S (14 * 24 * 3600)
#define NOTICE_GIVE_UP_S (24 * 3600)

/* Makes the messages that are due now; *ret: how many. */
err_t notice_gather(struct store *s, size_t *ret);
/* A message that only says that it is one; sent by the same way as the others. */
err_t notice_test(
    struct tx *tx, struct arena *a, const struct notice_target *t, struct notice *ret);
/* What sending came to: fault NULL: delivered, else why not. */
err_t notice_done(struct store *s, struct id notice, const char *fault, bool *ret_given_up);
/* The pause before the next try, in seconds. */
int64_t notice_pause(int64_t tries);
/* A message as text for people. */
err_t notice_text(struct arena *a, const struct notice *n, const char **ret);

#endif
