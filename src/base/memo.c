/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memo.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"

/* In its own arena. */
struct value {
	struct arena *a;
	const void *kind, *v;
	struct str text;
	atomic_size_t users; /* the place where it is kept, and arenas */
};

struct memo {
	pthread_mutex_t lock; /* of the places */
	size_t n;
	struct value *place[];
};

struct memo *
memo_new(size_t places)
{
	struct memo *m = calloc(1, sizeof(*m) + places * sizeof(m->place[0]));

	if (m == NULL)
		abort();
	m->n = places;
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

static void
let_go(void *value)
{
	struct value *x = value;

	if (x != NULL && atomic_fetch_sub(&x->users, 1) == 1)
		arena_free(x->a);
}

void
memo_free(struct memo *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n; i++)
		let_go(m->place[i]);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static struct value **
place_of(struct memo *m, struct str hint)
{
	return &m->place[str_hash(hint) % m->n];
}

/* NULL: it is not there. */
static struct value *
find(struct memo *m, struct str hint, const void *kind, struct str text)
{
	struct value *x;

	pthread_mutex_lock(&m->lock);
	x = *place_of(m, hint);
	if (x != NULL && x->kind == kind && str_eq(x->text, text))
		atomic_fetch_add(&x->users, 1);
	else
		x = NULL;
	pthread_mutex_unlock(&m->lock);
	return x;
}

/* Used by its place and by who made it. */
static void
keep(struct memo *m, struct str hint, struct value *x)
{
	struct value **at = place_of(m, hint), *old;

	atomic_store(&x->users, 2);
	pthread_mutex_lock(&m->lock);
	old = *at;
	*at = x;
	pthread_mutex_unlock(&m->lock);
	let_go(old);
}

static err_t
fill(struct arena *a, const void *kind, struct str text, memo_make make, const void *arg,
    struct value **ret)
{
	struct value *x = ARENA_NEW(a, struct value);
	void *v;

	x->a = a;
	x->kind = kind;
	x->text = arena_str(a, text);
	TRY(make(a, x->text, arg, &v));
	x->v = v;
	*ret = x;
	return OK;
}

static err_t
value_new(const void *kind, struct str text, memo_make make, const void *arg, struct value **ret)
{
	struct arena *a = arena_new();
	err_t e = fill(a, kind, text, make, arg, ret);

	if (!err_ok(e))
		arena_free(a);
	return e;
}

err_t
memo_get(struct memo *m, struct arena *a, struct str hint, const void *kind, struct str text,
    memo_make make, const void *arg, const void **ret)
{
	struct value *x = NULL;
	void *v;

	if (m == NULL || text.n > LIMIT_MEMO_TEXT) {
		TRY(make(a, text, arg, &v));
		*ret = v;
		return OK;
	}
	x = find(m, hint, kind, text);
	if (x == NULL) {
		TRY(value_new(kind, text, make, arg, &x));
		keep(m, hint, x);
	}
	arena_at_end(a, let_go, x);
	*ret = x->v;
	return OK;
}
