/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a GetPolicies; what is read is answered, and the answer is XML. */
#include <assert.h>

#include "codec/xcep_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t bytes[] = { 3, 2, 5, 0xa0 };
	static const struct xcep_uri uri = { 8, "https://ca.example.test/x" };
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct policy_ext ext = { "2.5.29.15", true, STR(bytes) };
	struct policy_template t = { .name = "T",
		.display_name = "T",
		.oid = "1.2.3",
		.schema = 2,
		.private_key_flags = 0x03030010,
		.rsa = true,
		.cas = 1,
		.exts = &ext,
		.nexts = 1 };
	struct policy_ca ca = { "CA", STR(bytes), true };
	struct policies_rep p = { .name = "P", .cas = &ca, .ncas = 1, .v = &t, .n = 1 };
	struct xcep_response r = { .policies = &p, .message_id = "", .uris = &uri, .nuris = 1 };
	struct xcep_request q;
	struct xml_node *root;

	buf_init(&b, 1 << 20);
	if (!err_ok(xcep_request_parse(a, str_of(data, size), &q)))
		return 0;
	r.relates_to = q.message_id;
	/* A message id may hold what XML can only read as a reference. */
	if (!err_ok(xcep_response_print(a, &q, &r, &b)))
		return 0;
	assert(err_ok(xml_parse(a, buf_str(&b), &root)));
	return 0;
}
