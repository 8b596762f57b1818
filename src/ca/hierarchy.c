/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/hierarchy.h"

#include "base/file.h"
#include "ca/make.h"
#include "store/ca.h"

enum { KEY_FILE_MAX = 16384 };

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

struct load {
	struct arena *a;
	struct ca_row *rows;
	size_t n;
	struct str tls;
};

static err_t
load_tx(struct tx *tx, void *arg)
{
	struct load *l = arg;
	err_t e;

	TRY(store_ca_list(tx, l->a, &l->rows, &l->n));
	e = store_ca_setting_get(tx, l->a, SETTING_TLS_CERT, &l->tls);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	return e;
}

static err_t
read_key(struct arena *a, const char *dir, const char *file, struct key **ret)
{
	const char *path = arena_printf(a, "%s/%s", dir, file);
	struct str pem;

	TRY(file_read(a, path, KEY_FILE_MAX, &pem));
	TRY_CTX(key_read(pem, NULL, ret), "%s", path);
	return OK;
}

static err_t
load_ca(struct hierarchy *h, const char *dir, const struct ca_row *row)
{
	struct ca *ca = &h->v[h->n];

	*ca = (struct ca){
		.name = row->name,
		.issuer = row->issuer,
		.crl_url = row->crl_url,
		.aia_url = row->aia_url,
	};
	TRY(make_role(row->key_file, &ca->role));
	h->n++; /* from here on hierarchy_free() has it */
	TRY(cert_parse(row->cert, &ca->cert));
	return read_key(h->arena, dir, row->key_file, &ca->key);
}

err_t
hierarchy_load(struct store *s, const char *keys_dir, struct hierarchy **ret)
{
	__attribute__((cleanup(hierarchy_cleanup))) struct hierarchy *h = calloc(1, sizeof(*h));
	struct load l = { 0 };

	if (h == NULL)
		abort();
	h->arena = arena_new();
	l.a = h->arena;
	TRY(store_read(s, load_tx, &l));
	if (l.n > LIMIT_CAS)
		FAIL(ERR_TOO_LARGE, "more than %u CAs", LIMIT_CAS);
	h->v = arena_array(h->arena, l.n + 1, sizeof(*h->v));
	for (size_t i = 0; i < l.n; i++) {
		if (l.rows[i].cert.n > 0)
			TRY_CTX(load_ca(h, keys_dir, &l.rows[i]), "CA %s", l.rows[i].name);
	}
	if (l.tls.n > 0) {
		TRY_CTX(cert_parse(l.tls, &h->tls_cert), "TLS certificate");
		TRY(read_key(h->arena, keys_dir, TLS_KEY_FILE, &h->tls_key));
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
		if (str_ieq_c(str_c(h->v[i].name), name)) {
			*ret = &h->v[i];
			return OK;
		}
	}
	FAIL(ERR_CA_UNKNOWN, "%s", name);
}

err_t
hierarchy_by_role(const struct hierarchy *h, enum ca_role role, const struct ca **ret)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].role == role) {
			*ret = &h->v[i];
			return OK;
		}
	}
	FAIL(ERR_CA_NONE, "there is no %s CA", ca_role_name(role));
}

err_t
hierarchy_verify(const struct hierarchy *h, const struct cert *c, const struct ca **ret)
{
	for (size_t i = 0; i < h->n; i++) {
		if (!str_eq(cert_issuer_der(c), cert_subject_der(h->v[i].cert)))
			continue;
		TRY(cert_verify(c, h->v[i].cert, when_now()));
		*ret = &h->v[i];
		return OK;
	}
	FAIL(ERR_CHAIN, "no CA here is %s", cert_issuer(c));
}

struct ipc_blobs
hierarchy_chain(struct arena *a, const struct hierarchy *h, const struct ca *ca)
{
	struct ipc_blobs b = { arena_array(a, LIMIT_CHAIN_CERTS, sizeof(struct str)), 0 };

	while (ca->role != CA_ROLE_ROOT && b.n < LIMIT_CHAIN_CERTS) {
		err_t e;

		b.v[b.n++] = cert_der(ca->cert);
		e = hierarchy_find(h, ca->issuer, &ca);
		if (!err_ok(e)) {
			err_forget(e);
			break;
		}
	}
	return b;
}
