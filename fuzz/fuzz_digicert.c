/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an answer of DigiCert's API. */
#include <assert.h>

#include "codec/digicert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct str in = str_of(data, size);
	struct digicert_answer answer;
	struct digicert_page page;
	const char *names;
	err_t e;

	if (err_ok(digicert_answer_parse(a, in, &answer)))
		assert(answer.pending || (answer.ncerts > 0 && answer.ncerts <= LIMIT_CHAIN_CERTS));
	if (err_ok(digicert_page_parse(a, in, &page))) {
		assert(page.n <= LIMIT_PAGE && page.total >= 0);
		for (size_t i = 0; i < page.n; i++) {
			const char *s = page.items[i].serial;

			assert(s[0] != '\0' && strspn(s, "0123456789abcdefABCDEF") == strlen(s));
			assert(digicert_serial_eq(s, s));
		}
	}
	e = digicert_profiles_parse(a, in, &names);
	err_forget(e);
	for (const char *s = digicert_refusal(a, in); *s != '\0'; s++)
		assert((unsigned char)*s >= ' ');
	return 0;
}
