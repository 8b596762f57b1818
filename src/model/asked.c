/* SPDX-License-Identifier: Apache-2.0 */
/* See asked.h. */
#include "model/asked.h"

#include <string.h>

struct match {
	struct arena *a;
	const struct csr *csr;
	const char *code, *why;
};

static err_t
refuse(struct match *k, const char *code, const char *why)
{
	k->code = code;
	k->why = why;
	return OK;
}

static bool
key_fits(const struct key *key, const struct primitive *what)
{
	if (key_algorithm(key) != what->key_alg)
		return false;
	return what->key_alg == KEY_RSA ? key_bits(key) >= what->key_bits :
					  key_bits(key) == what->key_bits;
}

static err_t
match_names(struct match *k, const struct primitive *what)
{
	struct dn want, got;
	struct san *want_san = NULL, *got_san = NULL;
	size_t nwant = 0, ngot = 0;

	TRY(dn_decode(k->a, what->subject, &want));
	TRY(dn_decode(k->a, k->csr->subject, &got));
	if (want.n > 0 && got.n == 0)
		return refuse(k, "SubjectNameMissing", "");
	if (!dn_same_parts(&want, &got))
		return refuse(k, "SubjectNameMismatch", dn_print(k->a, &got));
	if (what->san.n > 0)
		TRY(san_decode(k->a, what->san, &want_san, &nwant));
	if (k->csr->san.n > 0)
		TRY(san_decode(k->a, k->csr->san, &got_san, &ngot));
	if (nwant > 0 && ngot == 0)
		return refuse(k, "SubjectAltNameMissing", "");
	if (!san_equal(want_san, nwant, got_san, ngot))
		return refuse(k, "SubjectAltNameMismatch", san_print(k->a, got_san, ngot));
	/* Domain controllers go by it before any name. */
	if (k->csr->sid[0] != '\0' &&
	    (what->sid == NULL || !str_eq_c(str_c(k->csr->sid), what->sid)))
		return refuse(k, "SubjectAltNameMismatch",
		    arena_printf(k->a, "security identifier %s", k->csr->sid));
	return OK;
}

static bool
has_eku(const char *const *v, size_t n, const char *oid)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i], oid) == 0)
			return true;
	return false;
}

static err_t
match_key(struct match *k, const struct primitive *what, bool told)
{
	const struct csr *c = k->csr;

	if (c->ca)
		return refuse(k, "KeyUsageMismatch", "it asks for a certificate of a CA");
	if (c->key_usage != 0 && c->key_usage != what->key_usage)
		return refuse(k, "KeyUsageMismatch", "");
	if (!key_fits(c->key, what))
		return refuse(k, "KeyLengthMismatch", "");
	/* Some CAs certify these as they come, and Windows goes by them before the others. */
	for (size_t i = 0; i < c->npolicies; i++)
		if (!has_eku(what->ekus, what->nekus, c->policies[i]))
			return refuse(k, "EnhancedKeyUsageMismatch", c->policies[i]);
	if (c->nekus == 0 && what->nekus > 0 && told)
		return refuse(k, "EnhancedKeyUsageMissing", "");
	if (c->nekus == 0 && !told)
		return OK;
	if (c->nekus != what->nekus)
		return refuse(k, "EnhancedKeyUsageMismatch", "");
	for (size_t i = 0; i < what->nekus; i++)
		if (!has_eku((const char *const *)c->ekus, c->nekus, what->ekus[i]))
			return refuse(k, "EnhancedKeyUsageMismatch", what->ekus[i]);
	return OK;
}

err_t
asked_match(struct arena *a, const struct csr *csr, const struct primitive *what, bool told,
    const char **ret_code, const char **ret_why)
{
	struct match k = { .a = a, .csr = csr, .why = "" };

	TRY(match_names(&k, what));
	if (k.code == NULL)
		TRY(match_key(&k, what, told));
	*ret_code = k.code;
	*ret_why = k.why;
	return OK;
}

enum err_code
asked_fault(const char *code)
{
	static const struct {
		const char *code;
		enum err_code fault;
	} rows[] = {
		{ "SubjectNameMissing", ERR_ORDER_SUBJECT },
		{ "SubjectNameMismatch", ERR_ORDER_SUBJECT },
		{ "SubjectAltNameMissing", ERR_ORDER_SAN },
		{ "SubjectAltNameMismatch", ERR_ORDER_SAN },
		{ "KeyUsageMismatch", ERR_ORDER_USAGE },
		{ "KeyLengthMismatch", ERR_ORDER_KEY_SIZE },
		{ "EnhancedKeyUsageMissing", ERR_ORDER_EKU },
		{ "EnhancedKeyUsageMismatch", ERR_ORDER_EKU },
		{ "ChallengeExpired", ERR_ORDER_KEY },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(rows[i].code, code) == 0)
			return rows[i].fault;
	return ERR_CSR;
}
