/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subject alternative names: a list of typed values and its GeneralNames DER (RFC 5280 4.2.1.6).
 */
#ifndef CODEC_SAN_H
#define CODEC_SAN_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"

enum san_type { SAN_EMAIL, SAN_UPN, SAN_DNS, SAN_URI, SAN_IP, SAN_DIRECTORY, SAN_OTHER };

struct san {
	enum san_type type;
	const char *
	    value; /* UTF-8; IP as text; SAN_DIRECTORY, SAN_OTHER (other than UPN): hex of the whole DER element */
};

/* ERR_NAME_CHARACTERS: mail, DNS and URI must be ASCII; a control character anywhere. */
err_t san_encode(struct arena *a, const struct san *sans, size_t n, struct str *ret);
err_t san_decode(struct arena *a, struct str der, struct san **ret, size_t *retn);
/* As sets: order does not matter, case of DNS and mail domain does not. */
bool san_equal(const struct san *a, size_t na, const struct san *b, size_t nb);
const char *san_print(struct arena *a, const struct san *sans, size_t n);
const char *san_type_name(enum san_type t); /* "upn", "mail", "dns", "uri", ... */

#endif
