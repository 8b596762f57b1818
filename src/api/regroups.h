/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to changes of members, groups and filters: model/regroup.h. */
#ifndef API_REGROUPS_H
#define API_REGROUPS_H

#include "api/reply.h"
#include "model/regroup.h"

/* What deserves a look goes into a header field, as such answers have no body: Chancery-Warning, the fault's id and what it is
 * about in ASCII, a field for each. */
void warned(struct http_req *r, const struct warnings *w);
/* 204 with that. */
err_t reply_warned(struct http_req *r, const struct warnings *w);

#endif
