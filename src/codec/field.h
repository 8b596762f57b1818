/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field tables: one row a setting, and everything that reads or writes settings is driven by the rows: JSON in and out,
 * validation, error text, reference pages, command flags, the console's form.
 *
 *   static const struct field fields[] = {
 *   	FIELD(struct pkcs_profile, key_size, FIELD_ENUM, .name = "keySize", .members = key_sizes, .help = "..."),
 *   };
 *
 * A struct that a table describes holds: FIELD_TEXT const char *; FIELD_INT int64_t; FIELD_BOOL bool; FIELD_ENUM and
 * FIELD_FLAGS int64_t; FIELD_BINARY struct str; FIELD_ID struct id; FIELD_WHEN when_t; FIELD_TEXTS struct field_texts;
 * FIELD_LIST struct field_list (elements of a struct with a table of its own); FIELD_OBJECT a pointer to one such
 * struct, NULL when it is null. Everything is in the arena of the call. An ENUM or FLAGS that is FIELD_UNSET is null
 * in JSON.
 *
 * Texts never hold control characters, direction overrides, invisible separators or noncharacters of Unicode: what
 * people see is what is there. FIELD_LINES allows line breaks and tabs.
 *
 * Manners of Graph: names compare case-sensitively, enum members case-insensitively; flags are one string, members
 * joined by comma (FIELD_ARRAY: an array of them), written in ascending bit order; read-only properties that a client echoes are ignored; unknown
 * properties are refused with ERR_MODEL_INVALID naming them and the near match; members that start with "@odata." and
 * "name@odata.x" annotations are left to the caller. An explicit null sets the field to its default.
 */
#ifndef CODEC_FIELD_H
#define CODEC_FIELD_H

#include "codec/json.h"

enum field_type {
	FIELD_TEXT,
	FIELD_INT,
	FIELD_BOOL,
	FIELD_ENUM,
	FIELD_FLAGS,
	FIELD_BINARY,
	FIELD_ID,
	FIELD_WHEN,
	FIELD_TEXTS,
	FIELD_LIST,
	FIELD_OBJECT
};

#define FIELD_UNSET INT64_C(-1)

enum {
	FIELD_REQUIRED = 1,
	FIELD_READONLY = 2,
	FIELD_SECRET =
	    4 /* never written out; null in an update, as who read it may send, changes nothing */,
	FIELD_NULLABLE = 8,
	FIELD_CREATE_ONLY = 16,
	FIELD_LINES = 32,
	FIELD_ARRAY = 64 /* FLAGS: an array of members in JSON, not one text */
};

struct field_member {
	const char *name;
	int64_t value;
};

struct field_texts {
	const char **v;
	size_t n;
};

struct field_list {
	void *v; /* array of elements */
	size_t n;
};

struct field {
	const char *name; /* in JSON */
	enum field_type type;
	size_t offset;
	unsigned flags;
	int64_t min,
	    max; /* INT: value; TEXT, BINARY: bytes; TEXTS, LIST: elements. max 0: LIMIT_TEXT, or 500 elements */
	int64_t fallback;                   /* INT, BOOL, ENUM, FLAGS when absent on create */
	const struct field_member *members; /* ENUM, FLAGS; ended by name NULL */
	const struct field *fields;         /* LIST, OBJECT: of an element */
	size_t nfields, size;               /* LIST, OBJECT */
	uint64_t
	    only; /* for whoever makes tables of several variants: those that have the row; 0: all */
	err_t (*check)(struct arena *a, const struct field *f,
	    const void *at); /* more rules for one value; may be NULL */
	const char *help;
};

#define FIELD(struct_, member_, type_, ...) \
	{ \
		.type = type_, .offset = offsetof(struct_, member_), __VA_ARGS__ \
	}

enum field_mode { FIELD_CREATE, FIELD_UPDATE };

/* Reads obj into *target. FIELD_CREATE: absent ones get their fallback, absent required ones fail. FIELD_UPDATE: absent
 * ones stay as they are. `known`: member names handled elsewhere, ended by NULL; may be NULL. */
err_t field_read(struct arena *a, const struct field *fields, size_t n, const json *obj,
    enum field_mode mode, const char *const *known, void *target);
/* Adds every field to obj, unset ones as null (texts and lists as []), secrets left out. */
err_t field_write(
    struct arena *a, const struct field *fields, size_t n, const void *from, json *obj);
/* The row by its name; case ignored; NULL: none. */
const struct field *field_by_name(const struct field *fields, size_t n, const char *name);
const char *field_member_name(const struct field *f, int64_t value); /* ENUM; NULL: none */

#endif
