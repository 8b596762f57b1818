/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/line_hash.h"

#include "base/rd.h"
#include "pki/key.h"

#define LINE_MAX_BYTES (4u << 20)
#define HASH_BYTES 32

err_t
line_hash(const uint8_t before[32], int64_t seq, int64_t when, const char *const *texts, size_t n,
    uint8_t ret[32])
{
	auto_buf struct buf b = { 0 };

	buf_init(&b, LINE_MAX_BYTES);
	TRY(buf_put(&b, str_of(before, HASH_BYTES)));
	TRY(wr_i64(&b, seq));
	TRY(wr_i64(&b, when));
	for (size_t i = 0; i < n; i++)
		TRY(wr_text(&b, texts[i]));
	hash_sha256(buf_str(&b), ret);
	return OK;
}
