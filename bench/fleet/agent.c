/* SPDX-License-Identifier: Apache-2.0 */
/* Linux and Android, by doc/agent-protocol.md. */
#include "base/limits.h"
#include "codec/json.h"
#include "fleet.h"
#include "pki/cms.h"
#include "pki/csr.h"
#include "pki/pfx.h"

enum { HELD_MAX = 64, ALIAS_MAX = 128, ANSWER_SLACK_MS = 30000 };

struct held {
	char alias[ALIAS_MAX + 1];
	bool identity;
	char sha256[65];
	when_t not_after;
};

struct agent {
	struct held held[HELD_MAX];
	size_t n;
	json *results; /* to bring to the next check-in */
};

static struct agent *
agent_of(struct device *d)
{
	if (d->state == NULL) {
		d->state = calloc(1, sizeof(struct agent));
		if (d->state == NULL)
			abort();
	}
	return d->state;
}

static err_t
post(struct device *d, struct fiber *f, struct arena *a, const char *path, const json *body,
    int64_t timeout_ms, json **ret)
{
	struct link_ask q = { .method = "POST",
		.url = arena_printf(a, "%s%s", d->fleet->url, path),
		.headers = "Content-Type: application/json\r\n",
		.timeout_ms = timeout_ms };
	struct link_got got;

	TRY(json_print(a, body, &q.body));
	TRY(link_exchange(&d->link, f, a, &q, &got));
	TRY(expect_status(a, &got, 200, path));
	return json_parse(got.body, LIMIT_HTTP_BODY, ret);
}

static json *
facts_of(struct arena *a, const struct device *d)
{
	bool android = d->platform == &platform_android;
	json *f = json_object_new();

	json_set_text(f, "device_name", device_name(a, d));
	json_set_text(f, "os", android ? "Android" : "Debian");
	json_set_text(f, "os_version", android ? "13" : "12");
	json_set_text(f, "manufacturer", "Example");
	json_set_text(f, "model", android ? "Phone" : "Notebook");
	json_set_text(f, "serial", arena_printf(a, "SN-%zu", d->number));
	json_set_text(f, "agent_version", "fleet");
	return f;
}

static err_t
enrol(struct device *d, struct fiber *f)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *msg = json_object_new(), *answer = NULL;
	struct csr_spec spec = { 0 };
	struct dn none = { 0 };
	struct str csr, certificate;
	json *facts = facts_of(a, d);

	TRY(dn_encode(a, &none, &spec.subject));
	TRY(csr_make(a, d->key, &spec, &csr));
	if (d->platform == &platform_android) {
		json_set_text(facts, "platform", "android");
		json_set_text(facts, "mode", "device_owner");
	}
	json_set_int(msg, "protocol", 1);
	json_set_text(msg, "code", d->code);
	json_set_base64(a, msg, "csr", csr);
	json_set(msg, "facts", facts);
	TRY(post(d, f, a, "/agent/v1/enrol", msg, 0, &answer));
	TRY(json_need_base64(a, answer, "certificate", LIMIT_CERT_BYTES, &certificate));
	return device_joined(d, certificate);
}

/* ---- what it holds ---- */

static struct held *
held_find(struct agent *g, const char *alias)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->held[i].alias, alias) == 0)
			return &g->held[i];
	return NULL;
}

static err_t
hold(struct arena *a, struct agent *g, const char *alias, bool identity, struct str der)
{
	auto_cert struct cert *c = NULL;
	struct held *h = held_find(g, alias);

	TRY(cert_parse(der, &c));
	if (h == NULL && g->n == HELD_MAX)
		FAIL(ERR_TOO_LARGE, "more than %d things to hold", HELD_MAX);
	if (h == NULL)
		h = &g->held[g->n++];
	*h = (struct held){ .identity = identity, .not_after = cert_not_after(c) };
	snprintf(h->alias, sizeof(h->alias), "%s", alias);
	snprintf(h->sha256, sizeof(h->sha256), "%s", text_hex(a, str_of(cert_sha256(c), 32)));
	return OK;
}

static void
let_go(struct agent *g, const char *alias)
{
	struct held *h = held_find(g, alias);

	if (h != NULL)
		*h = g->held[--g->n];
}

static json *
inventory_of(struct arena *a, const struct agent *g)
{
	json *list = json_array_new();

	for (size_t i = 0; i < g->n; i++) {
		json *item = json_object_new();

		json_set_text(item, "alias", g->held[i].alias);
		json_set_text(item, "kind", g->held[i].identity ? "identity" : "ca");
		json_set_text(item, "sha256", g->held[i].sha256);
		json_set_bool(item, "has_key", g->held[i].identity);
		json_set_when(a, item, "not_after", g->held[i].not_after);
		json_add(list, item);
	}
	return list;
}

static size_t
identities(const struct agent *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++)
		n += g->held[i].identity;
	return n;
}

/* ---- commands ---- */

struct told {
	struct device *d;
	struct fiber *f;
	struct arena *a;
	struct agent *g;
	const json *command;
	const char *alias;
	json *result;
};

static err_t
install_ca(struct told *t)
{
	struct str der;

	TRY(json_need_base64(t->a, t->command, "der", LIMIT_CERT_BYTES, &der));
	return hold(t->a, t->g, t->alias, false, der);
}

/* What is sealed to the identity is opened, and is what the command says it is. */
static err_t
open_pfx(struct told *t, const char *sha256, struct pfx *ret)
{
	struct str pfx, password;
	uint8_t hash[32];

	TRY(json_need_base64(t->a, t->command, "pfx", LIMIT_HTTP_BODY, &pfx));
	TRY(json_need_base64(t->a, t->command, "password", LIMIT_HTTP_BODY, &password));
	TRY(cms_open(t->a, t->d->identity, t->d->key, pfx, &pfx));
	TRY(cms_open(t->a, t->d->identity, t->d->key, password, &password));
	TRY(pfx_open(t->a, pfx, arena_cstr(t->a, password), ret));
	hash_sha256(ret->leaf, hash);
	if (strcmp(text_hex(t->a, STR(hash)), sha256) != 0)
		FAIL(ERR_LEAF_MISMATCH, "not the certificate that the command names");
	return OK;
}

static err_t
install_identity(struct told *t)
{
	auto_pfx struct pfx pfx = { 0 };
	const char *sha256;
	struct held *h;

	TRY(json_need_text(t->command, "sha256", 64, &sha256));
	if (t->d->fleet->open) {
		TRY(open_pfx(t, sha256, &pfx));
		return hold(t->a, t->g, t->alias, true, pfx.leaf);
	}
	h = held_find(t->g, t->alias);
	if (h == NULL && t->g->n == HELD_MAX)
		FAIL(ERR_TOO_LARGE, "more than %d things to hold", HELD_MAX);
	if (h == NULL)
		h = &t->g->held[t->g->n++];
	*h = (struct held){ .identity = true, .not_after = when_now() + 86400 };
	snprintf(h->alias, sizeof(h->alias), "%s", t->alias);
	snprintf(h->sha256, sizeof(h->sha256), "%s", sha256);
	return OK;
}

static err_t
scep_request(struct told *t, struct key *key, struct scep_order *ret)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} usages[] = { { "digitalSignature", 0x80 }, { "nonRepudiation", 0x40 },
		{ "keyEncipherment", 0x20 }, { "dataEncipherment", 0x10 } };
	struct csr_spec spec = { 0 };
	json *ekus, *usage, *urls;
	const char **v;

	TRY(json_need_array(t->command, "urls", 16, &urls));
	TRY(json_need_text(t->command, "challenge", 64, &spec.challenge));
	TRY(json_need_base64(t->a, t->command, "subject", LIMIT_HTTP_BODY, &spec.subject));
	TRY(json_want_base64(t->a, t->command, "san", LIMIT_HTTP_BODY, &spec.san));
	TRY(json_want_array(t->command, "ekus", LIMIT_EKUS, &ekus));
	TRY(json_want_array(t->command, "key_usage", COUNT(usages), &usage));
	v = arena_array(t->a, json_count(ekus) + 1, sizeof(*v));
	for (size_t i = 0; i < json_count(ekus); i++)
		v[spec.nekus++] = json_text(json_at(ekus, i));
	spec.ekus = v;
	for (size_t i = 0; i < json_count(usage); i++)
		for (size_t k = 0; k < COUNT(usages); k++)
			if (strcmp(usages[k].name, json_text(json_at(usage, i))) == 0)
				spec.key_usage |= usages[k].bit;
	*ret = (struct scep_order){
		.url = json_text(json_at(urls, 0)), .key = key, .subject = spec.subject
	};
	return csr_make(t->a, key, &spec, &ret->csr);
}

static err_t
enrol_scep(struct told *t)
{
	struct scep_order order;
	struct str leaf;

	TRY(scep_request(
	    t, fleet_key(t->d->fleet, str_c(json_text(json_get(t->command, "id")))), &order));
	TRY(scep_order(t->d, t->f, t->a, &order, &leaf));
	TRY(hold(t->a, t->g, t->alias, true, leaf));
	json_set_base64(t->a, t->result, "certificate", leaf);
	return OK;
}

static err_t
take_away(struct told *t)
{
	let_go(t->g, t->alias);
	return OK;
}

static err_t
do_command(struct told *t)
{
	static const struct {
		const char *kind;
		err_t (*run)(struct told *t);
	} kinds[] = {
		{ "install_ca", install_ca },
		{ "install_identity", install_identity },
		{ "enrol_scep", enrol_scep },
		{ "remove_ca", take_away },
		{ "remove_identity", take_away },
	};
	const char *kind;

	TRY(json_need_text(t->command, "kind", 64, &kind));
	TRY(json_need_text(t->command, "alias", ALIAS_MAX, &t->alias));
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return kinds[i].run(t);
	FAIL(ERR_UNSUPPORTED, "%s", kind);
}

/* As doc/agent-protocol.md has it: what would work later costs nobody a certificate. */
static void
say_failed(struct told *t, err_t e)
{
	bool later = fleet_passing(e);

	json_set_text(t->result, "status", later ? "not_now" : "error");
	json_set_text(t->result, "code", later ? "scep_network" : err_info(e.code)->id);
	/* What the end of a step broke off is nobody's failure. */
	if (later && atomic_load(&t->d->fleet->stop))
		err_forget(e);
	else
		fleet_failed(t->d->fleet, t->d, e);
}

static void
obey(struct device *d, struct fiber *f, struct arena *a, const json *command)
{
	struct agent *g = agent_of(d);
	struct told t = { d, f, a, g, command, "", json_object_new() };
	err_t e = do_command(&t);

	json_set_text(t.result, "id", json_text(json_get(command, "id")));
	if (err_ok(e))
		json_set_text(t.result, "status", "ok");
	else
		say_failed(&t, e);
	json_add(g->results, t.result);
	atomic_fetch_add(&d->fleet->commands, 1);
}

static err_t
checkin(struct device *d, struct fiber *f, int64_t wait, bool *ret_did)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *msg = json_object_new(), *answer = NULL;
	struct agent *g = agent_of(d);
	json *commands;

	/* Results are brought at once, so that it is known when they arrived. */
	if (json_count(g->results) > 0)
		wait = 0;
	json_set_int(msg, "protocol", 1);
	json_set_int(msg, "wait", wait);
	json_set(msg, "facts", facts_of(a, d));
	json_set(msg, "inventory", inventory_of(a, g));
	if (g->results != NULL)
		json_set(msg, "results", json_ref(g->results));
	TRY(post(d, f, a, "/agent/v1/checkin", msg, wait * 1000 + ANSWER_SLACK_MS, &answer));
	json_free(g->results);
	g->results = json_array_new();
	device_holds(d, identities(g));
	TRY(json_need_array(answer, "commands", LIMIT_INVENTORY * 2, &commands));
	for (size_t i = 0; i < json_count(commands); i++)
		obey(d, f, a, json_at(commands, i));
	*ret_did = json_count(commands) > 0;
	return OK;
}

static err_t
leave(struct device *d, struct fiber *f)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *msg = json_object_new(), *answer = NULL;
	bool did;
	err_t e;

	json_set_int(msg, "protocol", 1);
	TRY(post(d, f, a, "/agent/v1/unenrol", msg, 0, &answer));
	agent_of(d)->n = 0;
	/* The last one: it is refused, as nothing is left there. */
	e = checkin(d, f, 0, &did);
	if (!err_is(e, ERR_HTTP_STATUS))
		TRY(e);
	err_forget(e);
	device_holds(d, 0);
	return OK;
}

static void
forget(struct device *d)
{
	struct agent *g = d->state;

	if (g != NULL)
		json_free(g->results);
	free(g);
	d->state = NULL;
}

const struct platform platform_linux = { "linux", enrol, checkin, leave, forget, true };
const struct platform platform_android = { "android", enrol, checkin, leave, forget, true };
