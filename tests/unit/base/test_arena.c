/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <stdalign.h>

#include "base/arena.h"

static void
memory_is_zeroed_and_aligned(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t n = 0; n < 3000; n += 7) {
		uint8_t *p = arena_alloc(a, n);

		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
	}
}

static void
a_large_object_has_room_of_its_own(void **state)
{
	auto_arena struct arena *a = arena_new();
	uint8_t *p = arena_alloc(a, 10u << 20);

	(void)state;
	memset(p, 1, 10u << 20);
	assert_true(arena_used(a) >= 10u << 20);
}

static void
reset_gives_zeroed_memory_again(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (int round = 0; round < 3; round++) {
		uint8_t *p = arena_alloc(a, 1000);

		for (size_t i = 0; i < 1000; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, 1000);
		memset(arena_alloc(a, 100000), 0xff, 100000);
		arena_reset(a);
		assert_int_equal(arena_used(a), 0);
	}
}

static void
count_up(void *arg)
{
	int *n = *(int **)arg;

	(*n)++;
}

/* What it is called with may lie in the arena itself. */
static void
the_end_is_told_once_while_all_is_there(void **state)
{
	struct arena *a = arena_new();
	int n = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		int **at = arena_alloc(a, sizeof(*at));

		*at = &n;
		arena_at_end(a, count_up, at);
	}
	assert_int_equal(n, 0);
	arena_reset(a);
	assert_int_equal(n, 3);
	arena_reset(a);
	arena_free(a);
	assert_int_equal(n, 3);
}

static void
freeing_null_is_fine(void **state)
{
	(void)state;
	arena_free(NULL);
}

static void
copies_do_not_share(void **state)
{
	auto_arena struct arena *a = arena_new();
	char from[] = "abc";
	char *dup = arena_strdup(a, from);
	char *cstr = arena_cstr(a, str_of(from, 2));
	struct str s = arena_str(a, str_c(from));

	(void)state;
	from[0] = 'x';
	assert_string_equal(dup, "abc");
	assert_string_equal(cstr, "ab");
	assert_true(str_eq_c(s, "abc"));
}

static void
nothing_can_be_copied(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_string_equal(arena_cstr(a, STR_EMPTY), "");
	assert_int_equal(arena_str(a, STR_EMPTY).n, 0);
	assert_non_null(arena_copy(a, NULL, 0));
}

static void
prints_any_length(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_string_equal(arena_printf(a, "%s-%d", "x", 5), "x-5");
	assert_int_equal(strlen(arena_printf(a, "%100000d", 1)), 100000);
}

static void
objects_have_their_type(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str *one = ARENA_NEW(a, struct str);
	struct str *many = arena_array(a, 100, sizeof(*many));

	(void)state;
	assert_null(one->p);
	many[99].n = 1;
	assert_int_equal(many[99].n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(a_large_object_has_room_of_its_own),
		cmocka_unit_test(reset_gives_zeroed_memory_again),
		cmocka_unit_test(the_end_is_told_once_while_all_is_there),
		cmocka_unit_test(freeing_null_is_fine),
		cmocka_unit_test(copies_do_not_share),
		cmocka_unit_test(nothing_can_be_copied),
		cmocka_unit_test(prints_any_length),
		cmocka_unit_test(objects_have_their_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
