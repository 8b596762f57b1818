/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a SOAP message: who it says it is from, and its id. */
#include <assert.h>

#include "base/limits.h"
#include "base/text.h"
#include "codec/soap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct xml_node *header, *body;
	struct soap_user u;
	const char *id;

	if (err_ok(soap_message_id(a, str_of(data, size), &id)))
		assert(strlen(id) <= LIMIT_TEXT);
	if (!err_ok(soap_open(a, str_of(data, size), &header, &body)))
		return 0;
	if (err_ok(soap_user_parse(a, header, &u)))
		assert(strlen(u.name) <= LIMIT_TEXT && strlen(u.password) <= LIMIT_TEXT);
	return 0;
}
