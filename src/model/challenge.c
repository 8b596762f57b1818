/* SPDX-License-Identifier: Apache-2.0 */
/* See challenge.h. */
#include "model/challenge.h"

#include "base/limits.h"
#include "codec/keys_ipc.h"

err_t
challenge_of(
    struct ipc_client *keys, struct arena *a, struct id request, uint64_t fence, const char **ret)
{
	struct keys_challenge_req req = { request, fence };
	struct keys_challenge_rep rep;
	auto_buf struct buf in = { 0 };
	struct str out;

	buf_init(&in, LIMIT_TEXT);
	TRY(keys_challenge_req_encode(&req, &in));
	TRY(ipc_call(keys, a, KEYS_CHALLENGE, true, buf_str(&in), &out));
	TRY(keys_challenge_rep_parse(a, out, &rep));
	*ret = rep.text;
	return OK;
}
