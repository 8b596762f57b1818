/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/hierarchy.h"

#include "ca/ca_key.h"
#include "ca/gates.h"
#include "ca/known.h"
#include "ca/make.h"
#include "ca/own_cert.h"
#include "ca/state.h"

const char *
ca_role_name(enum ca_role role)
{
	switch (role) {
	case CA_ROLE_ROOT:
		return "root";
	case CA_ROLE_ISSUING:
		return "issuing";
	case CA_ROLE_IDENTITY:
		return "identity";
	}
	return "unknown";
}

void
hierarchy_free(struct hierarchy *h)
{
	while (h != NULL) {
		struct hierarchy *older = h->older;

		for (size_t i = 0; i < h->n; i++) {
			key_free(h->v[i].key);
			cert_free(h->v[i].cert);
		}
		key_free(h->tls_key);
		cert_free(h->tls_cert);
		known_free(h->known);
		gate_memory_free(h->gates);
		arena_free(h->arena);
		free(h);
		h = older;
	}
}

static void
hierarchy_cleanup(struct hierarchy **h)
{
	hierarchy_free(*h);
}

/* "http://host/crl/Name.crl" -> "http://host/crl/Name(2).crl": the brackets are escaped, as everybody writes them. */
static const char *
url_indexed(struct arena *a, const char *url, uint32_t index)
{
	const char *dot = strrchr(url, '.');

	if (index == 0 || dot == NULL)
		return url;
	return arena_printf(a, "%.*s%%28%u%%29%s", (int)(dot - url), url, index, dot);
}

struct load {
	struct arena *a;
	struct ca_row *rows;
	size_t n;
	struct ca_cert_row *certs;
	size_t ncerts;
	struct extra_certs extra;
	struct str tls;
	int64_t tls_lost;
};

static err_t
load_tx(struct tx *tx, void *arg)
{
	struct load *l = arg;
	err_t e;

	TRY(store_ca_list(tx, l->a, &l->rows, &l->n));
	TRY(store_ca_cert_list(tx, l->a, &l->certs, &l->ncerts));
	TRY(extra_cert_load(tx, l->a, l->rows, l->n, l->certs, l->ncerts, &l->extra));
	TRY(own_keys_lost(tx, TLS_KEY, &l->tls_lost));
	e = store_ca_setting_get(tx, l->a, SETTING_TLS_CERT, &l->tls);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	return e;
}

static err_t
load_key(struct issuer *is, struct hierarchy *h, const struct ca_row *row,
    const struct ca_cert_row *c, bool retired)
{
	struct ca *ca = &h->v[h->n];

	if (h->n >= LIMIT_CAS)
		FAIL(ERR_TOO_LARGE, "more than %u keys of CAs", LIMIT_CAS);
	*ca = (struct ca){
		.name = row->name,
		.role = (enum ca_role)row->role,
		.issuer = row->issuer,
		.crl_url = url_indexed(h->arena, row->crl_url, c->key_index),
		.aia_url = url_indexed(h->arena, row->aia_url, c->cert_index),
		.ocsp_url = row->ocsp_url,
		.key_index = (uint16_t)c->key_index,
		.cert_index = (uint16_t)c->cert_index,
		.retired = retired,
		.key_file = c->key_file,
	};
	h->n++; /* from here on hierarchy_free() has it */
	TRY(cert_parse(c->cert, &ca->cert));
	return ca_key_open(is, h->arena, c->key_file, ca->cert, &ca->key);
}

/* The newest certificate of each older key: until it has ended. */
static bool
is_older_key(const struct load *l, size_t i, const struct ca_row *row)
{
	const struct ca_cert_row *c = &l->certs[i];

	if (!str_ieq_c(str_c(c->ca), row->name) || c->key_index == row->key_index)
		return false;
	return i + 1 >= l->ncerts || !str_ieq_c(str_c(l->certs[i + 1].ca), c->ca) ||
	    l->certs[i + 1].key_index != c->key_index;
}

static err_t
load_ca(struct issuer *is, struct hierarchy *h, const struct load *l, const struct ca_row *row)
{
	struct ca_cert_row now = { .ca = row->name,
		.cert_index = row->cert_index,
		.key_index = row->key_index,
		.key_file = row->key_file,
		.cert = row->cert };

	TRY(load_key(is, h, row, &now, false));
	for (size_t i = 0; i < l->ncerts; i++) {
		if (is_older_key(l, i, row))
			TRY(load_key(is, h, row, &l->certs[i], true));
	}
	return OK;
}

/* A CA with several keys has as many certificates of one name: it is enough that one fits. */
err_t
hierarchy_verify(const struct hierarchy *h, const struct cert *c, const struct ca **ret)
{
	struct err_report why = { .code = ERR_NONE };

	for (size_t i = 0; i < h->n; i++) {
		err_t e;

		if (!str_eq(cert_issuer_der(c), cert_subject_der(h->v[i].cert)))
			continue;
		e = cert_verify(c, h->v[i].cert, when_now());
		if (err_ok(e)) {
			*ret = &h->v[i];
			return OK;
		}
		if (why.code != ERR_EXPIRED)
			err_take(e, &why);
		else
			err_forget(e);
	}
	if (why.code != ERR_NONE)
		return err_raise(&why);
	FAIL(ERR_CHAIN, "no CA here is %s", cert_issuer(c));
}

/* The one whose key signed ca's certificate; NULL: it is not here, or ca signed it itself. */
static const struct ca *
above(const struct hierarchy *h, const struct ca *ca)
{
	const struct ca *by;
	err_t e;

	if (cert_self_issued(ca->cert))
		return NULL;
	e = hierarchy_verify(h, ca->cert, &by);
	if (!err_ok(e)) { /* what has ended still belongs to its chain */
		err_forget(e);
		e = hierarchy_find(h, ca->issuer, &by);
	}
	if (err_ok(e))
		return by;
	err_forget(e);
	return NULL;
}

static void
keep_certs(struct hierarchy *h, const struct load *l)
{
	h->certs = arena_array(h->arena, l->ncerts + 1, sizeof(*h->certs));
	h->ncerts = l->ncerts;
	for (size_t i = 0; i < l->ncerts; i++)
		h->certs[i] =
		    (struct ca_cert){ l->certs[i].ca, l->certs[i].cert_index, l->certs[i].cert };
}

err_t
hierarchy_load(struct issuer *is, struct hierarchy **ret)
{
	__attribute__((cleanup(hierarchy_cleanup))) struct hierarchy *h = calloc(1, sizeof(*h));
	struct load l = { 0 };

	if (h == NULL)
		abort();
	h->arena = arena_new();
	h->known = known_new();
	h->gates = gate_memory_new();
	l.a = h->arena;
	TRY(store_read(is->store, load_tx, &l));
	h->v = arena_array(h->arena, LIMIT_CAS, sizeof(*h->v));
	for (size_t i = 0; i < l.n; i++) {
		if (l.rows[i].cert.n > 0)
			TRY_CTX(load_ca(is, h, &l, &l.rows[i]), "CA %s", l.rows[i].name);
	}
	keep_certs(h, &l);
	/* Once and for all: the signatures are looked at here, not with each answer. */
	h->extra = l.extra;
	for (size_t i = 0; i < h->n; i++)
		h->v[i].above = above(h, &h->v[i]);
	for (size_t i = 0; i < h->n; i++)
		TRY(hierarchy_limited(h, &h->v[i], &h->v[i].limited));
	if (l.tls.n > 0) {
		TRY_CTX(cert_parse(l.tls, &h->tls_cert), "TLS certificate");
		TRY(ca_key_open(is, h->arena, own_key_file(h->arena, TLS_KEY_FILE, l.tls_lost),
		    h->tls_cert, &h->tls_key));
	}
	*ret = steal(h);
	return OK;
}

err_t
hierarchy_find(const struct hierarchy *h, const char *name, const struct ca **ret)
{
	if (h->n == 0)
		FAIL(ERR_CA_NONE, "%s", "");
	for (size_t i = 0; i < h->n; i++) {
		if (!h->v[i].retired && str_ieq_c(str_c(h->v[i].name), name)) {
			*ret = &h->v[i];
			return OK;
		}
	}
	FAIL(ERR_CA_UNKNOWN, "%s", name);
}

/* Is it "Name", or "Name(7)"? Names of CAs have no brackets (make_check_name). "Name(07)" is none: fronts keep what they
 * fetched by its name, and anybody may ask for as many names as there are. */
static bool
file_is(const char *file, const char *name, uint32_t *ret_index)
{
	size_t n = strlen(name), len = strlen(file);
	int64_t index = 0;
	err_t e;

	if (len < n || !str_ieq_c(str_of(file, n), name))
		return false;
	if (len > n) {
		if (len < n + 3 || file[n] != '(' || file[n + 1] == '0' || file[len - 1] != ')')
			return false;
		e = text_i64(str_of(file + n + 1, len - n - 2), 1, UINT16_MAX, &index);
		err_forget(e);
		if (!err_ok(e))
			return false;
	}
	*ret_index = (uint32_t)index;
	return true;
}

err_t
hierarchy_of_file(const struct hierarchy *h, const char *file, const struct ca **ret)
{
	uint32_t index;

	if (h->n == 0)
		FAIL(ERR_CA_NONE, "%s", "");
	for (size_t i = 0; i < h->n; i++) {
		if (file_is(file, h->v[i].name, &index) && index == h->v[i].key_index) {
			*ret = &h->v[i];
			return OK;
		}
	}
	FAIL(ERR_CA_UNKNOWN, "%s", file);
}

err_t
hierarchy_cert_of_file(const struct hierarchy *h, const char *file, struct str *ret)
{
	const struct ca *ca;
	uint32_t index;
	err_t e;

	for (size_t i = 0; i < h->ncerts; i++) {
		if (file_is(file, h->certs[i].ca, &index) && index == h->certs[i].cert_index) {
			*ret = h->certs[i].der;
			return OK;
		}
	}
	e = extra_cert_of_file(&h->extra, file, ret);
	if (err_ok(e))
		return OK;
	err_forget(e);
	TRY(hierarchy_find(h, file, &ca));
	*ret = cert_der(ca->cert);
	return OK;
}

err_t
hierarchy_by_role(const struct hierarchy *h, enum ca_role role, const struct ca **ret)
{
	for (size_t i = 0; i < h->n; i++) {
		if (!h->v[i].retired && h->v[i].role == role) {
			*ret = &h->v[i];
			return OK;
		}
	}
	FAIL(ERR_CA_NONE, "there is no %s CA", ca_role_name(role));
}

struct ipc_blobs
hierarchy_chain(struct arena *a, const struct hierarchy *h, const struct ca *ca)
{
	struct ipc_blobs b = { arena_array(a, LIMIT_CHAIN_CERTS, sizeof(struct str)), 0 };

	const struct ca *top = ca;
	const struct extra_cert *x;

	while (ca != NULL && ca->role != CA_ROLE_ROOT && b.n < LIMIT_CHAIN_CERTS) {
		b.v[b.n++] = cert_der(ca->cert);
		top = ca;
		ca = ca->above;
	}
	for (size_t i = 0; ca == NULL && b.n < LIMIT_CHAIN_CERTS; i++) {
		x = extra_cert_above(&h->extra, top->name, i);
		if (x == NULL || x->root)
			break;
		b.v[b.n++] = x->der;
	}
	return b;
}

static bool
has_older_keys(const struct hierarchy *h, const struct ca *ca)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].retired && str_ieq_c(str_c(h->v[i].name), ca->name))
			return true;
	}
	return false;
}

struct ipc_blobs
hierarchy_chain_of(struct arena *a, const struct hierarchy *h, const struct ca *ca, struct str leaf)
{
	auto_cert struct cert *c = NULL;
	const struct ca *by = ca;
	err_t e;

	if (!has_older_keys(h, ca))
		return hierarchy_chain(a, h, ca);
	e = cert_parse(leaf, &c);
	if (err_ok(e))
		e = hierarchy_verify(h, c, &by);
	err_forget(e);
	return hierarchy_chain(a, h, err_ok(e) ? by : ca);
}
