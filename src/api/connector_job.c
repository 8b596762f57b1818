/* SPDX-License-Identifier: Apache-2.0 */
#include "api/connector_job.h"

#include "codec/keys_ipc.h"
#include "model/desired.h"
#include "pki/cert.h"

static err_t
seal(struct api *api, struct arena *a, const struct order *o, struct str *ret)
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

/* A file to be opened with the connector's import key. Nothing is issued, so there is no order. */
static json *
import_json(struct arena *a, const struct job *j)
{
	json *out = json_object_new();

	json_set_id(a, out, "request", j->request);
	json_set_int(out, "fence", (int64_t)j->fence);
	json_set_text(out, "kind", "import");
	json_set_when(a, out, "lease_until", j->lease_until);
	json_set_text(out, "key", j->copy.key);
	json_set_int(out, "padding", j->copy.padding);
	json_set_base64(a, out, "wrapped", j->copy.password);
	json_set_base64(a, out, "pfx", j->pfx.blob);
	json_set_base64(a, out, "leaf", j->pfx.leaf);
	json_set_text(out, "format", "aes");
	json_set_text(out, "thumbprint", j->pfx.thumbprint);
	json_set_base64(a, out, "device_certificate", j->device_cert);
	return out;
}

err_t
job_json(struct api *api, struct arena *a, const struct job *j, json **ret)
{
	json *out, *ekus, *key;
	struct str sealed;

	if (j->kind == REQUEST_IMPORT) {
		*ret = import_json(a, j);
		return OK;
	}
	TRY(seal(api, a, &j->order, &sealed));
	out = json_object_new();
	json_set_id(a, out, "request", j->request);
	json_set_int(out, "fence", (int64_t)j->fence);
	json_set_text(out, "kind", j->kind == REQUEST_REVOKE ? "revoke" : "issue");
	json_set_when(a, out, "lease_until", j->lease_until);
	json_set_text(out, "ca", j->order.ca);
	json_set_text(out, "ca_host", j->ca_host == NULL ? "" : j->ca_host);
	json_set_text(out, "template", j->order.template == NULL ? "" : j->order.template);
	json_set_base64(a, out, "order", sealed);
	*ret = out;
	if (j->kind == REQUEST_REVOKE)
		return OK;
	json_set_base64(a, out, "subject", j->order.subject);
	json_set_base64(a, out, "san", j->order.san);
	json_set_text(out, "sid", j->order.sid == NULL ? "" : j->order.sid);
	ekus = json_array_new();
	json_set(out, "ekus", ekus);
	for (size_t i = 0; i < j->order.nekus; i++)
		json_add(ekus, json_text_new(j->order.ekus[i]));
	key = json_object_new();
	json_set(out, "key", key);
	json_set_text(key, "alg", "rsa");
	json_set_int(key, "bits", j->key_bits);
	json_set_base64(a, out, "device_certificate", j->device_cert);
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
	TRY(desired_for(tx, o->a, &d, &v, &n));
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

static err_t
same_names(struct arena *a, const struct cert *leaf, const struct ordered *o)
{
	struct dn want, got;
	struct san *want_san = NULL, *got_san = NULL;
	size_t nwant = 0, ngot = 0;

	TRY(dn_decode(a, o->subject, &want));
	TRY(dn_decode(a, cert_subject_der(leaf), &got));
	if (!dn_equal(&want, &got))
		FAIL(ERR_LEAF_MISMATCH, "subject is \"%s\", ordered was \"%s\"", cert_subject(leaf),
		    dn_print(a, &want));
	if (o->san.n > 0)
		TRY(san_decode(a, o->san, &want_san, &nwant));
	if (cert_san_der(leaf).n > 0)
		TRY(san_decode(a, cert_san_der(leaf), &got_san, &ngot));
	if (!san_equal(want_san, nwant, got_san, ngot))
		FAIL(ERR_LEAF_MISMATCH, "alternative names are \"%s\", ordered were \"%s\"",
		    san_print(a, got_san, ngot), san_print(a, want_san, nwant));
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
	TRY(same_names(a, leaf, o));
	return plausible_issuer(a, leaf, in, issuer);
}

static err_t
read_issued(
    struct api *api, struct arena *a, const json *in, struct cert **issuer, struct job_result *res)
{
	auto_cert struct cert *leaf = NULL;
	struct ordered o = { .a = a, .request = res->request };
	err_t e;

	TRY(json_need_base64(a, in, "certificate", LIMIT_CERT_BYTES, &res->leaf));
	TRY(json_need_base64(a, in, "sealed", LIMIT_CMS_BYTES, &res->sealed));
	TRY(json_need_base64(a, in, "password", LIMIT_CMS_BYTES, &res->password));
	TRY(cert_parse(res->leaf, &leaf));
	TRY(store_read(api->store, ordered, &o));
	if (o.stale)
		FAIL(ERR_FENCE, "what this was ordered for has changed since");
	e = check_leaf(a, leaf, &o, in, issuer);
	if (!err_ok(e)) {
		struct err_report rep;

		err_take(e, &rep);
		res->outcome = JOB_REJECTED;
		res->fault = err_info(ERR_LEAF_MISMATCH)->id;
		res->detail =
		    rep.detail[0] == '\0' ? err_info(rep.code)->text : arena_strdup(a, rep.detail);
		res->leaf = res->sealed = res->password = STR_EMPTY;
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
read_result(
    struct api *api, struct arena *a, const json *in, struct cert **issuer, struct job_result *ret)
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
		    "unreachable, misconfigured");
	if (res.outcome == JOB_ISSUED)
		TRY(read_issued(api, a, in, issuer, &res));
	*ret = res;
	return OK;
}

/* One result on its way into the store. */
struct taking {
	struct job_result res;
	struct err_report report; /* ERR_NONE: it is, or is going to be, in the store */
};

static json *
answer_of(const json *in, const struct taking *t)
{
	bool refused = t->report.code == ERR_NONE && t->res.outcome == JOB_REJECTED &&
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
		if (v[i].report.code == ERR_NONE)
			ready[nready++] = &v[i].res;
	if (nready > 0)
		job_finish_each(api->store, a, c, ready, nready, reports);
	for (size_t i = 0; i < n; i++)
		if (v[i].report.code == ERR_NONE)
			v[i].report = reports[at++];
}

err_t
job_results_take(
    struct api *api, struct arena *a, const struct connector *c, const json *results, json *answers)
{
	size_t n = json_count(results);
	struct taking *v = arena_array(a, n + 1, sizeof(*v));
	auto_cert struct cert *issuer = NULL;

	for (size_t i = 0; i < n; i++)
		err_take(
		    read_result(api, a, json_at(results, i), &issuer, &v[i].res), &v[i].report);
	finish_all(api, a, c, v, n);
	for (size_t i = 0; i < n; i++) {
		/* Our own trouble: the connector keeps its results and sends them again. */
		if (v[i].report.code != ERR_NONE && err_info(v[i].report.code)->http >= 500)
			return err_raise(&v[i].report);
		json_add(answers, answer_of(json_at(results, i), &v[i]));
	}
	return OK;
}
