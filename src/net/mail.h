/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending a mail by SMTP (RFC 5321), with TLS: smtps:// from the start, smtp:// by STARTTLS (RFC 3207), which is demanded
 * unless the server is this host. The text goes as UTF-8 in base64 (RFC 2045), the subject as an encoded word (RFC 2047).
 *
 * Nothing from outside gets into a header but the subject, which is encoded, and the addresses, which are checked.
 */
#ifndef NET_MAIL_H
#define NET_MAIL_H

#include "net/tls.h"

struct mail_conf {
	const char *server;          /* "smtps://mail.example:465", "smtp://mail.example:587" */
	const char *user, *password; /* "": no log-in */
	const char *from;
	struct tls_client_conf tls;
};

/* user@domain, printable ASCII, without blanks, quotes and angle brackets. */
bool mail_address_good(const char *address);
/* ERR_NOTICE_REFUSED, ERR_UNREACHABLE, ERR_TIMEOUT, ERR_TLS name the server and its answer. */
err_t mail_send(const struct mail_conf *conf, struct arena *a, const char *to, const char *subject,
    const char *text, int64_t timeout_ms);

#endif
