/* SPDX-License-Identifier: Apache-2.0 */
/* See password_queue.h. */
#include "pki/password_queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "pki/password.h"

struct password_queue {
	pthread_mutex_t lock;
	pthread_cond_t done;
	unsigned at_once, most_waiting; /* as given */
	unsigned running, waiting;
};

const char password_of_nobody[] =
    "$argon2id$v=19$m=65536,t=3,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

struct password_queue *
password_queue_new(unsigned at_once, unsigned waiting)
{
	struct password_queue *q = calloc(1, sizeof(*q));

	if (q == NULL)
		abort();
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->done, NULL);
	q->at_once = at_once;
	q->most_waiting = waiting;
	return q;
}

void
password_queue_free(struct password_queue *q)
{
	if (q == NULL)
		return;
	pthread_cond_destroy(&q->done);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

/* False: there is no room. */
static bool
enter(struct password_queue *q)
{
	bool room;

	pthread_mutex_lock(&q->lock);
	room = q->running < q->at_once || q->waiting < q->most_waiting;
	if (room) {
		q->waiting++;
		while (q->running >= q->at_once)
			pthread_cond_wait(&q->done, &q->lock);
		q->waiting--;
		q->running++;
	}
	pthread_mutex_unlock(&q->lock);
	return room;
}

static void
leave(struct password_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->running--;
	pthread_cond_signal(&q->done);
	pthread_mutex_unlock(&q->lock);
}

err_t
password_queue_check(struct password_queue *q, const char *hash, const char *password, bool *ret)
{
	if (!enter(q))
		FAIL(ERR_BUSY, "too many passwords are being checked");
	*ret = password_matches(hash, password);
	leave(q);
	return OK;
}
