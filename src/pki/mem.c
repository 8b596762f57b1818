/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/mem.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

static void *
take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void
give(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	secret_free(p);
}

/* Not realloc(3), which leaves what it moved behind. */
static void *
again(void *p, size_t n, const char *file, int line)
{
	size_t had = p == NULL ? 0 : malloc_usable_size(p);
	void *q;

	if (n == 0) {
		give(p, file, line);
		return NULL;
	}
	if (p != NULL && n <= had)
		return p;
	q = malloc(n);
	if (q == NULL)
		return NULL;
	if (p != NULL)
		memcpy(q, p, had);
	give(p, file, line);
	return q;
}

err_t
mem_wipe_on_free(void)
{
	if (CRYPTO_set_mem_functions(take, again, give) != 1)
		FAIL(ERR_CRYPTO,
		    "memory of libcrypto was in use before it was settled how it is wiped");
	return OK;
}
