/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much an answer says about itself: odata.metadata=none, minimal or full, as the request's Accept header asks
 * (OData JSON 4.01, 3.1). Full is what tools read that export and import: type, address and links of each entity, and the
 * types of what JSON has no type for.
 */
#ifndef API_ANNOTATE_H
#define API_ANNOTATE_H

#include "api/reply.h"

enum detail { DETAIL_NONE, DETAIL_MINIMAL, DETAIL_FULL };
/* Minimal, if nothing was asked for. */
enum detail annotate_detail(struct http_req *r);
/* Adds what full asks for to an entity of this set; otherwise nothing. */
err_t annotate_entity(struct http_req *r, const char *set, json *entity);
/* Takes every annotation away but @odata.nextLink and @odata.count, however deep. */
void annotate_strip(json *j);

#endif
