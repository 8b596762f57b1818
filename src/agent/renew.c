/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's own identity: its key, and its renewal when two thirds of its life are over.
 *
 *   1. a key under the other of two names (state_dir/identity.pem, identity-b.pem, or two labels in the token)
 *   2. the service has a certificate issued for it; our present one stays good until the new one is used
 *   3. enrolment.json is replaced whole: it names the new key and certificate, and the former ones
 *
 * Killed before 3 all is as it was, and a later attempt begins anew; after 3 the next check-in uses the new one, and from
 * then on the service knows no other. The former pair opens what was sealed to it in the meantime; the next renewal
 * replaces it.
 *
 * The clock of the device may be wrong. A new identity that looks old at once would be renewed for ever; so enrolment.json says
 * when by this very clock the identity came, and until a third of its life has gone by since then there is no other.
 */
#include "agent/agent.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/when.h"
#include "pki/csr.h"

#define TIMEOUT_MS 60000

static const char *const names[] = { "identity", "identity-b" };

static const char *
other_name(const struct agent *g)
{
	return str_eq_c(str_c(g->key_name), names[0]) ? names[1] : names[0];
}

static const char *
label_of(struct arena *a, const char *name)
{
	return arena_printf(a, "chancery-%s", name);
}

static const char *
file_of(struct arena *a, const struct agent *g, const char *name)
{
	return arena_printf(a, "%s/%s.pem", g->conf->state_dir, name);
}

static err_t
key_open(const struct agent *g, const char *name, struct key **ret)
{
	if (g->token != NULL)
		return token_key(g->token, label_of(g->arena, name), KEY_RSA_2048, ret);
	return key_file(g->arena, file_of(g->arena, g, name), KEY_RSA, KEY_RSA_2048, ret);
}

static err_t
key_destroy(const struct agent *g, struct arena *a, const char *name)
{
	if (g->token != NULL)
		return token_remove(g->token, label_of(a, name));
	return file_remove(file_of(a, g, name));
}

static err_t
known_name(struct arena *a, const char *name, const char **ret)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		if (!str_eq_c(str_c(name), names[i]))
			continue;
		*ret = names[i];
		return OK;
	}
	FAIL(ERR_BAD_REQUEST, "\"key\": there is no key %s", text_safe(a, str_c(name)));
}

/* What enrolment.json says; the first name when there is none. */
static err_t
name_read(struct agent *g, const char *path)
{
	auto_json json *j = NULL;
	const char *name = NULL;
	struct str text;

	g->key_name = names[0];
	if (!file_exists(path))
		return OK;
	TRY(file_read(g->arena, path, LIMIT_IPC_MESSAGE, &text));
	TRY_CTX(json_parse(text, LIMIT_IPC_MESSAGE, &j), "%s", path);
	TRY_CTX(json_want_text(j, "key", LIMIT_TEXT, &name), "%s", path);
	return name == NULL ? OK : known_name(g->arena, name, &g->key_name);
}

err_t
agent_key_open(struct agent *g)
{
	TRY(name_read(g, arena_printf(g->arena, "%s/enrolment.json", g->conf->state_dir)));
	return key_open(g, g->key_name, &g->key);
}

err_t
agent_keys_remove(const struct agent *g, struct arena *a)
{
	for (size_t i = 0; i < COUNT(names); i++)
		TRY(key_destroy(g, a, names[i]));
	return OK;
}

static err_t
former_load(struct agent *g, const json *enrolment)
{
	auto_cert struct cert *cert = NULL;
	auto_key struct key *certified = NULL;
	auto_key struct key *key = NULL;
	struct str der;
	json *former;

	TRY(json_need_object(enrolment, "former", &former));
	TRY(json_need_base64(g->arena, former, "certificate", LIMIT_CERT_BYTES, &der));
	TRY(cert_parse(der, &cert));
	TRY(cert_key(cert, &certified));
	/* Only if it is there: key_open() would make one. */
	if (g->token != NULL)
		TRY(token_find(g->token, label_of(g->arena, other_name(g)), &key));
	else if (file_exists(file_of(g->arena, g, other_name(g))))
		TRY(key_open(g, other_name(g), &key));
	if (key == NULL || !key_same_public(key, certified))
		FAIL(ERR_KEY_MISMATCH, "former identity");
	g->former = steal(cert);
	g->former_key = steal(key);
	return OK;
}

void
agent_former_load(struct agent *g, const json *enrolment)
{
	err_t e;

	if (json_get(enrolment, "former") == NULL)
		return;
	/* Without it what was sealed before the renewal is delivered again, no more. */
	e = former_load(g, enrolment);
	err_forget(e);
}

bool
agent_renewal_due(const struct agent *g)
{
	when_t from = cert_not_before(g->identity), to = cert_not_after(g->identity);
	when_t now = when_now(), third = (to - from) / 3;

	if (now >= g->obtained && now - g->obtained < third)
		return false;
	return now >= from + third * 2;
}

bool
agent_identity_over(const struct agent *g)
{
	return g->identity != NULL && when_now() >= cert_not_after(g->identity);
}

err_t
agent_renewal_begin(struct agent *g, struct key **ret)
{
	/* A former key or one that a kill left there ends here: no key is certified twice. */
	TRY(key_destroy(g, g->arena, other_name(g)));
	return key_open(g, other_name(g), ret);
}

static json *
former_of(const struct agent *g)
{
	json *former = json_object_new();

	json_set_base64(g->arena, former, "certificate", cert_der(g->identity));
	json_set_text(former, "key", g->key_name);
	return former;
}

err_t
agent_renewal_take(struct agent *g, struct key *key, json *answer)
{
	struct agent next = { .conf = g->conf,
		.arena = g->arena,
		.token = g->token,
		.key = key,
		.key_name = other_name(g) };
	const char *id;
	struct str text;

	TRY(json_need_text(answer, "device_id", LIMIT_TEXT, &id));
	if (!str_eq_c(str_c(id), g->device_id))
		FAIL(
		    ERR_BAD_REQUEST, "the answer is for device %s", text_safe(g->arena, str_c(id)));
	TRY(agent_answer_check(&next, g->arena, answer));
	json_set_text(answer, "key", other_name(g));
	json_set(answer, "former", former_of(g));
	json_set_text(answer, "obtained", when_text(g->arena, when_now()));
	TRY(json_print_pretty(g->arena, answer, &text));
	TRY(agent_enrolment_read(&next, text));
	cert_free(next.former); /* g has them open already */
	key_free(next.former_key);
	/* The service spoke with us by one that is over by our clock: then it is the clock. */
	if (agent_identity_over(&next) && !agent_identity_over(g)) {
		cert_free(next.identity);
		FAIL(ERR_EXPIRED, "the renewed identity certificate");
	}
	TRY(file_write(
	    arena_printf(g->arena, "%s/enrolment.json", g->conf->state_dir), text, 0600));
	cert_free(g->former);
	key_free(g->former_key);
	g->former = g->identity;
	g->former_key = g->key;
	g->key_name = other_name(g);
	g->identity = next.identity;
	g->obtained = next.obtained;
	g->key = key;
	g->tls = next.tls;
	return OK;
}

static err_t
ask(const struct agent *g, struct arena *a, const struct key *key, json **ret)
{
	auto_fetch struct fetch *f = NULL;
	auto_json json *msg = json_object_new();
	struct csr_spec spec = { .key_usage = 0xA0 };
	struct str csr;

	TRY(csr_make(a, key, &spec, &csr));
	json_set_int(msg, "protocol", 1);
	json_set_base64(a, msg, "csr", csr);
	TRY(fetch_new(&g->tls, &f));
	return agent_post(g, f, a, "/agent/v1/renew", msg, TIMEOUT_MS, ret);
}

err_t
agent_renew(struct agent *g)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *key = NULL;
	auto_json json *answer = NULL;

	TRY(agent_renewal_begin(g, &key));
	TRY(ask(g, a, key, &answer));
	TRY(agent_renewal_take(g, key, answer));
	(void)steal(key);
	return OK;
}
