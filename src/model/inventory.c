/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory on record, as JSON text, and what stands in it: see inventory.h. */
#include "model/inventory.h"

const char *
inventory_alias(struct arena *a, struct id profile, struct id item)
{
	if (!id_is_zero(item))
		return arena_printf(a, "chancery-%s-%s", id_text(a, profile), id_text(a, item));
	return arena_printf(a, "chancery-%s", id_text(a, profile));
}

err_t
inventory_print(struct arena *a, const struct report_item *v, size_t n, const char **ret)
{
	auto_json json *list = json_array_new();
	struct str text;

	for (size_t i = 0; i < n; i++) {
		json *item = json_object_new();

		json_set_text(item, "alias", v[i].alias);
		json_set_text(item, "kind",
		    v[i].identity    ? "identity" :
			v[i].network ? "network" :
				       "ca");
		json_set_text(item, "sha256", text_hex(a, v[i].sha256));
		json_set_bool(item, "has_key", v[i].has_key);
		json_set_when(a, item, "not_after", v[i].not_after);
		if (v[i].place != NULL)
			json_set_text(item, "place", v[i].place);
		json_add(list, item);
	}
	TRY(json_print(a, list, &text));
	return text_cstr(a, text, ret);
}

err_t
inventory_parse(struct arena *a, const char *text, struct holdings *ret)
{
	auto_json json *list = NULL;
	struct holdings has = { .known = true };
	struct held *v;

	if (text == NULL || text[0] == '\0') {
		*ret = (struct holdings){ 0 };
		return OK;
	}
	TRY(json_parse(str_c(text), LIMIT_HTTP_BODY, &list));
	has.n = json_count(list);
	v = arena_array(a, has.n + 1, sizeof(*v));
	for (size_t i = 0; i < has.n; i++) {
		const json *item = json_at(list, i);

		v[i].alias = arena_strdup(a, json_text(json_get(item, "alias")));
		v[i].identity = strcmp(json_text(json_get(item, "kind")), "identity") == 0;
		v[i].network = strcmp(json_text(json_get(item, "kind")), "network") == 0;
		v[i].has_key = json_true(json_get(item, "has_key"));
		if (json_is_text(json_get(item, "place")))
			v[i].place = arena_strdup(a, json_text(json_get(item, "place")));
		TRY(text_unhex(a, str_c(json_text(json_get(item, "sha256"))), &v[i].sha256));
	}
	has.v = v;
	*ret = has;
	return OK;
}

struct holdings
inventory_said(struct arena *a, const struct report *r)
{
	struct held *v = arena_array(a, r->nitems + 1, sizeof(*v));

	for (size_t i = 0; i < r->nitems; i++)
		v[i] = (struct held){ .alias = r->items[i].alias,
			.identity = r->items[i].identity,
			.network = r->items[i].network,
			.sha256 = r->items[i].sha256,
			.has_key = r->items[i].has_key,
			.place = r->items[i].place };
	return (struct holdings){ .v = v, .n = r->nitems, .known = r->has_inventory };
}

const struct held *
inventory_find(const struct holdings *has, const char *alias)
{
	for (size_t i = 0; i < has->n; i++)
		if (strcmp(has->v[i].alias, alias) == 0)
			return &has->v[i];
	return NULL;
}

bool
inventory_shows(const struct holdings *has, const char *alias, struct str sha256, bool identity)
{
	const struct held *h = inventory_find(has, alias);

	if (h == NULL || sha256.n == 0 || !str_eq(h->sha256, sha256))
		return false;
	return h->identity == identity && (!identity || h->has_key);
}
