/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sender of notifications: a thread of service/front that has the messages made that are due, and sends them.
 *
 * A webhook gets the JSON by POST with
 *   X-Chancery-Delivery: <id>         the same at each try
 *   X-Chancery-Timestamp: <seconds>   of this try
 *   X-Chancery-Signature: sha256=<hex of HMAC-SHA256(secret, timestamp "." body)>
 * and has taken it when it answers 2xx. Redirects are not followed. Mails go as net/mail.h has it.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include "base/metric.h"
#include "net/mail.h"
#include "store/store.h"

struct notify;

struct notify_conf {
	struct store *store;        /* borrowed */
	struct mail_conf mail;      /* server "": no mails can be sent; borrowed */
	struct tls_client_conf tls; /* whom webhooks are trusted by */
	struct metrics *metrics;    /* may be NULL */
};
err_t notify_start(const struct notify_conf *conf, struct notify **ret);
void notify_stop(struct notify *n); /* ends its thread and frees it; NULL is fine */

#endif
