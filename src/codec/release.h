/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A release of the connector as one file, the bundle:
 *
 *   "CHRELSE1" | u32 length | manifest | u32 length | signature | the bytes of the files, one after another
 *   └────────────── what is signed ────┘
 *
 * manifest: {"product": "chancery-connector", "version": "6.2611.1.1002", "machine": "x86_64",
 *            "files": [{"name": "chanceryd", "size": 1234567, "sha256": "<64 hex digits>"}, ...]}
 *
 * The frame can be taken apart without looking into the manifest, so that the signature is checked before anything else
 * is read (pki/signed_release.h).
 */
#ifndef CODEC_RELEASE_H
#define CODEC_RELEASE_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"

#define RELEASE_PROGRAM "chanceryd" /* the file that every release has */

struct release_frame {
	struct str stated;    /* what is signed: all up to the end of the manifest */
	struct str manifest;  /* the last part of it */
	struct str signature; /* as key_verify() takes it */
	struct str head;      /* all up to the end of the signature */
	struct str content;
};

struct release_file {
	const char *name; /* lower-case letters, digits, '.', '-'; begins with a letter */
	size_t size;      /* 1 .. LIMIT_RELEASE_BYTES */
	struct str sha256;
};

struct release {
	const char *version; /* four numbers with dots */
	const char *machine; /* as uname(2) names it */
	struct release_file *files;
	size_t
	    nfiles; /* 1 .. LIMIT_RELEASE_FILES, names all different, RELEASE_PROGRAM among them */
};

/* Points into `in`. ERR_MALFORMED, ERR_TRUNCATED, ERR_TOO_LARGE. */
err_t release_frame_parse(struct str in, struct release_frame *ret);
/* ERR_JSON, ERR_BAD_REQUEST naming the member; ERR_TOO_LARGE. Members that are not known are passed over. */
err_t release_parse(struct arena *a, struct str manifest, struct release *ret);

/* The file of that name; a release that was read has one. */
const struct release_file *release_program(const struct release *r);

/* Four numbers, each up to 65535: which of the two is the newer. *ret < 0: a is older. ERR_MALFORMED. */
err_t release_compare(const char *a, const char *b, int *ret);

#endif
