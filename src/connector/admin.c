/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The administrator's verbs of a connector:
 *
 *   connector.csr, connector.join   see join.c
 *   connector.show                  what this connector is and how it does
 *   connector.metrics               the same as numbers over time (metrics.h)
 *   connector.check                 the self-test (check.h)
 *   connector.set                   which features it serves, the proxies, the secret towards the CA, the service's key
 *   connector.drain                 finishes what it holds and takes nothing more; connector.resume goes on
 *   connector.update.show           where it stands with updates; .begin, .part, .finish: a release by hand (report.h)
 *   pfx....                         import keys: link_pfx.h
 */
#include "base/when.h"
#include "base/limits.h"
#include "base/text.h"
#include "codec/admin_ipc.h"
#include "connector/check.h"
#include "connector/event.h"
#include "connector/job.h"
#include "connector/link_pfx.h"
#include "connector/metrics.h"
#include "connector/report.h"
#include "net/admin.h"

static bool
is_listed(const json *list, const char *text)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (str_eq_c(str_c(json_text(json_at(list, i))), text))
			return true;
	return false;
}

json *
link_features(const struct join *j)
{
	json *list = json_array_new();

	for (size_t i = 0; i < job_kind_count; i++) {
		const char *feature = job_kind_table[i]->feature;

		if ((j == NULL || join_does(j, feature)) && !is_listed(list, feature))
			json_add(list, json_text_new(feature));
	}
	return list;
}

/* Without its log-in. */
static const char *
proxy_shown(struct arena *a, const char *url)
{
	const char *at = strrchr(url, '@');

	return at == NULL ? url : arena_printf(a, "http://%s", at + 1);
}

static void
show_join(struct arena *a, const struct join *j, json *answer)
{
	json *cas = json_array_new();

	json_set_text(answer, "id", j->id);
	json_set_text(answer, "name", j->name);
	json_set_text(answer, "service_url", j->service_url);
	json_set_text(answer, "ca_url", j->ca_url);
	json_set_text(answer, "backend", j->backend);
	json_set_text(answer, "ca_login", join_login_name(j->ca_login));
	if (j->proxy[0] != '\0')
		json_set_text(answer, "proxy", proxy_shown(a, j->proxy));
	if (j->ca_proxy[0] != '\0')
		json_set_text(answer, "ca_proxy", proxy_shown(a, j->ca_proxy));
	for (size_t i = 0; i < j->ncas; i++)
		json_add(cas, json_text_new(j->cas[i]));
	json_set(answer, "cas", cas);
	json_set(answer, "features", link_features(j));
	json_set_when(a, answer, "service_certificate_until", j->service_end);
	json_set_when(a, answer, "ca_certificate_until", j->ca_end);
}

static void
show_desk(struct link *l, json *answer)
{
	struct desk_count n = desk_count(l->desk);

	json_set_bool(answer, "draining", desk_closed(l->desk));
	json_set_int(answer, "waiting", (int64_t)n.waiting);
	json_set_int(answer, "running", (int64_t)n.running);
	json_set_int(answer, "finished", (int64_t)n.done);
}

static err_t
show(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct link *l = ctx;
	const struct join *j;
	struct err_report trouble;
	when_t trouble_at;

	(void)args;
	pthread_mutex_lock(&l->lock);
	j = l->join;
	trouble = l->trouble;
	trouble_at = l->trouble_at;
	pthread_mutex_unlock(&l->lock);
	json_set_bool(answer, "joined", j != NULL);
	json_set_text(answer, "version", l->conf.version);
	json_set_text(answer, "machine", l->machine);
	json_set(answer, "available", link_features(NULL));
	if (j != NULL)
		show_join(a, j, answer);
	json_set_int(answer, "jobs", atomic_load(&l->jobs));
	json_set_int(answer, "failures", atomic_load(&l->failures));
	show_desk(l, answer);
	json_set_when(a, answer, "last_contact", atomic_load(&l->last_contact));
	/* What is wrong with connector/keys is for the self-test to say. */
	err_forget(link_show_keys(l, a, answer));
	if (trouble.code != ERR_NONE) {
		json_set_text(answer, "fault", err_info(trouble.code)->id);
		json_set_text(answer, "detail", text_safe(a, str_c(trouble.detail)));
		json_set_when(a, answer, "fault_time", trouble_at);
	}
	return OK;
}

static err_t
check(void *ctx, struct arena *a, const json *args, json *answer)
{
	json *findings = json_array_new();
	size_t bad = 0;

	(void)args;
	json_set(answer, "findings", findings);
	TRY(link_check(ctx, a, findings, &bad));
	json_set_bool(answer, "ok", bad == 0);
	return OK;
}

static err_t
need_join(struct link *l)
{
	bool joined;

	pthread_mutex_lock(&l->lock);
	joined = l->join != NULL;
	pthread_mutex_unlock(&l->lock);
	if (!joined)
		FAIL(ERR_NOT_JOINED, "%s", l->conf.dir);
	return OK;
}

static bool
available(const char *feature)
{
	for (size_t i = 0; i < job_kind_count; i++)
		if (str_ieq_c(str_c(feature), job_kind_table[i]->feature))
			return true;
	return false;
}

err_t
link_features_check(const json *list)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (!available(json_text(json_at(list, i))))
			FAIL(ERR_FEATURE, "%s", json_text(json_at(list, i)));
	return OK;
}

static err_t
set(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct link *l = ctx;
	auto_json json *members = json_object_new();
	const char *proxy = NULL, *order_key = NULL;
	json *list = NULL;

	TRY(need_join(l));
	TRY(json_want_array(args, "features", job_kind_count, &list));
	if (list != NULL) {
		TRY(link_features_check(list));
		json_set(members, "features", json_ref(list));
	}
	TRY(json_want_text(args, "proxy", LIMIT_TEXT, &proxy));
	if (proxy != NULL)
		json_set_text(members, "proxy", proxy);
	proxy = NULL;
	TRY(json_want_text(args, "ca_proxy", LIMIT_TEXT, &proxy));
	if (proxy != NULL)
		json_set_text(members, "ca_proxy", proxy);
	TRY(json_want_text(args, "order_key", LIMIT_LONG_TEXT, &order_key));
	if (order_key != NULL)
		TRY(join_name_order_key(l, a, order_key));
	TRY(join_keep_secret(l, a, args));
	TRY(join_change(l, a, members, 0, NULL));
	event_log(EVENT_CHANGED, NULL, NULL);
	link_ask_again(l);
	return show(ctx, a, args, answer);
}

static err_t
drain(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct link *l = ctx;

	TRY(need_join(l));
	desk_close(l->desk, true);
	event_log(EVENT_DRAINING, NULL, NULL);
	link_ask_again(l);
	return show(ctx, a, args, answer);
}

static err_t
resume(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct link *l = ctx;

	TRY(need_join(l));
	desk_close(l->desk, false);
	event_log(EVENT_RESUMED, NULL, NULL);
	link_ask_again(l);
	return show(ctx, a, args, answer);
}

static const struct admin_verb verbs[] = {
	{ "connector.csr", join_verb_csr },
	{ "connector.join", join_verb_join },
	{ "connector.show", show },
	{ "connector.metrics", link_verb_metrics },
	{ "connector.check", check },
	{ "connector.set", set },
	{ "connector.drain", drain },
	{ "connector.resume", resume },
	{ "connector.update.begin", update_verb_begin },
	{ "connector.update.part", update_verb_part },
	{ "connector.update.finish", update_verb_finish },
	{ "connector.update.show", update_verb_show },
	{ "pfx.key.create", link_pfx_create },
	{ "pfx.key.list", link_pfx_list },
	{ "pfx.key.admit", link_pfx_admit },
	{ "pfx.rewrap", link_pfx_rewrap },
	{ 0 },
};

static err_t
admin(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	return admin_dispatch(verbs, ctx, a, in, out);
}

const struct ipc_verb link_admin_verbs[] = {
	{ ADMIN, admin },
	{ 0 },
};
