/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining and leaving the service. The key is made first and kept, so an enrolment that was cut off is repeated with the
 * same code and the same key and ends as one device.
 */
#include "agent/agent.h"
#include "agent/consumer.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/when.h"
#include "codec/oid.h"
#include "pki/csr.h"

#define TIMEOUT_MS 60000

static err_t
trust_for_enrolment(const struct agent *g, struct arena *a, struct tls_client_conf *ret)
{
	struct str *v = arena_array(a, LIMIT_CHAIN_CERTS, sizeof(*v));
	struct str pem;

	if (g->conf->trust[0] == '\0')
		return OK;
	TRY(file_read(a, g->conf->trust, LIMIT_CHAIN_CERTS * LIMIT_CERT_BYTES, &pem));
	TRY_CTX(text_unpem(a, pem, "CERTIFICATE", v, LIMIT_CHAIN_CERTS, &ret->nanchors), "%s",
	    g->conf->trust);
	ret->anchors = v;
	return OK;
}

/* The path is looked at as of the certificate's own beginning: the clock of a new device may be wrong. */
err_t
agent_answer_check(const struct agent *g, struct arena *a, const json *answer)
{
	auto_cert struct cert *cert = NULL;
	auto_key struct key *certified = NULL;
	const struct str *chain, *roots;
	size_t nchain, nroots;
	struct str der;
	const char *id;

	TRY(json_need_text(answer, "device_id", LIMIT_TEXT, &id));
	TRY(json_need_base64(a, answer, "certificate", LIMIT_CERT_BYTES, &der));
	TRY(agent_certs_read(a, answer, "chain", &chain, &nchain));
	TRY(agent_certs_read(a, answer, "roots", &roots, &nroots));
	TRY(cert_parse(der, &cert));
	TRY(cert_key(cert, &certified));
	if (!key_same_public(g->key, certified))
		FAIL(
		    ERR_KEY_MISMATCH, "identity certificate of device %s", text_safe(a, str_c(id)));
	TRY_CTX(cert_verify_path(
		    cert, chain, nchain, roots, nroots, OID_EKU_CLIENT_AUTH, cert_not_before(cert)),
	    "identity certificate of device %s", text_safe(a, str_c(id)));
	return OK;
}

err_t
agent_enrol(struct agent *g, const char *code)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *msg = json_object_new();
	auto_json json *answer = NULL;
	auto_fetch struct fetch *f = NULL;
	struct tls_client_conf tls = { 0 };
	struct csr_spec spec = { .key_usage = 0xA0 };
	struct str csr, text;

	/* Who slept through the end of its identity comes back with a code, as a new device that holds what it held. */
	if (g->device_id != NULL && !agent_identity_over(g))
		FAIL(ERR_JOINED, "device %s", g->device_id);
	TRY(trust_for_enrolment(g, a, &tls));
	/* No name: the service says what we are called. */
	TRY(csr_make(a, g->key, &spec, &csr));
	json_set_int(msg, "protocol", 1);
	json_set_text(msg, "code", code);
	json_set_base64(a, msg, "csr", csr);
	json_set(msg, "facts", agent_facts(a, g));
	TRY(fetch_new(&tls, &f));
	TRY(agent_post(g, f, a, "/agent/v1/enrol", msg, TIMEOUT_MS, &answer));
	TRY(agent_answer_check(g, a, answer));
	json_set_text(answer, "key", g->key_name);
	json_set_text(answer, "obtained", when_text(a, when_now()));
	TRY(json_print_pretty(a, answer, &text));
	return file_write(arena_printf(a, "%s/enrolment.json", g->conf->state_dir), text, 0600);
}

/* What is held goes, and with it what uses it. */
static err_t
let_go(const struct agent *g, struct arena *a)
{
	size_t failed;

	TRY(network_remove_all(g, a));
	TRY(trust_remove_all(g, a));
	TRY(identity_remove_all(g, a));
	TRY(consumers_sync(g, a, true, &failed));
	if (failed > 0)
		FAIL(ERR_AGENT_LEFTOVER, "%zu of what uses certificates; see the log", failed);
	return OK;
}

err_t
agent_forget(const struct agent *g, struct arena *a)
{
	TRY(let_go(g, a));
	TRY(consumers_forget(g, a));
	TRY(file_remove(arena_printf(a, "%s/enrolment.json", g->conf->state_dir)));
	return agent_keys_remove(g, a);
}

static bool
is_unknown_there(err_t e)
{
	return err_is(e, ERR_DEVICE_RETIRED) || err_is(e, ERR_DEVICE_WIPED) ||
	    err_is(e, ERR_DEVICE_UNKNOWN) || err_is(e, ERR_IDENTITY_OVER);
}

/* A service that does not know us any more, or does not take our word since our identity is over, has nothing to be told. */
static err_t
say_goodbye(const struct agent *g, struct arena *a)
{
	auto_json json *msg = json_object_new();
	auto_json json *answer = NULL;
	auto_fetch struct fetch *f = NULL;
	err_t e;

	json_set_int(msg, "protocol", 1);
	TRY(fetch_new(&g->tls, &f));
	e = agent_post(g, f, a, "/agent/v1/unenrol", msg, TIMEOUT_MS, &answer);
	if (is_unknown_there(e)) {
		err_forget(e);
		return OK;
	}
	return e;
}

/* The last check-in: nothing of the service's is here. It answers that it does not know us any more. */
static err_t
say_empty(const struct agent *g, struct arena *a)
{
	auto_json json *results = json_array_new();
	auto_json json *answer = NULL;
	auto_fetch struct fetch *f = NULL;
	err_t e;

	TRY(fetch_new(&g->tls, &f));
	e = agent_report(g, f, a, results, 0, &answer);
	if (is_unknown_there(e)) {
		err_forget(e);
		return OK;
	}
	return e;
}

/* Cut off anywhere it can be done again: the enrolment is what goes last. */
err_t
agent_unenrol(struct agent *g)
{
	auto_arena struct arena *a = arena_new();

	if (g->device_id == NULL)
		FAIL(ERR_NOT_JOINED, "no enrolment in %s", g->conf->state_dir);
	TRY(say_goodbye(g, a));
	TRY(let_go(g, a));
	TRY(say_empty(g, a));
	return agent_forget(g, a);
}

err_t
agent_wipe_begin(const struct agent *g, struct arena *a)
{
	if (!g->conf->wipe)
		FAIL(ERR_DEVICE_NO_WIPE, "[device] wipe is no");
	return let_go(g, a);
}

err_t
agent_wipe_end(const struct agent *g)
{
	auto_arena struct arena *a = arena_new();
	err_t e = hooks_wipe(g, a);

	TRY(agent_forget(g, a));
	return e;
}
