/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/scep_ra.h"

#include <ctype.h>

#include "ca/ca_key.h"
#include "ca/mint.h"
#include "ca/state.h"
#include "store/scep.h"

#define TEMPLATE_CEP "CEPEncryption"

enum { RENEW = 30 * 86400, DIGITAL_SIGNATURE = 0x80 };
enum { KEEP_CHALLENGES = 30 * 86400, KEEP_TRANSACTIONS = 400 * 86400, PRUNE_EVERY = 3600 };

struct entry {
	struct entry *older;
	char *ca;
	struct key *own; /* NULL: the key is that of an older entry */
	const struct key *key;
	struct cert *cert;
};

struct scep_ras {
	pthread_mutex_t lock; /* guards newest; one certificate is made at a time */
	struct entry *newest; /* added to, never changed */
	when_t pruned;        /* of the upkeep's thread alone */
};

struct scep_ras *
scep_ras_new(void)
{
	struct scep_ras *r = calloc(1, sizeof(*r));

	if (r == NULL)
		abort();
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void
scep_ras_free(struct scep_ras *r)
{
	if (r == NULL)
		return;
	while (r->newest != NULL) {
		struct entry *e = r->newest;

		r->newest = e->older;
		key_free(e->own);
		cert_free(e->cert);
		free(e->ca);
		free(e);
	}
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static const char *
setting_of(struct arena *a, const struct ca *ca)
{
	char *name = arena_printf(a, "scep.ra.%s", ca->name);

	/* Names of CAs ignore case, names of settings do not. */
	for (char *p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

static const char *
key_name(struct arena *a, const struct ca *ca)
{
	uint8_t hash[32];

	hash_sha256(str_c(setting_of(a, ca)), hash);
	return arena_printf(a, "scep-%s.key", text_hex(a, str_of(hash, 8)));
}

struct load {
	struct arena *a;
	const char *name;
	struct str der; /* empty: none was made yet */
};

static err_t
load_tx(struct tx *tx, void *arg)
{
	struct load *l = arg;
	err_t e = store_ca_setting_get(tx, l->a, l->name, &l->der);

	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	l->der = STR_EMPTY;
	return OK;
}

static err_t
save(struct tx *tx, struct arena *a, void *arg, const struct cert *c)
{
	(void)a;
	return store_ca_setting_put(tx, arg, cert_der(c));
}

/* Is it still good, for a while, under the certificate that the CA has now? */
static bool
fits(const struct cert *c, const struct ca *ca, int64_t left)
{
	err_t e = cert_verify(c, ca->cert, when_now());
	bool ok = err_ok(e);

	err_forget(e);
	/* One that ends with its CA cannot be bettered. */
	return ok &&
	    (cert_not_after(c) - when_now() > left ||
		cert_not_after(c) >= cert_not_after(ca->cert));
}

static err_t
issue(struct issuer *is, struct arena *a, const struct ca *ca, const struct key *k, struct str *ret)
{
	auto_approval struct approval *ap = NULL;
	/* X.520: a common name has 64 characters at most. */
	struct policy_admin q = { .template = TEMPLATE_CEP,
		.key = k,
		.common_name = arena_printf(a, "%.55s SCEP RA", ca->name),
		.more_usage = DIGITAL_SIGNATURE };
	char *name = arena_strdup(a, setting_of(a, ca));
	struct minted made;

	TRY(policy_admin(is->store, ca, a, &q, &ap));
	TRY(mint(is, a, ap, save, name, &made));
	*ret = made.der;
	return OK;
}

static struct entry *
find(const struct scep_ras *r, const struct ca *ca)
{
	for (struct entry *e = r->newest; e != NULL; e = e->older) {
		if (str_ieq_c(str_c(e->ca), ca->name))
			return e;
	}
	return NULL;
}

/* Takes *own over, if there is one: it is k then. */
static err_t
add(struct scep_ras *r, const struct ca *ca, const struct key *k, struct key **own, struct str der)
{
	auto_cert struct cert *c = NULL;
	struct entry *e;

	TRY(cert_parse(der, &c));
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		abort();
	e->ca = strdup(ca->name);
	if (e->ca == NULL)
		abort();
	e->key = k;
	e->own = own == NULL ? NULL : steal(*own);
	e->cert = steal(c);
	e->older = r->newest;
	r->newest = e;
	return OK;
}

static err_t
get_locked(struct issuer *is, struct arena *a, const struct ca *ca, struct entry **ret)
{
	struct entry *e = find(is->scep_ras, ca);
	struct load l = { .a = a, .name = setting_of(a, ca) };
	auto_key struct key *k = NULL;
	err_t failed;

	if (e == NULL) {
		TRY(store_read(is->store, load_tx, &l));
		TRY(ca_key_make(is, a, key_name(a, ca), KEY_RSA, KEY_RSA_2048, &k));
		if (l.der.n == 0)
			TRY(issue(is, a, ca, k, &l.der));
		TRY(add(is->scep_ras, ca, k, &k, l.der));
		e = find(is->scep_ras, ca);
	}
	if (!fits(e->cert, ca, RENEW)) {
		failed = issue(is, a, ca, e->key, &l.der);
		if (err_ok(failed))
			failed = add(is->scep_ras, ca, e->key, NULL, l.der);
		/* While the old one is good, a failure to renew it waits for the next try. */
		if (!err_ok(failed) && !fits(e->cert, ca, 0))
			return failed;
		err_forget(failed);
		e = find(is->scep_ras, ca);
	}
	*ret = e;
	return OK;
}

err_t
scep_ra_get(struct issuer *is, struct arena *a, const struct ca *ca, struct scep_ra *ret)
{
	struct entry *found = NULL;
	err_t e;

	pthread_mutex_lock(&is->scep_ras->lock);
	e = get_locked(is, a, ca, &found);
	pthread_mutex_unlock(&is->scep_ras->lock);
	TRY_CTX(e, "SCEP RA of %s", ca->name);
	*ret = (struct scep_ra){ found->key, found->cert };
	return OK;
}

static err_t
prune_tx(struct tx *tx, void *arg)
{
	const when_t *now = arg;

	TRY(store_challenge_prune(tx, *now - KEEP_CHALLENGES));
	return store_scep_prune(tx, *now - KEEP_TRANSACTIONS);
}

err_t
scep_upkeep(struct issuer *is)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	auto_arena struct arena *a = arena_new();
	when_t now = when_now();

	if (h->n == 0)
		return OK;
	for (size_t i = 0; i < h->n; i++) {
		struct load l = { .a = a, .name = setting_of(a, &h->v[i]) };
		struct scep_ra ra;

		if (h->v[i].retired)
			continue;
		TRY(store_read(is->store, load_tx, &l));
		if (l.der.n > 0)
			TRY(scep_ra_get(is, a, &h->v[i], &ra));
	}
	if (now - is->scep_ras->pruned < PRUNE_EVERY)
		return OK;
	is->scep_ras->pruned = now;
	return store_write(is->store, prune_tx, &now);
}
