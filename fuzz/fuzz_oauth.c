/* SPDX-License-Identifier: Apache-2.0 */
/* What the API reads with parsers of its own: Basic credentials, scopes, permission lists, references. */
#include "api/oauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new();
	const char *text, *id, *secret;
	struct oauth_scope scope;
	struct id ref;

	err_forget(oauth_basic(a, str_of(data, n), &id, &secret));
	if (n > 0 && err_ok(text_cstr(a, str_of(data, n), &text))) {
		err_forget(oauth_scope_read(a, "https://host.test:8443", text, &scope));
		err_forget(perm_list_check(a, text));
		err_forget(reference_id(text, &ref));
		(void)perm_list_within(a, text, PERM_USERS_READ | PERM_GROUPS_READ);
	}
	arena_free(a);
	return 0;
}
