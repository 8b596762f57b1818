/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about revocation lists. */
#include "ca/admin.h"

#include "base/limits.h"
#include "ca/crl.h"
#include "ca/crl_shard.h"
#include "ca/state.h"

static err_t
crl_publish(struct issuer *is, struct arena *a, const json *args, json *out)
{
	(void)a;
	(void)args;
	TRY(crl_all(is, true));
	json_set_int(out, "published", (int64_t)issuer_hierarchy(is)->n);
	return OK;
}

struct heads {
	struct arena *a;
	struct crl_row *v;
	size_t n;
};

static err_t
heads_tx(struct tx *tx, void *arg)
{
	struct heads *h = arg;

	return store_crl_list(tx, h->a, &h->v, &h->n);
}

/* Its address; "" when the CA's key has ended. */
static const char *
address(struct arena *a, const struct hierarchy *h, const struct crl_row *r)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct ca *ca = &h->v[i];

		if (ca->key_index != r->key_index || !str_ieq_c(str_c(ca->name), r->ca))
			continue;
		if (r->delta)
			return crl_delta_url(a, ca->crl_url);
		return crl_shard_url(a, ca->crl_url, r->shard);
	}
	return "";
}

static json *
show(struct arena *a, const struct hierarchy *h, const struct crl_row *r)
{
	json *o = json_object_new();

	json_set_text(o, "ca", r->ca);
	json_set_int(o, "key", r->key_index);
	json_set_text(o, "kind", r->delta ? "delta" : r->shard != 0 ? "shard" : "base");
	json_set_int(o, "shard", r->shard);
	json_set_int(o, "number", (int64_t)r->number);
	json_set_text(o, "this_update", when_text(a, r->this_update));
	json_set_text(o, "next_publish", r->next_publish == 0 ? "" : when_text(a, r->next_publish));
	json_set_text(o, "next_update", when_text(a, r->next_update));
	json_set_text(o, "url", address(a, h, r));
	return o;
}

static err_t
crl_list(struct issuer *is, struct arena *a, const json *args, json *out)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	struct heads all = { .a = a };
	json *list = json_array_new();

	(void)args;
	json_set(out, "crls", list);
	TRY(store_read(is->store, heads_tx, &all));
	for (size_t i = 0; i < all.n; i++)
		json_add(list, show(a, h, &all.v[i]));
	return OK;
}

const struct ca_verb admin_crl_verbs[] = {
	{ "crl.publish", crl_publish, ADMIN_NO_ARGS, "Make a new CRL of every CA now." },
	{ "crl.list", crl_list, ADMIN_NO_ARGS, "The newest lists: bases, deltas and shards." },
	{ NULL, NULL, NULL, NULL },
};
