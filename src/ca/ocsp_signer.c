/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ocsp_signer.h"

#include "ca/ca_key.h"
#include "ca/mint.h"
#include "ca/state.h"
#include "pki/ocsp.h"

#define TEMPLATE_OCSP "OCSPResponseSigning"

/* The template's certificates live two weeks and are renewed two days before their end. */
enum { RENEW = 2 * 86400, RETRY = 60 };

struct entry {
	struct entry *older;
	char *ca;
	unsigned key_index;
	struct key *own; /* NULL: the key is that of an older entry */
	const struct key *key;
	struct cert *cert;
	struct ocsp_issuer names;
	when_t tried; /* the last renewal that failed */
};

struct ocsp_signers {
	pthread_mutex_t lock; /* guards newest; one certificate is made at a time */
	struct entry *newest; /* added to, never changed but for `tried` */
};

struct ocsp_signers *
ocsp_signers_new(void)
{
	struct ocsp_signers *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void
ocsp_signers_free(struct ocsp_signers *s)
{
	if (s == NULL)
		return;
	while (s->newest != NULL) {
		struct entry *e = s->newest;

		s->newest = e->older;
		key_free(e->own);
		cert_free(e->cert);
		free(e->ca);
		free(e);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* By the CA's own key: names can differ in case, keys cannot. */
static char *
ident(struct arena *a, const struct ca *ca)
{
	return text_hex(a, str_of(cert_spki_sha256(ca->cert), 8));
}

static const char *
setting_of(struct arena *a, const struct ca *ca)
{
	return arena_printf(a, "ocsp.signer.%s", ident(a, ca));
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

/* Is it still good, for so long? One that ends with its CA cannot be bettered. */
static bool
fits(const struct cert *c, const struct ca *ca, int64_t left)
{
	when_t now = when_now(), until = cert_not_after(c);

	return cert_not_before(c) <= now && now < until &&
	    (until - now > left || until >= cert_not_after(ca->cert));
}

static err_t
issue(struct issuer *is, struct arena *a, const struct ca *ca, const struct key *k, struct str *ret)
{
	auto_approval struct approval *ap = NULL;
	/* X.520: a common name has 64 characters at most. */
	struct policy_admin q = { .template = TEMPLATE_OCSP,
		.key = k,
		.common_name = arena_printf(a, "%.59s OCSP", ca->name) };
	char *name = arena_strdup(a, setting_of(a, ca));
	struct minted made;

	TRY(policy_admin(is->store, ca, a, &q, &ap));
	TRY(mint(is, a, ap, save, name, &made));
	*ret = made.der;
	return OK;
}

static struct entry *
find(const struct ocsp_signers *s, const struct ca *ca)
{
	for (struct entry *e = s->newest; e != NULL; e = e->older) {
		if (e->key_index == ca->key_index && str_ieq_c(str_c(e->ca), ca->name))
			return e;
	}
	return NULL;
}

/* Takes *own over, if there is one: it is k then. */
static err_t
add(struct ocsp_signers *s, const struct ca *ca, const struct key *k, struct key **own,
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
	e->ca = strdup(ca->name);
	if (e->ca == NULL)
		abort();
	e->key_index = ca->key_index;
	e->key = k;
	e->own = own == NULL ? NULL : steal(*own);
	e->cert = steal(c);
	e->names = names;
	e->older = s->newest;
	s->newest = e;
	return OK;
}

static err_t
open_entry(struct issuer *is, struct arena *a, const struct ca *ca)
{
	const char *file = arena_printf(a, "ocsp-%s.key", ident(a, ca));
	bool rsa = key_algorithm(ca->key) == KEY_RSA;
	struct load l = { .a = a, .name = setting_of(a, ca) };
	auto_key struct key *k = NULL;

	TRY(store_read(is->store, load_tx, &l));
	TRY(ca_key_make(is, a, file, rsa ? KEY_RSA : KEY_EC, rsa ? KEY_RSA_2048 : KEY_P256, &k));
	if (l.der.n == 0)
		TRY(issue(is, a, ca, k, &l.der));
	return add(is->ocsp_signers, ca, k, &k, l.der);
}

/* While the old one is good, a failure to renew it waits for the next try. */
static err_t
renew(struct issuer *is, struct arena *a, const struct ca *ca, struct entry *e)
{
	struct str der;
	err_t failed;

	if (fits(e->cert, ca, 0) && when_now() - e->tried < RETRY)
		return OK;
	failed = issue(is, a, ca, e->key, &der);
	if (err_ok(failed))
		failed = add(is->ocsp_signers, ca, e->key, NULL, der);
	if (err_ok(failed))
		return OK;
	e->tried = when_now();
	if (!fits(e->cert, ca, 0))
		return failed;
	err_forget(failed);
	return OK;
}

static err_t
get_locked(struct issuer *is, struct arena *a, const struct ca *ca, struct ocsp_signer *ret)
{
	struct entry *e = find(is->ocsp_signers, ca);

	if (e == NULL) {
		TRY(open_entry(is, a, ca));
		e = find(is->ocsp_signers, ca);
	}
	if (!fits(e->cert, ca, RENEW)) {
		TRY(renew(is, a, ca, e));
		e = find(is->ocsp_signers, ca);
	}
	*ret = (struct ocsp_signer){ e->key, e->cert, STR(e->names.key_sha1) };
	return OK;
}

err_t
ocsp_signer_get(struct issuer *is, const struct ca *ca, struct ocsp_signer *ret)
{
	auto_arena struct arena *a = arena_new();
	struct err_report why;
	err_t e;

	pthread_mutex_lock(&is->ocsp_signers->lock);
	e = get_locked(is, a, ca, ret);
	pthread_mutex_unlock(&is->ocsp_signers->lock);
	if (err_ok(e))
		return OK;
	err_take(e, &why);
	FAIL(ERR_OCSP_SIGNER, "%s: %s: %s", ca->name, err_info(why.code)->text, why.detail);
}

err_t
ocsp_signers_upkeep(struct issuer *is)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	struct err_report first = { .code = ERR_NONE };

	for (size_t i = 0; i < h->n; i++) {
		struct ocsp_signer s;
		err_t e = ocsp_signer_get(is, &h->v[i], &s);

		if (!err_ok(e) && first.code == ERR_NONE)
			err_take(e, &first);
		else
			err_forget(e);
	}
	return first.code == ERR_NONE ? OK : err_raise(&first);
}
