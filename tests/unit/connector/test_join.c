/* SPDX-License-Identifier: Apache-2.0 */
/* What the connector remembers of its joining: read whole or refused. */
#include "pki/made.h"

#include "base/file.h"
#include "connector/link.h"
#include "pki/seal.h"

#include <sys/stat.h>

struct box {
	struct arena *a;
	const char *dir;
	struct link link;
	struct made root, ours; /* ours: the certificate towards the CA */
	json *obj;
};

static const char *
pem_of(struct box *b, const struct cert *c)
{
	return text_pem(b->a, "CERTIFICATE", cert_der(c));
}

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));
	json *cas = json_array_new();

	b->a = arena_new();
	b->dir = made_dir(b->a);
	when_set(MADE_NOW);
	b->root = made_root(b->a, "Root", KEY_EC, KEY_P256);
	b->ours = made_under(b->a, &b->root, "connector", KEY_EC, KEY_P256);
	b->link.conf.dir = b->dir;
	b->link.arena = b->a;
	b->link.ca_key = b->ours.key;
	b->link.service_keys[0] = b->ours.key;
	b->obj = json_object_new();
	json_set_text(b->obj, "id", "7b6f2c1e-0000-4000-8000-000000000001");
	json_set_text(b->obj, "name", "HQ");
	json_set_text(b->obj, "service_url", "https://service.test:8444");
	json_set_text(b->obj, "ca_url", "https://ca.test:9443");
	json_set_text(b->obj, "backend", "wstep");
	json_add(cas, json_text_new("Corp Issuing CA"));
	json_set(b->obj, "cas", cas);
	json_set_text(b->obj, "service_trust", pem_of(b, b->root.cert));
	json_set_text(b->obj, "ca_trust", pem_of(b, b->root.cert));
	json_set_text(b->obj, "ca_certificate",
	    arena_printf(b->a, "%s%s", pem_of(b, b->ours.cert), pem_of(b, b->root.cert)));
	json_set_text(b->obj, "service_certificate", pem_of(b, b->ours.cert));
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct box *b = *state;

	json_free(b->obj);
	made_free(&b->root);
	made_free(&b->ours);
	made_dir_free(b->a, b->dir);
	arena_free(b->a);
	free(b);
	when_set(0);
	return 0;
}

static err_t
read_join(struct box *b, struct join **ret)
{
	struct str text;

	TRY(json_print(b->a, b->obj, &text));
	return join_parse(&b->link, b->a, text, ret);
}

static void
what_was_settled_is_read_back(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;

	expect_ok(read_join(b, &j));
	assert_string_equal(j->id, "7b6f2c1e-0000-4000-8000-000000000001");
	assert_string_equal(j->name, "HQ");
	assert_string_equal(j->service_url, "https://service.test:8444");
	assert_string_equal(j->ca_url, "https://ca.test:9443");
	assert_string_equal(j->backend, "wstep");
	assert_int_equal(j->ncas, 1);
	assert_string_equal(j->cas[0], "Corp Issuing CA");
	assert_int_equal(j->ca.nchain, 2);
	assert_int_equal(j->service.nchain, 1);
	assert_true(str_eq(j->service.anchors[0], cert_der(b->root.cert)));
	assert_true(j->ca.key == b->ours.key);
	assert_memory_equal(j->holder, cert_sha256(b->ours.cert), 32);
}

static void
members_of_a_later_release_are_passed_over(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;

	json_set_text(b->obj, "colour", "x");
	expect_ok(read_join(b, &j));
}

static void
without_one_of_its_members_it_is_refused(void **state)
{
	static const char *const needed[] = { "id", "name", "service_url", "ca_url", "backend",
		"cas", "service_trust", "ca_trust", "ca_certificate", "service_certificate" };
	struct box *b = *state;
	struct join *j = NULL;

	for (size_t i = 0; i < COUNT(needed); i++) {
		json *kept = json_ref(json_get(b->obj, needed[i]));

		json_del(b->obj, needed[i]);
		expect_err(ERR_BAD_REQUEST, read_join(b, &j));
		json_set(b->obj, needed[i], kept);
	}
	assert_null(j);
	expect_ok(read_join(b, &j));
}

static void
a_certificate_that_is_none_is_refused(void **state)
{
	static const char *const members[] = { "service_trust", "ca_trust", "ca_certificate",
		"service_certificate" };
	struct box *b = *state;
	struct join *j = NULL;

	for (size_t i = 0; i < COUNT(members); i++) {
		json *kept = json_ref(json_get(b->obj, members[i]));

		json_set_text(b->obj, members[i], "no certificate");
		expect_err(ERR_CERTIFICATE, read_join(b, &j));
		json_set_text(b->obj, members[i], "");
		expect_err(ERR_MALFORMED, read_join(b, &j));
		json_set(b->obj, members[i], kept);
	}
	assert_null(j);
}

static void
a_certificate_for_another_key_is_refused(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;
	auto_made struct made other = made_under(b->a, &b->root, "other", KEY_EC, KEY_P256);

	json_set_text(b->obj, "ca_certificate", pem_of(b, other.cert));
	expect_err(ERR_KEY_MISMATCH, read_join(b, &j));
}

static void
a_renewed_certificate_comes_with_the_key_that_took_its_turn(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;
	auto_made struct made renewed = made_under(b->a, &b->root, "connector", KEY_EC, KEY_P256);

	json_set_text(b->obj, "service_certificate", pem_of(b, renewed.cert));
	expect_err(ERR_KEY_MISMATCH, read_join(b, &j));
	json_set_text(b->obj, "service_key", "service-b");
	expect_err(ERR_KEY_MISMATCH, read_join(b, &j));
	b->link.service_keys[1] = renewed.key;
	expect_ok(read_join(b, &j));
	assert_true(j->service.key == renewed.key);
	assert_true(j->ca.key == b->ours.key);
	json_set_text(b->obj, "service_key", "service");
	expect_err(ERR_KEY_MISMATCH, read_join(b, &j));
}

static void
renewal_is_due_when_two_thirds_are_over_and_every_loop_is_done_with_the_old_one(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;
	when_t from = cert_not_before(b->ours.cert);
	when_t third = (cert_not_after(b->ours.cert) - from) / 3;

	expect_ok(read_join(b, &j));
	assert_int_equal(j->service_end, cert_not_after(b->ours.cert));
	b->link.join = j;
	pthread_mutex_init(&b->link.lock, NULL);
	when_set(from + 2 * third - 1);
	assert_false(link_renewal_due(&b->link));
	when_set(from + 2 * third);
	assert_true(link_renewal_due(&b->link));
	b->link.using[0] = j;
	b->link.using[1] = &(const struct join){ .id = "before" };
	assert_false(link_renewal_due(&b->link));
	b->link.using[1] = j;
	assert_true(link_renewal_due(&b->link));
	pthread_mutex_destroy(&b->link.lock);
}

static void
put_secret(struct box *b, const char *text)
{
	auto_json json *args = json_object_new();

	json_set_text(args, "ca_secret", text);
	expect_ok(join_keep_secret(&b->link, b->a, args));
}

static void
a_password_stands_in_a_file_of_its_own(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;
	struct stat st;

	json_set_text(b->obj, "ca_login", "password");
	expect_err(ERR_BAD_REQUEST, read_join(b, &j));
	json_set_text(b->obj, "ca_user", "clerk");
	expect_err(ERR_BAD_REQUEST, read_join(b, &j));
	put_secret(b, "a long password");
	expect_ok(read_join(b, &j));
	assert_int_equal(j->ca_login, CA_LOGIN_PASSWORD);
	assert_string_equal(j->ca_user, "clerk");
	assert_string_equal(j->ca_secret, "a long password");
	assert_int_equal(stat(arena_printf(b->a, "%s/ca.secret", b->dir), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	put_secret(b, "another one");
	expect_ok(read_join(b, &j));
	assert_string_equal(j->ca_secret, "another one");
}

static void
a_secret_that_could_end_a_header_is_refused(void **state)
{
	static const char *const bad[] = { "", "two\nlines", "tab\t", "caf\xc3\xa9" };
	struct box *b = *state;
	auto_json json *args = json_object_new();
	char text[1100] = { 0 };

	for (size_t i = 0; i < COUNT(bad); i++) {
		json_set_text(args, "ca_secret", bad[i]);
		expect_err(ERR_BAD_REQUEST, join_keep_secret(&b->link, b->a, args));
	}
	memset(text, 'x', sizeof(text) - 1);
	json_set_text(args, "ca_secret", text);
	expect_err(ERR_BAD_REQUEST, join_keep_secret(&b->link, b->a, args));
	json_set_int(args, "ca_secret", 1);
	expect_err(ERR_BAD_REQUEST, join_keep_secret(&b->link, b->a, args));
	expect_ok(join_keep_secret(&b->link, b->a, b->obj));
}

static void
without_a_certificate_the_holder_is_the_name_or_the_key(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;
	uint8_t named[32], key[32];

	expect_ok(seal_holder("CLERK", named));
	expect_ok(key_spki_sha256(b->ours.key, key));
	put_secret(b, "secret");
	json_set_text(b->obj, "ca_login", "password");
	json_set_text(b->obj, "ca_user", "clerk");
	expect_ok(
	    read_join(b, &j)); /* the certificate that is there as well is not what it shows */
	assert_memory_equal(j->holder, named, 32);
	json_del(b->obj, "ca_certificate");
	expect_ok(read_join(b, &j));
	assert_memory_equal(j->holder, named, 32);
	assert_int_equal(j->ca_end, 0);
	json_set_text(b->obj, "ca_login", "kerberos");
	expect_ok(read_join(b, &j));
	assert_memory_equal(j->holder, key, 32);
	assert_null(j->ca.key);
}

static void
a_login_and_a_kind_of_ca_must_go_together(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;

	put_secret(b, "secret");
	json_set_text(b->obj, "ca_login", "key");
	expect_err(ERR_BAD_REQUEST, read_join(b, &j));
	json_set_text(b->obj, "backend", "digicert");
	expect_ok(read_join(b, &j));
	json_set_text(b->obj, "ca_login", "certificate");
	expect_err(ERR_BAD_REQUEST, read_join(b, &j));
	json_set_text(b->obj, "ca_login", "smoke");
	expect_err(ERR_BAD_REQUEST, read_join(b, &j));
}

static void
whom_this_host_trusts_is_asked_for_by_name(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;

	json_set_text(b->obj, "ca_trust", "system");
	expect_ok(read_join(b, &j));
	assert_int_equal(j->ca.nanchors, 0);
	json_set_text(b->obj, "service_trust", "system");
	expect_err(ERR_CERTIFICATE, read_join(b, &j));
}

static void
where_the_ca_tells_no_revocations_nobody_holds_a_renewal_up(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;

	json_set_text(b->obj, "backend", "est");
	expect_ok(read_join(b, &j));
	b->link.join = j;
	pthread_mutex_init(&b->link.lock, NULL);
	assert_null(watch_loop(&b->link));
	assert_null(b->link.watching);
	pthread_mutex_destroy(&b->link.lock);
}

static void
a_kind_of_ca_that_is_not_there_is_refused(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;

	json_set_text(b->obj, "backend", "carrier-pigeon");
	expect_err(ERR_BAD_REQUEST, read_join(b, &j));
}

static void
names_of_cas_are_texts(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;

	json_add(json_get(b->obj, "cas"), json_int_new(7));
	expect_err(ERR_BAD_REQUEST, read_join(b, &j));
}

static void
features_that_were_chosen_are_all_that_it_does(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;
	json *list = json_array_new();

	expect_ok(read_join(b, &j));
	assert_true(join_does(j, "pkcs"));
	assert_true(join_does(j, "whatever comes later"));
	json_set(b->obj, "features", list);
	expect_err(ERR_BAD_REQUEST, read_join(b, &j));
	json_add(list, json_text_new("pkcs"));
	expect_ok(read_join(b, &j));
	assert_true(join_does(j, "PKCS"));
	assert_false(join_does(j, "revoke"));
}

static void
a_change_is_on_disk_and_in_use_and_what_cannot_be_read_changes_nothing(void **state)
{
	struct box *b = *state;
	auto_json json *members = json_object_new();
	json *list = json_array_new();
	struct join *j = NULL;
	const char *path = arena_printf(b->a, "%s/join.json", b->dir);
	struct str text;

	b->link.desk = desk_new(1);
	pthread_mutex_init(&b->link.lock, NULL);
	pthread_mutex_init(&b->link.changing, NULL);
	expect_err(ERR_FILE_MISSING, join_change(&b->link, b->a, members, 0, NULL));
	expect_ok(json_print(b->a, b->obj, &text));
	expect_ok(file_create(path, text, 0600));
	json_set(members, "features", list);
	json_add(list, json_text_new("revoke"));
	expect_ok(join_change(&b->link, b->a, members, 0, NULL));
	assert_false(join_does(b->link.join, "pkcs"));
	expect_ok(join_load(&b->link, &j));
	assert_true(join_does(j, "revoke"));
	assert_false(join_does(j, "pkcs"));
	json_set(members, "features", json_array_new());
	expect_err(ERR_BAD_REQUEST, join_change(&b->link, b->a, members, 0, NULL));
	assert_true(join_does(b->link.join, "revoke"));
	expect_ok(join_load(&b->link, &j));
	desk_free(b->link.desk);
	pthread_mutex_destroy(&b->link.lock);
	pthread_mutex_destroy(&b->link.changing);
}

static void
text_that_is_no_json_object_is_refused(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;

	expect_err(ERR_JSON, join_parse(&b->link, b->a, LIT("{\"id\":"), &j));
	expect_err(ERR_BAD_REQUEST, join_parse(&b->link, b->a, LIT("[]"), &j));
	expect_err(ERR_JSON, join_parse(&b->link, b->a, STR_EMPTY, &j));
}

static void
who_has_no_file_is_not_joined(void **state)
{
	struct box *b = *state;
	struct join *j = NULL;

	expect_err(ERR_NOT_JOINED, join_load(&b->link, &j));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_settled_is_read_back),
		CASE(members_of_a_later_release_are_passed_over),
		CASE(without_one_of_its_members_it_is_refused),
		CASE(a_certificate_that_is_none_is_refused),
		CASE(a_certificate_for_another_key_is_refused),
		CASE(a_renewed_certificate_comes_with_the_key_that_took_its_turn),
		CASE(
		    renewal_is_due_when_two_thirds_are_over_and_every_loop_is_done_with_the_old_one),
		CASE(a_password_stands_in_a_file_of_its_own),
		CASE(a_secret_that_could_end_a_header_is_refused),
		CASE(without_a_certificate_the_holder_is_the_name_or_the_key),
		CASE(a_login_and_a_kind_of_ca_must_go_together),
		CASE(whom_this_host_trusts_is_asked_for_by_name),
		CASE(where_the_ca_tells_no_revocations_nobody_holds_a_renewal_up),
		CASE(a_kind_of_ca_that_is_not_there_is_refused),
		CASE(names_of_cas_are_texts),
		CASE(features_that_were_chosen_are_all_that_it_does),
		CASE(a_change_is_on_disk_and_in_use_and_what_cannot_be_read_changes_nothing),
		CASE(text_that_is_no_json_object_is_refused),
		CASE(who_has_no_file_is_not_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
