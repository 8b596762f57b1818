/* SPDX-License-Identifier: Apache-2.0 */
#include "step.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { ROUNDS_MAX = 100, WAIT_S = 50, LOOK_MS = 20, PROGRESS_MS = 1000 };

static const struct {
	const char *name;
	enum step_kind kind;
	bool number; /* must have one */
} kinds[] = {
	{ "enrol", STEP_ENROL, false },
	{ "sync", STEP_SYNC, false },
	{ "checkins", STEP_CHECKINS, true },
	{ "live", STEP_LIVE, false },
	{ "leave", STEP_LEAVE, false },
};

/* Durations of one loop's operations, in microseconds. */
struct times {
	uint32_t *v;
	size_t n, cap;
};

struct part {
	struct fleet *fleet;
	struct loop *loop;
	const struct step *step;
	struct times times;
	pthread_t thread;
};

struct job {
	struct part *part;
	struct device *d;
};

err_t
step_parse(struct str text, struct step *ret)
{
	struct str name = str_cut(&text, '=');
	int64_t n = 0;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (!str_eq_c(name, kinds[i].name))
			continue;
		if (text.n > 0 || kinds[i].number)
			TRY(text_i64(text, 1, 1000000, &n));
		*ret = (struct step){ kinds[i].kind, kinds[i].name, (size_t)n };
		return OK;
	}
	FAIL(ERR_BAD_REQUEST, "there is no step \"%.*s\"", (int)name.n, (const char *)name.p);
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
took(struct times *t, int64_t us)
{
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 4096 : 2 * t->cap;
		t->v = realloc(t->v, t->cap * sizeof(*t->v));
		if (t->v == NULL)
			abort();
	}
	t->v[t->n++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

/* ---- what one device does ---- */

/* One operation, again where the server puts it off. False: it failed, or the step is over. */
static bool
attempt(struct job *j, struct fiber *f, err_t (*run)(struct job *j, struct fiber *f, bool *ret_did),
    bool *ret_did)
{
	struct fleet *fleet = j->d->fleet;

	for (int i = 1;; i++) {
		int64_t start = now_us();
		err_t e = run(j, f, ret_did);

		if (err_ok(e)) {
			took(&j->part->times, now_us() - start);
			return true;
		}
		if (atomic_load(&fleet->stop)) {
			err_forget(e);
			return false;
		}
		if (!fleet_again(j->d, f, e, i)) {
			fleet_failed(fleet, j->d, e);
			return false;
		}
	}
}

static err_t
enrol_once(struct job *j, struct fiber *f, bool *ret_did)
{
	(void)ret_did;
	TRY(j->d->platform->enrol(j->d, f));
	j->d->enrolled = true;
	atomic_fetch_add(&j->d->fleet->enrolled, 1);
	return OK;
}

static err_t
check_in(struct job *j, struct fiber *f, int64_t wait, bool *ret_did)
{
	if (j->d->fleet->reconnect)
		link_close(&j->d->link);
	TRY(j->d->platform->checkin(j->d, f, wait, ret_did));
	atomic_fetch_add(&j->d->fleet->checkins, 1);
	return OK;
}

static err_t
check_in_once(struct job *j, struct fiber *f, bool *ret_did)
{
	return check_in(j, f, 0, ret_did);
}

static err_t
check_in_waiting(struct job *j, struct fiber *f, bool *ret_did)
{
	return check_in(j, f, j->d->platform->waits ? WAIT_S : 0, ret_did);
}

static err_t
leave_once(struct job *j, struct fiber *f, bool *ret_did)
{
	(void)ret_did;
	TRY(j->d->platform->leave(j->d, f));
	j->d->gone = true;
	return OK;
}

static void
sync_up(struct job *j, struct fiber *f)
{
	bool did = true;

	for (int i = 0; did && i < ROUNDS_MAX; i++)
		if (!attempt(j, f, check_in_once, &did))
			return;
}

static void
live(struct job *j, struct fiber *f)
{
	struct fleet *fleet = j->d->fleet;
	size_t want = j->part->step->n;
	bool did, counted = false;

	fiber_enter(f, fleet->parallel);
	sync_up(j, f);
	fiber_leave(f);
	atomic_fetch_add(&fleet->waiting, 1);
	while (!atomic_load(&fleet->stop)) {
		if (!counted && want > 0 && j->d->certificates >= want) {
			counted = true;
			atomic_fetch_add(&fleet->done, 1);
		}
		did = false;
		if (!attempt(j, f, check_in_waiting, &did) || (!did && !j->d->platform->waits))
			fiber_sleep(f, when_mono_ms() + fleet->poll_ms);
	}
	link_close(&j->d->link);
}

static void
run_device(struct fiber *f, void *arg)
{
	struct job *j = arg;
	struct fleet *fleet = j->d->fleet;
	bool did;

	if (j->part->step->kind == STEP_LIVE) {
		live(j, f);
		return;
	}
	fiber_enter(f, fleet->parallel);
	switch (j->part->step->kind) {
	case STEP_ENROL:
		attempt(j, f, enrol_once, &did);
		break;
	case STEP_SYNC:
		sync_up(j, f);
		break;
	case STEP_CHECKINS:
		for (size_t i = 0; i < j->part->step->n; i++)
			if (!attempt(j, f, check_in_once, &did))
				break;
		break;
	case STEP_LEAVE:
		attempt(j, f, leave_once, &did);
		break;
	case STEP_LIVE:
		break;
	}
	atomic_fetch_add(&fleet->done, 1);
	fiber_leave(f);
}

/* ---- all of them ---- */

static bool
takes_part(const struct device *d, const struct step *s)
{
	return s->kind == STEP_ENROL ? !d->enrolled : d->enrolled && !d->gone;
}

static void *
run_part(void *arg)
{
	struct part *p = arg;
	struct fleet *fleet = p->fleet;
	struct job *jobs = calloc(fleet->n, sizeof(*jobs));

	if (jobs == NULL)
		abort();
	for (size_t i = 0; i < fleet->n; i++) {
		if (fleet->loops[i % fleet->nloops] != p->loop ||
		    !takes_part(&fleet->v[i], p->step))
			continue;
		jobs[i] = (struct job){ p, &fleet->v[i] };
		fiber_start(p->loop, run_device, &jobs[i]);
	}
	loop_run(p->loop);
	free(jobs);
	return NULL;
}

static double
cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static bool
line_came(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char c;

	if (poll(&p, 1, 0) <= 0)
		return false;
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
	return true;
}

struct watch {
	struct fleet *fleet;
	const struct step *step;
	size_t devices; /* that take part */
	int64_t until, shown;
	bool interactive, progress, parked, broken_off;
	int signals; /* the descriptor that SIGINT and SIGTERM come by */
	void (*say)(const char *event);
};

static sigset_t
enders(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGINT);
	sigaddset(&s, SIGTERM);
	return s;
}

/* From now on they are told, in this thread and those that it starts, instead of ending the program. */
static int
signals_open(void)
{
	sigset_t s = enders();
	int fd = signalfd(-1, &s, SFD_CLOEXEC | SFD_NONBLOCK);

	if (fd < 0 || pthread_sigmask(SIG_BLOCK, &s, NULL) != 0)
		abort();
	return fd;
}

static void
signals_usual(void)
{
	sigset_t s = enders();

	pthread_sigmask(SIG_UNBLOCK, &s, NULL);
}

static bool
signal_came(const struct watch *w)
{
	struct signalfd_siginfo got;

	if (read(w->signals, &got, sizeof(got)) != sizeof(got))
		return false;
	signals_usual();
	return true;
}

static void
show(struct watch *w)
{
	if (!w->progress || when_mono_ms() - w->shown < PROGRESS_MS)
		return;
	w->shown = when_mono_ms();
	fprintf(stderr, "%s: %zu of %zu devices, %zu check-ins, %zu certificates, %zu failures\n",
	    w->step->name, atomic_load(&w->fleet->done), w->devices,
	    atomic_load(&w->fleet->checkins), atomic_load(&w->fleet->certificates),
	    atomic_load(&w->fleet->failed));
}

/* Until the step is over. False: its time was, or it is broken off. */
static bool
watch(struct watch *w)
{
	struct fleet *fleet = w->fleet;
	bool endless = w->step->kind == STEP_LIVE && w->step->n == 0;

	for (;;) {
		if (!endless && atomic_load(&fleet->done) == w->devices)
			return true;
		if (endless && w->interactive && line_came())
			return true;
		if (when_mono_ms() >= w->until)
			return endless;
		if (signal_came(w)) {
			w->broken_off = true;
			return false;
		}
		if (!w->parked && w->step->kind == STEP_LIVE &&
		    atomic_load(&fleet->waiting) == w->devices) {
			w->parked = true;
			if (w->say != NULL)
				w->say("waiting");
		}
		show(w);
		poll(NULL, 0, LOOK_MS);
	}
}

static int
compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int
compare_ms(const void *a, const void *b)
{
	when_ms_t x = *(const when_ms_t *)a, y = *(const when_ms_t *)b;

	return x < y ? -1 : x > y;
}

static size_t
rank(size_t n, double p)
{
	size_t at = (size_t)((double)n * p);

	return at >= n ? n - 1 : at;
}

static void
sum_times(struct part *parts, size_t n, struct outcome *ret)
{
	struct times all = { 0 };

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < parts[i].times.n; k++)
			took(&all, parts[i].times.v[k]);
		free(parts[i].times.v);
	}
	ret->ops = all.n;
	if (all.n > 0) {
		qsort(all.v, all.n, sizeof(*all.v), compare_u32);
		ret->p50_ms = all.v[rank(all.n, 0.5)] / 1e3;
		ret->p99_ms = all.v[rank(all.n, 0.99)] / 1e3;
		ret->max_ms = all.v[all.n - 1] / 1e3;
	}
	free(all.v);
}

static void
sum_newest(const struct fleet *fleet, struct outcome *ret)
{
	when_ms_t *v = calloc(fleet->n + 1, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		abort();
	for (size_t i = 0; i < fleet->n; i++)
		if (fleet->v[i].newest != 0)
			v[n++] = fleet->v[i].newest;
	if (n > 0) {
		qsort(v, n, sizeof(*v), compare_ms);
		ret->newest_p50 = v[rank(n, 0.5)];
		ret->newest_p99 = v[rank(n, 0.99)];
		ret->newest_last = v[n - 1];
	}
	free(v);
}

static size_t
begin(struct fleet *fleet, const struct step *s)
{
	size_t devices = 0;

	atomic_store(&fleet->stop, false);
	atomic_store(&fleet->done, 0);
	atomic_store(&fleet->waiting, 0);
	atomic_store(&fleet->checkins, 0);
	atomic_store(&fleet->commands, 0);
	atomic_store(&fleet->failed, 0);
	fleet->nfaults = 0;
	for (size_t i = 0; i < fleet->n; i++)
		devices += takes_part(&fleet->v[i], s);
	return devices;
}

void
step_run(struct fleet *fleet, const struct step *s, int64_t seconds, bool interactive,
    bool progress, void (*say)(const char *event), struct outcome *ret)
{
	struct part *parts = calloc(fleet->nloops, sizeof(*parts));
	struct watch w = { .fleet = fleet,
		.step = s,
		.devices = begin(fleet, s),
		.until = when_mono_ms() + seconds * 1000,
		.shown = when_mono_ms(),
		.interactive = interactive,
		.progress = progress,
		.signals = signals_open(),
		.say = say };
	int64_t start = now_us();
	double cpu = cpu_seconds();

	if (parts == NULL)
		abort();
	for (size_t i = 0; i < fleet->nloops; i++) {
		parts[i] = (struct part){ .fleet = fleet, .loop = fleet->loops[i], .step = s };
		if (pthread_create(&parts[i].thread, NULL, run_part, &parts[i]) != 0)
			abort();
	}
	*ret = (struct outcome){ .whole = watch(&w) };
	ret->broken_off = w.broken_off;
	ret->seconds = (double)(now_us() - start) / 1e6;
	atomic_store(&fleet->stop, true);
	for (size_t i = 0; i < fleet->nloops; i++)
		pthread_join(parts[i].thread, NULL);
	ret->cpu = cpu_seconds() - cpu;
	ret->enrolled = atomic_load(&fleet->enrolled);
	ret->checkins = atomic_load(&fleet->checkins);
	ret->commands = atomic_load(&fleet->commands);
	ret->failed = atomic_load(&fleet->failed);
	ret->certificates = atomic_load(&fleet->certificates);
	sum_times(parts, fleet->nloops, ret);
	sum_newest(fleet, ret);
	close(w.signals);
	signals_usual();
	free(parts);
}
