/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loop of the link: brings a result, gets a job, runs it.
 */
#include "base/limits.h"
#include "base/text.h"
#include "base/when.h"
#include "connector/job.h"

#include <poll.h>

#define WAIT_S 50
#define POLL_TIMEOUT_MS ((WAIT_S + 20) * 1000)
#define BACKOFF_MIN_MS 200
#define BACKOFF_MAX_MS 15000
#define RENEW_AGAIN_MS (5 * 60 * 1000) /* between attempts to renew our certificate */

struct loop {
	struct link *link;
	struct job_env env;
	struct fetch *service;
	unsigned index;
	json *result; /* not brought yet; NULL: none */
	int64_t backoff_ms;
	int64_t renew_ms; /* not sooner: when_mono_ms() */
};

static const struct job_kind *
kind_by_name(const char *name)
{
	for (size_t i = 0; i < job_kind_count; i++)
		if (str_eq_c(str_c(name), job_kind_table[i]->kind))
			return job_kind_table[i];
	return NULL;
}

static json *
poll_message(struct arena *a, const struct loop *l)
{
	const struct join *j = l->env.join;
	json *msg = json_object_new();
	json *features = json_array_new();
	json *cas = json_array_new();
	json *results = json_array_new();

	json_set_text(msg, "version", l->link->conf.version);
	json_set_text(msg, "machine", l->link->machine);
	for (size_t i = 0; i < job_kind_count; i++)
		json_add(features, json_text_new(job_kind_table[i]->feature));
	json_set(msg, "features", features);
	json_set_text(msg, "holder", text_hex(a, STR(j->holder)));
	for (size_t i = 0; i < j->ncas; i++)
		json_add(cas, json_text_new(j->cas[i]));
	json_set(msg, "cas", cas);
	/* Who asks holds nothing but the result it brings: a lease that got lost on the way to it is free again. */
	json_set_text(msg, "worker", arena_printf(a, "%u", l->index));
	json_set_int(msg, "wait", WAIT_S);
	json_set_int(msg, "max", 1);
	if (l->result != NULL)
		json_add(results, json_ref(l->result));
	json_set(msg, "results", results);
	return msg;
}

/* One exchange. *ret: the answer. */
static err_t
exchange(struct loop *l, struct arena *a, json **ret)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	const char *url = arena_printf(a, "%s/connector/v1/poll", l->env.join->service_url);
	auto_json json *msg = poll_message(a, l);
	struct fetch_reply rep;
	struct str text;

	TRY(json_print(a, msg, &text));
	TRY(fetch_run(l->service, a, "POST", url, headers, text, POLL_TIMEOUT_MS, &rep));
	/* A result that the service cannot read would be refused for ever; the request comes again when its lease is over. */
	if (rep.status == 400 || rep.status == 413)
		json_free(steal(l->result));
	if (rep.status != 200)
		FAIL(ERR_HTTP_STATUS, "%s answered %d: %.*s", url, rep.status,
		    (int)(rep.body.n < 300 ? rep.body.n : 300), text_safe(a, rep.body));
	atomic_store(&l->link->last_contact, when_now());
	return json_parse(rep.body, LIMIT_HTTP_REPLY, ret);
}

/* Runs the job; what comes of it is l->result. */
static void
run_job(struct loop *l, struct arena *a, const json *job)
{
	const char *kind_name = json_text(json_get(job, "kind"));
	const struct job_kind *kind = kind_by_name(kind_name);
	struct err_report rep;
	err_t e;

	l->result = json_object_new();
	json_set_text(l->result, "request", json_text(json_get(job, "request")));
	json_set_int(l->result, "fence", json_int(json_get(job, "fence")));
	atomic_fetch_add(&l->link->jobs, 1);
	e = kind == NULL ? ERROR(ERR_UNSUPPORTED, "job %s", text_safe(a, str_c(kind_name))) :
			   kind->run(&l->env, a, job, l->result);
	if (err_ok(e))
		return;
	atomic_fetch_add(&l->link->failures, 1);
	json_set_text(l->result, "outcome", outcome_name(outcome_of(e)));
	err_take(e, &rep);
	json_set_text(l->result, "fault", err_info(rep.code)->id);
	json_set_text(l->result, "detail", text_safe(a, str_c(rep.detail)));
}

/* Sleeps with a growing pause, in steps so that the end of the process is not held up. */
static void
back_off(struct loop *l)
{
	int64_t until;

	l->backoff_ms = l->backoff_ms == 0 ? BACKOFF_MIN_MS : 2 * l->backoff_ms;
	if (l->backoff_ms > BACKOFF_MAX_MS)
		l->backoff_ms = BACKOFF_MAX_MS;
	until = when_mono_ms() + l->backoff_ms;
	while (!atomic_load(&l->link->stop) && when_mono_ms() < until)
		poll(NULL, 0, 50);
}

static void
note_trouble(struct link *link, err_t e)
{
	struct err_report rep;

	err_take(e, &rep);
	pthread_mutex_lock(&link->lock);
	link->trouble = rep;
	pthread_mutex_unlock(&link->lock);
}

static void
turn(struct loop *l)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *answer = NULL;
	const json *jobs;
	err_t e;

	e = exchange(l, a, &answer);
	if (!err_ok(e)) {
		note_trouble(l->link, e);
		back_off(l);
		return;
	}
	l->backoff_ms = 0;
	json_free(steal(l->result));
	jobs = json_get(answer, "jobs");
	if (json_count(jobs) > 0)
		run_job(l, a, json_at(jobs, 0));
}

static void
loop_close(struct loop *l)
{
	pthread_mutex_lock(&l->link->lock);
	l->link->polling[l->index] = NULL;
	l->link->using[l->index] = NULL;
	pthread_mutex_unlock(&l->link->lock);
	if (l->env.ca != NULL)
		l->env.backend->close(steal(l->env.ca));
	fetch_free(steal(l->service));
}

static err_t
loop_open(struct loop *l)
{
	pthread_mutex_lock(&l->link->lock);
	l->env.join = l->link->join;
	l->link->using[l->index] = l->env.join;
	pthread_mutex_unlock(&l->link->lock);
	l->env.backend = backend_by_name(l->env.join->backend);
	TRY(fetch_new(&l->env.join->service, &l->service));
	TRY(l->env.backend->open(l->env.join, &l->env.ca));
	pthread_mutex_lock(&l->link->lock);
	l->link->polling[l->index] = l->service;
	pthread_mutex_unlock(&l->link->lock);
	return OK;
}

/* Our certificate towards the service: the first loop renews it, each goes over to the new one between two polls. */
static err_t
keep_identity(struct loop *l)
{
	bool moved;

	if (l->index == 0 && when_mono_ms() >= l->renew_ms && link_renewal_due(l->link)) {
		err_t e = link_renew(l->link);

		l->renew_ms = when_mono_ms() + RENEW_AGAIN_MS;
		if (!err_ok(e))
			note_trouble(l->link, e);
	}
	pthread_mutex_lock(&l->link->lock);
	moved = l->env.join != l->link->join;
	pthread_mutex_unlock(&l->link->lock);
	if (!moved)
		return OK;
	loop_close(l);
	return loop_open(l);
}

void *
poll_loop(void *arg)
{
	const struct loop_arg *la = arg;
	struct loop l = { .link = la->link, .index = la->index, .renew_ms = INT64_MIN };
	err_t e;

	l.env.link = la->link;
	e = loop_open(&l);
	while (err_ok(e) && !atomic_load(&la->link->stop)) {
		e = keep_identity(&l);
		if (err_ok(e))
			turn(&l);
	}
	if (!err_ok(e))
		note_trouble(la->link, e);
	json_free(l.result);
	loop_close(&l);
	return NULL;
}
