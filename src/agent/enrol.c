/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining and leaving the service. The key is made first and kept, so an enrolment that was cut off is repeated with the
 * same code and the same key and ends as one device.
 */
#include "agent/agent.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
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
	TRY_CTX(text_unpem(a, pem, "CERTIFICATE", v, LIMIT_CHAIN_CERTS, &ret->nanchors), "%s", g->conf->trust);
	ret->anchors = v;
	return OK;
}

static err_t
post(struct fetch *f, struct arena *a, const char *url, const json *msg, json **ret)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	struct fetch_reply rep;
	struct str text;

	TRY(json_print(a, msg, &text));
	TRY(fetch_run(f, a, "POST", url, headers, text, TIMEOUT_MS, &rep));
	if (rep.status != 200)
		FAIL(ERR_HTTP_STATUS, "%s answered %d: %s", url, rep.status, text_safe(a, rep.body));
	return json_parse(rep.body, LIMIT_HTTP_REPLY, ret);
}

/* The certificate we were given must be for our key and chain to a root that we were given. */
static err_t
check_answer(const struct agent *g, struct arena *a, const json *answer)
{
	auto_cert struct cert *cert = NULL;
	auto_key struct key *certified = NULL;
	const char *id;
	struct str der;
	json *roots;

	TRY(json_need_text(answer, "device_id", LIMIT_TEXT, &id));
	TRY(json_need_base64(a, answer, "certificate", LIMIT_CERT_BYTES, &der));
	TRY(json_need_array(answer, "roots", LIMIT_CHAIN_CERTS, &roots));
	TRY(cert_parse(der, &cert));
	TRY(cert_key(cert, &certified));
	if (!key_same_public(g->key, certified))
		FAIL(ERR_KEY_MISMATCH, "identity certificate of device %s", id);
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

	if (g->device_id != NULL)
		FAIL(ERR_JOINED, "device %s", g->device_id);
	TRY(trust_for_enrolment(g, a, &tls));
	/* No name: the service says what we are called. */
	TRY(csr_make(a, g->key, &spec, &csr));
	json_set_int(msg, "protocol", 1);
	json_set_text(msg, "code", code);
	json_set_base64(a, msg, "csr", csr);
	json_set(msg, "facts", agent_facts(a, g));
	TRY(fetch_new(&tls, &f));
	TRY(post(f, a, arena_printf(a, "%s/agent/v1/enrol", g->conf->url), msg, &answer));
	TRY(check_answer(g, a, answer));
	TRY(json_print_pretty(a, answer, &text));
	return file_create(arena_printf(a, "%s/enrolment.json", g->conf->state_dir), text, 0600);
}

/* Everything that was delivered goes, then the enrolment. */
err_t
agent_unenrol(struct agent *g)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *msg = json_object_new();
	auto_json json *answer = NULL;
	auto_json json *list = json_array_new();
	auto_fetch struct fetch *f = NULL;

	if (g->device_id == NULL)
		FAIL(ERR_NOT_JOINED, "no enrolment in %s", g->conf->state_dir);
	TRY(fetch_new(&g->tls, &f));
	TRY(post(f, a, arena_printf(a, "%s/agent/v1/unenrol", g->conf->url), msg, &answer));
	TRY(trust_inventory(g, a, list));
	TRY(identity_inventory(g, a, list));
	for (size_t i = 0; i < json_count(list); i++) {
		const json *item = json_at(list, i);
		const char *alias = json_text(json_get(item, "alias"));

		if (str_eq_c(str_c(json_text(json_get(item, "kind"))), "ca"))
			TRY(trust_remove(g, a, alias));
		else
			TRY(identity_remove(g, a, alias));
	}
	return file_remove(arena_printf(a, "%s/enrolment.json", g->conf->state_dir));
}
