/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a document. */
#include "codec/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct xml_node *root;

	err_forget(xml_parse(a, str_of(data, size), &root));
	return 0;
}
