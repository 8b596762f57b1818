/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a pkiMessage, as an envelope, as attributes, and as issuer and serial number. */
#include <assert.h>

#include "pki/scep.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_arena struct arena *a = arena_new();
	auto_cert struct cert *signer = NULL;
	enum scep_cipher cipher;
	struct scep_head head;
	const char *serial;
	struct scep_msg m;
	struct str issuer;

	err_forget(scep_head_parse(a, str_of(p, n), &head));
	err_forget(scep_envelope(a, str_of(p, n), &cipher));
	err_forget(scep_issuer_serial(a, str_of(p, n), &issuer, &serial));
	if (!err_ok(scep_parse(a, str_of(p, n), &m)))
		return 0;
	if (m.content.n > 0)
		err_forget(scep_envelope(a, m.content, &cipher));
	if (!err_ok(scep_verify(a, &m, true, &head, &signer)))
		return 0;
	assert(head.transaction[0] != '\0' && head.digest.n > 0);
	return 0;
}
