/* SPDX-License-Identifier: Apache-2.0 */
#include "base/locked.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/secret.h"

void
locked_new(size_t n, struct locked *ret)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	/* What is refused here is a guard less; mlock() alone is told. */
	(void)madvise(p, n, MADV_DONTDUMP);
	(void)madvise(p, n, MADV_WIPEONFORK);
	*ret = (struct locked){ .p = p, .n = n, .is_locked = mlock(p, n) == 0 };
}

void
locked_free(struct locked *m)
{
	if (m->p == NULL)
		return;
	secret_wipe(m->p, m->n);
	(void)munmap(m->p, m->n);
	*m = (struct locked){ 0 };
}
