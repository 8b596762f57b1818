/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the body of an EST request, as an Authorization header and as a content type. */
#include <assert.h>

#include "base/text.h"
#include "codec/est_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	const char *text, *name, *password;
	struct str der, again;

	if (err_ok(est_body_parse(a, str_of(data, size), LIMIT_CSR_BYTES, &der))) {
		assert(der.n > 0 && der.n <= LIMIT_CSR_BYTES);
		text = est_body_print(a, der, size % 2 == 0);
		assert(err_ok(est_body_parse(a, str_c(text), LIMIT_CSR_BYTES, &again)));
		assert(str_eq(der, again));
	}
	if (!err_ok(text_cstr(a, str_of(data, size), &text)))
		return 0;
	if (err_ok(est_basic_parse(a, text, &name, &password)))
		assert(name[0] != '\0' && strchr(name, ':') == NULL);
	(void)est_media_type(text, "application/pkcs10");
	(void)est_wants_lines(text);
	return 0;
}
