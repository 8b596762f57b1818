/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target of a request: path segments, query pairs, and the route that they match.
 *
 * The path is split first and each segment decoded once, so %2F stays inside its segment. Empty
 * segments are dropped (`//`, a slash at the end), "." and ".." are refused, decoded text is UTF-8
 * without control characters. Graph keys in parentheses become segments of their own: users('a')
 * and users(a) are read as users/a.
 */
#ifndef NET_HTTP_TARGET_H
#define NET_HTTP_TARGET_H

#include "net/http.h"

struct http_pair {
	const char *name;
	const char *value;
};

struct http_pairs {
	struct http_pair *v;
	size_t n;
};

struct http_target {
	const char *raw_path; /* as sent, without the query */
	const char *path;     /* decoded, "/a/b" */
	const char **segments;
	size_t nsegments;
	struct http_pairs query;
};

struct http_match {
	const struct http_route *route;
	struct http_pairs params;
};

/* ERR_BAD_REQUEST. */
err_t http_target_parse(struct arena *a, const char *target, struct http_target *ret);
/* Pairs of application/x-www-form-urlencoded, '+' a space; names and values UTF-8. */
err_t http_pairs_parse(struct arena *a, struct str in, struct http_pairs *ret);
/* Value of the first pair of that name, ASCII case ignored; NULL: none. */
const char *http_pairs_get(const struct http_pairs *p, const char *name);

/* The route for method and path, of the first mount that has one; where several rows of it
 * match, the one whose first differing segment is literal. HEAD takes a GET row. ERR_NO_SEGMENT:
 * no row has that path, *ret_mount stays. ERR_METHOD: one has, but not with this method;
 * *ret_mount is its mount. */
err_t http_match(struct arena *a, const struct http_mount *mounts, size_t n,
    enum http_method method, const struct http_target *t, const struct http_mount **ret_mount,
    struct http_match *ret);

#endif
