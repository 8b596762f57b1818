/* SPDX-License-Identifier: Apache-2.0 */
/* connector/keys as its front calls it, without a process of its own. */
#ifndef TESTS_UNIT_CONNECTOR_HOLDER_H
#define TESTS_UNIT_CONNECTOR_HOLDER_H

#include "codec/ckeys_ipc.h"
#include "connector/keys.h"

/* One message and its answer. */
static inline err_t
holder_call(struct connector_keys *keys, struct arena *a, uint16_t type, const struct buf *in,
    struct str *ret)
{
	auto_buf struct buf out;

	buf_init(&out, LIMIT_IPC_MESSAGE);
	for (const struct ipc_verb *v = connector_keys_verbs; v->handle != NULL; v++) {
		if (v->type != type)
			continue;
		TRY(v->handle(keys, a, buf_str(in), &out));
		*ret = arena_str(a, buf_str(&out));
		return OK;
	}
	FAIL(ERR_UNSUPPORTED, "type %u", type);
}

/* Names the CA of device identities. */
static inline err_t
holder_name_ca(struct connector_keys *keys, struct arena *a, const char *pem)
{
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ckeys_identity_req_encode(&(struct ckeys_identity_req){ pem }, &in));
	return holder_call(keys, a, CKEYS_IDENTITY_CA, &in, &out);
}

#endif
