/* SPDX-License-Identifier: Apache-2.0 */
/* Imported certificates: each gets a slot of its own, goes to every device of the user, and is not ours to revoke. */
#include "world.h"

#include "pki/seal.h"
#include "store/user_pfx.h"

#define KEY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct profile mail;
static struct id imported; /* the record that import_one() makes */
static struct cert *leaf;

static void
put(struct world *w, struct tx *tx, enum pfx_purpose purpose)
{
	uint8_t hash[20];
	struct user_pfx p = { .id = id_new(),
		.user = w->user.id,
		.purpose = purpose,
		.upn = w->user.upn,
		.not_before = cert_not_before(leaf),
		.not_after = cert_not_after(leaf),
		.key_name = "main",
		.padding = PFX_OAEP_SHA256,
		.blob = LIT("blob"),
		.password = LIT("wrapped"),
		.created = when_now(),
		.modified = when_now() };
	struct pfx_copy c = { .key = KEY,
		.key_name = "main",
		.padding = PFX_OAEP_SHA256,
		.password = LIT("wrapped") };

	hash_sha1(cert_der(leaf), hash);
	p.thumbprint = text_hex(w->a, STR(hash));
	expect_ok(store_pfx_insert(tx, &p));
	c.pfx = imported = p.id;
	expect_ok(store_pfx_copy_put(tx, &c));
	w->connector.features = "pkcs,revoke,pfx";
	w->connector.import_keys = KEY ",name:main";
	expect_ok(store_connector_update(tx, &w->connector));
}

static void
put_mail(struct world *w, struct tx *tx)
{
	put(w, tx, PFX_SMIME_ENCRYPTION);
}

static void
import_one(struct world *w, when_t life)
{
	leaf = world_leaf(w, life);
	world_write(w, put_mail);
}

static int
setup(void **state)
{
	auto_json json *j = json_object_new();
	struct warnings warn;
	struct world *w;

	world_setup(state);
	w = *state;
	/* What is about other things is in the way. */
	world_unassign(w, w->pkcs_profile.id);
	world_unassign(w, w->root_profile.id);
	json_set_text(j, "@odata.type", "#chancery.linuxImportedPFXCertificateProfile");
	json_set_text(j, "displayName", "Mail");
	json_set_text(j, "intendedPurpose", "smimeEncryption");
	expect_ok(profile_create(w->store, w->a, "test", j, &mail, &warn));
	world_assign(w, mail.id, &warn);
	leaf = NULL;
	return 0;
}

static int
teardown(void **state)
{
	cert_free(leaf);
	return world_teardown(state);
}

/* The only slot of the device that is about the mail profile and wanted. */
static struct slot the_slot(struct world *w, bool wanted);

struct look {
	struct slot *v;
	size_t n;
};
static struct look look;

static void
read_slots(struct world *w, struct tx *tx)
{
	expect_ok(store_slots_of_device(tx, w->a, w->device.id, &look.v, &look.n));
}

static struct slot
the_slot(struct world *w, bool wanted)
{
	const struct slot *hit = NULL;

	world_write(w, read_slots);
	for (size_t i = 0; i < look.n; i++)
		if (id_eq(look.v[i].profile, mail.id) && look.v[i].wanted == wanted) {
			assert_null(hit);
			hit = &look.v[i];
		}
	assert_non_null(hit);
	return *hit;
}

/* From the lease to what the device holds. */
static void
deliver(struct world *w)
{
	struct command *c;
	struct job j;
	struct job_result r;

	world_checkin(w, NULL, 0, NULL);
	j = world_job(w);
	r = (struct job_result){ .request = j.request,
		.fence = j.fence,
		.outcome = JOB_ISSUED,
		.leaf = cert_der(leaf),
		.sealed = LIT("sealed"),
		.password = LIT("password"),
		.serial = cert_serial(leaf),
		.subject = cert_subject(leaf),
		.not_before = cert_not_before(leaf),
		.not_after = cert_not_after(leaf) };
	expect_ok(job_finish(w->store, w->a, &w->connector, &r));
	expect_ok(job_finish(w->store, w->a, &w->connector, &r)); /* brought again */
	assert_int_equal(world_checkin(w, NULL, 0, &c), 1);
	assert_int_equal(c->kind, COMMAND_INSTALL_IDENTITY);
	assert_int_equal(world_obey(w, c, &c), 0);
}

static void
nothing_imported_is_said(void **state)
{
	struct world *w = *state;

	world_checkin(w, NULL, 0, NULL);
	assert_string_equal(the_slot(w, true).fault, err_info(ERR_PFX_NONE)->id);
}

static void
a_connector_gets_the_file_with_the_password_that_it_can_open(void **state)
{
	struct world *w = *state;
	struct job j;

	import_one(w, 1000);
	world_checkin(w, NULL, 0, NULL);
	j = world_job(w);
	assert_int_equal(j.kind, REQUEST_IMPORT);
	assert_true(str_eq(j.pfx.blob, LIT("blob")));
	assert_string_equal(j.copy.key, KEY);
	assert_true(str_eq(j.copy.password, LIT("wrapped")));
	assert_true(str_eq(j.device_cert, w->device.identity));
}

/* So that who carries it cannot have it opened for somebody else (connector/keys_order.c). */
static void
the_order_of_an_import_names_device_maker_and_what_is_opened(void **state)
{
	struct world *w = *state;
	struct str thumbprint;
	uint8_t content[32];
	struct job j;

	import_one(w, 1000);
	world_checkin(w, NULL, 0, NULL);
	j = world_job(w);
	assert_int_equal(j.order.kind, ORDER_IMPORT);
	assert_true(id_eq(j.order.id, j.request));
	assert_true(str_eq(j.order.recipient, w->device.identity_sha256));
	assert_true(str_eq(j.order.maker, w->connector.maker));
	expect_ok(text_unhex(w->a, str_c(j.pfx.thumbprint), &thumbprint));
	expect_ok(seal_import(&(struct seal_import){ j.copy.key, (uint8_t)j.copy.padding,
				  LIT("wrapped"), LIT("blob"), thumbprint },
	    content));
	assert_true(str_eq(j.order.content, STR(content)));
}

static void
a_connector_that_named_no_key_of_its_own_gets_no_imports(void **state)
{
	struct world *w = *state;
	struct job *v;

	import_one(w, 1000);
	world_checkin(w, NULL, 0, NULL);
	w->connector.maker = STR_EMPTY;
	assert_int_equal(world_lease(w, &v), 0);
}

static void
a_connector_without_the_key_gets_nothing_and_the_slot_says_so(void **state)
{
	struct world *w = *state;
	struct status st = { 0 };
	struct slot s;
	struct job *v;

	import_one(w, 1000);
	world_checkin(w, NULL, 0, NULL);
	w->connector.import_keys = "name:other";
	assert_int_equal(world_lease(w, &v), 0);
	w->connector.import_keys = "";
	assert_int_equal(world_lease(w, &v), 0);
	w->connector.import_keys = KEY;
	w->connector.features = "pkcs,revoke";
	assert_int_equal(world_lease(w, &v), 0);
	w->connector.features = "pfx";
	assert_int_equal(world_lease(w, &v), 1);
	(void)st;
	(void)s;
}

static void
it_reaches_the_device_and_is_never_revoked(void **state)
{
	struct world *w = *state;
	struct command *c;
	struct slot s;
	struct job *v;

	import_one(w, 1000);
	deliver(w);
	s = the_slot(w, true);
	assert_true(str_eq(s.reached_hash, s.wanted_hash));
	assert_true(id_eq(s.item, imported));
	world_unassign(w, mail.id);
	assert_int_equal(world_checkin(w, NULL, 0, &c), 1);
	assert_int_equal(c->kind, COMMAND_REMOVE_IDENTITY);
	assert_int_equal(world_obey(w, c, &c), 0);
	assert_int_equal(world_lease(w, &v), 0);
}

static void
what_has_ended_is_delivered_and_not_renewed(void **state)
{
	struct world *w = *state;
	struct job *v;

	import_one(w, 10);
	when_set(MADE_NOW + 5000);
	deliver(w);
	when_set(MADE_NOW + 50000);
	assert_int_equal(world_checkin(w, NULL, 0, NULL), 0);
	assert_int_equal(world_lease(w, &v), 0);
}

static void
each_of_several_goes_its_own_way(void **state)
{
	struct world *w = *state;
	struct cert *first;
	struct job *v;

	import_one(w, 1000);
	first = leaf;
	deliver(w);
	import_one(w, 2000);
	deliver(w);
	assert_int_equal(w->nheld, 2);
	assert_int_equal(world_checkin(w, NULL, 0, NULL), 0);
	assert_int_equal(world_lease(w, &v), 0);
	cert_free(first);
}

static void
drop_record(struct world *w, struct tx *tx)
{
	(void)w;
	expect_ok(store_pfx_delete(tx, imported));
}

static void
what_is_removed_from_the_record_leaves_the_device(void **state)
{
	struct world *w = *state;
	struct cert *first;
	struct command *c;

	import_one(w, 1000);
	first = leaf;
	deliver(w);
	import_one(w, 2000);
	deliver(w);
	world_write(w, drop_record);
	assert_int_equal(world_checkin(w, NULL, 0, &c), 1);
	assert_int_equal(c->kind, COMMAND_REMOVE_IDENTITY);
	world_obey(w, c, NULL);
	assert_int_equal(w->nheld, 1);
	cert_free(first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_imported_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_connector_gets_the_file_with_the_password_that_it_can_open, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_order_of_an_import_names_device_maker_and_what_is_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_connector_that_named_no_key_of_its_own_gets_no_imports, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_connector_without_the_key_gets_nothing_and_the_slot_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    it_reaches_the_device_and_is_never_revoked, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_has_ended_is_delivered_and_not_renewed, setup, teardown),
		cmocka_unit_test_setup_teardown(each_of_several_goes_its_own_way, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_removed_from_the_record_leaves_the_device, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
