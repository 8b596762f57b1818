/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Range field (RFC 9110 14.1.2): which bytes of a whole are asked for. One range of bytes; what is no such thing, more ranges
 * than one among it, means the whole, as 14.2 allows.
 */
#ifndef NET_HTTP_RANGE_H
#define NET_HTTP_RANGE_H

#include "base/str.h"

enum http_range { HTTP_RANGE_WHOLE, HTTP_RANGE_PART, HTTP_RANGE_NEVER };

/* PART: from *ret_from up to, not with, *ret_end, both within size. NEVER: the part begins past the end (416). */
enum http_range http_range_read(
    struct str value, uint64_t size, uint64_t *ret_from, uint64_t *ret_end);

#endif
