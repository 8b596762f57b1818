/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/install.h"

#include "ca/state.h"

/* What may stand above it: what came along, then what is known here. */
struct pool {
	struct str *v;
	size_t n, given;
};

static void
pool_fill(struct arena *a, const struct hierarchy *h, const struct str *v, size_t n, struct pool *p)
{
	p->v = arena_array(a, n + h->ncerts + h->extra.n + 1, sizeof(*p->v));
	p->n = p->given = 0;
	for (size_t i = 0; i < n; i++)
		p->v[p->n++] = v[i];
	p->given = p->n;
	for (size_t i = 0; i < h->ncerts; i++)
		p->v[p->n++] = h->certs[i].der;
	for (size_t i = 0; i < h->extra.n; i++)
		p->v[p->n++] = h->extra.v[i].der;
}

/* The certificate in the pool whose key signed c: *ret, to be freed; NULL when there is none. Of a name that is there
 * and did not sign it, or has ended, *ret_why says so. */
static err_t
signer_in(const struct pool *p, const struct cert *c, struct str *ret_der, struct cert **ret,
    struct err_report *ret_why)
{
	*ret = NULL;
	for (size_t i = 0; i < p->n; i++) {
		auto_cert struct cert *up = NULL;
		err_t e;

		TRY(cert_parse(p->v[i], &up));
		if (!str_eq(cert_issuer_der(c), cert_subject_der(up)))
			continue;
		e = cert_verify(c, up, when_now());
		if (err_ok(e)) {
			*ret_der = p->v[i];
			*ret = steal(up);
			return OK;
		}
		err_take(e, ret_why);
	}
	return OK;
}

/* How many CAs may be below, by one that stands at this distance above. */
static err_t
check_length(struct arena *a, const struct cert *up, size_t distance)
{
	int length;

	TRY(hierarchy_path_len(a, up, &length));
	if (length >= 0 && (size_t)length < distance)
		FAIL(ERR_CA_CERTIFICATE, "the path length of %s above it is %d", cert_subject(up),
		    length);
	return OK;
}

/* From c to a root. */
static err_t
find_above(struct arena *a, const struct pool *p, const struct cert *c, struct install_above *x)
{
	auto_cert struct cert *at = NULL;
	const struct cert *low = c;

	while (!cert_self_issued(low)) {
		struct err_report why = { .code = ERR_NONE };
		struct cert *up;
		struct str der;

		TRY(signer_in(p, low, &der, &up, &why));
		if (up == NULL && why.code != ERR_NONE)
			return err_raise(&why);
		if (up == NULL && x->n == 0 && p->given == 0)
			return OK;
		if (up == NULL)
			FAIL(ERR_CHAIN,
			    "none of the certificates that came along or are known here is %s",
			    cert_issuer(low));
		cert_free(at);
		low = at = up;
		if (x->n == LIMIT_CHAIN_CERTS)
			FAIL(ERR_CHAIN, "more than %u certificates above it", LIMIT_CHAIN_CERTS);
		x->v[x->n++] = der;
		TRY(check_length(a, up, x->n));
	}
	return cert_verify_path(c, x->v, x->n, &x->v[x->n - 1], 1, NULL, when_now());
}

err_t
install_path(struct issuer *is, struct arena *a, const struct cert *c, const struct str *v,
    size_t n, struct install_above *ret)
{
	struct install_above x = { .n = 0 };
	struct pool p;

	pool_fill(a, issuer_hierarchy(is), v, n, &p);
	TRY(find_above(a, &p, c, &x));
	*ret = x;
	return OK;
}

static err_t
room_of(struct arena *a, const struct cert *c, const struct install_above *x, int *ret)
{
	int length, room;

	TRY(hierarchy_path_len(a, c, &room));
	for (size_t i = 0; i < x->n; i++) {
		auto_cert struct cert *up = NULL;

		TRY(cert_parse(x->v[i], &up));
		TRY(hierarchy_path_len(a, up, &length));
		length = length < 0 ? length : length - (int)i - 1;
		if (length >= 0 && (room < 0 || length < room))
			room = length;
	}
	*ret = room;
	return OK;
}

err_t
install_room(struct issuer *is, struct arena *a, const char *name, const struct cert *c,
    const struct install_above *x)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	int room;

	TRY(room_of(a, c, x, &room));
	for (size_t i = 0; i < h->n && room == 0; i++) {
		if (!str_ieq_c(str_c(h->v[i].name), name) && str_ieq_c(str_c(h->v[i].issuer), name))
			FAIL(ERR_CA_CERTIFICATE, "its path length is 0, and %s is below it",
			    h->v[i].name);
	}
	return OK;
}
