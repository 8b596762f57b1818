/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: report, wait for commands, do them, report again.
 *
 * A command is done once whatever happens: what is on the disk already is answered with ok. After a kill in the middle the
 * next report shows what was reached, and the service sends what is missing.
 */
#include "agent/agent.h"
#include "agent/consumer.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"

#include <poll.h>

#define WAIT_S 50
#define TIMEOUT_MS ((WAIT_S + 20) * 1000)
#define BACKOFF_MIN_MS 200
#define BACKOFF_MAX_MS 60000
#define RENEW_AGAIN_MS (5 * 60 * 1000) /* between attempts to renew the identity */

struct task {
	const json *command;
	const char *alias;
};

static err_t
do_install_ca(const struct agent *g, struct arena *a, const struct task *t, struct outcome *ret)
{
	struct str der;

	(void)ret;
	TRY(json_need_base64(a, t->command, "der", LIMIT_CERT_BYTES, &der));
	return trust_install(g, a, t->alias, der);
}

static err_t
do_install_identity(
    const struct agent *g, struct arena *a, const struct task *t, struct outcome *ret)
{
	struct sealed_pair sealed;
	const char *hex, *name;

	(void)ret;
	TRY(json_need_base64(a, t->command, "pfx", LIMIT_CMS_BYTES, &sealed.pfx));
	TRY(json_need_base64(a, t->command, "password", LIMIT_CMS_BYTES, &sealed.password));
	TRY(json_need_text(t->command, "sha256", 64, &hex));
	TRY(text_unhex(a, str_c(hex), &sealed.sha256));
	TRY(json_want_text(t->command, "name", LIMIT_TEXT, &name));
	return identity_install(g, a, t->alias, &sealed, name == NULL ? "" : name);
}

static err_t
do_enrol_scep(const struct agent *g, struct arena *a, const struct task *t, struct outcome *ret)
{
	return enrol_scep(g, a, t->alias, t->command, ret);
}

static err_t
do_enrol_est(const struct agent *g, struct arena *a, const struct task *t, struct outcome *ret)
{
	return enrol_est(g, a, t->alias, t->command, ret);
}

static err_t
do_remove_ca(const struct agent *g, struct arena *a, const struct task *t, struct outcome *ret)
{
	(void)ret;
	return trust_remove(g, a, t->alias);
}

static err_t
do_remove_identity(
    const struct agent *g, struct arena *a, const struct task *t, struct outcome *ret)
{
	(void)ret;
	return identity_remove(g, a, t->alias);
}

static err_t
do_install_network(
    const struct agent *g, struct arena *a, const struct task *t, struct outcome *ret)
{
	(void)ret;
	return network_install(g, a, t->alias, t->command);
}

static err_t
do_remove_network(const struct agent *g, struct arena *a, const struct task *t, struct outcome *ret)
{
	(void)ret;
	return network_remove(g, a, t->alias);
}

static const struct {
	const char *kind;
	err_t (*run)(
	    const struct agent *g, struct arena *a, const struct task *t, struct outcome *ret);
} kinds[] = {
	{ "install_ca", do_install_ca },
	{ "install_identity", do_install_identity },
	{ "enrol_scep", do_enrol_scep },
	{ "enrol_est", do_enrol_est },
	{ "remove_ca", do_remove_ca },
	{ "remove_identity", do_remove_identity },
	{ "install_network", do_install_network },
	{ "remove_network", do_remove_network },
};

err_t
agent_command(const struct agent *g, struct arena *a, const json *c, struct outcome *ret)
{
	struct task t = { .command = c };
	struct outcome o = { 0 };
	const char *kind;

	TRY(json_need_text(c, "kind", 64, &kind));
	if (str_eq_c(str_c(kind), "wipe")) {
		TRY(agent_wipe_begin(g, a));
		*ret = o;
		return OK;
	}
	TRY(json_need_text(c, "alias", LIMIT_TEXT, &t.alias));
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (str_eq_c(str_c(kind), kinds[i].kind)) {
			TRY(kinds[i].run(g, a, &t, &o));
			*ret = o;
			return OK;
		}
	FAIL(ERR_UNSUPPORTED, "command %s", text_safe(a, str_c(kind)));
}

/* What may be better in a minute, and costs nobody a certificate meanwhile. */
static bool
is_passing(const struct err_report *rep)
{
	return rep->code == ERR_UNREACHABLE || rep->code == ERR_TIMEOUT || rep->code == ERR_TLS ||
	    rep->code == ERR_HTTP_STATUS;
}

static const char *
status_of(const struct err_report *rep, const struct outcome *o)
{
	if (rep->code == ERR_NONE)
		return o->waits != ERR_NONE ? "pending" : "ok";
	return is_passing(rep) ? "not_now" : "error";
}

static json *
result_of(struct arena *a, const json *c, err_t e, const struct outcome *o)
{
	json *result = json_object_new();
	struct err_report rep;
	const char *code = "", *detail = rep.detail;

	err_take(e, &rep);
	if (rep.code != ERR_NONE)
		code = err_info(rep.code)->id;
	else if (o->waits != ERR_NONE)
		code = err_info(o->waits)->id;
	if (rep.code == ERR_NONE && o->detail != NULL)
		detail = o->detail;
	json_set_text(result, "id", json_text(json_get(c, "id")));
	json_set_text(result, "status", status_of(&rep, o));
	if (rep.code == ERR_NONE && o->leaf.n > 0)
		json_set_base64(a, result, "certificate", o->leaf);
	json_set_text(result, "code", code);
	json_set_text(result, "detail", text_safe(a, str_c(detail)));
	if (rep.code == ERR_NONE)
		log_event(LOG_LEVEL_INFO, o->waits != ERR_NONE ? "waits" : "done", "command",
		    json_text(json_get(c, "kind")), "alias", json_text(json_get(c, "alias")), NULL);
	else
		log_report("command failed", &rep);
	return result;
}

err_t
agent_report(const struct agent *g, struct fetch *f, struct arena *a, const json *results, int wait,
    json **ret)
{
	auto_json json *msg = json_object_new();
	json *inventory = json_array_new();

	json_set_int(msg, "protocol", 1);
	json_set(msg, "facts", agent_facts(a, g));
	json_set(msg, "inventory", inventory);
	TRY(trust_inventory(g, a, inventory));
	TRY(identity_inventory(g, a, inventory));
	TRY(network_inventory(g, a, inventory));
	json_set(msg, "results", json_ref((json *)(uintptr_t)results));
	json_set_bool(msg, "wipe", g->conf->wipe);
	json_set_int(msg, "wait", wait);
	return agent_post(g, f, a, "/agent/v1/checkin", msg, TIMEOUT_MS, ret);
}

static json *
run_command(const struct agent *g, struct arena *a, const json *c)
{
	struct outcome o = { 0 };
	err_t e = agent_command(g, a, c, &o);

	return result_of(a, c, e, &o);
}

/* One turn. *results: what is to be brought, replaced by what came of the new commands. *did: how many those were. */
static err_t
turn(const struct agent *g, struct fetch *f, int wait, json **results, size_t *did)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *answer = NULL;
	json *commands;

	if (wait > 0 && json_count(*results) == 0)
		idle_trim(a);
	TRY(agent_report(g, f, a, *results, wait, &answer));
	TRY(json_need_array(answer, "commands", LIMIT_RESULTS, &commands));
	json_free(*results);
	*results = json_array_new();
	for (size_t i = 0; i < json_count(commands); i++) {
		const json *c = json_at(commands, i);

		json_add(*results, run_command(g, a, c));
	}
	*did = json_count(commands);
	return OK;
}

/* Pauses between half and all of the time, so that a thousand agents do not come back in one moment; never less than the
 * service asked for. */
static void
back_off(int64_t *ms, int64_t asked_ms, volatile sig_atomic_t *stop)
{
	uint32_t r;
	int64_t until;

	*ms = *ms == 0 ? BACKOFF_MIN_MS : 2 * *ms;
	if (*ms > BACKOFF_MAX_MS)
		*ms = BACKOFF_MAX_MS;
	rand_bytes(&r, sizeof(r));
	until = when_mono_ms() + asked_ms + *ms / 2 + r % (*ms / 2 + 1);
	while (!*stop && when_mono_ms() < until)
		poll(NULL, 0, 50);
}

/* Before each report, which says how things are until this has worked. One look into a folder when all is settled. */
static void
make_good(const struct agent *g)
{
	auto_arena struct arena *a = arena_new();
	err_t e = trust_settle(g, a);
	size_t failed;

	if (!err_ok(e))
		log_error("trust store", e);
	e = consumers_sync(g, a, false, &failed);
	if (!err_ok(e))
		log_error("what uses certificates", e);
}

/* In time, and with the old one still good; what fails is tried again. */
static err_t
keep_identity(struct agent *g, struct fetch **f, int64_t *next_ms, volatile sig_atomic_t *stop)
{
	struct fetch *fresh;
	err_t e;

	if (!agent_renewal_due(g) || when_mono_ms() < *next_ms)
		return OK;
	*next_ms = when_mono_ms() + RENEW_AGAIN_MS;
	e = agent_renew(g);
	if (!err_ok(e)) {
		log_error("renewal of the identity", e);
		return OK;
	}
	log_event(
	    LOG_LEVEL_INFO, "identity renewed", "certificate", cert_serial(g->identity), NULL);
	TRY(fetch_new(&g->tls, &fresh));
	fetch_watch(fresh, stop);
	fetch_free(*f);
	*f = fresh;
	return OK;
}

err_t
agent_run(struct agent *g, bool once, volatile sig_atomic_t *stop)
{
	auto_fetch struct fetch *f = NULL;
	auto_json json *results = json_array_new();
	int64_t pause = 0, renew_ms = INT64_MIN;
	size_t did;

	if (g->device_id == NULL)
		FAIL(ERR_NOT_JOINED, "no enrolment in %s", g->conf->state_dir);
	TRY(fetch_new(&g->tls, &f));
	fetch_watch(f, stop);
	log_event(LOG_LEVEL_INFO, "ready", "device", g->device_id, "service", g->conf->url, NULL);
	while (!*stop) {
		err_t e;

		make_good(g);
		TRY(keep_identity(g, &f, &renew_ms, stop));
		e = turn(g, f, once ? 0 : WAIT_S, &results, &did);
		if (err_ok(e)) {
			pause = 0;
			if (once && did == 0)
				return OK;
			continue;
		}
		if (err_is(e, ERR_DEVICE_WIPED) && g->conf->wipe) {
			err_forget(e);
			log_event(LOG_LEVEL_INFO, "wiped", "device", g->device_id, NULL);
			return agent_wipe_end(g);
		}
		if (once)
			return e;
		if (*stop) {
			err_forget(e);
			break;
		}
		log_error("check-in", e);
		back_off(&pause, fetch_retry_s(f) * 1000, stop);
	}
	return OK;
}
