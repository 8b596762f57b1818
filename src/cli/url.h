/* SPDX-License-Identifier: Apache-2.0 */
/* Text inside addresses and OData filters. */
#ifndef CLI_URL_H
#define CLI_URL_H

#include "base/arena.h"

/* Percent-encoded: all but letters, digits and -._~ (RFC 3986 2.3). */
const char *url_encode(struct arena *a, const char *s);
/* $filter=<property> eq '<value>', encoded, with quotes doubled. */
const char *url_filter(struct arena *a, const char *property, const char *value);
/* What follows scheme and host: path and query. "" if there is nothing. */
const char *url_path(const char *url);

#endif
