/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of addresses, as they are written and read. */
#ifndef NET_URL_H
#define NET_URL_H

#include "base/arena.h"

/* Text as a segment of a path: all but RFC 3986's unreserved characters percent-encoded. */
char *url_segment(struct arena *a, const char *text);
/* The same back, decoded once: UTF-8 without NUL. plus: '+' is a blank, as in forms. controls: control characters may be
 * in it. ERR_BAD_REQUEST. */
err_t url_decode(struct arena *a, struct str in, bool plus, bool controls, const char **ret);

#endif
