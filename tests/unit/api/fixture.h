/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole API in one process, for tests: a store in a temporary folder, a key process in a thread, the server on
 * loopback without TLS, and a client.
 */
#ifndef TESTS_UNIT_API_FIXTURE_H
#define TESTS_UNIT_API_FIXTURE_H

#include "api/oauth.h"
#include "api/service.h"
#include "api/token.h"
#include "net/fetch.h"
#include "pki/key.h"

struct fixture {
	char dir[64];
	struct arena *a;
	struct store *store;
	struct ipc_server *keys;
	struct jws_key *key;
	struct key *order_key;
	struct api api;
	struct http *http; /* API port */
	struct http
	    *device; /* device port, without TLS: the caller is `connector` once that is set */
	const char *device_base;
	struct fetch *fetch;
	struct id connector;
	struct key *ca_key; /* of identity_issue */
	struct str ca_cert;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* A token of an application with these permissions. */
const char *token_for(struct fixture *f, const char *permissions);

struct reply {
	int status;
	struct str body;
	json *json; /* NULL: none */
};
/* token NULL: none. body NULL: none; a body that starts with '{' or '[' goes as JSON, else as a form. */
struct reply call(
    struct fixture *f, const char *method, const char *path, const char *token, const char *body);
void reply_free(struct reply *r);
#define auto_reply __attribute__((cleanup(reply_free)))

/* A POST that makes something: 201, and its id. */
const char *posted(struct fixture *f, const char *path, const char *token, const char *body);

const char *error_code(const struct reply *r);    /* error.code */
const char *error_message(const struct reply *r); /* error.message */
const char *fault_id(const struct reply *r);      /* error.details[0].code */

/* Store writes for tests. */
void put_app(struct fixture *f, struct id id, const char *secret, const char *permissions);
void put_admin(struct fixture *f, const char *name, const char *password, const char *permissions);

#endif
