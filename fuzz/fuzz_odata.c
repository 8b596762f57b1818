/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as each query option, applied to an entity. */
#include <assert.h>

#include "codec/odata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "$filter", "$select", "$orderby", "$top", "$expand" };
	auto_arena struct arena *a = arena_new();
	auto_json json *entity = NULL;
	struct odata o;
	const char *value;
	bool taken, yes;

	if (size > 5000 || memchr(data, 0, size) != NULL)
		return 0;
	value = arena_cstr(a, str_of(data, size));
	assert(err_ok(
	    json_parse(LIT("{\"@odata.type\":\"#t\",\"id\":\"x\",\"n\":5,\"t\":\"abc\",\"z\":null,"
			   "\"b\":true,\"o\":{\"p\":1},\"d\":\"2024-01-02T03:04:05Z\"}"),
		1000, &entity)));
	odata_init(&o);
	for (size_t i = 0; i < COUNT(names); i++)
		err_forget(odata_option(a, names[i], value, &o, &taken));
	if (o.filter != NULL)
		err_forget(odata_match(o.filter, entity, &yes));
	err_forget(odata_sort(a, &o, &entity, 1));
	err_forget(odata_select(&o, entity));
	return 0;
}
