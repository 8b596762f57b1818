/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of an OCSP request crosses to the issuer as the same. */
#include <assert.h>

#include "pki/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct ocsp_req q, again;
	err_t e = ocsp_request_parse(a, str_of(p, n), &q);

	buf_init(&b, LIMIT_IPC_MESSAGE);
	if (!err_ok(e)) {
		err_forget(e);
		return 0;
	}
	assert(err_ok(ocsp_req_encode(&q, &b)));
	assert(err_ok(ocsp_req_parse(a, buf_str(&b), &again)));
	assert(again.n == q.n && str_eq(again.nonce, q.nonce));
	return 0;
}
