/* SPDX-License-Identifier: Apache-2.0 */
/* See keypool.h. One lock; keys are made outside of it. */
#include "pki/keypool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pki/key_int.h"

#define KINDS 8
#define THREADS_MAX 64
#define DEPTH_MAX 4096
#define NICE 10
#define PAUSE_S 5 /* after a key could not be made */

struct kind {
	enum key_alg alg;
	unsigned bits;
	struct key **keys; /* stack of pool->depth */
	size_t n, making;
};

struct keypool {
	pthread_mutex_t lock;
	pthread_cond_t work; /* a kind is not full, or stop */
	struct kind kinds[KINDS];
	size_t nkinds, depth;
	pthread_t threads[THREADS_MAX];
	unsigned nthreads;
	bool stop;
};

static struct kind *
kind_find(struct keypool *p, enum key_alg alg, unsigned bits)
{
	for (size_t i = 0; i < p->nkinds; i++)
		if (p->kinds[i].alg == alg && p->kinds[i].bits == bits)
			return &p->kinds[i];
	return NULL;
}

/* The kind that has least; NULL when all are full. */
static struct kind *
kind_hungry(struct keypool *p)
{
	struct kind *least = NULL;

	for (size_t i = 0; i < p->nkinds; i++) {
		struct kind *k = &p->kinds[i];

		if (k->n + k->making < p->depth &&
		    (least == NULL || k->n + k->making < least->n + least->making))
			least = k;
	}
	return least;
}

static void
pause_locked(struct keypool *p)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += PAUSE_S;
	pthread_cond_timedwait(&p->work, &p->lock, &t);
}

/* Called and left with the lock held. */
static void
fill_one(struct keypool *p, struct kind *k)
{
	struct key *key = NULL;
	err_t e;

	k->making++;
	pthread_mutex_unlock(&p->lock);
	e = key_make(k->alg, k->bits, &key);
	pthread_mutex_lock(&p->lock);
	k->making--;
	if (err_ok(e)) {
		k->keys[k->n++] = key;
		return;
	}
	/* Whoever takes from the empty pool makes the key and sees the failure. */
	err_forget(e);
	pause_locked(p);
}

static void *
fill(void *arg)
{
	struct keypool *p = arg;
	struct kind *k;

	/* Linux: niceness is the thread's own. Without it the pool still works. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		k = kind_hungry(p);
		if (k == NULL)
			pthread_cond_wait(&p->work, &p->lock);
		else
			fill_one(p, k);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

err_t
keypool_new(unsigned threads, unsigned depth, struct keypool **ret)
{
	struct keypool *p;

	if (threads > THREADS_MAX || depth == 0 || depth > DEPTH_MAX)
		FAIL(ERR_RANGE, "key pool of %u threads and depth %u", threads, depth);
	p = calloc(1, sizeof *p);
	if (p == NULL)
		abort();
	p->depth = depth;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
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
	for (size_t i = 0; i < p->nkinds; i++) {
		while (p->kinds[i].n > 0)
			key_free(p->kinds[i].keys[--p->kinds[i].n]);
		free(p->kinds[i].keys);
	}
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* False: no room for another kind. */
static bool
want_locked(struct keypool *p, enum key_alg alg, unsigned bits)
{
	struct kind *k;

	if (kind_find(p, alg, bits) != NULL)
		return true;
	if (p->nkinds == KINDS)
		return false;
	k = &p->kinds[p->nkinds];
	*k = (struct kind){ .alg = alg, .bits = bits };
	k->keys = calloc(p->depth, sizeof(struct key *));
	if (k->keys == NULL)
		abort();
	p->nkinds++;
	pthread_cond_broadcast(&p->work);
	return true;
}

err_t
keypool_want(struct keypool *p, enum key_alg alg, unsigned bits)
{
	bool ok;

	TRY(key_check_kind(alg, bits)); /* what cannot be made would be retried for ever */
	pthread_mutex_lock(&p->lock);
	ok = want_locked(p, alg, bits);
	pthread_mutex_unlock(&p->lock);
	if (!ok)
		FAIL(ERR_RANGE, "more than %d kinds of keys", KINDS);
	return OK;
}

err_t
keypool_take(struct keypool *p, enum key_alg alg, unsigned bits, struct key **ret)
{
	struct key *key = NULL;
	struct kind *k;

	pthread_mutex_lock(&p->lock);
	k = kind_find(p, alg, bits);
	if (k != NULL && k->n > 0) {
		key = k->keys[--k->n];
		pthread_cond_signal(&p->work);
	}
	pthread_mutex_unlock(&p->lock);
	if (key == NULL)
		return key_make(alg, bits, ret);
	*ret = key;
	return OK;
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
