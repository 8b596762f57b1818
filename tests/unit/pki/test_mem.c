/* SPDX-License-Identifier: Apache-2.0 */
/* That nothing is left behind shows in a search of a process's memory; here: it works, and in time only. */
#include "pki/mem.h"

#include <openssl/crypto.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"

static void
memory_that_grows_and_shrinks_keeps_its_contents(void **state)
{
	uint8_t *p = OPENSSL_malloc(16);

	(void)state;
	memset(p, 7, 16);
	p = OPENSSL_realloc(p, 100000);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(p[i], 7);
	p = OPENSSL_realloc(p, 8);
	assert_int_equal(p[7], 7);
	OPENSSL_free(p);
	assert_null(OPENSSL_realloc(OPENSSL_malloc(3), 0));
	OPENSSL_free(NULL);
}

static void
once_libcrypto_has_memory_it_is_too_late(void **state)
{
	(void)state;
	OPENSSL_free(OPENSSL_malloc(1));
	expect_err(ERR_CRYPTO, mem_wipe_on_free());
}

int
main(void)
{
	const struct CMUnitTest before[] = {
		cmocka_unit_test(memory_that_grows_and_shrinks_keeps_its_contents),
	};
	const struct CMUnitTest late[] = {
		cmocka_unit_test(once_libcrypto_has_memory_it_is_too_late),
	};
	pid_t child = fork();
	int status = 1, failed;

	/* It is settled once in a process: a copy of this one comes too late. */
	if (child == 0)
		return cmocka_run_group_tests_name("late", late, NULL, NULL);
	waitpid(child, &status, 0);
	expect_ok(mem_wipe_on_free());
	failed = cmocka_run_group_tests_name("in time", before, NULL, NULL);
	return failed != 0 || status != 0;
}
