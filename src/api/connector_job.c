/* SPDX-License-Identifier: Apache-2.0 */
#include "api/connector_job.h"

#include "codec/keys_ipc.h"
#include "model/challenge.h"
#include "model/desired.h"
#include "model/enrolled.h"
#include "model/relay.h"
#include "pki/cert.h"
#include "pki/cms.h"
#include "pki/csr.h"

err_t
job_order_seal(struct api *api, struct arena *a, const struct order *o, struct str *ret)
{
	auto_buf struct buf order = { 0 };
	auto_buf struct buf req = { 0 };
	struct keys_seal_rep rep;
	struct str answer;

	buf_init(&order, LIMIT_ORDER_BYTES);
	buf_init(&req, LIMIT_IPC_MESSAGE);
	TRY(order_encode(o, &order));
	TRY(keys_seal_req_encode(&(struct keys_seal_req){ .order = buf_str(&order) }, &req));
	TRY(ipc_call(api->keys, a, KEYS_SEAL_ORDER, true, buf_str(&req), &answer));
	TRY(keys_seal_rep_parse(a, answer, &rep));
	*ret = rep.sealed;
	return OK;
}

/* In which form the platform opens it. */
static err_t
set_pack(struct api *api, struct arena *a, const struct job *j, json *out)
{
	struct str frame;

	json_set_text(out, "pack", pack_form_name(j->packing.form));
	json_set_text(out, "format", pack_format_name(j->packing.format));
	if (j->packing.form != PACK_APPLE)
		return OK;
	if (api->frame == NULL)
		FAIL(ERR_UNSUPPORTED, "no platform writes frames for %s", j->device.platform);
	TRY(api->frame(api->ca_ctx, a, j, &frame));
	json_set_base64(a, out, "frame", frame);
	return OK;
}

/* The order goes to the CA, the challenge that it lies behind to the device. Who carries the order gets the hash. */
static err_t
bind_challenge(struct api *api, struct arena *a, const struct job *j, struct order *o)
{
	const char *challenge;
	uint8_t *hash = arena_alloc(a, 32);

	TRY(challenge_of(api->keys, a, j->request, j->fence, &challenge));
	hash_sha256(str_c(challenge), hash);
	o->challenge = str_of(hash, 32);
	return OK;
}

/* A file to be opened with the connector's import key. Nothing is issued: the order is for connector/keys. */
static err_t
import_json(struct api *api, struct arena *a, const struct job *j, json **ret)
{
	json *out;
	struct str sealed;

	TRY(job_order_seal(api, a, &j->order, &sealed));
	out = json_object_new();
	json_set_id(a, out, "request", j->request);
	json_set_int(out, "fence", (int64_t)j->fence);
	json_set_text(out, "kind", "import");
	json_set_base64(a, out, "order", sealed);
	json_set_when(a, out, "lease_until", j->lease_until);
	json_set_text(out, "key", j->copy.key);
	json_set_int(out, "padding", j->copy.padding);
	json_set_base64(a, out, "wrapped", j->copy.password);
	json_set_base64(a, out, "pfx", j->pfx.blob);
	/* The file as it is serves where its importer opens it: ours are AES. */
	if (j->packing.format == PFX_FORMAT_AES)
		json_set_base64(a, out, "leaf", j->pfx.leaf);
	json_set_text(out, "thumbprint", j->pfx.thumbprint);
	json_set_base64(a, out, "device_certificate", j->device_cert);
	*ret = out;
	return set_pack(api, a, j, out);
}

err_t
job_json(struct api *api, struct arena *a, const struct job *j, json **ret)
{
	struct order order = j->order;
	json *out, *ekus, *key;
	struct str sealed;

	if (j->kind == REQUEST_IMPORT)
		return import_json(api, a, j, ret);
	if (j->kind == REQUEST_ENROL)
		TRY(bind_challenge(api, a, j, &order));
	TRY(job_order_seal(api, a, &order, &sealed));
	out = json_object_new();
	json_set_id(a, out, "request", j->request);
	json_set_int(out, "fence", (int64_t)j->fence);
	json_set_text(out, "kind",
	    j->kind == REQUEST_REVOKE    ? "revoke" :
		j->kind == REQUEST_ENROL ? "challenge" :
					   "issue");
	json_set_when(a, out, "lease_until", j->lease_until);
	json_set_text(out, "ca", j->order.ca);
	json_set_text(out, "ca_host", j->ca_host == NULL ? "" : j->ca_host);
	json_set_text(out, "template", j->order.template == NULL ? "" : j->order.template);
	json_set_base64(a, out, "order", sealed);
	*ret = out;
	if (j->kind == REQUEST_REVOKE) {
		json_set_text(out, "serial", j->serial);
		json_set_text(out, "ca_request", j->ca_request);
		return OK;
	}
	if (j->kind == REQUEST_ENROL) {
		json_set_text(out, "challenge", text_hex(a, order.challenge));
		return OK;
	}
	json_set_base64(a, out, "subject", j->order.subject);
	json_set_base64(a, out, "san", j->order.san);
	json_set_text(out, "sid", j->order.sid == NULL ? "" : j->order.sid);
	ekus = json_array_new();
	json_set(out, "ekus", ekus);
	for (size_t i = 0; i < j->order.nekus; i++)
		json_add(ekus, json_text_new(j->order.ekus[i]));
	key = json_object_new();
	json_set(out, "key", key);
	json_set_text(key, "alg", j->key_alg == KEY_RSA ? "rsa" : "ec");
	json_set_int(key, "bits", j->key_bits);
	json_set_base64(a, out, "device_certificate", j->device_cert);
	return set_pack(api, a, j, out);
}

/* The order is for the key of this request, and in the hands of this connector. */
static err_t
certify_json(
    struct api *api, struct arena *a, const struct connector *c, const struct relay *r, json *out)
{
	auto_csr struct csr csr = { 0 };
	struct order order;
	const char *waits;
	struct str sealed;

	TRY(csr_parse(a, r->message, &csr));
	TRY(job_device_order(api->store, a, c, r->request, &csr, &order, &waits));
	TRY(job_order_seal(api, a, &order, &sealed));
	json_set_text(out, "kind", "certify");
	json_set_text(out, "ca_request", waits);
	json_set_text(out, "template", order.template);
	json_set_base64(a, out, "order", sealed);
	json_set_base64(a, out, "csr", r->message);
	return OK;
}

err_t
job_relay_json(
    struct api *api, struct arena *a, const struct connector *c, const struct relay *r, json **ret)
{
	auto_json json *out = json_object_new();

	json_set_id(a, out, "request", r->id);
	json_set_int(out, "fence", 1);
	json_set_when(a, out, "lease_until", r->expires);
	json_set_text(out, "ca", r->ca);
	if (strcmp(r->operation, RELAY_CERTIFY) == 0) {
		TRY(certify_json(api, a, c, r, out));
	} else {
		json_set_text(out, "kind", "message");
		json_set_text(out, "operation", r->operation);
		json_set_base64(a, out, "message", r->message);
	}
	*ret = steal(out);
	return OK;
}

static const struct {
	const char *name;
	enum job_outcome outcome;
} outcomes[] = {
	{ "issued", JOB_ISSUED },
	{ "revoked", JOB_REVOKED },
	{ "rejected", JOB_REJECTED },
	{ "pending", JOB_PENDING },
	{ "unreachable", JOB_UNREACHABLE },
	{ "misconfigured", JOB_MISCONFIGURED },
	{ "deposited", JOB_DEPOSITED },
};

/* What was asked for, as it stands now. */
struct ordered {
	struct arena *a;
	struct id request;
	const char *ca;
	bool stale; /* the content changed since the lease: its answer is late */
	struct str subject, san;
	const char *thumbprint; /* of an imported certificate; NULL: it is to be issued */
};

static err_t
ordered(struct tx *tx, void *arg)
{
	struct ordered *o = arg;
	struct request r;
	struct slot s;
	struct device d;
	struct desired *v;
	size_t n;

	TRY(store_request_get(tx, o->a, o->request, &r));
	TRY(store_slot_get(tx, o->a, r.slot, &s));
	TRY(store_device_get(tx, o->a, s.device, &d));
	TRY(desired_of_profile(tx, o->a, &d, s.profile, &v, &n));
	o->ca = r.ca;
	o->stale = true;
	for (size_t i = 0; i < n; i++) {
		if (!id_eq(v[i].profile.id, s.profile) || !id_eq(v[i].user, s.user) ||
		    !id_eq(v[i].item, s.item) || v[i].fault != NULL ||
		    !str_eq(v[i].what.hash, r.hash))
			continue;
		o->stale = false;
		o->subject = v[i].what.subject;
		o->san = v[i].what.san;
		if (r.kind == REQUEST_IMPORT)
			o->thumbprint = v[i].what.pfx[0].thumbprint;
	}
	return OK;
}

/* The chain's first certificate must have signed it. *issuer: that of the result before; it is the same for most. */
static err_t
plausible_issuer(struct arena *a, const struct cert *leaf, const json *in, struct cert **issuer)
{
	json *chain = NULL;
	struct str der;

	TRY(json_want_array(in, "chain", LIMIT_CHAIN_CERTS, &chain));
	if (cert_is_ca(leaf))
		FAIL(ERR_LEAF_MISMATCH, "it is a CA's certificate");
	if (json_count(chain) == 0)
		FAIL(ERR_LEAF_MISMATCH, "it came without its issuer's certificate");
	TRY(text_unbase64(a, str_c(json_text(json_at(chain, 0))), &der));
	if (*issuer == NULL || !str_eq(cert_der(*issuer), der)) {
		cert_free(*issuer);
		*issuer = NULL;
		TRY(cert_parse(der, issuer));
	}
	TRY(cert_verify(leaf, *issuer, when_now()));
	return OK;
}

static err_t
check_leaf(struct arena *a, const struct cert *leaf, const struct ordered *o, const json *in,
    struct cert **issuer)
{
	uint8_t hash[20];

	if (o->thumbprint != NULL) {
		hash_sha1(cert_der(leaf), hash);
		if (!str_ieq_c(str_c(text_hex(a, STR(hash))), o->thumbprint))
			FAIL(ERR_LEAF_MISMATCH, "it is %s, imported was %s", text_hex(a, STR(hash)),
			    o->thumbprint);
		return OK;
	}
	TRY(enrolled_names(a, leaf, o->subject, o->san));
	return plausible_issuer(a, leaf, in, issuer);
}

/* A refusal may name what lies at the CA all the same: "certificate", "ca_request". */
static err_t
read_left(struct arena *a, const json *in, struct job_result *res)
{
	auto_cert struct cert *leaf = NULL;
	struct str der;

	TRY(json_want_text(in, "ca_request", LIMIT_TEXT, &res->ca_request));
	if (res->ca_request != NULL)
		res->ca_request = text_safe(a, str_c(res->ca_request));
	TRY(json_want_base64(a, in, "certificate", LIMIT_CERT_BYTES, &der));
	if (der.n == 0)
		return OK;
	TRY(cert_parse(der, &leaf));
	res->serial = arena_strdup(a, cert_serial(leaf));
	return OK;
}

static err_t
read_issued(struct api *api, struct arena *a, const struct connector *c, const json *in,
    struct cert **issuer, struct job_result *res)
{
	auto_cert struct cert *leaf = NULL;
	struct ordered o = { .a = a, .request = res->request };
	err_t e;

	TRY(json_need_base64(a, in, "certificate", LIMIT_CERT_BYTES, &res->leaf));
	TRY(json_need_base64(a, in, "sealed", LIMIT_CMS_BYTES, &res->sealed));
	TRY(json_want_base64(a, in, "password", LIMIT_CMS_BYTES, &res->password));
	TRY(cert_parse(res->leaf, &leaf));
	TRY(store_read(api->store, ordered, &o));
	if (o.stale) {
		TRY(job_late(api->store, a, c, res->request, arena_strdup(a, cert_serial(leaf))));
		FAIL(ERR_FENCE, "what this was ordered for has changed since");
	}
	e = check_leaf(a, leaf, &o, in, issuer);
	if (!err_ok(e)) {
		struct err_report rep;

		err_take(e, &rep);
		res->outcome = JOB_REJECTED;
		res->fault = err_info(ERR_LEAF_MISMATCH)->id;
		res->detail =
		    rep.detail[0] == '\0' ? err_info(rep.code)->text : arena_strdup(a, rep.detail);
		res->leaf = res->sealed = res->password = STR_EMPTY;
		res->serial = arena_strdup(a, cert_serial(leaf));
		return OK;
	}
	res->serial = arena_strdup(a, cert_serial(leaf));
	res->subject = arena_strdup(a, cert_subject(leaf));
	res->issuer = o.thumbprint == NULL ? o.ca : arena_strdup(a, cert_issuer(leaf));
	res->leaf_sha256 = arena_str(a, str_of(cert_sha256(leaf), 32));
	res->not_before = cert_not_before(leaf);
	res->not_after = cert_not_after(leaf);
	return OK;
}

static err_t
read_result(struct api *api, struct arena *a, const struct connector *c, const json *in,
    struct cert **issuer, struct job_result *ret)
{
	struct job_result res = { 0 };
	const char *outcome, *fault, *detail;
	int64_t fence;

	TRY(json_need_id(in, "request", &res.request));
	TRY(json_need_int(in, "fence", 1, INT64_MAX, &fence));
	TRY(json_need_text(in, "outcome", LIMIT_TEXT, &outcome));
	TRY(json_want_text(in, "fault", LIMIT_TEXT, &fault));
	TRY(json_want_text(in, "detail", LIMIT_LONG_TEXT, &detail));
	res.fence = (uint64_t)fence;
	res.fault = fault == NULL ? "" : fault;
	res.detail = detail == NULL ? "" : text_safe(a, str_c(detail));
	for (size_t i = 0; i < COUNT(outcomes); i++)
		if (strcmp(outcome, outcomes[i].name) == 0)
			res.outcome = outcomes[i].outcome;
	if (res.outcome == 0)
		FAIL(ERR_BAD_REQUEST,
		    "\"outcome\" is none of issued, revoked, rejected, pending, "
		    "unreachable, misconfigured, deposited");
	if (res.outcome == JOB_ISSUED)
		TRY(read_issued(api, a, c, in, issuer, &res));
	if (res.outcome == JOB_REJECTED && res.serial == NULL)
		TRY(read_left(a, in, &res));
	*ret = res;
	return OK;
}

/* The serial number of the certificate among these that is none of a CA's; "": there is none. */
static err_t
serial_among(struct arena *a, struct str certs, const char **ret)
{
	struct str *v;
	size_t n;

	*ret = "";
	TRY(cms_certs_parse(a, certs, &v, &n));
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;

		TRY(cert_parse(v[i], &c));
		if (!cert_is_ca(c))
			*ret = arena_strdup(a, cert_serial(c));
	}
	return OK;
}

/* {..., "fault", "detail", "ca_request"}: what became of a request for a certificate. Of no importance for other messages. */
static err_t
take_told(struct api *api, struct arena *a, const struct connector *c, const json *in,
    const struct relay *answer)
{
	struct job_told told = { .serial = "" };
	const char *fault, *detail, *waits;

	TRY(json_want_text(in, "fault", LIMIT_TEXT, &fault));
	TRY(json_want_text(in, "detail", LIMIT_LONG_TEXT, &detail));
	TRY(json_want_text(in, "ca_request", LIMIT_TEXT, &waits));
	if (answer->status == 200 && strcmp(answer->type, "application/pkcs7-mime") == 0)
		TRY(serial_among(a, answer->body, &told.serial));
	/* Waiting is no refusal, and neither is a CA that nobody reached. */
	told.fault = fault == NULL || answer->status == 202 || answer->status == 503 ? "" : fault;
	told.detail = detail == NULL ? "" : text_safe(a, str_c(detail));
	told.ca_request = waits == NULL ? "" : text_safe(a, str_c(waits));
	return job_device_told(api->store, a, c, answer->id, &told);
}

/* {"outcome": "relayed", "status", "type", "body"}: what the CA answered to a message. */
static err_t
take_relayed(struct api *api, struct arena *a, const struct connector *c, const json *in)
{
	struct str body;
	const char *type;
	int64_t status;
	struct id id;

	TRY(json_need_id(in, "request", &id));
	TRY(json_need_int(in, "status", 200, 599, &status));
	TRY(json_need_text(in, "type", LIMIT_TEXT, &type));
	TRY(json_want_base64(a, in, "body", LIMIT_IPC_MESSAGE, &body));
	if (json_get(in, "fault") != NULL)
		TRY(take_told(api, a, c, in,
		    &(struct relay){
			.id = id, .status = (int)status, .type = type, .body = body }));
	return relay_answer(api->store, a, c, id, (int)status, type, body);
}

/* One result on its way into the store. */
struct taking {
	struct job_result res;
	bool relayed;             /* an answer to a message: it is with who waits for it */
	struct err_report report; /* ERR_NONE: it is, or is going to be, in the store */
};

static err_t
read_one(struct api *api, struct arena *a, const struct connector *c, const json *in,
    struct cert **issuer, struct taking *t)
{
	t->relayed = str_eq_c(str_c(json_text(json_get(in, "outcome"))), "relayed");
	if (t->relayed)
		return take_relayed(api, a, c, in);
	return read_result(api, a, c, in, issuer, &t->res);
}

static json *
answer_of(const json *in, const struct taking *t)
{
	bool refused = t->report.code == ERR_NONE && !t->relayed &&
	    t->res.outcome == JOB_REJECTED &&
	    strcmp(t->res.fault, err_info(ERR_LEAF_MISMATCH)->id) == 0;
	json *out = json_object_new();

	json_set_text(out, "request", json_text(json_get(in, "request")));
	json_set_bool(out, "accepted", t->report.code == ERR_NONE && !refused);
	json_set_text(out, "fault",
	    t->report.code != ERR_NONE ? err_info(t->report.code)->id :
		refused                ? t->res.fault :
					 NULL);
	return out;
}

/* What could be read, all in one write. */
static void
finish_all(struct api *api, struct arena *a, const struct connector *c, struct taking *v, size_t n)
{
	const struct job_result **ready = arena_array(a, n + 1, sizeof(*ready));
	struct err_report *reports = arena_array(a, n + 1, sizeof(*reports));
	size_t nready = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].report.code == ERR_NONE && !v[i].relayed)
			ready[nready++] = &v[i].res;
	if (nready > 0)
		job_finish_each(api->store, a, c, ready, nready, reports);
	for (size_t i = 0; i < n; i++) {
		if (v[i].report.code != ERR_NONE || v[i].relayed)
			continue;
		v[i].report = reports[at++];
		/* A message that got no answer: who waits for it hears so at once. It did not reach the CA. */
		if (v[i].report.code == ERR_NOT_FOUND)
			err_forget(job_device_told(api->store, a, c, v[i].res.request,
			    &(struct job_told){ "", "", "", "" }));
		if (v[i].report.code == ERR_NOT_FOUND)
			err_take(
			    relay_answer(api->store, a, c, v[i].res.request, 503, "", STR_EMPTY),
			    &v[i].report);
	}
}

err_t
job_results_take(
    struct api *api, struct arena *a, const struct connector *c, const json *results, json *answers)
{
	size_t n = json_count(results);
	struct taking *v = arena_array(a, n + 1, sizeof(*v));
	auto_cert struct cert *issuer = NULL;

	for (size_t i = 0; i < n; i++)
		err_take(read_one(api, a, c, json_at(results, i), &issuer, &v[i]), &v[i].report);
	finish_all(api, a, c, v, n);
	for (size_t i = 0; i < n; i++) {
		/* Our own trouble: the connector keeps its results and sends them again. */
		if (v[i].report.code != ERR_NONE && err_info(v[i].report.code)->http >= 500)
			return err_raise(&v[i].report);
		json_add(answers, answer_of(json_at(results, i), &v[i]));
	}
	return OK;
}
