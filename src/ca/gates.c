/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/gates.h"

#include <pthread.h>
#include <stdatomic.h>

#include "ca/renewal.h"
#include "ca/setting.h"
#include "ca/template.h"
#include "store/policy.h"

enum { PASSES = 128, NAMES_MAX = 512 };

/* ---- the gates ---- */

static err_t
resolve_template(struct tx *tx, struct arena *a, const struct gate_names *names,
    const struct ca *ca, struct template_row *ret)
{
	struct template_row first, t;

	if (names->n == 0)
		FAIL(ERR_TEMPLATE_NONE, "%s", "");
	for (size_t i = 0; i < names->n; i++) {
		err_t e = store_template_get(tx, a, names->v[i], &t);

		if (err_is(e, ERR_NOT_FOUND))
			FAIL(ERR_TEMPLATE_UNKNOWN, "%s on %s", names->v[i], ca->name);
		TRY(e);
		if (i == 0)
			first = t;
		if (!str_eq_c(str_c(first.name), t.name))
			FAIL(ERR_TEMPLATE_CONFLICT, "%s and %s", first.name, t.name);
	}
	if (!template_on(&first, ca->name))
		FAIL(ERR_TEMPLATE_UNKNOWN, "%s is not published on %s", first.name, ca->name);
	*ret = first;
	return OK;
}

static err_t
gate_rights(const struct caller *c, const struct ca *ca)
{
	if (!(c->who.ca_rights & CA_RIGHT_REQUEST))
		FAIL(ERR_CA_ENROL_DENIED, "principal %s on %s", c->who.name, ca->name);
	return OK;
}

static err_t
gate_enrol(struct tx *tx, const struct caller *c, const struct template_row *t)
{
	unsigned allow;

	TRY(store_template_rights_of(tx, t->name, c->who.name, &allow));
	if (!(allow & TEMPLATE_ENROL) || !(allow & TEMPLATE_READ))
		FAIL(ERR_TEMPLATE_DENIED, "principal %s on template %s lacks %s", c->who.name,
		    t->name, allow & TEMPLATE_ENROL ? "Read" : "Enrol");
	return OK;
}

/* Is it a template that this issuer can do right by itself? */
static err_t
gate_kind(const struct template_row *t)
{
	if (t->flags & (TEMPLATE_IS_CA | TEMPLATE_CROSS_CA))
		FAIL(ERR_TEMPLATE_MANUAL, "template %s is of CA certificates", t->name);
	return OK;
}

err_t
gates_pass(struct tx *tx, struct gates *g)
{
	TRY(caller_records(tx, g->a, g->who, &g->caller));
	if (g->renews != NULL) {
		TRY(renewal_record(tx, g->a, g->renews, &g->renewed));
		TRY(renewal_stays(tx, g->a, &g->renewed, g->ca->name, g->ordered));
	}
	TRY(gate_rights(&g->caller, g->ca));
	TRY(resolve_template(tx, g->a, g->names, g->ca, &g->template));
	TRY(gate_enrol(tx, &g->caller, &g->template));
	TRY(gate_kind(&g->template));
	TRY(setting_get(tx, SETTING_VALIDITY_ATTRIBUTES, &g->heard));
	return setting_get(tx, SETTING_MAX_VALIDITY_DAYS, &g->max_days);
}

/* ---- who passed ---- */

/* What a pass was given for. */
struct asked {
	uint8_t caller[32];
	const struct ca *ca;
	char names[NAMES_MAX]; /* one after the other, each with its end */
	size_t n;
};

struct pass {
	struct gate_pass p; /* first: it is what is given out */
	atomic_uint refs;
	struct arena *arena; /* of all that it found */
	struct asked asked;
};

struct gate_memory {
	pthread_mutex_t lock;
	struct pass *v[PASSES];
};

struct gate_memory *
gate_memory_new(void)
{
	struct gate_memory *m = calloc(1, sizeof(*m));

	if (m == NULL)
		abort();
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

static void
pass_free(struct pass *x)
{
	if (x == NULL || atomic_fetch_sub(&x->refs, 1) != 1)
		return;
	arena_free(x->arena);
	free(x);
}

static void
pass_cleanup(struct pass **x)
{
	pass_free(*x);
}
#define auto_pass __attribute__((cleanup(pass_cleanup)))

static struct pass *
pass_new(const struct gates *q)
{
	struct pass *x = calloc(1, sizeof(*x));

	if (x == NULL)
		abort();
	atomic_init(&x->refs, 1);
	x->arena = arena_new();
	x->p.found = *q;
	x->p.found.a = x->arena;
	return x;
}

void
gate_pass_free(const struct gate_pass *p)
{
	pass_free((struct pass *)(uintptr_t)p);
}

void
gate_memory_free(struct gate_memory *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < PASSES; i++)
		pass_free(m->v[i]);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* Is it one that is remembered: the caller's own certificate, and nothing else that counts? */
static bool
asked_of(const struct gates *q, struct asked *ret)
{
	if (q->who->user != NULL || q->who->vouched != NULL || q->who->renews || q->renews != NULL)
		return false;
	memcpy(ret->caller, q->who->sha256, sizeof(ret->caller));
	ret->ca = q->ca;
	ret->n = 0;
	for (size_t i = 0; i < q->names->n; i++) {
		size_t n = strlen(q->names->v[i]) + 1;

		if (n > NAMES_MAX - ret->n)
			return false;
		memcpy(ret->names + ret->n, q->names->v[i], n);
		ret->n += n;
	}
	return true;
}

static struct pass **
place_of(struct gate_memory *m, const struct asked *k)
{
	uint64_t h =
	    str_hash(str_of(k->names, k->n)) + k->caller[0] + ((uint64_t)k->caller[1] << 8);

	return &m->v[h % PASSES];
}

static struct pass *
remembered(struct gate_memory *m, const struct asked *k, int64_t generation)
{
	struct pass *x;

	pthread_mutex_lock(&m->lock);
	x = *place_of(m, k);
	if (x != NULL &&
	    (x->p.generation != generation || x->asked.ca != k->ca || x->asked.n != k->n ||
		memcmp(x->asked.caller, k->caller, sizeof(k->caller)) != 0 ||
		memcmp(x->asked.names, k->names, k->n) != 0))
		x = NULL;
	if (x != NULL)
		atomic_fetch_add(&x->refs, 1);
	pthread_mutex_unlock(&m->lock);
	return x;
}

static void
remember(struct gate_memory *m, const struct asked *k, struct pass *x)
{
	struct pass **place, *old;

	x->asked = *k;
	/* They were the request's: nothing of it is kept. */
	x->p.found.names = NULL;
	x->p.found.who = NULL;
	atomic_fetch_add(&x->refs, 1);
	pthread_mutex_lock(&m->lock);
	place = place_of(m, k);
	old = *place;
	*place = x;
	pthread_mutex_unlock(&m->lock);
	pass_free(old);
}

struct ask {
	struct gate_memory *m;
	const struct gates *q;
	const struct asked *key; /* NULL: it is not remembered */
	struct pass *found;
	bool old;
};

static err_t
ask_tx(struct tx *tx, void *arg)
{
	auto_pass struct pass *x = NULL;
	struct ask *k = arg;
	int64_t generation;

	TRY(store_gate_generation(tx, &generation));
	if (k->key != NULL)
		k->found = remembered(k->m, k->key, generation);
	k->old = k->found != NULL;
	if (k->old)
		return OK;
	x = pass_new(k->q);
	x->p.generation = generation;
	TRY(gates_pass(tx, &x->p.found));
	k->found = steal(x);
	return OK;
}

err_t
gates_ask(
    struct store *s, struct gate_memory *m, const struct gates *q, const struct gate_pass **ret)
{
	struct asked key;
	struct ask k = { .m = m, .q = q, .key = asked_of(q, &key) ? &key : NULL };

	TRY(store_read(s, ask_tx, &k));
	if (k.key != NULL && !k.old)
		remember(m, k.key, k.found);
	*ret = &k.found->p;
	return OK;
}
