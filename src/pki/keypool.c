/* SPDX-License-Identifier: Apache-2.0 */
/* See keypool.h. One lock; keys are made outside of it. */
#include "pki/keypool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/locked.h"
#include "base/secret.h"
#include "base/when.h"
#include "pki/fips.h"
#include "pki/key_int.h"
#include "pki/rsa_gen.h"
#include "pki/ssl_err.h"

#define THREADS_MAX 64
#define MAKERS_MAX 16
#define DEPTH_MAX 4096
#define NICE 10
#define PAUSE_MS 5000 /* after a key could not be made */
/* So many takes within so long are a crowd: who makes keys ahead would only take the cores from those that it is for. */
#define CROWD 8
#define CROWD_MS 500
#define LOW 8 /* the part of the room below which keys are made nevertheless */

struct kind {
	unsigned bits;
	struct locked memory; /* room times the numbers of a key: a stack */
	size_t words, room, n, making;
	uint64_t taken, waited, wait_ms;
	int64_t takes
	    [CROWD]; /* when the last ones were, when_mono_ms(); the oldest of them is at taken % CROWD */
};

/* What keys are made with; one thread at a time. */
struct maker {
	struct rsa_gen *gen; /* NULL: none yet, or libcrypto's */
	unsigned bits;       /* of gen */
	struct locked numbers;
	bool busy; /* of those of the pool */
};

struct keypool {
	pthread_mutex_t lock;
	pthread_cond_t work;  /* a kind is not full, or stop */
	pthread_cond_t moved; /* a key became ready while somebody waits, or a maker free */
	struct kind kinds[KEYPOOL_KINDS];
	size_t nkinds, depth;
	enum key_maker maker;
	pthread_t threads[THREADS_MAX];
	unsigned nthreads;
	bool stop;
	struct maker makers[MAKERS_MAX]; /* of those who find the pool empty */
	unsigned nmakers;
};

static struct kind *
kind_find(struct keypool *p, enum key_alg alg, unsigned bits)
{
	for (size_t i = 0; i < p->nkinds && alg == KEY_RSA; i++)
		if (p->kinds[i].bits == bits)
			return &p->kinds[i];
	return NULL;
}

static int64_t
rests_until(const struct kind *k)
{
	return k->n > k->room / LOW ? k->takes[k->taken % CROWD] + CROWD_MS : INT64_MIN;
}

/* The kind that has least; NULL when all are full, or what is not rests until *ret_until. */
static struct kind *
kind_hungry(struct keypool *p, int64_t *ret_until)
{
	int64_t now = when_mono_ms();
	struct kind *least = NULL;

	*ret_until = INT64_MAX;
	for (size_t i = 0; i < p->nkinds; i++) {
		struct kind *k = &p->kinds[i];
		int64_t until = rests_until(k);

		if (k->n + k->making >= k->room)
			continue;
		if (until > now)
			*ret_until = until < *ret_until ? until : *ret_until;
		else if (least == NULL || k->n + k->making < least->n + least->making)
			least = k;
	}
	return least;
}

static uint64_t *
slot(struct kind *k, size_t i)
{
	return (uint64_t *)k->memory.p + i * k->words;
}

/* The lock is held. */
static void
push(struct kind *k, const uint64_t *numbers)
{
	memcpy(slot(k, k->n), numbers, 8 * k->words);
	k->n++;
}

/* The lock is held. */
static void
pop(struct kind *k, uint64_t *ret)
{
	k->n--;
	memcpy(ret, slot(k, k->n), 8 * k->words);
	secret_wipe(slot(k, k->n), 8 * k->words);
}

static void
pause_locked(struct keypool *p, int64_t until_ms)
{
	const struct timespec t = { until_ms / 1000, until_ms % 1000 * 1000000 };

	pthread_cond_timedwait(&p->work, &p->lock, &t);
}

static err_t
make_libcrypto(struct maker *m, unsigned bits)
{
	auto_pkey EVP_PKEY *k = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);

	if (k == NULL)
		FAIL_SSL(ERR_CRYPTO, "making a key");
	return rsa_numbers_of(bits, k, m->numbers.p);
}

/* One generator at a time, kept for the next key: it has primes left over. */
static err_t
make(struct keypool *p, struct maker *m, unsigned bits)
{
	if (p->maker == KEY_MAKER_LIBCRYPTO || fips_is_on())
		return make_libcrypto(m, bits);
	if (m->gen == NULL || m->bits != bits) {
		rsa_gen_free(m->gen);
		m->gen = NULL;
		TRY(rsa_gen_new(bits, rsa_gen_way(p->maker), PRIME_BATCH_MAX, &m->gen));
		m->bits = bits;
	}
	return rsa_gen_next(m->gen, m->numbers.p);
}

/* Called and left with the lock held. */
static void
fill_one(struct keypool *p, struct maker *m, struct kind *k)
{
	err_t e;

	k->making++;
	pthread_mutex_unlock(&p->lock);
	e = make(p, m, k->bits);
	pthread_mutex_lock(&p->lock);
	k->making--;
	if (err_ok(e)) {
		push(k, m->numbers.p);
		secret_wipe(m->numbers.p, m->numbers.n);
		pthread_cond_broadcast(&p->moved);
		return;
	}
	/* Whoever takes from the empty pool makes the key and sees the failure. */
	err_forget(e);
	pause_locked(p, when_mono_ms() + PAUSE_MS);
}

static void *
fill(void *arg)
{
	struct keypool *p = arg;
	struct maker m = { 0 };
	struct kind *k;
	int64_t until;

	/* Linux: niceness is the thread's own. Without it the pool still works. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	locked_new(8 * RSA_NUMBERS_MAX, &m.numbers);
	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		k = kind_hungry(p, &until);
		if (k != NULL)
			fill_one(p, &m, k);
		else if (until == INT64_MAX)
			pthread_cond_wait(&p->work, &p->lock);
		else
			pause_locked(p, until);
	}
	pthread_mutex_unlock(&p->lock);
	rsa_gen_free(m.gen);
	locked_free(&m.numbers);
	return NULL;
}

err_t
keypool_new(unsigned threads, unsigned depth, enum key_maker maker, struct keypool **ret)
{
	struct keypool *p;
	pthread_condattr_t attr;

	if (threads > THREADS_MAX || depth == 0 || depth > DEPTH_MAX)
		FAIL(ERR_RANGE, "key pool of %u threads and depth %u", threads, depth);
	p = calloc(1, sizeof *p);
	if (p == NULL)
		abort();
	p->depth = depth;
	p->maker = maker;
	p->nmakers = threads == 0 ? 1 : threads < MAKERS_MAX ? threads : MAKERS_MAX;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* the clock of when_mono_ms() */
	pthread_cond_init(&p->work, &attr);
	pthread_condattr_destroy(&attr);
	pthread_cond_init(&p->moved, NULL);
	for (; p->nthreads < threads; p->nthreads++)
		if (pthread_create(&p->threads[p->nthreads], NULL, fill, p) != 0) {
			keypool_free(p);
			FAIL(ERR_SYSTEM, "no thread for the key pool");
		}
	*ret = p;
	return OK;
}

void
keypool_free(struct keypool *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i], NULL);
	for (size_t i = 0; i < p->nkinds; i++)
		locked_free(&p->kinds[i].memory);
	for (unsigned i = 0; i < p->nmakers; i++) {
		rsa_gen_free(p->makers[i].gen);
		locked_free(&p->makers[i].numbers);
	}
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->moved);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* As many as the system locks: all, the half, a quarter... */
static void
make_room(struct kind *k, size_t depth)
{
	for (k->room = depth; k->room > 0; k->room /= 2) {
		locked_new(8 * k->words * k->room, &k->memory);
		if (k->memory.is_locked)
			return;
		locked_free(&k->memory);
	}
}

static void
want_locked(struct keypool *p, unsigned bits)
{
	struct kind *k;

	if (kind_find(p, KEY_RSA, bits) != NULL)
		return;
	k = &p->kinds[p->nkinds]; /* there are no more sizes than room for them */
	k->bits = bits;
	k->words = rsa_numbers_words(bits);
	make_room(k, p->depth);
	p->nkinds++;
	pthread_cond_broadcast(&p->work);
}

err_t
keypool_want(struct keypool *p, enum key_alg alg, unsigned bits)
{
	TRY(key_check_kind(alg, bits)); /* what cannot be made would be retried for ever */
	if (alg != KEY_RSA)
		return OK;
	pthread_mutex_lock(&p->lock);
	want_locked(p, bits);
	pthread_mutex_unlock(&p->lock);
	return OK;
}

/* One that is free, best of this size. The lock is held. */
static struct maker *
maker_free(struct keypool *p, unsigned bits)
{
	struct maker *free = NULL;

	for (unsigned i = 0; i < p->nmakers; i++) {
		struct maker *m = &p->makers[i];

		if (!m->busy && (free == NULL || m->bits == bits))
			free = m;
	}
	return free;
}

/* Called and left with the lock held. */
static err_t
make_now(struct keypool *p, struct kind *k, struct maker *m, uint64_t *ret)
{
	err_t e;

	m->busy = true;
	k->making++;
	pthread_mutex_unlock(&p->lock);
	if (m->numbers.p == NULL)
		locked_new(8 * RSA_NUMBERS_MAX, &m->numbers);
	e = make(p, m, k->bits);
	if (err_ok(e))
		memcpy(ret, m->numbers.p, 8 * k->words);
	secret_wipe(m->numbers.p, m->numbers.n);
	pthread_mutex_lock(&p->lock);
	k->making--;
	m->busy = false;
	pthread_cond_broadcast(&p->moved);
	return e;
}

/* Called and left with the lock held. */
static err_t
take_numbers(struct keypool *p, struct kind *k, uint64_t *ret)
{
	int64_t began = when_mono_ms();
	struct maker *m = NULL;
	err_t e = OK;

	k->takes[k->taken++ % CROWD] = began;
	if (k->n > 0) {
		pop(k, ret);
		pthread_cond_signal(&p->work);
		return OK;
	}
	while (k->n == 0 && (m = maker_free(p, k->bits)) == NULL)
		pthread_cond_wait(&p->moved, &p->lock);
	if (k->n > 0)
		pop(k, ret);
	else
		e = make_now(p, k, m, ret);
	k->waited++;
	k->wait_ms += (uint64_t)(when_mono_ms() - began);
	pthread_cond_signal(&p->work);
	return e;
}

err_t
keypool_take(struct keypool *p, enum key_alg alg, unsigned bits, struct key **ret)
{
	uint64_t numbers[RSA_NUMBERS_MAX];
	struct kind *k;
	err_t e = OK;

	pthread_mutex_lock(&p->lock);
	k = kind_find(p, alg, bits);
	if (k != NULL)
		e = take_numbers(p, k, numbers);
	pthread_mutex_unlock(&p->lock);
	if (k == NULL)
		return key_make_by(p->maker, alg, bits, ret);
	if (err_ok(e))
		e = key_of_numbers(bits, numbers, ret);
	secret_wipe(numbers, sizeof numbers);
	return e;
}

size_t
keypool_ready(struct keypool *p, enum key_alg alg, unsigned bits)
{
	struct kind *k;
	size_t n;

	pthread_mutex_lock(&p->lock);
	k = kind_find(p, alg, bits);
	n = k == NULL ? 0 : k->n;
	pthread_mutex_unlock(&p->lock);
	return n;
}

size_t
keypool_room(struct keypool *p, enum key_alg alg, unsigned bits)
{
	struct kind *k;
	size_t n;

	pthread_mutex_lock(&p->lock);
	k = kind_find(p, alg, bits);
	n = k == NULL ? 0 : k->room;
	pthread_mutex_unlock(&p->lock);
	return n;
}

size_t
keypool_states(struct keypool *p, struct keypool_state ret[static KEYPOOL_KINDS])
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	for (n = 0; n < p->nkinds; n++) {
		const struct kind *k = &p->kinds[n];

		ret[n] = (struct keypool_state){ k->bits, k->n, k->room, k->making, k->taken,
			k->waited, k->wait_ms };
	}
	pthread_mutex_unlock(&p->lock);
	return n;
}
