/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: takes jobs from the desk and runs them, one after the other, over a connection to the CA of its own.
 */
#include "base/text.h"
#include "base/when.h"
#include "connector/event.h"
#include "connector/job.h"

struct worker {
	struct job_env env;
};

static const struct job_kind *
kind_by_name(const char *name)
{
	for (size_t i = 0; i < job_kind_count; i++)
		if (str_eq_c(str_c(name), job_kind_table[i]->kind))
			return job_kind_table[i];
	return NULL;
}

static void
session_close(struct worker *w)
{
	backend_close(steal(w->env.ca));
	fetch_free(steal(w->env.service));
}

/* A connection to the CA as the connector is joined now. */
static err_t
session_open(struct worker *w)
{
	const struct join *now;

	pthread_mutex_lock(&w->env.link->lock);
	now = w->env.link->join;
	pthread_mutex_unlock(&w->env.link->lock);
	if (w->env.ca != NULL && w->env.join == now)
		return OK;
	session_close(w);
	w->env.join = now;
	w->env.backend = backend_by_name(now->backend);
	TRY(join_fetch(now, &w->env.service));
	return backend_open(now, &w->env.ca);
}

static err_t
run_kind(struct worker *w, struct arena *a, const json *job, json *result)
{
	const char *name = json_text(json_get(job, "kind"));
	const struct job_kind *kind = kind_by_name(name);

	if (kind == NULL)
		FAIL(ERR_UNSUPPORTED, "job %s", text_safe(a, str_c(name)));
	TRY(session_open(w));
	return kind->run(&w->env, a, job, result);
}

static json *
run(struct worker *w, const json *job)
{
	auto_arena struct arena *a = arena_new();
	struct link *l = w->env.link;
	json *result = json_object_new();
	struct err_report rep;
	int64_t began = when_mono_ms();
	enum outcome outcome;
	err_t e;

	event_job(a, job, NULL, 0);
	json_set_text(result, "request", json_text(json_get(job, "request")));
	json_set_int(result, "fence", json_int(json_get(job, "fence")));
	atomic_fetch_add(&l->jobs, 1);
	e = run_kind(w, a, job, result);
	if (err_ok(e)) {
		event_job(a, job, result, when_mono_ms() - began);
		return result;
	}
	atomic_fetch_add(&l->failures, 1);
	outcome = outcome_of(e);
	err_take(e, &rep);
	json_set_text(result, "outcome", outcome_name(outcome));
	json_set_text(result, "fault", err_info(rep.code)->id);
	json_set_text(result, "detail", text_safe(a, str_c(rep.detail)));
	event_job(a, job, result, when_mono_ms() - began);
	return result;
}

void *
work_loop(void *arg)
{
	struct worker w = { .env = { .link = arg } };
	struct held *h;

	while ((h = desk_take(w.env.link->desk)) != NULL)
		desk_done(w.env.link->desk, h, run(&w, held_job(h)));
	session_close(&w);
	return NULL;
}
