/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a name and as alternative names; what can be written again is the same. */
#include <assert.h>

#include "base/rd.h"
#include "codec/der.h"
#include "codec/dn.h"
#include "codec/oid.h"
#include "codec/san.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
one_name(struct arena *a, struct str in)
{
	struct dn dn, again;
	struct str der;

	if (!err_ok(dn_decode(a, in, &dn)))
		return;
	assert(dn_print(a, &dn) != NULL);
	if (!err_ok(dn_encode(a, &dn, &der)))
		return;
	assert(err_ok(dn_decode(a, der, &again)));
	assert(dn_equal(&dn, &again));
}

static void
one_list(struct arena *a, struct str in)
{
	struct san *sans, *again;
	struct str der;
	size_t n, m;

	if (!err_ok(san_decode(a, in, &sans, &n)))
		return;
	assert(san_print(a, sans, n) != NULL);
	if (!err_ok(san_encode(a, sans, n, &der)))
		return;
	assert(err_ok(san_decode(a, der, &again, &m)));
	assert(san_equal(sans, n, again, m));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct str in = str_of(data, size), content, back;
	const char *oid;
	uint8_t tag;

	one_name(a, in);
	one_list(a, in);
	if (err_ok(oid_text(a, in, &oid))) {
		assert(err_ok(oid_content(a, oid, &back)));
		assert(str_eq(in, back));
	}
	while (err_ok(der_next(&in, &tag, &content)))
		;
	return 0;
}
