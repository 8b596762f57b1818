/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/order_match.h"

#include "ca/template.h"

static err_t
match_san(struct arena *a, const struct order *o, const struct csr *csr)
{
	struct san *want = NULL, *got = NULL;
	size_t nwant = 0, ngot = 0;

	if (csr->san.n == 0)
		return OK;
	TRY_CTX(san_decode(a, csr->san, &got, &ngot), "alternative names of the request");
	if (o->san.n > 0)
		TRY_CTX(san_decode(a, o->san, &want, &nwant), "alternative names of the order");
	if (!san_equal(want, nwant, got, ngot))
		FAIL(ERR_ORDER_SAN, "requested %s, ordered %s", san_print(a, got, ngot),
		    san_print(a, want, nwant));
	return OK;
}

static bool
has_text(const char *const *v, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq_c(str_c(v[i]), s))
			return true;
	}
	return false;
}

/* The order within the template, and the request's set equal to the order's (or the template's, if it leaves it open). */
static err_t
match_ekus(
    struct arena *a, const struct order *o, const struct csr *csr, const struct template_row *t)
{
	const char *const *want = o->ekus;
	size_t nwant = o->nekus;

	for (size_t i = 0; i < o->nekus; i++) {
		if (!template_has_eku(t, o->ekus[i]))
			FAIL(ERR_ORDER_TEMPLATE, "template %s has no purpose %s", t->name,
			    o->ekus[i]);
	}
	if (csr->nekus == 0)
		return OK;
	if (nwant == 0)
		TRY(template_ekus(a, t, &want, &nwant));
	for (size_t i = 0; i < csr->nekus; i++) {
		if (!has_text(want, nwant, csr->ekus[i]))
			FAIL(ERR_ORDER_EKU, "%s was not ordered", csr->ekus[i]);
	}
	for (size_t i = 0; i < nwant; i++) {
		if (!has_text((const char *const *)csr->ekus, csr->nekus, want[i]))
			FAIL(ERR_ORDER_EKU, "%s was ordered and not requested", want[i]);
	}
	return OK;
}

/* What a device writes as its name into the request for its identity is its own affair: Windows makes one up, with characters
 * that the type of the string does not have. The order names the very key, and all names come from the order. */
static bool
names_made_up(const struct order *o, const struct template_row *t)
{
	return o->spki.n > 0 && str_eq_c(str_c(t->name), TEMPLATE_DEVICE_IDENTITY);
}

err_t
order_match(
    struct arena *a, const struct order *o, const struct csr *csr, const struct template_row *t)
{
	if (o->spki.n > 0 && !str_eq(o->spki, STR(csr->spki_sha256)))
		FAIL(ERR_ORDER_KEY, "requested %s, ordered %s", text_hex(a, STR(csr->spki_sha256)),
		    text_hex(a, o->spki));
	if (o->key_usage != 0 && csr->key_usage != 0 && csr->key_usage != o->key_usage)
		FAIL(ERR_ORDER_USAGE, "requested 0x%02x, ordered 0x%02x", csr->key_usage,
		    o->key_usage);
	if (o->key_bits != 0 && key_algorithm(csr->key) == KEY_RSA &&
	    key_bits(csr->key) < o->key_bits)
		FAIL(ERR_ORDER_KEY_SIZE, "requested %u bits, ordered %u", key_bits(csr->key),
		    o->key_bits);
	if (!names_made_up(o, t))
		TRY(csr_names(a, csr, o->subject));
	TRY(match_san(a, o, csr));
	if (csr->sid[0] != '\0' && !str_eq_c(str_c(csr->sid), o->sid))
		FAIL(ERR_ORDER_SID, "requested %s, ordered %s", csr->sid,
		    o->sid[0] != '\0' ? o->sid : "none");
	return match_ekus(a, o, csr, t);
}
