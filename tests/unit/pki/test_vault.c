/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "pki/vault_int.h"

#define PASSPHRASE "correct horse"
#define VAULT_LABEL "CHANCERY KEY VAULT"
#define KEY_LABEL "CHANCERY SEALED KEY"

enum { AT_KIBIBYTES = 1, AT_PASSES = 5, AT_SALT = 9, AT_ID = 25, AT_COUNT = 41, AT_SEALED = 43 };

/* rename(2) of this program: the process is killed at the one after these; negative: never. */
static atomic_int renames_left = -1;

int
rename(const char *from, const char *to)
{
	int left = atomic_load(&renames_left);

	if (left == 1)
		(void)kill(getpid(), SIGKILL);
	if (left > 1)
		atomic_store(&renames_left, left - 1);
	return (int)syscall(SYS_rename, from, to);
}

struct two {
	struct arena *a;
	const char *one, *other; /* folders */
};

static int
setup(void **state)
{
	struct two *t = calloc(1, sizeof(*t));

	t->a = arena_new();
	t->one = made_dir(t->a);
	t->other = made_dir(t->a);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct two *t = *state;

	made_dir_free(t->a, t->one);
	made_dir_free(t->a, t->other);
	arena_free(t->a);
	free(t);
	return 0;
}

static const char *
in(struct two *t, const char *dir, const char *name)
{
	return arena_printf(t->a, "%s/%s", dir, name);
}

static struct str
text_of(struct two *t, const char *dir, const char *name)
{
	struct str s;

	expect_ok(file_read(t->a, in(t, dir, name), 1 << 20, &s));
	return s;
}

static struct vault *
opened(const char *dir)
{
	struct vault *v = NULL;

	expect_ok(vault_open(dir, PASSPHRASE, &v));
	assert_non_null(v);
	return v;
}

static void
keep(struct two *t, struct vault *v, const char *dir, const char *name, struct key **ret)
{
	expect_ok(vault_key_file(v, t->a, in(t, dir, name), KEY_EC, KEY_P256, ret));
}

static void
refused(struct two *t, struct vault *v, const char *dir, const char *name)
{
	struct key *k = NULL;

	expect_err(ERR_KEY_SEAL, vault_key_read(v, t->a, in(t, dir, name), &k));
	expect_err(ERR_KEY_SEAL, vault_key_file(v, t->a, in(t, dir, name), KEY_EC, KEY_P256, &k));
	assert_null(k);
}

static void
a_key_is_the_same_after_the_vault_was_closed(void **state)
{
	struct two *t = *state;
	auto_key struct key *first = NULL, *again = NULL;
	struct vault *v = opened(t->one);

	keep(t, v, t->one, "a.key", &first);
	vault_free(v);
	assert_null(memmem(
	    text_of(t, t->one, "a.key").p, text_of(t, t->one, "a.key").n, "PRIVATE KEY", 11));
	v = opened(t->one);
	expect_ok(vault_key_read(v, t->a, in(t, t->one, "a.key"), &again));
	assert_true(key_same_public(first, again));
	vault_free(v);
}

static void
only_its_passphrase_opens_it(void **state)
{
	static const char *const wrong[] = { "correct horsf", "Correct horse", "correct horse ",
		"short", "" };
	struct two *t = *state;
	struct vault *v = NULL;

	vault_free(opened(t->one));
	for (size_t i = 0; i < COUNT(wrong); i++)
		expect_err(ERR_KEY_PASSPHRASE, vault_open(t->one, wrong[i], &v));
	expect_err(ERR_KEY_PASSPHRASE, vault_open(t->one, NULL, &v));
	assert_null(v);
	/* Too short for a new one as well; and no vault is left behind. */
	expect_err(ERR_KEY_PASSPHRASE, vault_open(t->other, "short", &v));
	assert_false(file_exists(in(t, t->other, "vault")));
	expect_ok(vault_open(t->other, NULL, &v));
	assert_null(v);
}

static void
a_new_passphrase_takes_the_place_of_the_old_one(void **state)
{
	struct two *t = *state;
	auto_key struct key *first = NULL, *again = NULL;
	struct vault *v = opened(t->one), *w = NULL;

	keep(t, v, t->one, "a.key", &first);
	expect_err(ERR_KEY_PASSPHRASE, vault_passwd(v, "not the one", "another one"));
	expect_err(ERR_KEY_PASSPHRASE, vault_passwd(v, PASSPHRASE, "short"));
	expect_ok(vault_passwd(v, PASSPHRASE, "another one"));
	vault_free(v);
	expect_err(ERR_KEY_PASSPHRASE, vault_open(t->one, PASSPHRASE, &w));
	expect_ok(vault_open(t->one, "another one", &w));
	expect_ok(vault_key_read(w, t->a, in(t, t->one, "a.key"), &again));
	assert_true(key_same_public(first, again));
	vault_free(w);
}

static void
a_plain_key_laid_into_the_folder_is_not_taken(void **state)
{
	struct two *t = *state;
	struct vault *v = opened(t->one);
	auto_key struct key *plain = NULL, *mine = NULL;
	struct str laid;

	keep(t, v, t->one, "a.key", &mine);
	expect_ok(key_file(t->a, in(t, t->one, "b.key"), KEY_EC, KEY_P256, &plain));
	laid = text_of(t, t->one, "b.key");
	refused(t, v, t->one, "b.key");
	expect_ok(file_write(in(t, t->one, "a.key"), laid, 0600));
	refused(t, v, t->one, "a.key");
	vault_free(v);
	/* Nor by the next start, and what was laid there stays as it is, to be looked at. */
	v = opened(t->one);
	refused(t, v, t->one, "a.key");
	refused(t, v, t->one, "b.key");
	assert_true(str_eq(laid, text_of(t, t->one, "b.key")));
	vault_free(v);
}

static void
plain_keys_from_before_are_sealed_when_the_vault_is_made(void **state)
{
	struct two *t = *state;
	auto_key struct key *plain = NULL, *again = NULL;
	struct vault *v;

	expect_ok(key_file(t->a, in(t, t->one, "a.key"), KEY_EC, KEY_P256, &plain));
	made_write(t->a, t->one, "pin", LIT("1234\n"));
	v = opened(t->one);
	expect_ok(vault_key_read(v, t->a, in(t, t->one, "a.key"), &again));
	assert_true(key_same_public(plain, again));
	assert_true(str_eq(text_of(t, t->one, "pin"), LIT("1234\n")));
	assert_null(memmem(
	    text_of(t, t->one, "a.key").p, text_of(t, t->one, "a.key").n, "PRIVATE KEY", 11));
	vault_free(v);
}

static struct str
unpem(struct two *t, struct str text, const char *label)
{
	struct str der;
	size_t n;

	expect_ok(text_unpem(t->a, text, label, &der, 1, &n));
	assert_int_equal(n, 1);
	return arena_str(t->a, der);
}

static void
put(struct two *t, const char *name, const char *label, struct str der)
{
	made_write(t->a, t->one, name, str_c(text_pem(t->a, label, der)));
}

/* A list of keys to take in that somebody wrote into the file is none of the vault's, and a key that it sealed is
 * refused when it comes back plain. */
static void
what_is_taken_in_is_decided_when_the_vault_is_made(void **state)
{
	struct two *t = *state;
	auto_key struct key *b = NULL;
	struct str closed, was;
	struct vault *v;
	uint8_t *p;

	expect_ok(key_file(t->a, in(t, t->one, "b.key"), KEY_EC, KEY_P256, &b));
	was = text_of(t, t->one, "b.key");
	vault_free(opened(t->one));
	closed = unpem(t, text_of(t, t->one, "vault"), VAULT_LABEL);
	p = arena_alloc(t->a, closed.n + VAULT_HASH);
	memcpy(p, closed.p, AT_SEALED);
	memset(p + AT_SEALED, 7, VAULT_HASH);
	memcpy(p + AT_SEALED + VAULT_HASH, closed.p + AT_SEALED, closed.n - AT_SEALED);
	p[AT_COUNT + 1] = 1;
	put(t, "vault", VAULT_LABEL, str_of(p, closed.n + VAULT_HASH));
	v = NULL;
	expect_err(ERR_KEY_PASSPHRASE, vault_open(t->one, PASSPHRASE, &v));
	put(t, "vault", VAULT_LABEL, closed);
	expect_ok(file_write(in(t, t->one, "b.key"), was, 0600));
	v = opened(t->one);
	refused(t, v, t->one, "b.key");
	vault_free(v);
}

/* Killed with one of two plain keys sealed. The next start goes on, and takes in no key that came meanwhile. */
static void
sealing_that_was_cut_off_goes_on(void **state)
{
	struct two *t = *state;
	auto_key struct key *b = NULL, *again = NULL, *late = NULL;
	struct vault *v = NULL;
	pid_t pid;
	int how;

	expect_ok(key_file(t->a, in(t, t->one, "a.key"), KEY_EC, KEY_P256, &again));
	key_free(steal(again));
	expect_ok(key_file(t->a, in(t, t->one, "b.key"), KEY_EC, KEY_P256, &b));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		atomic_store(&renames_left, 2); /* a.key is the first */
		err_forget(vault_open(t->one, PASSPHRASE, &v));
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &how, 0), pid);
	assert_true(WIFSIGNALED(how));
	assert_non_null(memmem(
	    text_of(t, t->one, "b.key").p, text_of(t, t->one, "b.key").n, "PRIVATE KEY", 11));
	expect_ok(key_file(t->a, in(t, t->one, "late.key"), KEY_EC, KEY_P256, &late));
	v = opened(t->one);
	expect_ok(vault_key_read(v, t->a, in(t, t->one, "b.key"), &again));
	assert_true(key_same_public(again, b));
	refused(t, v, t->one, "late.key");
	vault_free(v);
}

static void
files_of_two_vaults_and_of_two_names_are_not_exchanged(void **state)
{
	struct two *t = *state;
	auto_key struct key *a = NULL, *b = NULL, *far = NULL;
	struct vault *v = opened(t->one), *w = opened(t->other);
	struct str mine;

	keep(t, v, t->one, "a.key", &a);
	keep(t, v, t->one, "b.key", &b);
	keep(t, w, t->other, "a.key", &far);
	mine = text_of(t, t->one, "a.key");
	expect_ok(file_write(in(t, t->one, "a.key"), text_of(t, t->one, "b.key"), 0600));
	refused(t, v, t->one, "a.key");
	expect_ok(file_write(in(t, t->one, "a.key"), text_of(t, t->other, "a.key"), 0600));
	refused(t, v, t->one, "a.key");
	expect_ok(file_write(in(t, t->one, "a.key"), mine, 0600));
	vault_free(v);
	/* The other vault's own file, with the same passphrase: it opens none of these keys. */
	expect_ok(file_write(in(t, t->one, "vault"), text_of(t, t->other, "vault"), 0600));
	v = opened(t->one);
	refused(t, v, t->one, "a.key");
	vault_free(v);
	vault_free(w);
}

static void
a_flipped_bit_anywhere_is_noticed(void **state)
{
	struct two *t = *state;
	auto_key struct key *a = NULL;
	struct vault *v = opened(t->one);
	struct str der;
	uint8_t *p;

	keep(t, v, t->one, "a.key", &a);
	der = unpem(t, text_of(t, t->one, "a.key"), KEY_LABEL);
	p = (uint8_t *)(uintptr_t)der.p;
	for (size_t i = 0; i < der.n; i++) {
		struct key *k = NULL;
		uint8_t was = p[i];

		p[i] ^= (uint8_t)(1 << (i % 8));
		expect_err(ERR_KEY_SEAL,
		    vault_key_parse(v, t->a, "a.key", str_c(text_pem(t->a, KEY_LABEL, der)), &k));
		p[i] = was;
	}
	vault_free(v);
}

/* One bit in each part of the vault's own file: what is not out of bounds fails as a wrong passphrase does. */
static void
a_flipped_bit_in_the_vaults_own_file_opens_nothing(void **state)
{
	static const struct {
		size_t at;
		uint8_t bit;
		enum err_code why;
	} rows[] = {
		{ 0, 1, ERR_KEY_SEAL },
		{ AT_KIBIBYTES, 0x40, ERR_KEY_SEAL },
		{ AT_KIBIBYTES + 1, 0x40, ERR_KEY_SEAL },
		{ AT_KIBIBYTES + 3, 1, ERR_KEY_PASSPHRASE },
		{ AT_PASSES + 3, 1, ERR_KEY_PASSPHRASE },
		{ AT_PASSES, 1, ERR_KEY_SEAL },
		{ AT_SALT, 1, ERR_KEY_PASSPHRASE },
		{ AT_ID, 1, ERR_KEY_PASSPHRASE },
		{ AT_ID + 15, 0x80, ERR_KEY_PASSPHRASE },
		{ AT_COUNT + 1, 1, ERR_KEY_SEAL },
		{ AT_COUNT, 0x80, ERR_KEY_SEAL },
		{ AT_SEALED, 1, ERR_KEY_PASSPHRASE },
		{ AT_SEALED + 12, 1, ERR_KEY_PASSPHRASE },
		{ AT_SEALED + 12 + 32 + 15, 1, ERR_KEY_PASSPHRASE },
	};
	struct two *t = *state;
	struct vault *v = NULL;
	struct str der;
	uint8_t *p;

	vault_free(opened(t->one));
	der = unpem(t, text_of(t, t->one, "vault"), VAULT_LABEL);
	assert_int_equal(der.n, AT_SEALED + 12 + 32 + 16);
	p = (uint8_t *)(uintptr_t)der.p;
	for (size_t i = 0; i < COUNT(rows); i++) {
		p[rows[i].at] ^= rows[i].bit;
		put(t, "vault", VAULT_LABEL, der);
		expect_err(rows[i].why, vault_open(t->one, PASSPHRASE, &v));
		p[rows[i].at] ^= rows[i].bit;
	}
	assert_null(v);
	put(t, "vault", VAULT_LABEL, der);
	vault_free(opened(t->one));
}

static void
a_cost_out_of_bounds_is_refused_before_it_is_paid(void **state)
{
	static const uint32_t rows[][2] = { { 0, 3 }, { 8 * 1024 - 1, 3 }, { 1024 * 1024 + 1, 3 },
		{ UINT32_MAX, 3 }, { 64 * 1024, 0 }, { 64 * 1024, 17 }, { 64 * 1024, UINT32_MAX } };
	struct vault_head h;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t b[AT_SEALED + 60] = { 2 };

		for (size_t k = 0; k < 4; k++) {
			b[AT_KIBIBYTES + k] = (uint8_t)(rows[i][0] >> (24 - 8 * k));
			b[AT_PASSES + k] = (uint8_t)(rows[i][1] >> (24 - 8 * k));
		}
		expect_err(ERR_KEY_SEAL, vault_head_parse(STR(b), &h));
	}
}

static struct str
longer(struct two *t, struct str in)
{
	uint8_t *p = arena_alloc(t->a, in.n + 1);

	memcpy(p, in.p, in.n);
	p[in.n] = 0;
	return str_of(p, in.n + 1);
}

static void
what_is_cut_short_or_too_long_is_refused(void **state)
{
	struct two *t = *state;
	auto_key struct key *a = NULL;
	struct vault *v = opened(t->one);
	struct str whole, der;
	struct vault_head h;

	keep(t, v, t->one, "a.key", &a);
	whole = text_of(t, t->one, "a.key");
	der = unpem(t, whole, KEY_LABEL);
	for (size_t n = 0; n < whole.n - 2; n += 7) {
		struct key *k = NULL;

		expect_err(ERR_KEY_SEAL, vault_key_parse(v, t->a, "a.key", str_of(whole.p, n), &k));
	}
	for (size_t n = 0; n < der.n; n++) {
		struct key *k = NULL;

		expect_err(ERR_KEY_SEAL,
		    vault_key_parse(
			v, t->a, "a.key", str_c(text_pem(t->a, KEY_LABEL, str_of(der.p, n))), &k));
	}
	vault_free(v);
	whole = text_of(t, t->one, "vault");
	der = unpem(t, whole, VAULT_LABEL);
	for (size_t n = 0; n < der.n; n++)
		assert_false(err_ok(vault_head_parse(str_of(der.p, n), &h)));
	expect_err(ERR_TRAILING, vault_head_parse(longer(t, der), &h));
	v = NULL;
	expect_ok(file_write(in(t, t->one, "vault"), str_of(whole.p, whole.n / 2), 0600));
	expect_err(ERR_KEY_SEAL, vault_open(t->one, PASSPHRASE, &v));
	expect_ok(file_write(in(t, t->one, "vault"), STR_EMPTY, 0600));
	expect_err(ERR_KEY_SEAL, vault_open(t->one, PASSPHRASE, &v));
	assert_null(v);
}

static void
sealed_keys_without_their_vault_get_no_new_one(void **state)
{
	struct two *t = *state;
	auto_key struct key *a = NULL;
	struct vault *v = opened(t->one);

	keep(t, v, t->one, "a.key", &a);
	vault_free(v);
	v = NULL;
	expect_ok(file_remove(in(t, t->one, "vault")));
	expect_err(ERR_KEY_SEAL, vault_open(t->one, PASSPHRASE, &v));
	assert_false(file_exists(in(t, t->one, "vault")));
	assert_null(v);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_key_is_the_same_after_the_vault_was_closed),
		T(only_its_passphrase_opens_it),
		T(a_new_passphrase_takes_the_place_of_the_old_one),
		T(a_plain_key_laid_into_the_folder_is_not_taken),
		T(plain_keys_from_before_are_sealed_when_the_vault_is_made),
		T(what_is_taken_in_is_decided_when_the_vault_is_made),
		T(sealing_that_was_cut_off_goes_on),
		T(files_of_two_vaults_and_of_two_names_are_not_exchanged),
		T(a_flipped_bit_anywhere_is_noticed),
		T(a_flipped_bit_in_the_vaults_own_file_opens_nothing),
		T(a_cost_out_of_bounds_is_refused_before_it_is_paid),
		T(what_is_cut_short_or_too_long_is_refused),
		T(sealed_keys_without_their_vault_get_no_new_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
