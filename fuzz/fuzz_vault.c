/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault's own file and key files, as somebody may have left them. The first byte says which it is; the vault that key
 * files are read with has zeros for a master key and an identity, so that seeds can be sealed for it.
 */
#include "pki/vault_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = NULL;
	struct vault_head h;
	struct vault *v;

	if (n == 0)
		return 0;
	if (p[0] == 'v') {
		err_forget(vault_head_parse(str_of(p + 1, n - 1), &h));
		return 0;
	}
	v = vault_new("/nonexistent");
	err_forget(vault_key_parse(v, a, "a.key", str_of(p + 1, n - 1), &k));
	vault_free(v);
	return 0;
}
