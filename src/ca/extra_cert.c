/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/extra_cert.h"

#include "ca/mint.h"
#include "ca/own_cert.h"
#include "ca/state.h"

enum { BUNDLE_MAX = LIMIT_CERT_BYTES * 2 * LIMIT_CHAIN_CERTS };

static const char *
cross_name(struct arena *a, const char *ca, uint32_t by, uint32_t of)
{
	return arena_printf(a, "cross.%s(%u-%u)", ca, by, of);
}

static const char *
above_name(struct arena *a, const char *ca)
{
	return arena_printf(a, "above.%s", ca);
}

/* Absent: *ret is empty. */
static err_t
get(struct tx *tx, struct arena *a, const char *name, struct str *ret)
{
	err_t e = store_ca_setting_get(tx, a, name, ret);

	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	*ret = STR_EMPTY;
	return OK;
}

/* ---- reading ---- */

static err_t
load_cross(
    struct tx *tx, struct arena *a, const char *ca, uint32_t by, uint32_t of, struct extra_certs *x)
{
	struct extra_cert c = { .ca = ca, .cross = true, .by = by, .of = of };

	TRY(get(tx, a, cross_name(a, ca, by, of), &c.der));
	if (c.der.n > 0)
		x->v[x->n++] = c;
	return OK;
}

static err_t
load_above(struct tx *tx, struct arena *a, const char *ca, struct extra_certs *x)
{
	struct str text, v[LIMIT_CHAIN_CERTS];
	size_t n;

	TRY(get(tx, a, above_name(a, ca), &text));
	if (text.n == 0)
		return OK;
	TRY(text_unpem(a, text, "CERTIFICATE", v, COUNT(v), &n));
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;

		TRY(cert_parse(v[i], &c));
		x->v[x->n++] =
		    (struct extra_cert){ .ca = ca, .root = cert_self_issued(c), .der = v[i] };
	}
	return OK;
}

err_t
extra_cert_load(struct tx *tx, struct arena *a, const struct ca_row *rows, size_t n,
    const struct ca_cert_row *certs, size_t ncerts, struct extra_certs *ret)
{
	struct extra_certs x = {
		arena_array(a, n * LIMIT_CHAIN_CERTS + 2 * ncerts + 1, sizeof(*x.v)), 0
	};

	/* Sorted by CA and index: keys that followed each other stand beside each other. */
	for (size_t i = 1; i < ncerts; i++) {
		const struct ca_cert_row *was = &certs[i - 1], *is = &certs[i];

		if (!str_ieq_c(str_c(was->ca), is->ca) || was->key_index == is->key_index)
			continue;
		TRY(load_cross(tx, a, is->ca, was->key_index, is->key_index, &x));
		TRY(load_cross(tx, a, is->ca, is->key_index, was->key_index, &x));
	}
	for (size_t i = 0; i < n; i++)
		TRY_CTX(load_above(tx, a, rows[i].name, &x), "above %s", rows[i].name);
	*ret = x;
	return OK;
}

err_t
extra_cert_put_above(struct tx *tx, struct arena *a, const char *ca, const struct str *v, size_t n)
{
	auto_buf struct buf b;

	buf_init(&b, BUNDLE_MAX);
	for (size_t i = 0; i < n; i++)
		TRY(buf_puts(&b, text_pem(a, "CERTIFICATE", v[i])));
	return store_ca_setting_put(tx, above_name(a, ca), buf_str(&b));
}

err_t
extra_cert_of_file(const struct extra_certs *x, const char *file, struct str *ret)
{
	for (size_t i = 0; i < x->n; i++) {
		auto_arena struct arena *a = NULL;
		const struct extra_cert *c = &x->v[i];

		if (!c->cross)
			continue;
		a = arena_new();
		if (str_ieq_c(str_c(arena_printf(a, "%s(%u-%u)", c->ca, c->by, c->of)), file)) {
			*ret = c->der;
			return OK;
		}
	}
	FAIL(ERR_NOT_FOUND, "%s", file);
}

const struct extra_cert *
extra_cert_above(const struct extra_certs *x, const char *ca, size_t distance)
{
	for (size_t i = 0; i < x->n; i++) {
		if (x->v[i].cross || !str_ieq_c(str_c(x->v[i].ca), ca))
			continue;
		if (distance-- == 0)
			return &x->v[i];
	}
	return NULL;
}

/* ---- making ---- */

struct crossing {
	const char *name; /* of the record */
	const struct ca *by, *of;
};

static err_t
save(struct tx *tx, struct arena *a, void *arg, const struct cert *c)
{
	const struct crossing *x = arg;

	TRY(store_ca_setting_put(tx, x->name, cert_der(c)));
	return store_journal_add(tx, "issuer", "ca-cross-certificate",
	    arena_printf(a, "ca=%s by_key=%u of_key=%u sha256=%s", x->by->name, x->by->key_index,
		x->of->key_index, text_hex(a, str_of(cert_sha256(c), 32))));
}

/* As long as both are valid. */
static err_t
make(struct issuer *is, struct arena *a, struct crossing *x)
{
	auto_approval struct approval *ap = NULL;
	struct minted made;

	TRY(policy_cross(is->store, x->by, a, x->of, &ap));
	return mint(is, a, ap, save, x, &made);
}

static bool
is_made(const struct hierarchy *h, const struct ca *by, const struct ca *of)
{
	for (size_t i = 0; i < h->extra.n; i++) {
		const struct extra_cert *c = &h->extra.v[i];

		if (c->cross && c->by == by->key_index && c->of == of->key_index &&
		    str_ieq_c(str_c(c->ca), by->name))
			return true;
	}
	return false;
}

/* The key of a root that came right before this one; NULL: it is no root, or has none before. */
static const struct ca *
key_before(const struct hierarchy *h, const struct ca *ca)
{
	const struct ca *found = NULL;

	if (!cert_self_issued(ca->cert))
		return NULL;
	for (size_t i = 0; i < h->n; i++) {
		const struct ca *c = &h->v[i];

		if (c->key_index < ca->key_index && cert_self_issued(c->cert) &&
		    str_ieq_c(str_c(c->name), ca->name) &&
		    (found == NULL || c->key_index > found->key_index))
			found = c;
	}
	return found;
}

static bool
is_over(const struct ca *ca)
{
	return cert_not_after(ca->cert) <= when_now();
}

struct pair {
	const struct ca *was, *now;
	bool revoked; /* one of the two */
};

static err_t
pair_tx(struct tx *tx, void *arg)
{
	struct pair *p = arg;
	bool was, now;

	TRY(own_cert_revoked(tx, p->was->cert, &was));
	TRY(own_cert_revoked(tx, p->now->cert, &now));
	p->revoked = was || now;
	return OK;
}

/* Who trusts the one shall not come to trust again what the other signs, when that is why there is a new key. */
static err_t
is_wanted(struct issuer *is, const struct ca *was, const struct ca *now, bool *ret)
{
	struct pair p = { .was = was, .now = now };

	*ret = false;
	if (was == NULL || is_over(was) || is_over(now))
		return OK;
	TRY(store_read(is->store, pair_tx, &p));
	*ret = !p.revoked;
	return OK;
}

err_t
extra_cert_cross(struct issuer *is)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	auto_arena struct arena *a = arena_new();
	bool any = false;

	for (size_t i = 0; i < h->n; i++) {
		const struct ca *now = &h->v[i], *was = key_before(h, now);
		bool wanted;

		TRY(is_wanted(is, was, now, &wanted));
		if (!wanted)
			continue;
		for (int back = 0; back < 2; back++) {
			struct crossing x = { .by = back ? now : was, .of = back ? was : now };

			if (is_made(h, x.by, x.of))
				continue;
			x.name = cross_name(a, now->name, x.by->key_index, x.of->key_index);
			TRY_CTX(make(is, a, &x), "cross certificate %s", x.name);
			any = true;
		}
	}
	return any ? issuer_reload(is) : OK;
}
