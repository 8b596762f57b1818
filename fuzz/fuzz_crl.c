/* SPDX-License-Identifier: Apache-2.0 */
/* Every list that reads well has as many entries as it says, each readable again. */
#include <assert.h>

#include "base/limits.h"
#include "pki/crl_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct crl_doc d;
	struct crl_listed one;
	size_t seen = 0;
	err_t e = crl_parse(str_of(p, n), &d);

	if (!err_ok(e)) {
		err_forget(e);
		return 0;
	}
	for (; d.entries.n > 0; seen++) {
		assert(err_ok(crl_next(&d.entries, &one)));
		assert(one.serial.n >= 1 && one.serial.n <= 20 && one.reason <= 10);
	}
	assert(seen == d.n && d.tbs.n > 0 && d.tbs.n < n);
	return 0;
}
