/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses a message between our processes; what is read is written as the same
 * bytes. */
#include <assert.h>

#include "codec/admin_ipc.h"
#include "codec/ca_ipc.h"
#include "codec/ca_scep_ipc.h"
#include "codec/ckeys_ipc.h"
#include "codec/keys_ipc.h"
#include "codec/pfx_ipc.h"
#include "codec/policies_ipc.h"
#include "codec/status_ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGES(X) \
	X(0, admin_req) \
	X(1, admin_rep) \
	X(2, sign_req) \
	X(3, sign_rep) \
	X(4, ca_submit_req) \
	X(5, ca_submit_rep) \
	X(6, ca_query_req) \
	X(7, ca_revoke_req) \
	X(8, ca_revoke_rep) \
	X(9, ca_name_req) \
	X(10, ca_der_rep) \
	X(11, ca_list_rep) \
	X(12, ca_chain_rep) \
	X(13, keys_public_rep) \
	X(14, keys_csr_req) \
	X(15, keys_csr_rep) \
	X(16, keys_seal_req) \
	X(17, keys_seal_rep) \
	X(18, keys_token_req) \
	X(19, keys_token_rep) \
	X(20, ckeys_begin_req) \
	X(21, ckeys_begin_rep) \
	X(22, ckeys_finish_req) \
	X(23, ckeys_finish_rep) \
	X(24, ckeys_drop_req) \
	X(25, ckeys_identity_req) \
	X(26, policies_req) \
	X(27, policies_rep) \
	X(28, ca_keygen_rep) \
	X(29, crl_part_req) \
	X(30, crl_part_rep) \
	X(31, ocsp_req) \
	X(32, ocsp_rep) \
	X(33, ca_scep_req) \
	X(34, ca_scep_refuse_req) \
	X(35, ca_scep_info_rep) \
	X(36, ca_revoked_req) \
	X(37, ca_revoked_rep) \
	X(38, pfx_key_req) \
	X(39, pfx_key_rep) \
	X(40, pfx_keys_rep) \
	X(41, pfx_admit_req) \
	X(42, pfx_open_req) \
	X(43, pfx_open_rep) \
	X(44, pfx_rewrap_req) \
	X(45, pfx_rewrap_rep) \
	X(46, ckeys_pool_rep) \
	X(47, keys_challenge_req) \
	X(48, keys_challenge_rep) \
	X(49, ca_deposit_req) \
	X(50, ckeys_order_req) \
	X(51, keys_hide_req) \
	X(52, keys_hide_rep)

#define ONE(number, name) \
	static bool again_##name(struct arena *a, struct str in, struct buf *b) \
	{ \
		struct name m; \
\
		if (!err_ok(name##_parse(a, in, &m))) \
			return false; \
		assert(err_ok(name##_encode(&m, b))); \
		return true; \
	}
MESSAGES(ONE)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct str in;
	bool good = false;

	buf_init(&b, LIMIT_IPC_MESSAGE + 1024);
	if (size == 0)
		return 0;
	in = str_of(data + 1, size - 1);
	switch (data[0]) {
#define CASE(number, name) \
	case number: \
		good = again_##name(a, in, &b); \
		break;
		MESSAGES(CASE)
	}
	assert(!good || str_eq(in, buf_str(&b)));
	return 0;
}
