/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/service_sweep.h"

#include "daemon/wipe_count.h"
#include "model/job.h"
#include "model/refusal.h"
#include "model/relay.h"
#include "model/retired.h"
#include "model/rollout.h"
#include "model/upkeep.h"
#include "model/wipe.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define SWEEP_MS 500
/* Devices that one round of the sweep looks at: 60 to 70 a second with the work, 20 000 in about five minutes. */
#define UPKEEP_DEVICES 40
#define REPORT_PARTS 8
#define SEEN_MS 10000 /* how often last contacts are written that needed nothing else */
/* Identities of retired devices: how long the CA may take, and the pause after it said no. */
#define REVOKE_TIMEOUT_MS 5000
#define REVOKE_PAUSE_S 60

struct sweeper {
	struct front *front;
	pthread_t thread;
	atomic_bool stop;
	struct id passed; /* the device whose identity could not be revoked lately; zero: none */
	when_t pause;     /* none is tried before */
	int64_t rollouts; /* none is looked at before, by when_mono_ms() */
	int64_t seen;     /* last contacts are not written before */
	struct metric open[3]; /* roll-outs: running, paused, stopped */
	struct wipe_count wipes;
};

/* One retired device a round. */
static err_t
end_identity(struct sweeper *s)
{
	auto_arena struct arena *a = arena_new();
	struct front *f = s->front;
	struct order o;
	err_t e;

	if (!f->joined || when_now() < s->pause)
		return OK;
	e = retired_next(f->store, a, s->passed, STR(f->join.holder), f->join.identity_name, &o);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		s->passed = (struct id){ 0 };
		return OK;
	}
	TRY(e);
	e = identity_revoke(f->identity, a, &o, REVOKE_TIMEOUT_MS);
	if (err_ok(e))
		return retired_done(f->store, o.id);
	s->passed = o.id;
	s->pause = when_now() + REVOKE_PAUSE_S;
	return e;
}

static void
count_roll_outs(struct sweeper *s)
{
	static const char *const labels[] = { "state=\"running\"", "state=\"paused\"",
		"state=\"stopped\"" };

	for (size_t i = 0; i < COUNT(labels); i++) {
		s->open[i].kind = METRIC_GAUGE;
		s->open[i].name = "chancery_rollouts";
		s->open[i].labels = labels[i];
		s->open[i].help = "Large changes that are not over, by how they stand.";
		metrics_add(s->front->metrics, &s->open[i]);
	}
}

/* Counting takes longer the more slots there are: one part in twenty of a core at most. */
static void
roll_out(struct sweeper *s)
{
	int64_t began = when_mono_ms();
	struct rollout_counts n = { 0 };
	err_t e;

	if (began < s->rollouts)
		return;
	e = rollout_run(s->front->store, &n);
	if (!err_ok(e))
		log_error("roll-outs", e);
	metric_set(&s->open[0], (int64_t)n.running);
	metric_set(&s->open[1], (int64_t)n.paused);
	metric_set(&s->open[2], (int64_t)n.stopped);
	s->rollouts = when_mono_ms() + (when_mono_ms() - began) * 20;
}

/* Parts of one round: a report of a million rows takes minutes and leaves the rest of the sweep its time. */
static err_t
reports(struct front *f)
{
	bool more = f->joined;

	for (int i = 0; more && i < REPORT_PARTS; i++)
		TRY(api_report_step(&f->api, &more));
	return OK;
}

static void
write_seen(struct sweeper *s)
{
	err_t e;

	if (when_mono_ms() < s->seen)
		return;
	s->seen = when_mono_ms() + SEEN_MS;
	e = calm_seen(s->front->calm);
	if (!err_ok(e))
		log_error("last contacts", e);
}

/* What is to be done from time to time. */
static void *
sweep(void *arg)
{
	struct sweeper *s = arg;

	while (!atomic_load(&s->stop)) {
		size_t looked;
		err_t e = job_sweep(s->front->store);

		if (atomic_exchange(&s->front->restart, false))
			kill(getpid(), SIGTERM);
		if (!err_ok(e))
			log_error("sweep of leases", e);
		e = relay_sweep(s->front->store);
		if (!err_ok(e))
			log_error("messages that are over", e);
		e = upkeep_run(s->front->store, UPKEEP_DEVICES, &looked);
		if (!err_ok(e))
			log_error("devices that are away", e);
		e = keeper_run(&s->front->keeper);
		if (!err_ok(e))
			log_error("slots and their history", e);
		e = refusals_tell(s->front->refusals, s->front->store, false);
		if (!err_ok(e))
			log_error("who was refused", e);
		roll_out(s);
		write_seen(s);
		e = wipe_sweep(s->front->store);
		if (err_ok(e))
			e = wipe_count_look(&s->wipes);
		if (!err_ok(e))
			log_error("wipes", e);
		e = reports(s->front);
		if (!err_ok(e))
			log_error("report", e);
		(void)expiry_check(&s->front->ends_tls);
		(void)expiry_check(&s->front->ends_ra);
		(void)expiry_check(&s->front->ends_push);
		e = end_identity(s);
		if (!err_ok(e))
			log_error("identity of a retired device", e);
		poll(NULL, 0, SWEEP_MS);
	}
	return NULL;
}

err_t
sweeper_start(struct front *f, struct sweeper **ret)
{
	struct sweeper *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->front = f;
	count_roll_outs(s);
	wipe_count_init(&s->wipes, f->store, f->metrics);
	if (pthread_create(&s->thread, NULL, sweep, s) != 0) {
		free(s);
		FAIL(ERR_SYSTEM, "cannot start a thread");
	}
	*ret = s;
	return OK;
}

void
sweeper_stop(struct sweeper *s)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
}

void
sweeper_free(struct sweeper *s)
{
	free(s);
}
