/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/far.h"

#include "base/limits.h"
#include "codec/sign_ipc.h"

static err_t
sign(void *ctx, struct arena *a, uint8_t scheme, struct str digest, struct str *ret)
{
	const struct far_ipc *f = ctx;
	struct sign_req req = { .which = f->which, .scheme = scheme, .digest = digest };
	struct sign_rep rep;
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(sign_req_encode(&req, &in));
	TRY(ipc_call(f->client, a, f->type, true, buf_str(&in), &out));
	TRY(sign_rep_parse(a, out, &rep));
	*ret = rep.signature;
	return OK;
}

err_t
far_key_open(struct far_ipc *f, struct str spki, struct key **ret)
{
	return keyprov_key(&(struct far_key){ .ctx = f, .sign = sign }, spki, ret);
}
