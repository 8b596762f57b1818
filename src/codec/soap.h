/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every SOAP 1.2 message has: the envelope, and WS-Security's name and password in its header. SOAP 1.2 part 1 5;
 * WS-Security UsernameToken profile 1.0.
 *
 * Not here: the bodies (wstep_msg.h, xcep_msg.h).
 */
#ifndef CODEC_SOAP_H
#define CODEC_SOAP_H

#include "base/when.h"
#include "codec/xml.h"

/* Who the message says it is from. Only PasswordText is taken: a digest would need the password itself to be stored. */
struct soap_user {
	const char *name, *password; /* name "": the message has no UsernameToken */
	when_t created, expires;     /* of its Timestamp; 0: not said */
};

/* ERR_XML, ERR_MALFORMED. *header is NULL when there is none. */
err_t soap_open(
    struct arena *a, struct str xml, struct xml_node **ret_header, struct xml_node **ret_body);
/* The MessageID of any message that can be read at all; "" if it has none. */
err_t soap_message_id(struct arena *a, struct str xml, const char **ret);
/* Character data of a node without blanks around it, as real senders indent; n NULL: "". ERR_TOO_LARGE names `what`. */
err_t soap_text(
    struct arena *a, const struct xml_node *n, size_t max, const char *what, const char **ret);
/* ERR_MALFORMED: two Security headers or tokens, no name, another kind of password. */
err_t soap_user_parse(struct arena *a, const struct xml_node *header, struct soap_user *ret);

/* The Security header with a UsernameToken, password as text; nothing when the name is "". Times are not written. */
err_t soap_user_print(struct buf *out, const struct soap_user *u);

#endif
