/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded reader and writer of binary messages: big-endian integers and counted bytes.
 *
 * A reader is a struct str that shrinks from the front; every call either takes what it says or fails with
 * ERR_TRUNCATED and takes nothing. rd_end() fails with ERR_TRAILING when something is left. What rd_take and rd_blob
 * give points into the input.
 *
 * Counted bytes ("blob") are a u32 length and that many bytes; both sides name the maximum.
 */
#ifndef BASE_RD_H
#define BASE_RD_H

#include "base/arena.h"
#include "base/str.h"

err_t rd_u8(struct str *in, uint8_t *ret);
err_t rd_u16(struct str *in, uint16_t *ret);
err_t rd_u32(struct str *in, uint32_t *ret);
err_t rd_u64(struct str *in, uint64_t *ret);
err_t rd_i64(struct str *in, int64_t *ret);
err_t rd_take(struct str *in, size_t n, struct str *ret);
err_t rd_blob(struct str *in, size_t max, struct str *ret);
/* A blob that is UTF-8 without NUL; *ret is NUL-terminated in the arena. */
err_t rd_text(struct arena *a, struct str *in, size_t max, const char **ret);
err_t rd_end(const struct str *in);

err_t wr_u8(struct buf *b, uint8_t v);
err_t wr_u16(struct buf *b, uint16_t v);
err_t wr_u32(struct buf *b, uint32_t v);
err_t wr_u64(struct buf *b, uint64_t v);
err_t wr_i64(struct buf *b, int64_t v);
err_t wr_blob(struct buf *b, struct str s);
err_t wr_text(struct buf *b, const char *s); /* NULL is written as "" */

#endif
