/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's API as commands call it: signed in by cli/login.h, the token renewed by itself where there is a secret,
 * and every refusal turned into the row of the catalogue that the answer names.
 */
#ifndef CLI_API_H
#define CLI_API_H

#include "cli/command.h"
#include "net/fetch.h"

struct api;

/* Paths begin with '/' and are encoded; answers are the caller's. ERR_NOT_LOGGED_IN, and what the service refuses. */
err_t api_get(struct cli *c, const char *path, json **ret);
/* POST, PATCH, PUT or DELETE. body and ret may be NULL; *ret is NULL when the answer has no body. */
err_t api_send(struct cli *c, const char *method, const char *path, const json *body, json **ret);
/* With the entity's ETag, "" if it has none; and a change on condition that it still is that (ERR_PRECONDITION). */
err_t api_get_tagged(struct cli *c, const char *path, json **ret, const char **ret_etag);
err_t api_send_if(struct cli *c, const char *method, const char *path, const char *etag,
    const json *body, json **ret);
/* All members of a collection, page after page. */
err_t api_list(struct cli *c, const char *path, json **ret);
/* The bytes of an answer from this place on into the sink, which may get them from the start (status 200) all the same. */
err_t api_get_into(struct cli *c, const char *path, int64_t from, const struct fetch_sink *sink);
/* scheme://host of the service. */
err_t api_url(struct cli *c, const char **ret);
/* The claims of the token in use. */
err_t api_whoami(struct cli *c, json **ret);
void api_free(struct api *x);

#endif
