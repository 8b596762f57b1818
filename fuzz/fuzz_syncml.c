/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a message of an OMA-DM session; what was read keeps its limits, and can be answered. */
#include <assert.h>

#include "base/limits.h"
#include "codec/syncml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b = { 0 };
	struct syncml_message m;

	buf_init(&b, 65536);
	if (!err_ok(syncml_parse(a, str_of(data, size), &m)))
		return 0;
	assert(m.id > 0 && m.ncommands <= LIMIT_SYNCML_COMMANDS);
	assert(err_ok(syncml_open(&b, &m)));
	for (size_t i = 0; i < m.ncommands; i++) {
		assert(m.commands[i].id > 0 && m.commands[i].nitems <= LIMIT_SYNCML_ITEMS);
		for (size_t k = 0; k < m.commands[i].nitems; k++)
			assert(strlen(m.commands[i].items[k].data) <= LIMIT_SYNCML_DATA);
	}
	return 0;
}
