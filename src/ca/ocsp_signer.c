/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ocsp_signer.h"

#include "ca/state.h"

/* The template's certificates live two weeks and are renewed two days before their end. */
enum { RENEW = 2 * 86400, RETRY = 60 };

static void
plan(struct arena *a, const struct ca *ca, struct own_plan *ret)
{
	/* By the CA's own key: names can differ in case, keys cannot. */
	const char *ident = text_hex(a, str_of(cert_spki_sha256(ca->cert), 8));
	bool rsa = key_algorithm(ca->key) == KEY_RSA;

	*ret = (struct own_plan){ .setting = arena_printf(a, "ocsp.signer.%s", ident),
		.file = arena_printf(a, "ocsp-%s.key", ident),
		.common_name = arena_printf(a, "%.59s OCSP", ca->name),
		.alg = rsa ? KEY_RSA : KEY_EC,
		.bits = rsa ? KEY_RSA_2048 : KEY_P256 };
}

/* Its time alone: it was made for this very key of the CA. */
static bool
good(const struct cert *c, const struct ca *ca)
{
	when_t now = when_now();

	(void)ca;
	return cert_not_before(c) <= now && now < cert_not_after(c);
}

static const struct own_kind kind = { .template = "OCSPResponseSigning",
	.renew = RENEW,
	.retry = RETRY,
	.plan = plan,
	.good = good };

struct own_certs *
ocsp_signers_new(void)
{
	return own_certs_new(&kind);
}

err_t
ocsp_signer_get(struct issuer *is, const struct ca *ca, struct ocsp_signer *ret)
{
	auto_arena struct arena *a = arena_new();
	struct own_cert c;
	err_t e = own_cert_get(is, is->ocsp_signers, a, ca, &c);
	struct err_report why;

	if (err_ok(e)) {
		*ret = (struct ocsp_signer){ c.key, c.cert, c.key_id };
		return OK;
	}
	err_take(e, &why);
	FAIL(ERR_OCSP_SIGNER, "%s: %s: %s", ca->name, err_info(why.code)->text, why.detail);
}

err_t
ocsp_signers_upkeep(struct issuer *is)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	struct err_report first = { .code = ERR_NONE };

	TRY(own_certs_look(is, is->ocsp_signers));
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
