/* SPDX-License-Identifier: Apache-2.0 */
/* The way up from a CA, over those here and those elsewhere, and what it allows below: see hierarchy.h. */
#include "ca/hierarchy.h"

#include "base/limits.h"
#include "codec/der.h"
#include "pki/name_limit.h"

#define OID_BASIC_CONSTRAINTS "2.5.29.19"

enum { NO_LIMIT = -1 };

typedef err_t (*on_way_up)(void *arg, const struct cert *c, size_t distance);

static err_t
walk_elsewhere(
    const struct hierarchy *h, const struct ca *top, size_t distance, on_way_up f, void *arg)
{
	const struct extra_cert *x;

	for (size_t i = 0; (x = extra_cert_above(&h->extra, top->name, i)) != NULL; i++) {
		auto_cert struct cert *c = NULL;

		TRY(cert_parse(x->der, &c));
		TRY(f(arg, c, distance + i));
	}
	return OK;
}

/* Begins with ca itself, at distance 0. */
static err_t
walk_up(const struct hierarchy *h, const struct ca *ca, on_way_up f, void *arg)
{
	size_t distance = 0;

	for (;;) {
		if (ca->cert == NULL) /* a root that signs itself at this moment */
			return OK;
		TRY(f(arg, ca->cert, distance++));
		if (ca->above == NULL || distance > LIMIT_CHAIN_CERTS)
			return walk_elsewhere(h, ca, distance, f, arg);
		ca = ca->above;
	}
}

/* ---- names ---- */

static err_t
see_limit(void *arg, const struct cert *c, size_t distance)
{
	bool *limited = arg;

	(void)distance;
	*limited = *limited || name_limit_is(c);
	return OK;
}

err_t
hierarchy_limited(const struct hierarchy *h, const struct ca *ca, bool *ret)
{
	bool limited = false;

	TRY(walk_up(h, ca, see_limit, &limited));
	*ret = limited;
	return OK;
}

struct names {
	struct str subject, san;
};

static err_t
check_names(void *arg, const struct cert *c, size_t distance)
{
	const struct names *n = arg;

	(void)distance;
	return name_limit_check(c, n->subject, n->san);
}

err_t
hierarchy_names_fit(
    const struct hierarchy *h, const struct ca *ca, struct str subject, struct str san)
{
	struct names n = { subject, san };

	return ca->limited ? walk_up(h, ca, check_names, &n) : OK;
}

/* ---- path lengths ---- */

err_t
hierarchy_path_len(struct arena *a, const struct cert *c, int *ret)
{
	struct str ext, seq, v;
	int64_t n = NO_LIMIT;
	uint8_t tag;

	TRY(cert_extension(a, c, OID_BASIC_CONSTRAINTS, &ext));
	TRY(der_take(&ext, DER_SEQUENCE, &seq));
	while (seq.n > 0) {
		TRY(der_next(&seq, &tag, &v));
		if (tag == DER_INTEGER && v.n == 1 && v.p[0] < 0x80)
			n = v.p[0];
		else if (tag == DER_INTEGER)
			FAIL(ERR_CA_CERTIFICATE, "its path length is out of range");
	}
	*ret = (int)n;
	return OK;
}

struct room {
	struct arena *a;
	int left; /* NO_LIMIT so far */
};

static err_t
see_room(void *arg, const struct cert *c, size_t distance)
{
	struct room *r = arg;
	int length;

	TRY(hierarchy_path_len(r->a, c, &length));
	if (length == NO_LIMIT)
		return OK;
	length = length > (int)distance ? length - (int)distance : 0;
	if (r->left == NO_LIMIT || length < r->left)
		r->left = length;
	return OK;
}

err_t
hierarchy_room(struct arena *a, const struct hierarchy *h, const struct ca *ca, int *ret)
{
	struct room r = { a, NO_LIMIT };

	TRY(walk_up(h, ca, see_room, &r));
	*ret = r.left;
	return OK;
}
