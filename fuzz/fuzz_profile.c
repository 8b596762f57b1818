/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as a profile of whatever type it names: what is taken can be shown, and what is shown is taken again and
 * is the same. */
#include <assert.h>

#include "model/profile_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err_t
read_one(struct arena *a, const json *body, struct profile *p)
{
	struct warnings warn = { .n = 0 };
	const struct profile_type *t;
	bool bound;

	TRY(profile_json_type(body, &t));
	p->type = t->name;
	p->platform = t->platform;
	TRY(profile_json_read(a, t, body, FIELD_CREATE, NULL, p, &warn));
	return profile_json_root(body, &bound, &p->root);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *body = NULL;
	auto_json json *shown = NULL;
	struct profile p = { .version = 1 }, again = { .version = 1 };
	err_t e;

	if (size > 20000)
		return 0;
	e = json_parse(str_of(data, size), 20000, &body);
	if (err_ok(e))
		e = read_one(a, body, &p);
	if (!err_ok(e)) {
		err_forget(e);
		return 0;
	}
	assert(err_ok(profile_json(a, &p, &shown)));
	assert(err_ok(read_one(a, shown, &again)));
	assert(strcmp(p.settings, again.settings) == 0);
	return 0;
}
