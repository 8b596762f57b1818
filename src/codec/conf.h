/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files (INI), by option tables: section, name, type, bounds, default, help. The manual's option list and
 * the sample file are printed from the same rows. Unknown sections and names, repeated names and values out of bounds
 * are refused with file and line.
 */
#ifndef CODEC_CONF_H
#define CODEC_CONF_H

#include "base/arena.h"
#include "base/str.h"

enum conf_type {
	CONF_TEXT,
	CONF_INT,
	CONF_BOOL,
	CONF_TEXTS /* comma list; struct field_texts-like: const char **, NULL-ended */
};

struct conf_opt {
	const char *section, *name;
	enum conf_type type;
	size_t offset;        /* const char * | int64_t | bool | const char ** */
	int64_t min, max;     /* INT */
	const char *fallback; /* as text; NULL: must be given */
	const char *help;
};

#define CONF(struct_, member_, type_, ...) \
	{ \
		.type = type_, .offset = offsetof(struct_, member_), __VA_ARGS__ \
	}

err_t conf_parse(struct arena *a, const char *file, struct str text, const struct conf_opt *opts,
    size_t n, void *ret);
err_t conf_read(
    struct arena *a, const char *path, const struct conf_opt *opts, size_t n, void *ret);
/* The sample file: every option with its help and default, commented out. */
err_t conf_sample(const struct conf_opt *opts, size_t n, struct buf *out);
/* The same to a stream. */
err_t conf_sample_print(const struct conf_opt *opts, size_t n, FILE *to);

#endif
