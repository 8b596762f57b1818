/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP/1 request and the framing of its body, read strictly. RFC 9112.
 *
 * Whatever two readers could understand differently is refused: lines that end in a bare LF or
 * hold a bare CR, folded fields, blanks before a colon, two Content-Length or one that is a list,
 * Content-Length with Transfer-Encoding, codings other than chunked, none or two Host, versions
 * other than 1.0 and 1.1, control characters anywhere.
 *
 * Pure: bytes in, structs out. Not here: connections (http_conn.c), paths and queries
 * (http_target.h).
 */
#ifndef NET_HTTP_HEAD_H
#define NET_HTTP_HEAD_H

#include "base/arena.h"
#include "base/str.h"

struct http_field {
	const char *name;
	const char *value;
};

struct http_head {
	const char *method;
	const char *target; /* origin form: begins with '/' */
	unsigned minor;     /* of HTTP/1 */
	struct http_field *fields;
	size_t nfields;
	bool chunked;
	uint64_t length; /* 0 when chunked or without a body */
	bool close;      /* the client wants the connection closed afterwards */
	bool expect;     /* waits for 100 */
};

/* Bytes up to and with the empty line; 0: not there yet. */
size_t http_head_end(struct str in);
/* `in` is exactly one head. ERR_BAD_REQUEST. */
err_t http_head_parse(struct arena *a, struct str in, struct http_head *ret);

/* A chunked body (RFC 9112 7.1), fed as it comes. Extensions and trailers are read and dropped. */
struct http_chunks {
	int state;
	uint64_t left;
	unsigned digits;
	size_t skipped; /* bytes of extensions and trailers, bounded */
};

/* Takes from `in`, adds data to `out`; *done when the last chunk's trailer has ended; *used is
 * what was taken. ERR_BAD_REQUEST; ERR_TOO_LARGE past the maximum of `out`. */
err_t http_chunks_feed(
    struct http_chunks *c, struct str in, struct buf *out, size_t *used, bool *done);

#endif
