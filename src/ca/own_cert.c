/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/own_cert.h"

#include "ca/ca_key.h"
#include "ca/mint.h"
#include "ca/state.h"
#include "pki/ocsp.h"

struct entry {
	struct entry *older;
	char *setting;
	struct key *own; /* NULL: the key is that of an older entry */
	const struct key *key;
	struct cert *cert;
	struct ocsp_issuer names;
	when_t tried; /* the last renewal that failed */
	bool revoked;
};

struct own_certs {
	const struct own_kind *kind;
	pthread_mutex_t lock; /* guards newest; one certificate is made at a time */
	struct entry *newest; /* added to, never changed but for `tried` and `revoked` */
};

struct own_certs *
own_certs_new(const struct own_kind *kind)
{
	struct own_certs *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->kind = kind;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void
own_certs_free(struct own_certs *s)
{
	if (s == NULL)
		return;
	while (s->newest != NULL) {
		struct entry *e = s->newest;

		s->newest = e->older;
		key_free(e->own);
		cert_free(e->cert);
		free(e->setting);
		free(e);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- keys that were compromised: a record "lost.<name>", as "<name>.lost" may be another CA's certificate ---- */

const char *
own_key_file(struct arena *a, const char *file, int64_t lost)
{
	const char *dot = strrchr(file, '.');

	if (lost == 0 || dot == NULL)
		return file;
	return arena_printf(a, "%.*s-%lld%s", (int)(dot - file), file, (long long)lost, dot);
}

err_t
own_keys_lost(struct tx *tx, const char *name, int64_t *ret)
{
	auto_arena struct arena *a = arena_new();
	struct str v = STR_EMPTY;
	err_t e = store_ca_setting_get(tx, a, arena_printf(a, "lost.%s", name), &v);

	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	*ret = 0;
	return v.n == 0 ? OK : text_i64(v, 0, INT32_MAX, ret);
}

err_t
own_keys_lost_put(struct tx *tx, const char *name, int64_t lost)
{
	auto_arena struct arena *a = arena_new();

	TRY(store_ca_setting_put(
	    tx, arena_printf(a, "lost.%s", name), str_c(arena_printf(a, "%lld", (long long)lost))));
	return store_journal_add(tx, "issuer", "new-key",
	    arena_printf(a, "of=%s compromised=%lld", name, (long long)lost));
}

err_t
own_cert_revoked(struct tx *tx, const struct cert *c, bool *ret)
{
	auto_arena struct arena *a = arena_new();
	struct issued x;
	err_t e = store_issued_by_cert(tx, a, str_of(cert_sha256(c), 32), &x);

	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	*ret = err_ok(e) && x.state == ISSUED_REVOKED;
	err_forget(e);
	return OK;
}

/* ---- making and renewing ---- */

struct load {
	struct arena *a;
	const char *name;
	struct str der; /* empty: none was made yet */
	int64_t lost;
};

static err_t
load_tx(struct tx *tx, void *arg)
{
	struct load *l = arg;
	err_t e;

	TRY(own_keys_lost(tx, l->name, &l->lost));
	e = store_ca_setting_get(tx, l->a, l->name, &l->der);
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	l->der = STR_EMPTY;
	return OK;
}

struct save {
	const struct own_plan *plan;
	int64_t lost;
};

/* The certificate and which key it is for, together. */
static err_t
save(struct tx *tx, struct arena *a, void *arg, const struct cert *c)
{
	const struct save *s = arg;

	(void)a;
	if (s->lost > 0)
		TRY(own_keys_lost_put(tx, s->plan->setting, s->lost));
	return store_ca_setting_put(tx, s->plan->setting, cert_der(c));
}

static bool
is_good(const struct own_kind *kind, const struct entry *e, const struct ca *ca)
{
	return !e->revoked && kind->good(e->cert, ca);
}

static bool
is_due(const struct own_kind *kind, const struct entry *e, const struct ca *ca)
{
	const struct cert *c = e->cert;
	when_t until = cert_not_after(c);

	if (!is_good(kind, e, ca))
		return true;
	/* One that ends with its CA cannot be bettered. */
	return until - when_now() <= kind->renew && until < cert_not_after(ca->cert);
}

static err_t
issue(struct issuer *is, struct arena *a, const struct own_kind *kind, const struct own_plan *p,
    const struct ca *ca, const struct key *k, int64_t lost, struct str *ret)
{
	auto_approval struct approval *ap = NULL;
	struct save s = { p, lost };
	struct policy_admin q = { .template = kind->template,
		.key = k,
		.common_name = p->common_name,
		.more_usage = kind->more_usage };
	struct minted made;

	TRY(policy_admin(is->store, ca, a, &q, &ap));
	TRY(mint(is, a, ap, save, &s, &made));
	*ret = made.der;
	return OK;
}

static struct entry *
find(const struct own_certs *s, const struct own_plan *p)
{
	for (struct entry *e = s->newest; e != NULL; e = e->older) {
		if (str_eq_c(str_c(e->setting), p->setting))
			return e;
	}
	return NULL;
}

/* Takes *own over, if there is one: it is k then. */
static err_t
add(struct own_certs *s, const struct own_plan *p, const struct key *k, struct key **own,
    struct str der)
{
	auto_cert struct cert *c = NULL;
	struct ocsp_issuer names;
	struct entry *e;

	TRY(cert_parse(der, &c));
	TRY(ocsp_issuer(c, &names));
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		abort();
	e->setting = strdup(p->setting);
	if (e->setting == NULL)
		abort();
	e->key = k;
	e->own = own == NULL ? NULL : steal(*own);
	e->cert = steal(c);
	e->names = names;
	e->older = s->newest;
	s->newest = e;
	return OK;
}

/* A certificate for the next key. Its file is there if this was interrupted: nothing was certified for it yet. */
static err_t
new_key(struct issuer *is, struct own_certs *s, struct arena *a, const struct own_plan *p,
    const struct ca *ca)
{
	struct load l = { .a = a, .name = p->setting };
	auto_key struct key *k = NULL;

	TRY(store_read(is->store, load_tx, &l));
	l.lost++;
	TRY(ca_key_make(is, a, own_key_file(a, p->file, l.lost), p->alg, p->bits, &k));
	TRY(issue(is, a, s->kind, p, ca, k, l.lost, &l.der));
	return add(s, p, k, &k, l.der);
}

static err_t
look_tx(struct tx *tx, void *arg)
{
	struct own_certs *s = arg;

	for (struct entry *e = s->newest; e != NULL; e = e->older) {
		if (!e->revoked && cert_not_after(e->cert) > when_now())
			TRY(own_cert_revoked(tx, e->cert, &e->revoked));
	}
	return OK;
}

/* What was made before may have been revoked before this start. */
static err_t
open_entry(struct issuer *is, struct own_certs *s, struct arena *a, const struct own_plan *p,
    const struct ca *ca)
{
	struct load l = { .a = a, .name = p->setting };
	auto_key struct key *k = NULL;
	err_t e = OK;

	TRY(store_read(is->store, load_tx, &l));
	TRY(ca_key_make(is, a, own_key_file(a, p->file, l.lost), p->alg, p->bits, &k));
	if (l.der.n == 0)
		e = issue(is, a, s->kind, p, ca, k, 0, &l.der);
	if (err_is(e, ERR_KEY_COMPROMISED)) {
		err_forget(e);
		return new_key(is, s, a, p, ca);
	}
	TRY(e);
	TRY(add(s, p, k, &k, l.der));
	return store_read(is->store, look_tx, s);
}

/* While the old one is good, a failure to renew it waits for the next try. */
static err_t
renew(struct issuer *is, struct own_certs *s, struct arena *a, const struct own_plan *p,
    const struct ca *ca, struct entry *e)
{
	struct str der;
	err_t failed;

	if (is_good(s->kind, e, ca) && when_now() - e->tried < s->kind->retry)
		return OK;
	failed = issue(is, a, s->kind, p, ca, e->key, 0, &der);
	if (err_ok(failed))
		failed = add(s, p, e->key, NULL, der);
	if (err_is(failed, ERR_KEY_COMPROMISED)) {
		err_forget(failed);
		failed = new_key(is, s, a, p, ca);
	}
	if (err_ok(failed))
		return OK;
	e->tried = when_now();
	if (!is_good(s->kind, e, ca))
		return failed;
	err_forget(failed);
	return OK;
}

static err_t
get_locked(struct issuer *is, struct own_certs *s, struct arena *a, const struct ca *ca,
    struct own_cert *ret)
{
	struct own_plan p;
	struct entry *e;

	s->kind->plan(a, ca, &p);
	e = find(s, &p);
	if (e == NULL) {
		TRY(open_entry(is, s, a, &p, ca));
		e = find(s, &p);
	}
	if (is_due(s->kind, e, ca)) {
		TRY(renew(is, s, a, &p, ca, e));
		e = find(s, &p);
	}
	*ret = (struct own_cert){ e->key, e->cert, STR(e->names.key_sha1) };
	return OK;
}

err_t
own_cert_get(struct issuer *is, struct own_certs *s, struct arena *a, const struct ca *ca,
    struct own_cert *ret)
{
	err_t e;

	pthread_mutex_lock(&s->lock);
	e = get_locked(is, s, a, ca, ret);
	pthread_mutex_unlock(&s->lock);
	return e;
}

err_t
own_certs_look(struct issuer *is, struct own_certs *s)
{
	err_t e;

	pthread_mutex_lock(&s->lock);
	e = store_read(is->store, look_tx, s);
	pthread_mutex_unlock(&s->lock);
	return e;
}

err_t
own_cert_made(
    struct issuer *is, const struct own_certs *s, struct arena *a, const struct ca *ca, bool *ret)
{
	struct own_plan p;
	struct load l = { .a = a };

	s->kind->plan(a, ca, &p);
	l.name = p.setting;
	TRY(store_read(is->store, load_tx, &l));
	*ret = l.der.n > 0;
	return OK;
}
