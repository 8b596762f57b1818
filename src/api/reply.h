/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in Graph's manner, and reading of what was sent: entities, collections page by page, JSON bodies, query
 * options (OData 4.01), request ids.
 *
 * Query options that a path does not support are refused, never ignored.
 */
#ifndef API_REPLY_H
#define API_REPLY_H

#include "api/service.h"
#include "api/token.h"
#include "codec/odata.h"
#include "store/directory.h"

/* A row under both version prefixes. */
#define GRAPH(method_, path_, perm_, handler_) \
	ROUTE(method_, "/v1.0" path_, perm_, handler_), \
	    ROUTE(method_, "/beta" path_, perm_, handler_)

/* Query options of one request. */
struct query {
	struct odata o;
	bool expand_assignments, expand_group_assignments, expand_members;
	struct id after; /* from $skiptoken: entities after this key */
	size_t offset;   /* from $skiptoken of a sorted list: so many were given already */
};
enum { QUERY_ENTITY = 0, QUERY_LIST = 1, QUERY_EXPAND_ASSIGNMENTS = 2, QUERY_EXPAND_MEMBERS = 4 };
/* ERR_BAD_REQUEST for options beyond what `allow` says ($select always; the rest with QUERY_LIST), or given twice. */
err_t query_read(struct http_req *r, unsigned allow, struct query *ret);

/* scheme://host of the request itself, for links that clients follow as they are. */
const char *reply_root(struct http_req *r);
/* "v1.0" or "beta"; "chancery/v1" for our own. */
const char *reply_version(struct http_req *r);

/* Sets the headers that every answer has: request-id, client-request-id, OData-Version. Gives the two ids. */
void reply_headers(struct http_req *r, const char **ret_request, const char **ret_client);
err_t reply_json(struct http_req *r, int status, const json *body);
/* Whether the Prefer header asks for this (RFC 7240): "return=minimal". If so, the answer will say that it was heard. */
bool reply_prefers(struct http_req *r, const char *preference);
err_t reply_empty(struct http_req *r, int status);
/* One entity with @odata.context ("users" gives .../$metadata#users/$entity), narrowed by $select. Status 201 with
 * `location` (a path below the version, "/users/<id>"); else location is NULL. After a change, and with Prefer:
 * return=minimal, 204 without the entity. Takes the entity over. */
err_t reply_entity(struct http_req *r, int status, const char *set, const char *location,
    const struct query *q, json *entity);

/* ETag of an entity: a hash of its JSON text, so that two entities that differ in anything a client sees have others. What
 * comes and goes by itself (last contact, what $expand added) is left out. */
err_t etag_of(struct arena *a, const json *entity, const char **ret);
/* If-Match of the request against the entity as it is now, to be called in the transaction that changes it.
 * ERR_PRECONDITION. No header, or '*': passes. */
err_t etag_check(struct arena *a, const char *if_match, const json *entity);

/* The @odata.context of a set or of one of its entities. */
const char *reply_context(struct http_req *r, const char *set, const struct query *q, bool entity);
/* $select, applied; members that $expand added stay. q may be NULL. */
err_t reply_narrow(const struct query *q, json *entity);

/* The body as a JSON object. ERR_JSON, ERR_BAD_REQUEST. */
err_t body_object(struct http_req *r, json **ret);
/* The route's parameter as an id; what is no id is nothing that exists: ERR_NOT_FOUND. */
err_t param_id(struct http_req *r, const char *name, struct id *ret);
/* The trailing key of "@odata.id": .../directoryObjects/<id> or ...('<id>'). */
err_t reference_id(const char *url, struct id *ret);

/* Rows of a collection. Each has the store's key (for paging) and its entity, which the list owns. */
struct rows {
	struct row {
		struct id key;
		json *entity;
	} * v;
	size_t n, cap;
	struct id last; /* of the last one added or passed over */
};
/* Those of a list that is read whole: is it in this page? */
bool row_follows(struct page p, struct id key);
void rows_pass(struct rows *rows, struct id key); /* a row of the store that shows nothing */
void rows_add(struct rows *rows, struct id key, json *entity);
void rows_free(struct rows *rows);
#define auto_rows __attribute__((cleanup(rows_free)))

struct collection {
	const char *set; /* "users", for @odata.context */
	size_t page;     /* entities of one page when $top is not given; 0: 100 */
	/* Adds one page of the store to `rows`, in order of key. arg is the collection's. */
	err_t (*read)(struct tx *tx, struct arena *a, struct page p, const void *arg,
	    const struct query *q, struct rows *rows, bool *more);
	const void *arg;
	bool by_caller; /* arg is the caller: what it may see */
	const char *const
	    *search; /* properties that $search looks in, ended by NULL; NULL: no $search */
	/* read() narrows by itself and gives up after a while: a page may be short or empty and still have a next one. No
	 * $count and $orderby, which would need all of them. */
	bool bounded;
	/* Rows that one answer looks at; past them a page is short and has a next one, and $count and $orderby are refused with
	 * ERR_TOO_LARGE. 0: all there are. */
	size_t looks;
};
/* Answers a GET of the collection: filters, sorts, selects, pages. */
err_t reply_collection(struct http_req *r, const struct collection *c, unsigned allow);
/* The number alone, as /$count gives it. */
err_t reply_count(struct http_req *r, const struct collection *c);

#endif
