/* SPDX-License-Identifier: Apache-2.0 */
#include "fiber.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/when.h"

/* Bytes of a stack with its guard; what epoll tells at a time; milliseconds after which a loop looks whether it shall stop. */
enum { STACK = 256 << 10, GUARD = 4096, EVENTS = 256, LOOK_MS = 50 };

struct fiber {
	struct loop *loop;
	ucontext_t at;
	void *stack;
	void (*run)(struct fiber *f, void *arg);
	void *arg;
	int64_t until; /* when it is woken at the latest */
	size_t place;  /* in the heap, from 1; 0: not there */
	bool ready;    /* the socket was what woke it */
	bool ended;
	struct fiber *next; /* in the queue of those to run, or of those before the gate */
};

struct queue {
	struct fiber *first, *last;
};

struct loop {
	int epoll;
	ucontext_t main;
	struct queue due, gate;
	struct fiber *idle;  /* ended ones, whose stacks are used again */
	struct fiber **heap; /* from 1, by `until` */
	size_t nheap, heap_cap;
	size_t living, inside;
	const atomic_bool *stop;
	bool stopped; /* all who waited then were told */
};

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
queue_put(struct queue *q, struct fiber *f)
{
	f->next = NULL;
	if (q->last == NULL)
		q->first = f;
	else
		q->last->next = f;
	q->last = f;
}

static struct fiber *
queue_take(struct queue *q)
{
	struct fiber *f = q->first;

	if (f == NULL)
		return NULL;
	q->first = f->next;
	if (q->first == NULL)
		q->last = NULL;
	return f;
}

/* ---- who is woken when ---- */

static void
heap_set(struct loop *l, size_t i, struct fiber *f)
{
	l->heap[i] = f;
	f->place = i;
}

static void
heap_up(struct loop *l, size_t i)
{
	struct fiber *f = l->heap[i];

	for (; i > 1 && l->heap[i / 2]->until > f->until; i /= 2)
		heap_set(l, i, l->heap[i / 2]);
	heap_set(l, i, f);
}

static void
heap_down(struct loop *l, size_t i)
{
	struct fiber *f = l->heap[i];

	for (size_t k = 2 * i; k <= l->nheap; k = 2 * i) {
		if (k < l->nheap && l->heap[k + 1]->until < l->heap[k]->until)
			k++;
		if (l->heap[k]->until >= f->until)
			break;
		heap_set(l, i, l->heap[k]);
		i = k;
	}
	heap_set(l, i, f);
}

static void
heap_put(struct loop *l, struct fiber *f)
{
	if (l->nheap + 1 >= l->heap_cap) {
		l->heap_cap = l->heap_cap == 0 ? 1024 : 2 * l->heap_cap;
		l->heap = realloc(l->heap, l->heap_cap * sizeof(struct fiber *));
		if (l->heap == NULL)
			die("memory");
	}
	heap_set(l, ++l->nheap, f);
	heap_up(l, l->nheap);
}

static void
heap_drop(struct loop *l, struct fiber *f)
{
	size_t i = f->place;
	struct fiber *last = l->heap[l->nheap--];

	f->place = 0;
	if (last == f)
		return;
	heap_set(l, i, last);
	heap_up(l, i);
	heap_down(l, last->place);
}

/* ---- the loop ---- */

struct loop *
loop_new(const atomic_bool *stop)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		die("memory");
	l->stop = stop;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		die("epoll");
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	while (l->idle != NULL) {
		struct fiber *f = l->idle;

		l->idle = f->next;
		munmap(f->stack, STACK);
		free(f);
	}
	close(l->epoll);
	free(l->heap);
	free(l);
}

/* makecontext() passes numbers only: a pointer travels as its two halves. */
static void
begin(unsigned high, unsigned low)
{
	struct fiber *f = (struct fiber *)(((uintptr_t)high << 32) | low);

	f->run(f, f->arg);
	f->ended = true;
	swapcontext(&f->at, &f->loop->main);
}

static struct fiber *
fiber_new(struct loop *l)
{
	struct fiber *f = l->idle;

	if (f != NULL) {
		l->idle = f->next;
		return f;
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		die("memory");
	f->loop = l;
	f->stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (f->stack == MAP_FAILED || mprotect(f->stack, GUARD, PROT_NONE) != 0)
		die("stack");
	return f;
}

static void
prepare(struct fiber *f)
{
	if (getcontext(&f->at) != 0)
		die("context");
	f->at.uc_stack.ss_sp = f->stack;
	f->at.uc_stack.ss_size = STACK;
	f->at.uc_link = NULL;
	makecontext(&f->at, (void (*)(void))begin, 2, (unsigned)((uintptr_t)f >> 32),
	    (unsigned)(uintptr_t)f);
}

void
fiber_start(struct loop *l, void (*run)(struct fiber *f, void *arg), void *arg)
{
	struct fiber *f = fiber_new(l);

	f->run = run;
	f->arg = arg;
	f->ended = false;
	prepare(f);
	l->living++;
	queue_put(&l->due, f);
}

static void
run_due(struct loop *l)
{
	struct fiber *f;

	while ((f = queue_take(&l->due)) != NULL) {
		swapcontext(&l->main, &f->at);
		if (!f->ended)
			continue;
		f->next = l->idle;
		l->idle = f;
		l->living--;
	}
}

/* Milliseconds until somebody is to be woken. */
static int
time_left(const struct loop *l)
{
	int64_t left = l->nheap == 0 ? LOOK_MS : l->heap[1]->until - when_mono_ms();

	return left < 0 ? 0 : left > LOOK_MS ? LOOK_MS : (int)left;
}

static void
wake_first(struct loop *l)
{
	struct fiber *f = l->heap[1];

	heap_drop(l, f);
	queue_put(&l->due, f);
}

void
loop_run(struct loop *l)
{
	struct epoll_event v[EVENTS];

	l->stopped = false;
	run_due(l);
	while (l->living > 0) {
		int n = epoll_wait(l->epoll, v, EVENTS, time_left(l));

		if (n < 0 && errno != EINTR)
			die("epoll");
		for (int i = 0; i < n; i++) {
			struct fiber *f = v[i].data.ptr;

			f->ready = true;
			heap_drop(l, f);
			queue_put(&l->due, f);
		}
		while (l->nheap > 0 && l->heap[1]->until <= when_mono_ms())
			wake_first(l);
		if (!l->stopped && atomic_load(l->stop)) {
			l->stopped = true;
			while (l->nheap > 0)
				wake_first(l);
		}
		run_due(l);
	}
}

/* ---- what a fiber calls ---- */

static void
give_way(struct fiber *f)
{
	swapcontext(&f->at, &f->loop->main);
}

void
fiber_sleep(struct fiber *f, int64_t until)
{
	f->until = until;
	heap_put(f->loop, f);
	give_way(f);
}

static bool
wait_for(struct fiber *f, int fd, uint32_t events, int64_t until)
{
	struct epoll_event v = { .events = events | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = f };

	f->ready = false;
	if (epoll_ctl(f->loop->epoll, EPOLL_CTL_ADD, fd, &v) != 0)
		die("epoll_ctl");
	fiber_sleep(f, until);
	epoll_ctl(f->loop->epoll, EPOLL_CTL_DEL, fd, NULL);
	return f->ready;
}

bool
fiber_wait_read(struct fiber *f, int fd, int64_t until)
{
	return wait_for(f, fd, EPOLLIN, until);
}

bool
fiber_wait_write(struct fiber *f, int fd, int64_t until)
{
	return wait_for(f, fd, EPOLLOUT, until);
}

void
fiber_enter(struct fiber *f, size_t limit)
{
	if (f->loop->inside < limit) {
		f->loop->inside++;
		return;
	}
	queue_put(&f->loop->gate, f);
	give_way(f);
}

/* The place goes to who waits longest. */
void
fiber_leave(struct fiber *f)
{
	struct fiber *next = queue_take(&f->loop->gate);

	if (next == NULL)
		f->loop->inside--;
	else
		queue_put(&f->loop->due, next);
}
