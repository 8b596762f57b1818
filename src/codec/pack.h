/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which form a key and its certificate reach a device: what connector/link tells connector/keys to make, as a part of
 * several messages (codec/ckeys_ipc.h, codec/pfx_ipc.h), and the names that the service uses for it.
 *
 *   form      first part                              second part
 *   agent     CMS to the device around the PFX        CMS to the device around its password
 *   windows   the PFX, under its random password      CMS to the device around the password
 *   apple     CMS to the device around the frame,     (none)
 *             with PFX and password put into it
 *
 * The frame is the plist array that the service wrote, with PACK_MARK_PFX (base64 of the PFX goes there) once and
 * PACK_MARK_PASSWORD once. Neither base64 nor our passwords have anything in them that XML reads.
 */
#ifndef CODEC_PACK_H
#define CODEC_PACK_H

#include "base/rd.h"
#include "base/str.h"

enum pack_form { PACK_AGENT = 1, PACK_WINDOWS, PACK_APPLE };

/* What a device's importer takes. */
enum pfx_format { PFX_FORMAT_AES = 1, PFX_FORMAT_3DES = 2 };

#define PACK_MARK_PFX "@CHANCERY-PFX@"
#define PACK_MARK_PASSWORD "@CHANCERY-PASSWORD@"

struct pack {
	enum pack_form form;
	enum pfx_format format;
	struct str frame; /* PACK_APPLE; else empty */
};

/* ERR_UNSUPPORTED: no such form or format; ERR_MALFORMED: an Apple one without a frame, another with one. */
err_t pack_check(const struct pack *p);
err_t pack_put(struct buf *out, const struct pack *p);
err_t pack_take(struct str *in, struct pack *ret);
const char *pack_form_name(enum pack_form f);    /* "agent", "windows", "apple" */
const char *pack_format_name(enum pfx_format f); /* "aes", "3des" */
err_t pack_form_by_name(const char *name, enum pack_form *ret);
err_t pack_format_by_name(const char *name, enum pfx_format *ret);
/* The frame with both marks replaced, appended to `out`. ERR_MALFORMED: a mark is missing or there twice. The caller
 * wipes `out`. */
err_t pack_fill(struct str frame, struct str pfx_base64, struct str password, struct buf *out);

#endif
