/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property lists (Apple's XML and binary forms), read by libplist into a plain tree in the arena, and written as XML.
 *
 * Before libplist sees the bytes they are measured here: LIMIT_PLIST_BYTES, LIMIT_PLIST_DEPTH, LIMIT_PLIST_NODES, where
 * what a binary list refers to twice counts twice. Texts are UTF-8 without NUL, of a key that stands twice the last counts. Neither
 * comments, CDATA nor declarations of entities are taken. UIDs (of archived objects) are refused.
 *
 * Writing: pl_dict(), pl_array() and the pl_set_*() and pl_add() build a tree; pl_print() writes it. A tree that was read
 * can be changed and written as well.
 *
 * Not here: what a device means by it (device/apple_msg.h), payloads (device/apple_profile.h).
 */
#ifndef CODEC_PLIST_H
#define CODEC_PLIST_H

#include "base/arena.h"
#include "base/str.h"
#include "base/text.h"

enum pl_kind { PL_DICT = 1, PL_ARRAY, PL_TEXT, PL_INT, PL_REAL, PL_BOOL, PL_DATA, PL_DATE };

struct pl {
	enum pl_kind kind;
	const char *key; /* in its dictionary; NULL elsewhere */
	const char
	    *text;      /* PL_TEXT; PL_DATA: written in place of the base64 of data, if not NULL */
	int64_t number; /* PL_INT; PL_BOOL: 0 or 1; PL_DATE: seconds since 1970, UTC */
	double real;
	struct str data;        /* PL_DATA */
	struct pl *child, *end; /* PL_DICT, PL_ARRAY: first and last */
	struct pl *next;
};

/* XML, with or without its declaration of a document type, or binary ("bplist00"). ERR_PLIST, ERR_TOO_LARGE. */
err_t pl_parse(struct arena *a, struct str in, struct pl **ret);
/* Whether bytes keep the bounds above and are of one of the two forms at all; what pl_parse() asks first. */
err_t pl_measure(struct str in);

/* A member; NULL: it is not there, or `dict` is NULL or no dictionary. */
struct pl *pl_get(const struct pl *dict, const char *key);
size_t pl_count(const struct pl *p); /* members of a dictionary or array; NULL: 0 */
/* Absent: "", empty, 0, false. Of another kind or longer than max bytes: ERR_PLIST naming the key. */
err_t pl_want_text(const struct pl *dict, const char *key, size_t max, const char **ret);
err_t pl_want_data(const struct pl *dict, const char *key, size_t max, struct str *ret);
err_t pl_want_int(const struct pl *dict, const char *key, int64_t *ret);
err_t pl_want_bool(const struct pl *dict, const char *key, bool *ret);
/* An array of at most max members; NULL if absent. */
err_t pl_want_array(const struct pl *dict, const char *key, size_t max, const struct pl **ret);
/* The same, and there and not empty. */
err_t pl_need_text(const struct pl *dict, const char *key, size_t max, const char **ret);
err_t pl_need_data(const struct pl *dict, const char *key, size_t max, struct str *ret);

/* New ones, in the arena. What they are given is borrowed. */
struct pl *pl_dict(struct arena *a);
struct pl *pl_array(struct arena *a);
struct pl *pl_text(struct arena *a, const char *text);
struct pl *pl_data(struct arena *a, struct str data);
/* Data whose base64 is put in later by somebody else: this stands in its place. */
struct pl *pl_data_mark(struct arena *a, const char *mark);
struct pl *pl_int(struct arena *a, int64_t n);
struct pl *pl_bool(struct arena *a, bool v);
/* Appends: a member of a dictionary, in place of one of that key; an element of an array. Returns v. */
struct pl *pl_set(struct arena *a, struct pl *dict, const char *key, struct pl *v);
struct pl *pl_add(struct pl *array, struct pl *v);
void pl_set_text(struct arena *a, struct pl *dict, const char *key, const char *text);
void pl_set_data(struct arena *a, struct pl *dict, const char *key, struct str data);
void pl_set_int(struct arena *a, struct pl *dict, const char *key, int64_t n);
void pl_set_bool(struct arena *a, struct pl *dict, const char *key, bool v);

/* XML. ERR_PLIST: a text that XML cannot hold; ERR_TOO_LARGE: past LIMIT_PLIST_BYTES. */
err_t pl_print(struct arena *a, const struct pl *p, struct str *ret);

#endif
