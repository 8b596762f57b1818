/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job: a certificate that was imported with its key is packed for one device of its user. connector/keys opens the password
 * with its import key and seals file and password to the device; the link sees ciphertext only.
 */
#include "base/limits.h"
#include "base/text.h"
#include "codec/order.h"
#include "codec/pfx_ipc.h"
#include "connector/job.h"
#include "connector/job_pack.h"

static err_t
read_job(struct arena *a, const json *job, struct pfx_open_req *ret)
{
	const char *thumbprint;
	int64_t padding;

	TRY(json_need_text(job, "key", 80, &ret->key));
	TRY(json_need_int(job, "padding", 0, 255, &padding));
	ret->padding = (uint8_t)padding;
	TRY(json_need_base64(a, job, "wrapped", 1024, &ret->wrapped));
	TRY(json_need_base64(a, job, "pfx", LIMIT_PFX_BYTES, &ret->pfx));
	TRY(json_want_base64(a, job, "leaf", LIMIT_CERT_BYTES, &ret->leaf));
	TRY(json_need_text(job, "thumbprint", 40, &thumbprint));
	TRY(text_unhex(a, str_c(thumbprint), &ret->thumbprint));
	TRY(job_pack_read(a, job, &ret->pack));
	TRY(json_need_base64(a, job, "order", LIMIT_SEALED_BYTES, &ret->order));
	return json_need_base64(
	    a, job, "device_certificate", LIMIT_CERT_BYTES, &ret->device_certificate);
}

static err_t
run(const struct job_env *env, struct arena *a, const json *job, json *result)
{
	struct pfx_open_req req = { 0 };
	struct pfx_open_rep rep;
	auto_buf struct buf in = { 0 };
	struct str out;

	TRY(read_job(a, job, &req));
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(pfx_open_req_encode(&req, &in));
	TRY(ipc_call(env->link->conf.keys, a, PFX_OPEN, true, buf_str(&in), &out));
	TRY(pfx_open_rep_parse(a, out, &rep));
	json_set_text(result, "outcome", outcome_name(OUTCOME_ISSUED));
	json_set_base64(a, result, "certificate", rep.leaf);
	json_set_base64(a, result, "sealed", rep.pfx);
	json_set_base64(a, result, "password", rep.password);
	return OK;
}

const struct job_kind job_kind_pfx = {
	.kind = "import",
	.feature = "pfx",
	.run = run,
};
