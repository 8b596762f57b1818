/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small records that administrators keep: shown, made, changed and removed by one shape. A change is one transaction: the
 * record is found, If-Match compared with what a GET would show, changed, and audited with before and after.
 *
 * A kind says what is its own: how a record is found and read, what it looks like, and where it is stored. Its struct begins
 * with a struct record.
 *
 * Not here: lists (api/reply.h), permissions (the kind's routes), who reaches a record by its tags (the kind's find).
 */
#ifndef API_RECORD_H
#define API_RECORD_H

#include "api/reply.h"
#include "codec/field.h"

struct record {
	struct arena *a;
	const struct caller *who;
	const char *if_match; /* NULL: none */
	struct id id;         /* of the path; of the new one */
	bool changing;        /* the one of the path is to be changed or removed */
	const json *body;     /* NULL: the request has none */
	json *shown; /* as it is after the transaction; the caller's until it is answered */
};

/* The functions run in the transaction, which may run twice. */
struct record_kind {
	const char *
	    set; /* "deviceManagement/roleDefinitions": for the context, and where a new one lies */
	const char *noun; /* "role": "role.create" about "role <id>" */
	size_t size;
	/* What the path names, where that is no identifier; NULL: {id} becomes x->id. */
	err_t (*named)(struct http_req *r, struct record *x);
	/* What it is called in paths and in the audit; NULL: by x->id. */
	const char *(*name)(struct record *x);
	/* What else the request says or must be allowed, before the transaction; NULL: nothing. */
	err_t (*begin)(struct http_req *r, struct record *x);
	/* The same once the body is there, which it may add to; NULL: nothing. */
	err_t (*begin_body)(struct record *x, json *body, enum field_mode mode);
	/* That of x->id. */
	err_t (*find)(struct tx *tx, struct record *x);
	/* Whether this one may be changed and removed at all; NULL: any may. */
	err_t (*may_change)(struct tx *tx, struct record *x);
	/* The body into it. FIELD_CREATE: a new one, of id x->id. */
	err_t (*read)(struct tx *tx, struct record *x, enum field_mode mode);
	err_t (*insert)(struct tx *tx, struct record *x);
	err_t (*update)(struct tx *tx, struct record *x);
	err_t (*remove)(struct tx *tx, struct record *x);
	err_t (*json)(struct record *x, json **ret);
	/* As the audit has it; NULL: as it is shown. */
	err_t (*audited)(struct record *x, json **ret);
	/* What the answer to a change says besides, in headers; NULL: nothing. */
	void (*answered)(struct http_req *r, struct record *x);
};

/* A fresh one of the kind for this request. */
err_t record_begin(struct http_req *r, const struct record_kind *k, struct record **ret);
/* One line of the audit about it: "role.<action>". Expects a transaction. */
err_t record_audit(struct tx *tx, const struct record_kind *k, struct record *x, const char *action,
    const char *before, const char *after);

/* ERR_CONFLICT as a sentence, other errors as they are: "another <what> is named <name>". */
err_t record_unless_taken(err_t e, const char *what, const char *name);

/* Handlers: 200 with the record; 201; 200; 204. */
err_t record_get(struct http_req *r, const struct record_kind *k);
err_t record_post(struct http_req *r, const struct record_kind *k);
err_t record_patch(struct http_req *r, const struct record_kind *k);
err_t record_delete(struct http_req *r, const struct record_kind *k);
/* The same for the rows of a file's routes: get, post, patch and delete of its one kind. */
#define RECORD_HANDLERS(kind_) \
	static err_t get(struct http_req *r) \
	{ \
		return record_get(r, &(kind_)); \
	} \
	static err_t post(struct http_req *r) \
	{ \
		return record_post(r, &(kind_)); \
	} \
	static err_t patch(struct http_req *r) \
	{ \
		return record_patch(r, &(kind_)); \
	} \
	static err_t delete (struct http_req * r) \
	{ \
		return record_delete(r, &(kind_)); \
	}

#endif
