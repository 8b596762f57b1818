/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/scep_ra.h"

#include <ctype.h>

#include "ca/state.h"
#include "store/scep.h"

enum { RENEW = 30 * 86400, DIGITAL_SIGNATURE = 0x80 };
enum { KEEP_CHALLENGES = 30 * 86400, KEEP_TRANSACTIONS = 400 * 86400, PRUNE_EVERY = 3600 };

struct scep_ras {
	struct own_certs *certs;
	when_t pruned; /* of the upkeep's thread alone */
};

static void
plan(struct arena *a, const struct ca *ca, struct own_plan *ret)
{
	char *setting = arena_printf(a, "scep.ra.%s", ca->name);
	uint8_t hash[32];

	/* Names of CAs ignore case, names of settings do not. */
	for (char *p = setting; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	hash_sha256(str_c(setting), hash);
	*ret = (struct own_plan){ .setting = setting,
		.file = arena_printf(a, "scep-%s.key", text_hex(a, str_of(hash, 8))),
		.common_name = arena_printf(a, "%.55s SCEP RA", ca->name),
		.alg = KEY_RSA,
		.bits = KEY_RSA_2048 };
}

/* Under the certificate that the CA has now. */
static bool
good(const struct cert *c, const struct ca *ca)
{
	err_t e = cert_verify(c, ca->cert, when_now());
	bool ok = err_ok(e);

	err_forget(e);
	return ok;
}

static const struct own_kind kind = { .template = "CEPEncryption",
	.more_usage = DIGITAL_SIGNATURE,
	.renew = RENEW,
	.plan = plan,
	.good = good };

struct scep_ras *
scep_ras_new(void)
{
	struct scep_ras *r = calloc(1, sizeof(*r));

	if (r == NULL)
		abort();
	r->certs = own_certs_new(&kind);
	return r;
}

void
scep_ras_free(struct scep_ras *r)
{
	if (r == NULL)
		return;
	own_certs_free(r->certs);
	free(r);
}

err_t
scep_ra_get(struct issuer *is, struct arena *a, const struct ca *ca, struct scep_ra *ret)
{
	struct own_cert c;

	TRY_CTX(own_cert_get(is, is->scep_ras->certs, a, ca, &c), "SCEP RA of %s", ca->name);
	*ret = (struct scep_ra){ c.key, c.cert };
	return OK;
}

static err_t
prune_tx(struct tx *tx, void *arg)
{
	const when_t *now = arg;

	TRY(store_challenge_prune(tx, *now - KEEP_CHALLENGES));
	TRY(store_deposit_prune(tx, *now - KEEP_CHALLENGES));
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
	TRY(own_certs_look(is, is->scep_ras->certs));
	for (size_t i = 0; i < h->n; i++) {
		struct scep_ra ra;
		bool made;

		if (h->v[i].retired)
			continue;
		TRY(own_cert_made(is, is->scep_ras->certs, a, &h->v[i], &made));
		if (made)
			TRY(scep_ra_get(is, a, &h->v[i], &ra));
	}
	if (now - is->scep_ras->pruned < PRUNE_EVERY)
		return OK;
	is->scep_ras->pruned = now;
	return store_write(is->store, prune_tx, &now);
}
