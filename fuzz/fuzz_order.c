/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an order and as a sealed order; what is read is written as the same bytes. */
#include <assert.h>

#include "codec/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct str in = str_of(data, size);
	struct sealed s;
	struct order o;

	buf_init(&b, 2 * LIMIT_ORDER_BYTES);
	if (err_ok(order_parse(a, in, &o))) {
		assert(err_ok(order_encode(&o, &b)));
		assert(str_eq(in, buf_str(&b)));
	}
	buf_reset(&b);
	if (err_ok(sealed_parse(in, &s))) {
		assert(err_ok(sealed_encode(&s, &b)));
		assert(str_eq(in, buf_str(&b)));
	}
	return 0;
}
