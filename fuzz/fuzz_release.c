/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a bundle: frame and manifest; and as versions. */
#include <assert.h>

#include "codec/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct str in = str_of(data, size);
	struct release_frame f;
	struct release r;
	int order;

	if (!err_ok(release_frame_parse(in, &f)))
		return 0;
	assert(f.head.n + f.content.n == in.n && f.stated.n < f.head.n);
	if (err_ok(release_parse(a, f.manifest, &r))) {
		assert(release_program(&r) != NULL);
		assert(err_ok(release_compare(r.version, r.version, &order)) && order == 0);
	}
	return 0;
}
