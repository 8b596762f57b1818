/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job: a certificate whose key pair is made here. Key and request by connector/keys, certificate from the CA, both packed
 * and sealed to the device by connector/keys. The link sees the request, the certificate and ciphertext.
 *
 * Where the CA would issue anew if it were asked again, it is asked once: sending.c.
 */
#include "base/limits.h"
#include "base/text.h"
#include "codec/ckeys_ipc.h"
#include "connector/job.h"
#include "connector/job_pack.h"
#include "pki/cert.h"

struct work {
	struct ckeys_begin_req begin;
	struct submission submission;
	struct str device;
	uint8_t order[32]; /* its hash: the key is made for it */
	struct pack pack;
};

static err_t
read_job(struct arena *a, const json *job, struct work *w)
{
	json *key, *ekus;
	const char *alg;
	int64_t bits;

	TRY(json_need_text(job, "ca", LIMIT_TEXT, &w->submission.ca));
	TRY(json_need_text(job, "template", LIMIT_TEXT, &w->submission.template));
	TRY(json_need_base64(a, job, "order", 2 * LIMIT_ORDER_BYTES, &w->submission.order));
	TRY(json_need_base64(a, job, "subject", LIMIT_CERT_BYTES, &w->begin.subject));
	TRY(json_want_base64(a, job, "san", LIMIT_CERT_BYTES, &w->begin.san));
	TRY(json_want_text(job, "sid", LIMIT_TEXT, &w->begin.sid));
	if (w->begin.sid == NULL)
		w->begin.sid = "";
	TRY(json_need_object(job, "key", &key));
	TRY(json_need_text(key, "alg", 8, &alg));
	TRY(json_need_int(key, "bits", 256, 8192, &bits));
	w->begin.alg = str_eq_c(str_c(alg), "ec") ? CKEYS_EC : CKEYS_RSA;
	w->begin.bits = (uint16_t)bits;
	TRY(json_want_array(job, "ekus", LIMIT_EKUS, &ekus));
	w->begin.ekus.v = arena_array(a, json_count(ekus) + 1, sizeof(char *));
	for (size_t i = 0; i < json_count(ekus); i++)
		w->begin.ekus.v[w->begin.ekus.n++] = json_text(json_at(ekus, i));
	TRY(json_need_base64(a, job, "device_certificate", LIMIT_CERT_BYTES, &w->device));
	w->begin.device_certificate = w->device;
	hash_sha256(w->submission.order, w->order);
	w->begin.order = STR(w->order);
	return job_pack_read(a, job, &w->pack);
}

static err_t
begin(struct ipc_client *keys, struct arena *a, const struct work *w, struct ckeys_begin_rep *ret)
{
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ckeys_begin_req_encode(&w->begin, &in));
	TRY(ipc_call(keys, a, CKEYS_BEGIN, true, buf_str(&in), &out));
	return ckeys_begin_rep_parse(a, out, ret);
}

static err_t
finish(struct ipc_client *keys, struct arena *a, uint64_t handle, const struct work *w,
    const struct submitted *s, struct ckeys_finish_rep *ret)
{
	struct ckeys_finish_req req = {
		.handle = handle, .leaf = s->leaf, .device_certificate = w->device, .pack = w->pack
	};
	auto_buf struct buf in;
	struct str out;

	req.chain.v = s->chain;
	req.chain.n = s->nchain;
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ckeys_finish_req_encode(&req, &in));
	TRY(ipc_call(keys, a, CKEYS_FINISH, false, buf_str(&in), &out));
	return ckeys_finish_rep_parse(a, out, ret);
}

static void
drop(struct ipc_client *keys, struct arena *a, uint64_t handle)
{
	auto_buf struct buf in;
	struct str out;
	err_t e;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	e = ckeys_drop_req_encode(&(struct ckeys_drop_req){ handle }, &in);
	if (err_ok(e))
		e = ipc_call(keys, a, CKEYS_DROP, true, buf_str(&in), &out);
	err_forget(e); /* it is wiped by itself after ten minutes */
}

static err_t
submit(const struct job_env *env, struct arena *a, const json *job, const struct work *w,
    bool repeatable, struct submitted *ret)
{
	return repeatable ? env->backend->submit(env->ca, a, &w->submission, ret) :
			    job_submit_once(env, a, job, &w->submission, ret);
}

/* The CA issued, and the device cannot have it. Where it is not sent again, the service hears what lies there. */
static err_t
unused(struct arena *a, const struct submitted *s, err_t e, json *result)
{
	auto_cert struct cert *leaf = NULL;
	struct err_report rep;

	err_take(e, &rep);
	TRY(cert_parse(s->leaf, &leaf));
	json_set_text(result, "outcome", outcome_name(OUTCOME_REJECTED));
	json_set_text(result, "fault", err_info(ERR_CA_UNUSED)->id);
	json_set_text(result, "detail",
	    arena_printf(a, "serial %s: %s: %s", cert_serial(leaf), err_info(rep.code)->text,
		text_safe(a, str_c(rep.detail))));
	json_set_base64(a, result, "certificate", s->leaf);
	return OK;
}

static void
refused(const struct submitted *s, json *result)
{
	json_set_text(result, "outcome", outcome_name(s->outcome));
	json_set_text(result, "fault", s->fault);
	json_set_text(result, "detail", s->detail);
	if (s->outcome == OUTCOME_REJECTED && s->request_id != NULL && s->request_id[0] != '\0')
		json_set_text(result, "ca_request", s->request_id);
}

static err_t
run(const struct job_env *env, struct arena *a, const json *job, json *result)
{
	struct ipc_client *keys = env->link->conf.keys;
	struct work w = { 0 };
	struct ckeys_begin_rep started;
	struct ckeys_finish_rep packed;
	struct submitted s;
	bool repeatable;
	json *chain;
	err_t e;

	TRY(read_job(a, job, &w));
	TRY(env->backend->repeatable(env->ca, a, &repeatable));
	TRY(begin(keys, a, &w, &started));
	w.submission.csr = started.csr;
	e = submit(env, a, job, &w, repeatable, &s);
	if (!err_ok(e) || s.outcome != OUTCOME_ISSUED) {
		struct err_report rep;

		err_take(e, &rep);
		drop(keys, a, started.handle);
		TRY(rep.code == ERR_NONE ? OK : err_raise(&rep));
		refused(&s, result);
		return OK;
	}
	e = finish(keys, a, started.handle, &w, &s, &packed);
	if (!err_ok(e))
		return repeatable ? e : unused(a, &s, e, result);
	chain = json_array_new();
	for (size_t i = 0; i < s.nchain; i++)
		json_add(chain, json_text_new(text_base64(a, s.chain[i])));
	json_set_text(result, "outcome", outcome_name(OUTCOME_ISSUED));
	json_set_base64(a, result, "certificate", s.leaf);
	json_set(result, "chain", chain);
	json_set_base64(a, result, "sealed", packed.pfx);
	json_set_base64(a, result, "password", packed.password);
	return OK;
}

const struct job_kind job_kind_pkcs = {
	.kind = "issue",
	.feature = "pkcs",
	.run = run,
};
