/* SPDX-License-Identifier: Apache-2.0 */
/* What a device requests by SCEP, and in which form other keys reach its platform. */
#include "world.h"

#include "model/packing.h"
#include "model/relay.h"

#define SCEP_URL "https://devices.example.test/scep/Corp%20Issuing%20CA/ChanceryUser/pkiclient.exe"
#define OTHER_URL "https://ra.example.test/certsrv/mscep/mscep.dll"

static void
be_windows(struct world *w, struct tx *tx)
{
	w->device.platform = "windows";
	w->device.os_version = "10.0.22631.1";
	w->connector.features = "pkcs,revoke,scep";
	expect_ok(store_device_update(tx, &w->device));
	expect_ok(store_connector_update(tx, &w->connector));
}

static struct profile
profile_by(struct world *w, const char *type, const char *url, const char *protocol)
{
	auto_json json *j = json_object_new();
	json *urls = json_array_new(), *ekus = json_array_new(), *eku = json_object_new();
	struct profile p;
	struct warnings warn;

	json_set_text(j, "@odata.type",
	    arena_printf(w->a, "#%s.%s",
		strncmp(type, "linux", 5) == 0 ? "chancery" : "microsoft.graph", type));
	json_set_text(j, "displayName", "SCEP");
	if (strncmp(type, "linux", 5) == 0) {
		json_set_text(j, "enrolmentProtocol", protocol);
		json_set_text(j, "rootCertificate@odata.bind", world_url(w, w->root_profile.id));
	}
	json_set_text(j, "subjectNameFormat", "custom");
	json_set_text(j, "subjectNameFormatString", "CN={{UserName}}");
	json_set_text(j, "subjectAlternativeNameType", "none");
	if (strncmp(type, "windows81", 9) == 0)
		json_set_text(j, "certificateStore", "user");
	json_set_text(j, "keyUsage", "digitalSignature,keyEncipherment");
	json_set_text(j, "keySize", "size2048");
	json_set_text(j, "hashAlgorithm", "sha2");
	json_add(urls, json_text_new(url));
	json_set(j, "scepServerUrls", urls);
	json_set_text(eku, "name", "Client Authentication");
	json_set_text(eku, "objectIdentifier", OID_EKU_CLIENT_AUTH);
	json_add(ekus, eku);
	json_set(j, "extendedKeyUsages", ekus);
	expect_ok(profile_create(w->store, w->a, "test", j, &p, &warn));
	world_assign(w, p.id, &warn);
	return p;
}

static struct profile
scep_profile(struct world *w, const char *type, const char *url)
{
	return profile_by(w, type, url, "scep");
}

static struct profile
begin(struct world *w, const char *url)
{
	world_write(w, be_windows);
	return scep_profile(w, "windows81SCEPCertificateProfile", url);
}

/* What a device would get; other names when asked for. */
static struct str
leaf_of(struct world *w, const char *cn, when_t life)
{
	struct issue_spec s = made_spec(w->a, cn, w->leaf_key);
	struct dn_ava ava = { "2.5.4.3", cn };
	struct dn_rdn rdn = { &ava, 1 };
	auto_cert struct cert *c = NULL;

	expect_ok(dn_encode(w->a, &(struct dn){ &rdn, 1 }, &s.subject));
	issue_serial(s.serial);
	s.san = STR_EMPTY;
	s.issuer = w->root.cert;
	s.not_before = when_now() - 2;
	s.not_after = when_now() + life;
	c = made_cert(w->a, &s, w->root.key);
	return arena_str(w->a, cert_der(c));
}

static void
answer(struct world *w, const struct command *c, struct str der)
{
	struct report_result res = { .id = c->id, .status = RESULT_OK, .certificate = der };

	world_hold(w, c->alias, true, world_sha256(w, der));
	world_checkin(w, &res, 1, NULL);
}

static struct command
offered(struct world *w)
{
	struct job j = world_job(w);
	struct job_result r = {
		.request = j.request, .fence = j.fence, .outcome = JOB_DEPOSITED, .detail = ""
	};
	struct command *v;

	expect_ok(job_finish(w->store, w->a, &w->connector, &r));
	expect_ok(job_finish(w->store, w->a, &w->connector, &r)); /* told twice */
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_ENROL);
	return v[0];
}

static void
the_order_is_left_at_the_ca_before_the_device_hears_of_it(void **state)
{
	WORLD(state);
	struct command *v;
	struct str der;
	struct job j;

	begin(w, SCEP_URL);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 0);
	j = world_job(w);
	assert_int_equal(j.kind, REQUEST_ENROL);
	assert_string_equal(j.order.ca, "Corp Issuing CA");
	assert_string_equal(j.order.template, "ChanceryUser");
	assert_int_equal(j.order.key_usage, 0xa0);
	assert_int_equal(j.order.expires, MADE_NOW + REQUEST_CHALLENGE_LIFE);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 0);
	expect_ok(job_finish(w->store, w->a, &w->connector,
	    &(struct job_result){
		.request = j.request, .fence = j.fence, .outcome = JOB_DEPOSITED, .detail = "" }));
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_ENROL);
	assert_true(id_eq(v[0].request, j.request));
	assert_int_equal(v[0].fence, j.fence);
	assert_string_equal(v[0].what->urls[0], SCEP_URL);
	assert_int_equal(v[0].what->key_bits, 2048);
	der = leaf_of(w, "alice", 100 * MADE_DAY);
	answer(w, &v[0], der);
	assert_string_equal(world_look(w, "scep").slot.detail, "");
	assert_string_equal(world_word(w, "scep"), "installed");
	world_timeline(w, "scep", "assigned queued leased challenge-left offered installed");
}

static void
a_connector_without_the_feature_gets_no_challenges(void **state)
{
	WORLD(state);
	struct job *v;

	begin(w, SCEP_URL);
	world_checkin(w, NULL, 0, NULL);
	w->connector.features = "pkcs,revoke,pfx";
	assert_int_equal(world_lease(w, &v), 0);
}

static void
somebody_elses_ra_needs_nothing_before(void **state)
{
	WORLD(state);
	struct command *v;
	struct job *jobs;

	begin(w, OTHER_URL);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_ENROL);
	assert_int_equal(v[0].fence, 1);
	assert_int_equal(world_lease(w, &jobs), 0);
}

static void
a_certificate_with_other_names_is_refused(void **state)
{
	WORLD(state);
	struct command c;

	begin(w, SCEP_URL);
	world_checkin(w, NULL, 0, NULL);
	c = offered(w);
	answer(w, &c, leaf_of(w, "mallory", 100 * MADE_DAY));
	assert_string_equal(world_look(w, "scep").slot.fault, "leaf-mismatch");
	assert_string_equal(world_word(w, "scep"), "failed");
}

static void
a_certificate_that_ended_is_refused(void **state)
{
	WORLD(state);
	struct command c;

	begin(w, SCEP_URL);
	world_checkin(w, NULL, 0, NULL);
	c = offered(w);
	answer(w, &c, leaf_of(w, "alice", -1));
	assert_string_equal(world_look(w, "scep").slot.fault, "leaf-mismatch");
}

static void
success_without_a_certificate_is_none_yet(void **state)
{
	WORLD(state);
	struct report_result res = { .status = RESULT_OK };
	struct command c;

	begin(w, SCEP_URL);
	world_checkin(w, NULL, 0, NULL);
	c = offered(w);
	res.id = c.id;
	world_checkin(w, &res, 1, NULL);
	assert_int_equal(world_newest(w, "scep").state, REQUEST_OFFERED);
	assert_string_equal(world_word(w, "scep"), "offered");
}

static void
a_challenge_that_ended_is_left_anew_and_makes_another_command(void **state)
{
	WORLD(state);
	struct command first, second, *v;

	begin(w, SCEP_URL);
	world_checkin(w, NULL, 0, NULL);
	first = offered(w);
	when_set(MADE_NOW + REQUEST_CHALLENGE_LIFE - REQUEST_CHALLENGE_MARGIN - 1);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_string_equal(v[0].id, first.id);
	when_set(MADE_NOW + REQUEST_CHALLENGE_LIFE);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 0);
	second = offered(w);
	assert_true(id_eq(second.request, first.request));
	assert_int_equal(second.fence, first.fence + 1);
	assert_string_not_equal(second.id, first.id);
	/* The answer to the old one says nothing about the new one. */
	answer(w, &first, leaf_of(w, "alice", 100 * MADE_DAY));
	assert_int_equal(world_newest(w, "scep").state, REQUEST_OFFERED);
}

static void
a_challenge_of_somebody_elses_ra_goes_on_by_itself(void **state)
{
	WORLD(state);
	struct command *v;

	begin(w, OTHER_URL);
	world_checkin(w, NULL, 0, NULL);
	when_set(MADE_NOW + REQUEST_CHALLENGE_LIFE);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].fence, 2);
}

static void
a_device_that_says_no_gets_another_challenge_and_the_first_is_closed(void **state)
{
	WORLD(state);
	struct report_result res = { .status = RESULT_ERROR, .code = "16", .detail = "no" };
	struct command c;
	struct job *v;
	bool revoked = false, again = false;
	size_t n;

	begin(w, SCEP_URL);
	world_checkin(w, NULL, 0, NULL);
	c = offered(w);
	res.id = c.id;
	world_checkin(w, &res, 1, NULL);
	assert_string_equal(world_word(w, "scep"), "failed");
	when_set(MADE_NOW + 61);
	world_checkin(w, NULL, 0, NULL);
	n = world_lease(w, &v);
	for (size_t i = 0; i < n; i++) {
		revoked |= v[i].kind == REQUEST_REVOKE && id_eq(v[i].order.id, c.request);
		again |= v[i].kind == REQUEST_ENROL && !id_eq(v[i].request, c.request);
	}
	assert_true(revoked);
	assert_true(again);
}

static void
what_was_unassigned_is_removed_and_revoked(void **state)
{
	WORLD(state);
	struct command c, *v;
	struct profile p = begin(w, SCEP_URL);
	struct job j;

	world_checkin(w, NULL, 0, NULL);
	c = offered(w);
	answer(w, &c, leaf_of(w, "alice", 100 * MADE_DAY));
	world_unassign(w, p.id);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_REMOVE_IDENTITY);
	j = world_job(w);
	assert_int_equal(j.kind, REQUEST_REVOKE);
	assert_true(id_eq(j.order.id, c.request));
}

static void
be_phone(struct world *w, struct tx *tx)
{
	be_windows(w, tx);
	w->device.platform = "windowsPhone";
	expect_ok(store_device_update(tx, &w->device));
}

static void
a_kind_that_the_platform_cannot_be_given_says_so(void **state)
{
	WORLD(state);
	struct command *v;

	world_write(w, be_phone);
	scep_profile(w, "windowsPhone81SCEPCertificateProfile", SCEP_URL);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 0);
	assert_string_equal(world_look(w, "scep").slot.fault, "kind-undelivered");
}

static void
a_device_with_a_key_of_its_own_is_calm_until_its_renewal_is_due(void **state)
{
	WORLD(state);
	struct report r = { .has_inventory = true };
	struct checkin_calm calm;
	struct world_find found;
	struct command c, *v;
	size_t n;

	begin(w, SCEP_URL);
	world_checkin(w, NULL, 0, NULL);
	c = offered(w);
	answer(w, &c, leaf_of(w, "alice", 100 * MADE_DAY));
	r.items = w->held;
	r.nitems = w->nheld;
	r.identity = w->device.identity_sha256;
	for (int i = 0; i < 2; i++)
		expect_ok(checkin_look(w->store, w->a, w->device.id, &r, &v, &n, &calm));
	found = world_look(w, "scep");
	assert_int_equal(calm.until, diff_renewal_due(&found.slot, 20));
}

static void
where_it_lies_is_told_with_its_removal(void **state)
{
	WORLD(state);
	struct command c, *v;
	struct profile p = begin(w, SCEP_URL);

	world_checkin(w, NULL, 0, NULL);
	c = offered(w);
	answer(w, &c, leaf_of(w, "alice", 100 * MADE_DAY));
	w->held[0].place = "./User/Vendor/MSFT/ClientCertificateInstall/SCEP/x";
	world_unassign(w, p.id);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_string_equal(v[0].place, w->held[0].place);
}

static void
rename_user(struct world *w, struct tx *tx)
{
	expect_ok(store_user_update(tx, &w->user));
}

static err_t
device_order_for(
    struct world *w, struct id request, enum key_alg alg, unsigned bits, struct order *ret)
{
	auto_key struct key *k = NULL;
	auto_csr struct csr csr = { 0 };
	static const char *const ekus[] = { OID_EKU_CLIENT_AUTH };
	struct dn_ava ava = { "2.5.4.3", "alice" };
	struct dn_rdn rdn = { &ava, 1 };
	struct csr_spec spec = { .ekus = ekus, .nekus = 1 };
	const char *waits;
	struct str der;
	err_t e;

	expect_ok(dn_encode(w->a, &(struct dn){ &rdn, 1 }, &spec.subject));
	expect_ok(key_make(alg, bits, &k));
	expect_ok(csr_make(w->a, k, &spec, &der));
	expect_ok(csr_parse(w->a, der, &csr));
	e = job_device_order(w->store, w->a, &w->connector, request, &csr, ret, &waits);
	if (err_ok(e)) {
		assert_true(str_eq(ret->spki, STR(csr.spki_sha256)));
		ret->spki = STR_EMPTY; /* borrowed from the request */
	}
	return e;
}

static err_t
device_order(struct world *w, struct id request, struct order *ret)
{
	return device_order_for(w, request, KEY_RSA, KEY_RSA_2048, ret);
}

static void
an_order_for_a_key_of_a_device_names_the_key_and_who_carries_it(void **state)
{
	WORLD(state);
	struct order o;
	struct id request;

	profile_by(w, "linuxScepCertificateProfile", SCEP_URL, "est");
	world_checkin(w, NULL, 0, NULL);
	request = world_newest(w, "scep").id;
	expect_ok(device_order(w, request, &o));
	assert_true(id_eq(o.id, request));
	assert_true(id_eq(o.device, w->device.id));
	assert_string_equal(o.ca, "Corp Issuing CA");
	assert_string_equal(o.template, "ChanceryUser");
	assert_true(str_eq(o.holder, w->connector.holder));
	assert_int_equal(o.challenge.n, 0);
	assert_int_equal(o.maker.n, 0);
	assert_int_equal(o.key_bits, 2048);
	expect_err(ERR_NOT_FOUND, device_order(w, id_new(), &o));
	/* Something else is wanted by now. */
	w->user.upn = "bob@example.test";
	world_write(w, rename_user);
	expect_err(ERR_SCEP_ADDRESS, device_order(w, request, &o));
}

static void
for_a_key_of_another_kind_than_the_profile_wants_there_is_no_order(void **state)
{
	WORLD(state);
	struct order o;
	struct id request;

	profile_by(w, "linuxScepCertificateProfile", SCEP_URL, "est");
	world_checkin(w, NULL, 0, NULL);
	request = world_newest(w, "scep").id;
	expect_err(ERR_ORDER_KEY_SIZE, device_order_for(w, request, KEY_EC, KEY_P256, &o));
	expect_err(ERR_ORDER_KEY_SIZE, device_order_for(w, request, KEY_EC, KEY_P384, &o));
	expect_ok(device_order_for(w, request, KEY_RSA, KEY_RSA_3072, &o));
}

static void
a_request_by_est_waits_for_its_ca_as_long_as_that_takes(void **state)
{
	WORLD(state);
	struct command c, *v;
	struct request r;

	profile_by(w, "linuxScepCertificateProfile", SCEP_URL, "est");
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	c = v[0];
	assert_int_equal(c.kind, COMMAND_INSTALL_CA);
	assert_int_equal(world_obey(w, &c, &v), 1);
	c = v[0];
	assert_int_equal(c.kind, COMMAND_ENROL);
	r = world_newest(w, "scep");
	assert_int_equal(r.state, REQUEST_OFFERED);
	when_set(MADE_NOW + 3 * REQUEST_CHALLENGE_LIFE);
	/* The same command: the device finds its key by it. */
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_string_equal(v[0].id, c.id);
	assert_int_equal(world_newest(w, "scep").state, REQUEST_OFFERED);
	when_set(MADE_NOW);
}

/* A key of the device, and its request with these names and uses as a message on its way; *row: taken by the connector. */
struct made_request {
	struct key *key;
	struct str der;
	struct csr csr;
	struct id request;
};

static struct made_request
request_of_device(struct world *w, const char *cn, const char *eku)
{
	const char *const ekus[] = { eku };
	struct dn_ava ava = { "2.5.4.3", cn };
	struct dn_rdn rdn = { &ava, 1 };
	struct csr_spec spec = { .ekus = ekus, .nekus = eku == NULL ? 0 : 1, .key_usage = 0xa0 };
	struct made_request m = { .request = world_newest(w, "scep").id };

	expect_ok(dn_encode(w->a, &(struct dn){ &rdn, 1 }, &spec.subject));
	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &m.key));
	expect_ok(csr_make(w->a, m.key, &spec, &m.der));
	expect_ok(csr_parse(w->a, m.der, &m.csr));
	return m;
}

static err_t
order_for(struct world *w, const struct made_request *m)
{
	const char *waits;
	struct order o;

	return job_device_order(w->store, w->a, &w->connector, m->request, &m->csr, &o, &waits);
}

static void
drop_request(struct made_request *m)
{
	csr_free(&m->csr);
	key_free(m->key);
}

/* The device holds its root and was told to request by EST. */
static void
begin_est(struct world *w)
{
	struct command c, *v;

	profile_by(w, "linuxScepCertificateProfile", SCEP_URL, "est");
	w->connector.features = "relay";
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	c = v[0];
	assert_int_equal(world_obey(w, &c, &v), 1);
}

static struct relay
on_its_way(struct world *w, const struct made_request *m)
{
	struct relay row, *v;
	size_t n;

	expect_ok(relay_ask(w->store, w->a, m->request, RELAY_CERTIFY, m->der, &row));
	expect_ok(relay_lease(w->store, w->a, &w->connector, 4, &v, &n));
	assert_int_equal(n, 1);
	return v[0];
}

static size_t
revocations(struct world *w)
{
	struct job *v;
	size_t n = world_lease(w, &v), found = 0;

	for (size_t i = 0; i < n; i++)
		found += v[i].kind == REQUEST_REVOKE;
	return found;
}

static void
what_a_device_asks_for_by_est_is_exactly_what_was_ordered(void **state)
{
	WORLD(state);
	struct made_request right, name, use, none;

	begin_est(w);
	name = request_of_device(w, "administrator", OID_EKU_CLIENT_AUTH);
	use = request_of_device(w, "alice", OID_EKU_EMAIL);
	none = request_of_device(w, "alice", NULL);
	right = request_of_device(w, "alice", OID_EKU_CLIENT_AUTH);
	expect_err(ERR_ORDER_SUBJECT, order_for(w, &name));
	expect_err(ERR_ORDER_EKU, order_for(w, &use));
	expect_err(ERR_ORDER_EKU, order_for(w, &none));
	/* None of these took the request for its key. */
	expect_ok(order_for(w, &right));
	expect_ok(order_for(w, &right));
	use.csr.ekus = right.csr.ekus;
	expect_err(ERR_ORDER_KEY, order_for(w, &use));
	drop_request(&right);
	drop_request(&name);
	drop_request(&use);
	drop_request(&none);
}

static void
what_goes_to_a_ca_that_knows_no_orders_goes_once(void **state)
{
	WORLD(state);
	struct connector other = w->connector;
	struct job_told told = { "", "", "0a1b", "" };
	struct made_request m;
	struct relay row, *v;
	size_t n;

	begin_est(w);
	other.id = id_new();
	other.features = w->connector.features;
	m = request_of_device(w, "alice", OID_EKU_CLIENT_AUTH);
	row = on_its_way(w, &m);
	expect_ok(order_for(w, &m));
	expect_err(ERR_FENCE, job_device_sending(w->store, w->a, &other, row.id));
	expect_err(ERR_FENCE, job_device_sending(w->store, w->a, &w->connector, id_new()));
	expect_ok(job_device_sending(w->store, w->a, &w->connector, row.id));
	/* Nobody else gets it, and no other order is made. */
	when_set(MADE_NOW + RELAY_PATIENCE + 1);
	expect_ok(relay_sweep(w->store));
	expect_ok(relay_lease(w->store, w->a, &other, 4, &v, &n));
	assert_int_equal(n, 0);
	expect_err(ERR_FENCE, order_for(w, &m));
	/* Another one's word about it counts for nothing. */
	expect_ok(job_device_told(
	    w->store, w->a, &other, row.id, &(struct job_told){ "ca-denied", "no", "", "" }));
	expect_err(ERR_FENCE, order_for(w, &m));
	assert_int_equal(world_newest(w, "scep").state, REQUEST_OFFERED);
	/* Its answer is on record, and is kept for whoever asks again within the day. */
	expect_ok(job_device_told(w->store, w->a, &w->connector, row.id, &told));
	expect_ok(relay_answer(w->store, w->a, &w->connector, row.id, 200, "t", LIT("certs")));
	assert_string_equal(world_newest(w, "scep").serial, "0a1b");
	assert_string_equal(world_newest(w, "scep").sent, "");
	when_set(MADE_NOW + RELAY_KEPT - 1);
	expect_ok(relay_sweep(w->store));
	expect_ok(relay_ask(w->store, w->a, m.request, RELAY_CERTIFY, m.der, &row));
	assert_int_equal(row.state, RELAY_ANSWERED);
	assert_true(str_eq_c(row.body, "certs"));
	/* Not for who is not to have it any more. */
	w->user.upn = "bob@example.test";
	world_write(w, rename_user);
	world_checkin(w, NULL, 0, NULL);
	expect_err(
	    ERR_SCEP_ADDRESS, relay_ask(w->store, w->a, m.request, RELAY_CERTIFY, m.der, &row));
	when_set(MADE_NOW);
	drop_request(&m);
}

static void
what_was_sent_and_is_not_answered_fails_with_its_name_and_is_looked_for(void **state)
{
	WORLD(state);
	struct made_request m;
	struct relay row;

	begin_est(w);
	m = request_of_device(w, "alice", OID_EKU_CLIENT_AUTH);
	row = on_its_way(w, &m);
	expect_ok(order_for(w, &m));
	expect_ok(job_device_sending(w->store, w->a, &w->connector, row.id));
	when_set(MADE_NOW + RELAY_LOST - 1);
	expect_ok(relay_ask(w->store, w->a, m.request, RELAY_CERTIFY, m.der, &row));
	assert_int_equal(row.state, RELAY_TAKEN);
	when_set(MADE_NOW + RELAY_LOST + 1);
	expect_err(
	    ERR_CA_OUTCOME, relay_ask(w->store, w->a, m.request, RELAY_CERTIFY, m.der, &row));
	assert_string_equal(world_look(w, "scep").slot.fault, "ca-outcome-unknown");
	/* Asked again, nothing is carried any more. */
	expect_err(
	    ERR_CA_OUTCOME, relay_ask(w->store, w->a, m.request, RELAY_CERTIFY, m.der, &row));
	w->connector.features = "pkcs,revoke";
	assert_int_equal(revocations(w), 1);
	when_set(MADE_NOW);
	drop_request(&m);
}

static void
what_a_ca_refuses_is_the_slots_fault_and_there_is_nothing_to_revoke(void **state)
{
	WORLD(state);
	struct job_told told = { "ca-denied", "no such template", "", "" };
	struct made_request m;
	struct relay row;
	struct request r;

	begin_est(w);
	m = request_of_device(w, "alice", OID_EKU_CLIENT_AUTH);
	row = on_its_way(w, &m);
	expect_ok(order_for(w, &m));
	expect_ok(job_device_sending(w->store, w->a, &w->connector, row.id));
	expect_ok(job_device_told(w->store, w->a, &w->connector, row.id, &told));
	r = world_newest(w, "scep");
	assert_int_equal(r.state, REQUEST_FAILED);
	assert_string_equal(r.fault, "ca-denied");
	assert_string_equal(r.detail, "no such template");
	w->connector.features = "pkcs,revoke";
	assert_int_equal(revocations(w), 0);
	drop_request(&m);
}

static void
what_waits_at_a_ca_is_asked_for_by_its_number(void **state)
{
	WORLD(state);
	struct job_told told = { "", "", "", "61" };
	struct made_request m;
	const char *waits;
	struct relay row;
	struct order o;

	begin_est(w);
	m = request_of_device(w, "alice", OID_EKU_CLIENT_AUTH);
	row = on_its_way(w, &m);
	expect_ok(job_device_order(w->store, w->a, &w->connector, m.request, &m.csr, &o, &waits));
	assert_string_equal(waits, "");
	expect_ok(job_device_sending(w->store, w->a, &w->connector, row.id));
	expect_ok(job_device_told(w->store, w->a, &w->connector, row.id, &told));
	expect_ok(relay_answer(w->store, w->a, &w->connector, row.id, 202, "t", LIT("wait")));
	expect_ok(job_device_order(w->store, w->a, &w->connector, m.request, &m.csr, &o, &waits));
	assert_string_equal(waits, "61");
	assert_int_equal(world_newest(w, "scep").state, REQUEST_OFFERED);
	/* That it waits is news for a moment only. */
	when_set(MADE_NOW + RELAY_UNDECIDED + 1);
	expect_ok(relay_ask(w->store, w->a, m.request, RELAY_CERTIFY, m.der, &row));
	assert_int_equal(row.state, RELAY_WAITING);
	when_set(MADE_NOW);
	drop_request(&m);
}

/* Its answer may take longer than the device waits: the number is not known any more, and the CA would issue anew. */
static void
what_was_issued_under_its_number_is_kept_for_whoever_asks_again(void **state)
{
	WORLD(state);
	struct job_told waits = { "", "", "", "61" }, issued = { "", "", "0a1b", "" };
	struct made_request m;
	struct relay row;

	begin_est(w);
	m = request_of_device(w, "alice", OID_EKU_CLIENT_AUTH);
	row = on_its_way(w, &m);
	expect_ok(order_for(w, &m));
	expect_ok(job_device_sending(w->store, w->a, &w->connector, row.id));
	expect_ok(job_device_told(w->store, w->a, &w->connector, row.id, &waits));
	expect_ok(relay_answer(w->store, w->a, &w->connector, row.id, 202, "t", LIT("wait")));
	when_set(MADE_NOW + 60);
	row = on_its_way(w, &m);
	expect_ok(order_for(w, &m));
	expect_ok(job_device_told(w->store, w->a, &w->connector, row.id, &issued));
	expect_ok(relay_answer(w->store, w->a, &w->connector, row.id, 200, "t", LIT("certs")));
	assert_string_equal(world_newest(w, "scep").ca_request, "");
	when_set(MADE_NOW + 60 + RELAY_LIFE + 1);
	expect_ok(relay_sweep(w->store));
	expect_ok(relay_ask(w->store, w->a, m.request, RELAY_CERTIFY, m.der, &row));
	assert_int_equal(row.state, RELAY_ANSWERED);
	assert_true(str_eq_c(row.body, "certs"));
	when_set(MADE_NOW);
	drop_request(&m);
}

static void
what_was_never_asked_of_a_ca_is_not_revoked_there(void **state)
{
	WORLD(state);

	begin_est(w);
	w->user.upn = "bob@example.test";
	world_write(w, rename_user);
	world_checkin(w, NULL, 0, NULL);
	w->connector.features = "revoke";
	assert_int_equal(revocations(w), 0);
}

static void
what_is_requested_by_scep_gets_no_order_in_hand(void **state)
{
	WORLD(state);
	struct order o;

	profile_by(w, "linuxScepCertificateProfile", SCEP_URL, "scep");
	world_checkin(w, NULL, 0, NULL);
	expect_err(ERR_SCEP_ADDRESS, device_order(w, world_newest(w, "scep").id, &o));
}

struct noted {
	struct id device;
	size_t n, writes;
	err_t ends; /* what the platform says */
};

static err_t
note(struct tx *tx, struct arena *a, const struct device *d, const struct command *v, size_t n,
    void *ctx)
{
	struct noted *x = ctx;

	(void)a;
	(void)v;
	TRY(request_may_write(tx));
	x->device = d->id;
	x->n = n;
	x->writes++;
	return OK;
}

static void
a_platform_writes_its_own_state_in_the_transaction_of_the_check_in(void **state)
{
	WORLD(state);
	struct noted x = { .writes = 0 };
	struct checkin_with with = { note, &x };
	struct report r = { .with = &with };
	struct command *v;
	size_t n;

	begin(w, OTHER_URL);
	expect_ok(checkin_run(w->store, w->a, w->device.id, &r, &v, &n));
	assert_int_equal(n, 1);
	assert_int_equal(x.n, 1);
	assert_int_equal(x.writes, 1);
	assert_true(id_eq(x.device, w->device.id));
}

static void
each_platform_has_its_form(void **state)
{
	static const struct {
		const char *platform, *version;
		enum pack_form form;
		enum pfx_format format;
	} rows[] = {
		{ "linux", "12", PACK_AGENT, PFX_FORMAT_AES },
		{ "ios", "17.4", PACK_APPLE, PFX_FORMAT_3DES },
		{ "macos", "14.4", PACK_APPLE, PFX_FORMAT_3DES },
		{ "windows", "10.0.22631.3447", PACK_WINDOWS, PFX_FORMAT_AES },
		{ "windows", "10.0.16299", PACK_WINDOWS, PFX_FORMAT_AES },
		{ "windows", "10.0.15063.0", PACK_WINDOWS, PFX_FORMAT_3DES },
		{ "windows", "", PACK_WINDOWS, PFX_FORMAT_3DES },
		{ "windows", NULL, PACK_WINDOWS, PFX_FORMAT_3DES },
		{ "windows", "10.0.x", PACK_WINDOWS, PFX_FORMAT_3DES },
		{ "androidWorkProfile", "14", PACK_AGENT, PFX_FORMAT_3DES },
		{ NULL, NULL, PACK_AGENT, PFX_FORMAT_AES },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct packing p = packing_of(&(struct device){
		    .platform = rows[i].platform, .os_version = rows[i].version });

		assert_int_equal(p.form, rows[i].form);
		assert_int_equal(p.format, rows[i].format);
	}
}

/* Windows 10X has other properties; what a device gets is the same. */
static void
a_profile_of_windows_10x_is_delivered_like_one_of_windows(void **state)
{
	static const char body[] =
	    "{\"@odata.type\":\"#microsoft.graph.windows10XSCEPCertificateProfile\","
	    "\"displayName\":\"X\",\"certificateStore\":\"machine\",\"hashAlgorithm\":[\"sha1\",\"sha2\"],"
	    "\"keySize\":\"size2048\",\"keyStorageProvider\":\"useTpmKspOtherwiseFail\","
	    "\"keyUsage\":\"digitalSignature\",\"scepServerUrls\":[\"" SCEP_URL "\"],"
	    "\"subjectNameFormatString\":\"CN={{AAD_Device_ID}},O=X\","
	    "\"subjectAlternativeNameFormats\":[{\"sanType\":\"domainNameService\","
	    "\"name\":\"{{AAD_Device_ID}}.corp.test\"}],\"serverApplicabilityRules\":[{"
	    "\"filterType\":\"exclude\",\"maxOSVersion\":\"10.0.19044\"}]}";
	WORLD(state);
	auto_json json *j = NULL;
	struct warnings warn;
	struct profile p;
	struct dn dn;
	struct job job;
	struct san *v;
	size_t n;

	world_write(w, be_windows);
	expect_ok(json_parse(str_c(body), sizeof(body), &j));
	expect_ok(profile_create(w->store, w->a, "test", j, &p, &warn));
	world_assign(w, p.id, &warn);
	assert_int_equal(world_checkin(w, NULL, 0, NULL), 0);
	job = world_job(w);
	assert_int_equal(job.kind, REQUEST_ENROL);
	assert_int_equal(job.order.key_usage, 0x80);
	expect_ok(dn_decode(w->a, job.order.subject, &dn));
	assert_int_equal(dn.n, 2);
	expect_ok(san_decode(w->a, job.order.san, &v, &n));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].type, SAN_DNS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(the_order_is_left_at_the_ca_before_the_device_hears_of_it),
		IN_WORLD(a_connector_without_the_feature_gets_no_challenges),
		IN_WORLD(somebody_elses_ra_needs_nothing_before),
		IN_WORLD(a_certificate_with_other_names_is_refused),
		IN_WORLD(a_certificate_that_ended_is_refused),
		IN_WORLD(success_without_a_certificate_is_none_yet),
		IN_WORLD(a_challenge_that_ended_is_left_anew_and_makes_another_command),
		IN_WORLD(a_challenge_of_somebody_elses_ra_goes_on_by_itself),
		IN_WORLD(a_device_that_says_no_gets_another_challenge_and_the_first_is_closed),
		IN_WORLD(what_was_unassigned_is_removed_and_revoked),
		IN_WORLD(a_kind_that_the_platform_cannot_be_given_says_so),
		IN_WORLD(an_order_for_a_key_of_a_device_names_the_key_and_who_carries_it),
		IN_WORLD(for_a_key_of_another_kind_than_the_profile_wants_there_is_no_order),
		IN_WORLD(a_request_by_est_waits_for_its_ca_as_long_as_that_takes),
		IN_WORLD(what_a_device_asks_for_by_est_is_exactly_what_was_ordered),
		IN_WORLD(what_goes_to_a_ca_that_knows_no_orders_goes_once),
		IN_WORLD(what_was_sent_and_is_not_answered_fails_with_its_name_and_is_looked_for),
		IN_WORLD(what_a_ca_refuses_is_the_slots_fault_and_there_is_nothing_to_revoke),
		IN_WORLD(what_waits_at_a_ca_is_asked_for_by_its_number),
		IN_WORLD(what_was_issued_under_its_number_is_kept_for_whoever_asks_again),
		IN_WORLD(what_was_never_asked_of_a_ca_is_not_revoked_there),
		IN_WORLD(what_is_requested_by_scep_gets_no_order_in_hand),
		IN_WORLD(a_device_with_a_key_of_its_own_is_calm_until_its_renewal_is_due),
		IN_WORLD(where_it_lies_is_told_with_its_removal),
		IN_WORLD(a_platform_writes_its_own_state_in_the_transaction_of_the_check_in),
		IN_WORLD(a_profile_of_windows_10x_is_delivered_like_one_of_windows),
		cmocka_unit_test(each_platform_has_its_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
