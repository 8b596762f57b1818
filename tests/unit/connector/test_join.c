/* SPDX-License-Identifier: Apache-2.0 */
/* What the connector remembers of its joining: read whole or refused. */
#include "pki/made.h"

#include "base/file.h"
#include "connector/link.h"

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
		CASE(a_kind_of_ca_that_is_not_there_is_refused),
		CASE(names_of_cas_are_texts),
		CASE(features_that_were_chosen_are_all_that_it_does),
		CASE(a_change_is_on_disk_and_in_use_and_what_cannot_be_read_changes_nothing),
		CASE(text_that_is_no_json_object_is_refused),
		CASE(who_has_no_file_is_not_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
