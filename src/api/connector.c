/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connector's endpoints on the device port: enrol once with a code, then poll; renew in time.
 *
 * One poll hands in the results of finished jobs, says what the connector is and reaches, and takes the next jobs; with
 * neither results nor jobs it stays parked until there is work or its wait is over.
 */
#include "api/connector_job.h"
#include "api/connector_release.h"
#include "api/user_pfx.h"
#include "codec/keys_ipc.h"
#include "model/relay.h"
#include "model/renew.h"
#include "model/revoked.h"
#include "pki/attest.h"
#include "pki/cert.h"
#include "pki/csr.h"

#define FEATURES_MAX 32u
#define CONTACT_S 60 /* last_contact is written so often at most */
#define WAIT_MAX 55
#define PROTOCOL 1     /* of the messages between connector and service */
#define PROTOCOL_MIN 1 /* the oldest that is still taken */

/* A JSON array of names as a comma list, which is how they are kept. */
static err_t
comma_list(struct arena *a, const json *in, const char *key, size_t max, const char **ret)
{
	const char *list = "";
	json *array = NULL;

	TRY(json_want_array(in, key, max, &array));
	for (size_t i = 0; i < json_count(array); i++) {
		const char *name = json_text(json_at(array, i));

		if (*name == '\0' || strlen(name) > LIMIT_TEXT || strchr(name, ',') != NULL)
			FAIL(ERR_BAD_REQUEST, "\"%s\" must hold names without commas", key);
		list = arena_printf(a, "%s%s%s", list, i == 0 ? "" : ",", name);
	}
	*ret = list;
	return OK;
}

/* Has the service's CA issue the identity that the order states, and looks at what came. */
static err_t
issue(struct api *api, struct arena *a, const struct enrol *e, const struct csr *csr,
    struct str csr_der, struct str *ret_cert, struct str **ret_chain, size_t *retn)
{
	auto_cert struct cert *cert = NULL;
	struct str der, *chain;
	size_t n;

	TRY_CTX(api->identity_issue(api->ca_ctx, a, &e->order, csr_der, &der, &chain, &n),
	    "identity certificate");
	TRY(cert_parse(der, &cert));
	if (memcmp(cert_spki_sha256(cert), csr->spki_sha256, 32) != 0)
		FAIL(ERR_LEAF_MISMATCH, "the identity certificate is for another key");
	*ret_cert = der;
	*ret_chain = chain;
	*retn = n;
	return OK;
}

static json *
base64_array(struct arena *a, const struct str *v, size_t n)
{
	json *array = json_array_new();

	for (size_t i = 0; i < n; i++)
		json_add(array, json_text_new(text_base64(a, v[i])));
	return array;
}

static err_t
post_enrol(struct http_req *r)
{
	struct api *api = api_of(r);
	struct arena *a = http_arena(r);
	auto_json json *body = NULL;
	auto_json json *out = json_object_new();
	auto_csr struct csr csr = { 0 };
	struct connector facts = { .enabled = true, .report = "" };
	const char *code;
	struct str csr_der, cert, *chain, text;
	struct api_ca ca;
	struct enrol e;
	uint8_t sha256[32];
	size_t nchain;

	TRY(json_parse(http_body(r), LIMIT_HTTP_BODY, &body));
	TRY(json_need_text(body, "code", LIMIT_TEXT, &code));
	TRY(json_need_base64(a, body, "csr", LIMIT_CSR_BYTES, &csr_der));
	TRY(json_need_text(body, "name", LIMIT_TEXT, &facts.name));
	TRY(json_need_text(body, "machine", LIMIT_TEXT, &facts.machine));
	TRY(json_need_text(body, "version", LIMIT_TEXT, &facts.version));
	TRY(comma_list(a, body, "features", FEATURES_MAX, &facts.features));
	TRY(csr_parse(a, csr_der, &csr));
	TRY(json_want_base64(a, body, "maker", LIMIT_ORDER_MAKER, &facts.maker));
	if (facts.maker.n > 0)
		TRY_CTX(attest_key(facts.maker), "\"maker\"");
	facts.cas = "";
	facts.enrolled = facts.last_contact = when_now();

	TRY(api->ca_facts(api->ca_ctx, a, &ca));
	TRY(enrol_begin(api->store, a, CODE_CONNECTOR, code, str_of(csr.spki_sha256, 32), ca.holder,
	    ca.identity_ca, &e));
	TRY(issue(api, a, &e, &csr, csr_der, &cert, &chain, &nchain));
	hash_sha256(cert, sha256);
	TRY(enrol_finish_connector(api->store, &e, &facts, cert, STR(sha256)));

	json_set_id(a, out, "id", e.id);
	json_set_base64(a, out, "certificate", cert);
	json_set(out, "chain", base64_array(a, chain, nchain));
	json_set_text(out, "identity_ca", ca.identity_ca_pem);
	json_set_text(out, "order_key", api->order_key);
	TRY(json_print(a, out, &text));
	return http_reply(r, 200, "application/json", text);
}

/* The certificate that the connector shows is good until the new one is used. */
static err_t
post_renew(struct http_req *r)
{
	struct api *api = api_of(r);
	struct arena *a = http_arena(r);
	const struct connector *c = http_caller(r);
	auto_json json *body = NULL;
	auto_json json *out = json_object_new();
	auto_csr struct csr csr = { 0 };
	auto_cert struct cert *cert = NULL;
	struct str csr_der, der, *chain, text;
	struct api_ca ca;
	struct enrol e;
	size_t nchain;

	TRY(json_parse(http_body(r), LIMIT_HTTP_BODY, &body));
	TRY(json_need_base64(a, body, "csr", LIMIT_CSR_BYTES, &csr_der));
	TRY(csr_parse(a, csr_der, &csr));
	TRY(api->ca_facts(api->ca_ctx, a, &ca));
	TRY(renew_begin(a, CODE_CONNECTOR, c->id, (struct id){ 0 }, str_of(csr.spki_sha256, 32),
	    ca.holder, ca.identity_ca, &e));
	TRY(issue(api, a, &e, &csr, csr_der, &der, &chain, &nchain));
	TRY(cert_parse(der, &cert));
	TRY(renew_finish(api->store, &e, der, str_of(cert_sha256(cert), 32), cert_not_after(cert)));

	json_set_id(a, out, "id", e.id);
	json_set_base64(a, out, "certificate", der);
	json_set(out, "chain", base64_array(a, chain, nchain));
	TRY(json_print(a, out, &text));
	return http_reply(r, 200, "application/json", text);
}

struct contact {
	struct arena *a;
	struct connector *seen; /* what the record shall say */
};

static err_t
contact(struct tx *tx, void *arg)
{
	struct contact *x = arg;
	struct connector now;

	/* Whether it may work is not the connector's to say: read again inside the transaction. */
	TRY(store_connector_get(tx, x->a, x->seen->id, &now));
	x->seen->enabled = now.enabled;
	x->seen->name = now.name;
	/* A renewal may have been used for the first time meanwhile. */
	x->seen->identity = now.identity;
	x->seen->identity_sha256 = now.identity_sha256;
	x->seen->fence = now.fence;
	x->seen->wanted = now.wanted;
	x->seen->turn = now.turn;
	if (x->seen->checked < now.checked) { /* another poll told it meanwhile */
		x->seen->templates = now.templates;
		x->seen->checked = now.checked;
	}
	return store_connector_update(tx, x->seen);
}

/* What a check of the connector found at its CA; a poll that is no check says nothing of it. */
static err_t
note_check(struct arena *a, const json *body, struct connector *seen)
{
	if (json_get(body, "templates") == NULL)
		return OK;
	TRY(comma_list(a, body, "templates", LIMIT_PAGE, &seen->templates));
	seen->checked = when_now();
	return OK;
}

/* What the poll says of the connector; written when it changed, or once a minute. */
static err_t
note_facts(struct api *api, struct arena *a, const json *body, struct connector *c)
{
	struct connector seen = *c;
	const char *machine, *version, *holder;

	TRY(json_need_text(body, "machine", LIMIT_TEXT, &machine));
	TRY(json_need_text(body, "version", LIMIT_TEXT, &version));
	TRY(json_want_text(body, "holder", 64, &holder));
	TRY(comma_list(a, body, "features", FEATURES_MAX, &seen.features));
	TRY(comma_list(a, body, "cas", LIMIT_CAS, &seen.cas));
	if (json_get(body, "import_keys") != NULL) /* who does not say leaves it as it is */
		TRY(comma_list(a, body, "import_keys", 2 * LIMIT_IMPORT_KEYS, &seen.import_keys));
	TRY(note_check(a, body, &seen));
	TRY(connector_report_read(a, body, &seen));
	seen.machine = machine;
	seen.version = version;
	if (holder != NULL && *holder != '\0') {
		TRY(text_unhex(a, str_c(holder), &seen.holder));
		if (seen.holder.n != 32)
			FAIL(ERR_BAD_REQUEST, "\"holder\" must be 64 hexadecimal digits");
	}
	bool same = strcmp(seen.machine, c->machine) == 0 &&
	    strcmp(seen.version, c->version) == 0 && strcmp(seen.features, c->features) == 0 &&
	    strcmp(seen.cas, c->cas) == 0 && strcmp(seen.import_keys, c->import_keys) == 0 &&
	    str_eq(seen.holder, c->holder) && seen.checked == c->checked &&
	    connector_report_same(&seen, c);

	if (!same || when_now() - c->last_contact >= CONTACT_S) {
		seen.last_contact = when_now();
		TRY(store_write(api->store, contact, &(struct contact){ .a = a, .seen = &seen }));
	}
	*c = seen;
	return OK;
}

/* Connectors of before PROTOCOL_MIN are turned away; what a later one says beyond ours is passed over. */
static err_t
check_protocol(const json *body)
{
	int64_t protocol;

	TRY(json_want_int(body, "protocol", 0, INT32_MAX, PROTOCOL, &protocol));
	if (protocol < PROTOCOL_MIN)
		FAIL(ERR_CONNECTOR_OLD, "it speaks protocol %lld, the oldest taken is %d",
		    (long long)protocol, PROTOCOL_MIN);
	return OK;
}

static err_t
read_asking(struct api *api, struct arena *a, const json *body, struct job_asking *ask)
{
	struct id *holds;
	json *list = NULL;
	int64_t max;

	TRY(json_want_text(body, "worker", 32, &ask->worker));
	if (ask->worker != NULL && strchr(ask->worker, '/') != NULL)
		FAIL(ERR_BAD_REQUEST, "\"worker\" must not hold a slash");
	TRY(json_want_int(body, "max", 0, LIMIT_RESULTS, (int64_t)api->max_jobs, &max));
	TRY(json_want_array(body, "holds", LIMIT_RESULTS, &list));
	holds = arena_array(a, json_count(list) + 1, sizeof(*holds));
	for (; ask->nholds < json_count(list); ask->nholds++)
		TRY(json_need_id(json_at(list, ask->nholds), "request", &holds[ask->nholds]));
	ask->holds = holds;
	ask->alone = json_true(json_get(body, "alone"));
	ask->max = max < api->max_jobs ? (size_t)max : api->max_jobs;
	return OK;
}

/* A job that cannot be written is put off with its fault: others must not wait for it. */
static err_t
give_job(
    struct api *api, struct arena *a, const struct connector *c, const struct job *j, json *jobs)
{
	struct job_result res = {
		.request = j->request, .fence = j->fence, .outcome = JOB_MISCONFIGURED
	};
	struct err_report rep;
	json *job = NULL;
	err_t e = job_json(api, a, j, &job);

	if (err_ok(e)) {
		json_add(jobs, job);
		return OK;
	}
	if (!err_is(e, ERR_UNSUPPORTED) && !err_is(e, ERR_MALFORMED) && !err_is(e, ERR_TOO_LARGE))
		return e;
	err_take(e, &rep);
	res.fault = err_info(rep.code)->id;
	res.detail = arena_strdup(a, rep.detail);
	return job_finish(api->store, a, c, &res);
}

/* What a device asks in vain is said to it; it does not hold up the others. */
static err_t
give_message(
    struct api *api, struct arena *a, const struct connector *c, const struct relay *m, json *jobs)
{
	struct err_report rep;
	json *job = NULL;
	err_t e = job_relay_json(api, a, c, m, &job);

	if (err_ok(e)) {
		json_add(jobs, job);
		return OK;
	}
	err_take(e, &rep);
	if (err_info(rep.code)->http >= 500)
		return err_raise(&rep);
	return relay_answer(api->store, a, c, m->id, err_info(rep.code)->http, "text/plain",
	    str_c(arena_printf(a, "%s (%s)\n", err_info(rep.code)->text, err_info(rep.code)->id)));
}

static err_t
post_poll(struct http_req *r)
{
	struct api *api = api_of(r);
	struct arena *a = http_arena(r);
	struct connector *c = http_caller(r);
	auto_json json *body = NULL;
	auto_json json *out = json_object_new();
	json *results = NULL;
	json *answers = json_array_new(), *jobs = json_array_new();
	struct job_asking ask = { .again = !http_first_run(r) };
	struct job *v;
	struct relay *messages;
	struct str text;
	int64_t wait;
	size_t n, nmessages;
	bool news;

	json_set(out, "results", answers);
	json_set(out, "jobs", jobs);
	TRY(json_parse(http_body(r), LIMIT_HTTP_BODY, &body));
	TRY(json_want_int(body, "wait", 0, WAIT_MAX, 0, &wait));
	TRY(check_protocol(body));
	TRY(read_asking(api, a, body, &ask));
	TRY(json_want_array(body, "results", LIMIT_RESULTS, &results));
	TRY(note_facts(api, a, body, c));
	TRY(job_results_take(api, a, c, results, answers));

	TRY(relay_lease(api->store, a, c, ask.max, &messages, &nmessages));
	ask.max -= nmessages;
	TRY(job_lease(api->store, a, c, &ask, api->lease_s, &v, &n));
	TRY(connector_offer(r, c, body, out, &news));
	/* With results it is answered at once: they must not be taken twice, nor kept waiting. */
	if (n == 0 && nmessages == 0 && !news && wait > 0 && json_count(results) == 0 &&
	    !http_late(r)) {
		int64_t until = http_arrived_ms(r) + wait * 1000;

		return http_park(r, TOPIC_QUEUE, STR_EMPTY, until);
	}
	for (size_t i = 0; i < nmessages; i++)
		TRY(give_message(api, a, c, &messages[i], jobs));
	for (size_t i = 0; i < n; i++)
		TRY(give_job(api, a, c, &v[i], jobs));
	json_set_int(out, "protocol", PROTOCOL);
	json_set_int(out, "lease_seconds", api->lease_s);
	json_set_text(out, "server_time", when_text_ms(a, when_now_ms()));
	TRY(json_print(a, out, &text));
	return http_reply(r, 200, "application/json", text);
}

/* A request is about to go to a CA that would issue anew if it were sent again: {"request": id, "fence": n}. Refused, it must
 * not be sent. */
static err_t
post_sending(struct http_req *r)
{
	struct arena *a = http_arena(r);
	auto_json json *body = NULL;
	struct id request;
	int64_t fence;
	err_t e;

	TRY(json_parse(http_body(r), LIMIT_HTTP_BODY, &body));
	TRY(json_need_id(body, "request", &request));
	TRY(json_need_int(body, "fence", 1, INT64_MAX, &fence));
	e = job_sending(api_of(r)->store, a, http_caller(r), request, (uint64_t)fence);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		e = job_device_sending(api_of(r)->store, a, http_caller(r), request);
	}
	TRY(e);
	return http_reply(r, 200, "application/json", LIT("{}"));
}

/* What the CA revoked by itself: {"revoked": [{"order": request id, "serial": hex, "reason": n}]} -> {"changed": n} */
static err_t
post_revoked(struct http_req *r)
{
	struct arena *a = http_arena(r);
	auto_json json *body = NULL;
	auto_json json *out = json_object_new();
	struct revoked_item *v;
	json *list = NULL;
	struct str text;
	int64_t reason;
	size_t n = 0;

	TRY(json_parse(http_body(r), LIMIT_HTTP_BODY, &body));
	TRY(json_want_array(body, "revoked", LIMIT_PAGE, &list));
	v = arena_array(a, json_count(list) + 1, sizeof(*v));
	for (; n < json_count(list); n++) {
		TRY(json_need_id(json_at(list, n), "order", &v[n].request));
		TRY(json_need_text(json_at(list, n), "serial", LIMIT_TEXT, &v[n].serial));
		TRY(json_want_int(json_at(list, n), "reason", 0, 10, 0, &reason));
		v[n].reason = (int)reason;
	}
	TRY(revoked_take(api_of(r)->store, a, http_caller(r), v, n, &n));
	json_set_int(out, "changed", (int64_t)n);
	TRY(json_print(a, out, &text));
	return http_reply(r, 200, "application/json", text);
}

const struct http_route api_connector_routes[] = {
	ROUTE_BODY(
	    POST, "/connector/v1/enrol", PERM_CONNECTOR_ENROL, post_enrol, LIMIT_HTTP_STRANGER),
	ROUTE_BODY(POST, "/connector/v1/renew", PERM_CONNECTOR, post_renew, LIMIT_HTTP_STRANGER),
	ROUTE(POST, "/connector/v1/poll", PERM_CONNECTOR, post_poll),
	ROUTE(GET, "/connector/v1/release/{id}", PERM_CONNECTOR, connector_release_part),
	ROUTE_BODY(
	    POST, "/connector/v1/sending", PERM_CONNECTOR, post_sending, LIMIT_HTTP_STRANGER),
	ROUTE(POST, "/connector/v1/revoked", PERM_CONNECTOR, post_revoked),
	ROUTE(POST, "/connector/v1/pfx/lacking", PERM_CONNECTOR, pfx_post_lacking),
	ROUTE(POST, "/connector/v1/pfx/rewrapped", PERM_CONNECTOR, pfx_post_rewrapped),
	{ 0 },
};
