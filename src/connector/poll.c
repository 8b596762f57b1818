/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to the service. Two threads with a connection each:
 *
 *   ask    parked at the service while there is nothing to do; takes jobs into the room that the desk has left
 *   bring  takes every result that is there to the service, many in one exchange, and comes back with as many jobs
 *
 * With each exchange the service hears what the desk holds. What else it leased to the thread that asks got lost and goes
 * back to its queue at once. The first asking after a start and the last bringing before the end say so for all that was
 * ever leased to this connector: a restart loses nothing and holds nothing up.
 */
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/when.h"
#include "connector/event.h"
#include "connector/job.h"
#include "connector/link_pfx.h"
#include "connector/report.h"

#include <poll.h>

enum {
	WAIT_S = 50,
	TIMEOUT_MS = (WAIT_S + 20) * 1000,
	LAST_TIMEOUT_MS = 1500,
	END_MS = 2000, /* for jobs that still run when the process is to end */
	LOOK_MS = 60 * 1000,
	LEASE_S = 120, /* of a service that does not say */
	BACKOFF_MIN_MS = 200,
	BACKOFF_MAX_MS = 15000,
	RENEW_AGAIN_MS = 5 * 60 * 1000, /* between attempts to renew our certificate */
	BRING_MAX = 64,                 /* results in one exchange */
	GATHER_MS = 25                  /* for which one waits for others */
};

enum { ASK, BRING };
static const char *const names[] = { [ASK] = "ask", [BRING] = "bring" };

struct poller {
	struct link *link;
	unsigned index; /* ASK, BRING */
	const struct join *join;
	struct fetch *service;
	int64_t backoff_ms;
	int64_t renew_ms; /* not sooner: when_mono_ms() */
};

/* One exchange's parts beside what we are. */
struct asking {
	size_t max;
	int wait_s;
	bool alone;   /* no other asking of this connector is under way */
	bool parting; /* nothing that is still held will be finished */
	json *results;
	int64_t timeout_ms;
};

struct answer {
	json *all; /* NULL: none */
	int status;
	int64_t lease_ms;
};

static json *
message(struct arena *a, const struct poller *p, const struct asking *ask)
{
	const struct join *j = p->join;
	json *msg = json_object_new(), *cas = json_array_new(), *holds = json_array_new(), *report;

	json_set_int(msg, "protocol", LINK_PROTOCOL);
	json_set_text(msg, "version", p->link->conf.version);
	json_set_text(msg, "machine", p->link->machine);
	json_set(msg, "features", link_features(j));
	json_set_text(msg, "holder", text_hex(a, STR(j->holder)));
	for (size_t i = 0; i < j->ncas; i++)
		json_add(cas, json_text_new(j->cas[i]));
	json_set(msg, "cas", cas);
	report = report_json(p->link);
	if (report != NULL)
		json_set(msg, "report", report);
	json_set_text(msg, "worker", names[p->index]);
	json_set_bool(msg, "alone", ask->alone);
	json_set_int(msg, "wait", ask->wait_s);
	json_set_int(msg, "max", (int64_t)ask->max);
	if (!ask->parting)
		desk_holds(p->link->desk, holds);
	json_set(msg, "holds", holds);
	json_set(msg, "results", ask->results == NULL ? json_array_new() : json_ref(ask->results));
	return msg;
}

static err_t
exchange(struct poller *p, struct arena *a, const struct asking *ask, struct answer *ret)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	const char *url = arena_printf(a, "%s/connector/v1/poll", p->join->service_url);
	auto_json json *msg = message(a, p, ask);
	struct fetch_reply rep;
	struct str text;
	json *import_keys;
	int64_t lease_s;

	/* At the end nobody may be there any more who knows them. */
	if (!ask->parting) {
		TRY_CTX(link_import_names(p->link, a, &import_keys), "connector/keys");
		json_set(msg, "import_keys", import_keys);
	}
	TRY(json_print(a, msg, &text));
	TRY(fetch_run(p->service, a, "POST", url, headers, text, ask->timeout_ms, &rep));
	ret->status = rep.status;
	if (rep.status != 200)
		FAIL(ERR_HTTP_STATUS, "%s answered %d: %.*s", url, rep.status,
		    (int)(rep.body.n < 300 ? rep.body.n : 300), text_safe(a, rep.body));
	atomic_store(&p->link->last_contact, when_now());
	TRY(json_parse(rep.body, LIMIT_HTTP_REPLY, &ret->all));
	report_offered(p->link, ret->all);
	lease_s = json_int(json_get(ret->all, "lease_seconds"));
	ret->lease_ms = (lease_s > 0 && lease_s <= 86400 ? lease_s : LEASE_S) * 1000;
	return OK;
}

/* Sleeps with a growing pause, not the same on every connector: a service that comes back is not met by all at once. In
 * steps, so that the end of the process is not held up. */
static void
back_off(struct poller *p)
{
	uint16_t r;
	int64_t until;

	p->backoff_ms = p->backoff_ms == 0 ? BACKOFF_MIN_MS : 2 * p->backoff_ms;
	if (p->backoff_ms > BACKOFF_MAX_MS)
		p->backoff_ms = BACKOFF_MAX_MS;
	rand_bytes(&r, sizeof(r));
	until = when_mono_ms() + p->backoff_ms / 2 + p->backoff_ms * r / 0x20000;
	while (!atomic_load(&p->link->stop) && when_mono_ms() < until)
		poll(NULL, 0, 50);
}

static void
note_trouble(struct link *link, err_t e)
{
	struct err_report rep;

	err_take(e, &rep);
	if (!atomic_exchange(&link->lost, true))
		event_log(EVENT_SERVICE_LOST, err_info(rep.code)->id, rep.detail);
	pthread_mutex_lock(&link->lock);
	link->trouble = rep;
	link->trouble_at = when_now();
	pthread_mutex_unlock(&link->lock);
}

static void
note_renewal(struct link *link, err_t e)
{
	struct err_report rep;

	if (err_ok(e)) {
		event_log(EVENT_IDENTITY_RENEWED, NULL, NULL);
		return;
	}
	err_take(e, &rep);
	event_log(EVENT_IDENTITY_FAILED, err_info(rep.code)->id, rep.detail);
	pthread_mutex_lock(&link->lock);
	link->trouble = rep;
	link->trouble_at = when_now();
	pthread_mutex_unlock(&link->lock);
}

static void
poller_close(struct poller *p)
{
	pthread_mutex_lock(&p->link->lock);
	p->link->polling[p->index] = NULL;
	p->link->using[p->index] = NULL;
	pthread_mutex_unlock(&p->link->lock);
	fetch_free(steal(p->service));
	p->join = NULL;
}

static err_t
poller_open(struct poller *p)
{
	pthread_mutex_lock(&p->link->lock);
	p->join = p->link->join;
	p->link->using[p->index] = p->join;
	pthread_mutex_unlock(&p->link->lock);
	TRY(join_fetch(p->join, &p->service));
	pthread_mutex_lock(&p->link->lock);
	p->link->polling[p->index] = p->service;
	pthread_mutex_unlock(&p->link->lock);
	return OK;
}

/* Our certificate towards the service: who asks renews it, both go over to the new one between two exchanges. */
static err_t
keep_identity(struct poller *p)
{
	bool moved;

	if (p->index == ASK && when_mono_ms() >= p->renew_ms && link_renewal_due(p->link)) {
		err_t e = link_renew(p->link);

		p->renew_ms = when_mono_ms() + RENEW_AGAIN_MS;
		note_renewal(p->link, e);
	}
	pthread_mutex_lock(&p->link->lock);
	moved = p->join != p->link->join;
	pthread_mutex_unlock(&p->link->lock);
	if (p->service != NULL && !moved)
		return OK;
	poller_close(p);
	return poller_open(p);
}

static err_t
converse(struct poller *p, struct arena *a, const struct asking *ask, struct answer *ret)
{
	err_t e = keep_identity(p);

	if (err_ok(e))
		e = exchange(p, a, ask, ret);
	if (!err_ok(e))
		return e;
	p->backoff_ms = 0;
	if (atomic_exchange(&p->link->lost, false))
		event_log(EVENT_SERVICE_BACK, NULL, NULL);
	return OK;
}

static void
ask_once(struct poller *p, bool *first)
{
	auto_arena struct arena *a = arena_new();
	struct link *l = p->link;
	/* The first is answered at once: whether the service takes us is known from the start. */
	struct asking ask = {
		.wait_s = *first ? 0 : WAIT_S, .alone = *first, .timeout_ms = TIMEOUT_MS
	};
	struct answer answer = { 0 };
	err_t e;

	ask.max = desk_reserve(l->desk, l->conf.loops);
	if (atomic_load(&l->stop))
		return;
	atomic_store(&l->again, false);
	e = converse(p, a, &ask, &answer);
	desk_add(l->desk, ask.max, json_get(answer.all, "jobs"), answer.lease_ms);
	json_free(answer.all);
	if (err_ok(e)) {
		*first = false;
		return;
	}
	if (atomic_exchange(&l->again, false) || atomic_load(&l->stop)) {
		err_forget(e);
		return;
	}
	note_trouble(l, e);
	back_off(p);
}

void *
ask_loop(void *arg)
{
	struct poller p = { .link = arg, .index = ASK, .renew_ms = INT64_MIN };
	bool first = true;

	while (!atomic_load(&p.link->stop))
		ask_once(&p, &first);
	poller_close(&p);
	atomic_store(&p.link->asked, true);
	return NULL;
}

/* A result that the service cannot read would be refused for ever: sought one by one, and dropped; its request comes again
 * when the lease is over. */
static bool
unreadable(const struct answer *answer, size_t n, size_t *most)
{
	if (answer->status != 400 && answer->status != 413) {
		*most = BRING_MAX;
		return false;
	}
	*most = 1;
	return n == 1;
}

static void
note_refused(const json *results)
{
	for (size_t i = 0; i < json_count(results); i++) {
		const json *one = json_at(results, i);

		if (!json_true(json_get(one, "accepted")))
			event_log(EVENT_RESULT_REFUSED, json_text(json_get(one, "fault")),
			    json_text(json_get(one, "request")));
	}
}

static void
bring(struct poller *p, struct asking *ask, size_t n, size_t *most)
{
	auto_arena struct arena *a = arena_new();
	struct link *l = p->link;
	struct answer answer = { 0 };
	bool drop;
	err_t e;

	ask->max = desk_reserve_instead(l->desk, l->conf.loops);
	e = converse(p, a, ask, &answer);
	drop = !err_ok(e) && unreadable(&answer, n, most);
	desk_brought(l->desk, err_ok(e) || drop);
	note_refused(json_get(answer.all, "results"));
	desk_add(l->desk, ask->max, json_get(answer.all, "jobs"), answer.lease_ms);
	json_free(answer.all);
	if (drop)
		event_log(EVENT_RESULT_DROPPED, NULL, NULL);
	if (err_ok(e)) {
		*most = BRING_MAX;
		return;
	}
	note_trouble(l, e);
	if (answer.status == 0 || answer.status >= 500)
		back_off(p);
}

static void
bring_once(struct poller *p, size_t *most)
{
	struct asking ask = { .timeout_ms = TIMEOUT_MS };
	auto_json json *results = json_array_new();
	size_t n = desk_results(p->link->desk, when_mono_ms() + LOOK_MS, GATHER_MS, *most, results);
	err_t e;

	ask.results = results;
	if (n > 0) {
		bring(p, &ask, n, most);
		return;
	}
	/* A certificate that was renewed meanwhile must not stay in use here. */
	e = keep_identity(p);
	if (!err_ok(e))
		note_trouble(p->link, e);
}

/* What still runs gets a moment; then the service hears that the rest is free. */
static void
bring_last(struct poller *p)
{
	auto_arena struct arena *a = arena_new();
	struct asking ask = { .alone = true, .parting = true, .timeout_ms = LAST_TIMEOUT_MS };
	struct answer answer = { 0 };
	auto_json json *results = json_array_new();
	int64_t until = when_mono_ms() + END_MS;
	err_t e;

	while (desk_count(p->link->desk).running > 0 && when_mono_ms() < until)
		poll(NULL, 0, 20);
	desk_results(p->link->desk, 0, 0, BRING_MAX, results);
	ask.results = results;
	e = converse(p, a, &ask, &answer);
	desk_brought(p->link->desk, err_ok(e));
	json_free(answer.all);
	err_forget(e);
}

void *
bring_loop(void *arg)
{
	struct poller p = { .link = arg, .index = BRING };
	size_t most = BRING_MAX;

	while (!atomic_load(&p.link->last))
		bring_once(&p, &most);
	bring_last(&p);
	poller_close(&p);
	return NULL;
}
