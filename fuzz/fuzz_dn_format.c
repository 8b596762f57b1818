/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a name format. The values put in never change the structure; what is printed reads
 * back as the same name. */
#include <assert.h>

#include "codec/dn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err_t
look(void *ctx, struct arena *a, const char *variable, const char **ret)
{
	(void)ctx;
	(void)a;
	*ret = variable[0] == 'O' ? "CN=Doe\\, Jane,DC=example" : " a+b;c,d=\"e\\#<> ";
	return OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct dn_format *f;
	struct dn dn, again;
	const char *text;
	struct str der;

	if (size > 2100)
		return 0;
	text = arena_cstr(a, str_of(data, size));
	err_forget(dn_text_resolve(a, text, look, NULL, &text));
	if (!err_ok(dn_format_parse(a, text, &f)) || !err_ok(dn_resolve(a, f, look, NULL, &dn)))
		return 0;
	assert(err_ok(dn_encode(a, &dn, &der)));
	assert(err_ok(dn_decode(a, der, &again)));
	assert(dn_equal(&dn, &again));
	text = dn_print(a, &dn);
	if (strlen(text) <= LIMIT_NAME_FORMAT && strstr(text, "{{") == NULL) {
		assert(err_ok(dn_format_parse(a, text, &f)));
		assert(err_ok(dn_resolve(a, f, look, NULL, &again)));
		assert(dn_equal(&dn, &again));
	}
	return 0;
}
