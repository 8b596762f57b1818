/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate for a key that is made here and never leaves: what its commands have in common. See agent.h. */
#include "agent/agent.h"
#include "base/limits.h"
#include "base/text.h"

enum { BITS_MIN = 2048, BITS_MAX = 4096 };

static const struct {
	const char *name;
	uint8_t bit;
} usages[] = {
	{ "digitalSignature", 0x80 },
	{ "nonRepudiation", 0x40 },
	{ "keyEncipherment", 0x20 },
	{ "dataEncipherment", 0x10 },
};

static err_t
read_usage(struct arena *a, const json *c, uint8_t *ret)
{
	json *list;

	TRY(json_want_array(c, "key_usage", COUNT(usages), &list));
	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_text(json_at(list, i));
		uint8_t bit = 0;

		for (size_t k = 0; k < COUNT(usages); k++)
			if (str_eq_c(str_c(name), usages[k].name))
				bit = usages[k].bit;
		if (bit == 0)
			FAIL(
			    ERR_BAD_REQUEST, "\"key_usage\" has \"%s\"", text_safe(a, str_c(name)));
		*ret |= bit;
	}
	return OK;
}

static err_t
read_ekus(struct arena *a, const json *c, struct csr_spec *ret)
{
	const char **v;
	json *list;

	TRY(json_want_array(c, "ekus", LIMIT_EKUS, &list));
	v = arena_array(a, json_count(list) + 1, sizeof(*v));
	for (size_t i = 0; i < json_count(list); i++)
		v[i] = json_text(json_at(list, i));
	ret->ekus = v;
	ret->nekus = json_count(list);
	return OK;
}

static err_t
read_key(struct arena *a, const json *c, struct own_order *ret)
{
	const char *alg;
	int64_t bits;
	bool rsa;
	json *key;

	TRY(json_need_object(c, "key", &key));
	TRY(json_need_text(key, "algorithm", 16, &alg));
	rsa = str_eq_c(str_c(alg), "rsa");
	if (!rsa && !str_eq_c(str_c(alg), "ec"))
		FAIL(ERR_UNSUPPORTED, "keys of the algorithm %s", text_safe(a, str_c(alg)));
	TRY(json_need_int(key, "bits", 1, 65536, &bits));
	if (rsa ? bits < BITS_MIN || bits > BITS_MAX : bits != KEY_P256 && bits != KEY_P384)
		FAIL(ERR_KEY_SIZE, "%s, %d bits", rsa ? "RSA" : "a curve", (int)bits);
	ret->alg = rsa ? KEY_RSA : KEY_EC;
	ret->bits = (unsigned)bits;
	return OK;
}

err_t
own_order_read(struct arena *a, const json *c, struct own_order *ret)
{
	struct own_order o = { 0 };
	const char *name;

	TRY(json_need_text(c, "id", LIMIT_TEXT, &o.id));
	TRY(json_want_text(c, "name", LIMIT_TEXT, &name));
	o.name = name == NULL ? "" : name;
	TRY(json_want_base64(a, c, "subject", LIMIT_CSR_BYTES, &o.csr.subject));
	TRY(json_want_base64(a, c, "san", LIMIT_CSR_BYTES, &o.csr.san));
	TRY(read_key(a, c, &o));
	TRY(read_usage(a, c, &o.csr.key_usage));
	TRY(read_ekus(a, c, &o.csr));
	*ret = o;
	return OK;
}

/* The root that the command names; else whatever of the organisation's this device trusts. */
err_t
own_anchors(
    const struct agent *g, struct arena *a, const json *c, const struct str **ret, size_t *retn)
{
	struct str *root = ARENA_NEW(a, struct str);

	TRY(json_want_base64(a, c, "root", LIMIT_CERT_BYTES, root));
	if (root->n == 0)
		return trust_anchors(g, a, ret, retn);
	*ret = root;
	*retn = 1;
	return OK;
}

err_t
own_keep(const struct agent *g, struct arena *a, const char *alias, const struct own_order *o,
    const struct pending *p, const struct own_got *got)
{
	const struct version v = { .leaf = got->leaf,
		.chain = got->chain,
		.nchain = got->nchain,
		.key = p->key,
		.label = p->label,
		.name = o->name };

	TRY(identity_put(g, a, alias, &v));
	return pending_drop(g, a, alias);
}
