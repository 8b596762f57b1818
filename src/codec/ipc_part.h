/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts that several messages between our own processes share: lists of byte strings and of texts.
 *
 * A list is a u16 count and that many blobs (base/rd.h). Each parser names the most elements and
 * the most bytes of one: ERR_TOO_LARGE past them.
 */
#ifndef CODEC_IPC_PART_H
#define CODEC_IPC_PART_H

#include "base/arena.h"
#include "base/rd.h"
#include "base/str.h"

struct ipc_blobs {
	struct str *v;
	size_t n;
};

struct ipc_texts {
	const char **v;
	size_t n;
};

err_t ipc_blobs_put(struct buf *out, const struct ipc_blobs *list);
/* The array is in the arena; the bytes point into `in`. */
err_t ipc_blobs_take(
    struct arena *a, struct str *in, size_t max, size_t max_bytes, struct ipc_blobs *ret);
err_t ipc_texts_put(struct buf *out, const struct ipc_texts *list);
err_t ipc_texts_take(
    struct arena *a, struct str *in, size_t max, size_t max_bytes, struct ipc_texts *ret);

#endif
