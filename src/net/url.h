/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of addresses that our clients build. */
#ifndef NET_URL_H
#define NET_URL_H

#include "base/arena.h"

/* Text as a segment of a path: all but RFC 3986's unreserved characters percent-encoded. */
char *url_segment(struct arena *a, const char *text);

#endif
