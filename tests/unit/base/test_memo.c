/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "base/memo.h"

static const char one_kind, another_kind;

struct maker {
	atomic_int made;
	bool fail;
};

/* The text backwards. */
static err_t
turn(struct arena *a, struct str text, const void *arg, void **ret)
{
	struct maker *m = (struct maker *)(uintptr_t)arg;
	char *out = arena_cstr(a, text);

	atomic_fetch_add(&m->made, 1);
	if (m->fail)
		FAIL(ERR_MALFORMED, "%s", "told to");
	for (size_t i = 0; i < text.n; i++)
		out[i] = (char)text.p[text.n - 1 - i];
	*ret = out;
	return OK;
}

static const char *
get(struct memo *m, struct arena *a, const char *hint, const void *kind, const char *text,
    struct maker *mk)
{
	const void *v = NULL;

	expect_ok(memo_get(m, a, str_c(hint), kind, str_c(text), turn, mk, &v));
	return v;
}

static void
the_same_text_is_made_once(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct memo *m = memo_new(8);
	struct maker mk = { 0 };
	const char *first = get(m, a, "id", &one_kind, "abc", &mk);

	(void)state;
	assert_string_equal(first, "cba");
	assert_ptr_equal(get(m, a, "id", &one_kind, "abc", &mk), first);
	assert_int_equal(mk.made, 1);
	memo_free(m);
}

static void
another_text_or_kind_is_never_mistaken_for_it(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct memo *m = memo_new(1);
	struct maker mk = { 0 };

	(void)state;
	assert_string_equal(get(m, a, "id", &one_kind, "abc", &mk), "cba");
	assert_string_equal(get(m, a, "id", &one_kind, "abd", &mk), "dba");
	assert_string_equal(get(m, a, "other", &one_kind, "ab", &mk), "ba");
	(void)get(m, a, "other", &another_kind, "ab", &mk);
	assert_int_equal(mk.made, 4);
	memo_free(m);
}

static void
what_somebody_has_outlives_its_place_and_the_memo(void **state)
{
	struct arena *a = arena_new();
	struct memo *m = memo_new(1);
	struct maker mk = { 0 };
	const char *first = get(m, a, "id", &one_kind, "abc", &mk);

	(void)state;
	for (int i = 0; i < 100; i++) {
		auto_arena struct arena *other = arena_new();
		char text[16];

		snprintf(text, sizeof(text), "%d", i);
		(void)get(m, other, "id", &one_kind, text, &mk);
	}
	memo_free(m);
	assert_string_equal(first, "cba");
	arena_free(a);
	memo_free(NULL);
}

static void
a_failure_is_told_each_time_and_not_kept(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct memo *m = memo_new(4);
	struct maker mk = { .fail = true };
	const void *v = NULL;

	(void)state;
	expect_err(ERR_MALFORMED, memo_get(m, a, LIT("id"), &one_kind, LIT("abc"), turn, &mk, &v));
	expect_err(ERR_MALFORMED, memo_get(m, a, LIT("id"), &one_kind, LIT("abc"), turn, &mk, &v));
	assert_null(v);
	mk.fail = false;
	assert_string_equal(get(m, a, "id", &one_kind, "abc", &mk), "cba");
	assert_int_equal(mk.made, 3);
	memo_free(m);
}

static void
without_a_memo_and_of_long_texts_nothing_is_kept(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct memo *m = memo_new(4);
	struct maker mk = { 0 };
	char *text = arena_alloc(a, LIMIT_MEMO_TEXT + 2);

	(void)state;
	(void)get(NULL, a, "id", &one_kind, "abc", &mk);
	assert_string_equal(get(NULL, a, "id", &one_kind, "abc", &mk), "cba");
	assert_int_equal(mk.made, 2);
	memset(text, 'x', LIMIT_MEMO_TEXT + 1);
	(void)get(m, a, "id", &one_kind, text, &mk);
	(void)get(m, a, "id", &one_kind, text, &mk);
	assert_int_equal(mk.made, 4);
	text[LIMIT_MEMO_TEXT] = '\0';
	(void)get(m, a, "id", &one_kind, text, &mk);
	(void)get(m, a, "id", &one_kind, text, &mk);
	assert_int_equal(mk.made, 5);
	memo_free(m);
}

enum { THREADS = 4, TURNS = 2000 };

static void *
use(void *memo)
{
	static const char *const texts[] = { "abc", "def", "ghi" },
				 *const turned[] = { "cba", "fed", "ihg" };
	struct maker mk = { 0 };

	for (int i = 0; i < TURNS; i++) {
		auto_arena struct arena *a = arena_new();

		assert_string_equal(
		    get(memo, a, "id", &one_kind, texts[i % 3], &mk), turned[i % 3]);
	}
	return NULL;
}

/* All for one place, which changes hands all the time. */
static void
many_may_use_it_at_once(void **state)
{
	struct memo *m = memo_new(1);
	pthread_t t[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, use, m), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	memo_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_text_is_made_once),
		cmocka_unit_test(another_text_or_kind_is_never_mistaken_for_it),
		cmocka_unit_test(what_somebody_has_outlives_its_place_and_the_memo),
		cmocka_unit_test(a_failure_is_told_each_time_and_not_kept),
		cmocka_unit_test(without_a_memo_and_of_long_texts_nothing_is_kept),
		cmocka_unit_test(many_may_use_it_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
