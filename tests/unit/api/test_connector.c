/* SPDX-License-Identifier: Apache-2.0 */
/* The connector's side: enrolment, and one certificate from the order to the result. */
#include "expect.h"
#include "fixture.h"

#include "model/checkin.h"
#include "pki/csr.h"
#include "pki/issue.h"
#include "store/device.h"

#define ALL \
	"DeviceManagementConfiguration.ReadWrite.All User.ReadWrite.All " \
	"DeviceManagementServiceConfig.ReadWrite.All DeviceManagementManagedDevices.Read.All"

static struct reply
device_call(struct fixture *f, const char *path, const char *body)
{
	return call(f, "POST", arena_printf(f->a, "%s%s", f->device_base, path), NULL, body);
}

static const char *
make_code(struct fixture *f, const char *kind)
{
	auto_reply struct reply r = call(f, "POST", "/chancery/v1/enrolmentCodes",
	    token_for(f, ALL), arena_printf(f->a, "{\"kind\":\"%s\",\"validMinutes\":5}", kind));

	assert_int_equal(r.status, 201);
	return arena_strdup(f->a, json_text(json_get(r.json, "code")));
}

static const char *
csr_of(struct fixture *f, struct key *k)
{
	struct csr_spec spec = { 0 };
	struct dn empty = { 0 };
	struct str der;

	expect_ok(dn_encode(f->a, &empty, &spec.subject));
	expect_ok(csr_make(f->a, k, &spec, &der));
	return text_base64(f->a, der);
}

static struct reply
enrol(struct fixture *f, const char *code, struct key *k)
{
	return device_call(f, "/connector/v1/enrol",
	    arena_printf(f->a,
		"{\"code\":\"%s\",\"csr\":\"%s\",\"name\":\"C1\",\"machine\":\"m\",\"version\":"
		"\"6.2611.0.1\",\"features\":[\"pkcs\",\"revoke\"]}",
		code, csr_of(f, k)));
}

static void
enrol_connector(struct fixture *f)
{
	auto_key struct key *k = NULL;

	expect_ok(key_make(KEY_EC, KEY_P256, &k));

	auto_reply struct reply r = enrol(f, make_code(f, "connector"), k);

	if (r.status != 200)
		fail_msg("%.*s", (int)r.body.n, (const char *)r.body.p);
	assert_string_equal(json_text(json_get(r.json, "order_key")), f->api.order_key);
	expect_ok(id_parse(str_c(json_text(json_get(r.json, "id"))), &f->connector));
}

static void
a_connector_enrols_once_with_a_code(void **state)
{
	struct fixture *f = *state;
	auto_key struct key *k = NULL;
	auto_key struct key *other = NULL;
	const char *code = make_code(f, "connector");

	expect_ok(key_make(KEY_EC, KEY_P256, &k));
	expect_ok(key_make(KEY_EC, KEY_P256, &other));

	auto_reply struct reply wrong = enrol(f, "AAAAA-BBBBB-CCCCC-DDDDD", k);
	auto_reply struct reply device = enrol(f, make_code(f, "device"), k);
	auto_reply struct reply ok = enrol(f, code, k);
	auto_reply struct reply stolen = enrol(f, code, other);
	auto_reply struct reply list =
	    call(f, "GET", "/beta/deviceManagement/ndesConnectors", token_for(f, ALL), NULL);
	const json *first = json_at(json_get(list.json, "value"), 0);

	assert_int_equal(wrong.status, 403);
	assert_int_equal(device.status, 403);
	assert_int_equal(ok.status, 200);
	assert_true(strlen(json_text(json_get(ok.json, "certificate"))) > 100);
	assert_int_equal(json_count(json_get(ok.json, "chain")), 1);
	assert_non_null(strstr(json_text(json_get(ok.json, "identity_ca")), "BEGIN CERTIFICATE"));
	assert_int_equal(stolen.status, 403);
	assert_string_equal(json_text(json_get(first, "state")), "active");
	assert_string_equal(json_text(json_get(first, "displayName")), "C1");
}

static void
a_poll_without_a_known_certificate_is_refused(void **state)
{
	struct fixture *f = *state;
	auto_reply struct reply r = device_call(f, "/connector/v1/poll", "{}");

	assert_int_equal(r.status, 401);
	assert_string_equal(fault_id(&r), "connector-refused");
}

static err_t
device_insert(struct tx *tx, void *arg)
{
	return store_device_insert(tx, arg);
}

#define SET "/beta/deviceManagement/deviceConfigurations"

static void
assign_to_all(struct fixture *f, const struct reply *profile)
{
	auto_reply struct reply r = call(f, "POST",
	    arena_printf(f->a, SET "/%s/assign", json_text(json_get(profile->json, "id"))),
	    token_for(f, ALL),
	    "{\"assignments\":[{\"target\":{\"@odata.type\":"
	    "\"#microsoft.graph.allDevicesAssignmentTarget\"}}]}");

	assert_int_equal(r.status, 200);
}

/* A user with a device, a root and a PKCS profile for everybody: one request waits. */
static struct id
one_request(struct fixture *f)
{
	struct device d = { .id = id_new(),
		.name = "d1",
		.platform = "linux",
		.state = DEVICE_ACTIVE,
		.enrolled = when_now(),
		.identity = f->ca_cert };
	struct report report = { 0 };
	struct command *commands;
	uint8_t sha256[32];
	size_t n;
	auto_reply struct reply user = call(f, "POST", "/v1.0/users", token_for(f, ALL),
	    "{\"displayName\":\"Ada\",\"userPrincipalName\":\"ada@corp.test\"}");
	auto_reply struct reply root = call(f, "POST", SET, token_for(f, ALL),
	    arena_printf(f->a,
		"{\"@odata.type\":\"#chancery.linuxTrustedRootCertificate\",\"displayName\":\"R\","
		"\"certFileName\":\"r.cer\",\"trustedRootCertificate\":\"%s\"}",
		text_base64(f->a, f->ca_cert)));
	auto_reply struct reply pkcs = call(f, "POST", SET, token_for(f, ALL),
	    arena_printf(f->a,
		"{\"@odata.type\":\"#chancery.linuxPkcsCertificateProfile\",\"displayName\":\"P\","
		"\"subjectNameFormat\":\"custom\",\"subjectNameFormatString\":\"CN={{UserName}}\","
		"\"certificationAuthority\":\"ca.test\",\"certificationAuthorityName\":\"Test CA\","
		"\"certificateTemplateName\":\"T\",\"certificateStore\":\"user\","
		"\"rootCertificate@odata.bind\":\"x/deviceConfigurations/%s\"}",
		json_text(json_get(root.json, "id"))));

	assert_int_equal(pkcs.status, 201);
	expect_ok(id_parse(str_c(json_text(json_get(user.json, "id"))), &d.user));
	hash_sha256(f->ca_cert, sha256);
	d.identity_sha256 = STR(sha256);
	expect_ok(store_write(f->store, device_insert, &d));
	assign_to_all(f, &root);
	assign_to_all(f, &pkcs);
	expect_ok(checkin_run(f->store, f->a, d.id, &report, &commands, &n));
	return d.id;
}

#define HOLDER "a123456789abcdefa123456789abcdefa123456789abcdefa123456789abcdef"
#define POLL \
	"\"version\":\"6.2611.0.1\",\"machine\":\"m\",\"holder\":\"" HOLDER \
	"\",\"features\":[\"pkcs\",\"revoke\"]," \
	"\"cas\":[\"Test CA\"]"

/* A certificate as the CA of the fixture issues it, with this common name. */
static const char *
issue(struct fixture *f, const char *cn)
{
	struct dn_ava ava = { "2.5.4.3", cn };
	struct dn_rdn rdn = { &ava, 1 };
	struct dn dn = { &rdn, 1 };
	auto_key struct key *k = NULL;
	auto_cert struct cert *ca = NULL;
	struct issue_spec s = { .path_len = -1, .key_usage = 0xa0 };
	struct str tbs, der;

	expect_ok(key_make(KEY_EC, KEY_P256, &k));
	expect_ok(cert_parse(f->ca_cert, &ca));
	issue_serial(s.serial);
	s.issuer = ca;
	s.key = k;
	expect_ok(dn_encode(f->a, &dn, &s.subject));
	s.not_before = when_now() - 60;
	s.not_after = when_now() + 86400;
	expect_ok(issue_tbs(f->a, &s, f->ca_key, &tbs));
	expect_ok(issue_sign(f->a, tbs, f->ca_key, &der));
	return text_base64(f->a, der);
}

static struct reply
hand_in(struct fixture *f, const char *request, int64_t fence, const char *cn)
{
	return device_call(f, "/connector/v1/poll",
	    arena_printf(f->a,
		"{" POLL ",\"results\":[{\"request\":\"%s\",\"fence\":%lld,\"outcome\":\"issued\","
		"\"certificate\":\"%s\",\"chain\":[\"%s\"],\"sealed\":\"AAAA\",\"password\":\"AAAA\"}]}",
		request, (long long)fence, issue(f, cn), text_base64(f->a, f->ca_cert)));
}

static void
a_job_is_leased_with_a_sealed_order_and_its_result_taken(void **state)
{
	struct fixture *f = *state;

	enrol_connector(f);
	(void)one_request(f);

	auto_reply struct reply poll = device_call(f, "/connector/v1/poll", "{" POLL "}");
	const json *job = json_at(json_get(poll.json, "jobs"), 0);
	const char *request = json_text(json_get(job, "request"));
	int64_t fence = json_int(json_get(job, "fence"));
	auto_reply struct reply late = hand_in(f, request, fence + 1, "ada");
	auto_reply struct reply ok = hand_in(f, request, fence, "ada");
	auto_reply struct reply slots = call(
	    f, "GET", "/chancery/v1/slots?$filter=kind%20eq%20'pkcs'", token_for(f, ALL), NULL);
	const json *answer = json_at(json_get(ok.json, "results"), 0);
	const json *slot = json_at(json_get(slots.json, "value"), 0);
	auto_reply struct reply timeline = call(f, "GET",
	    arena_printf(f->a, "/chancery/v1/slots/%s/timeline", json_text(json_get(slot, "id"))),
	    token_for(f, ALL), NULL);

	if (poll.status != 200 || job == NULL)
		fail_msg("%.*s", (int)poll.body.n, (const char *)poll.body.p);
	assert_string_equal(json_text(json_get(job, "kind")), "issue");
	assert_true(strlen(json_text(json_get(job, "order"))) > 100);
	assert_string_equal(
	    json_text(json_get(json_at(json_get(late.json, "results"), 0), "fault")), "fence");
	if (!json_true(json_get(answer, "accepted")))
		fail_msg("%.*s", (int)ok.body.n, (const char *)ok.body.p);
	assert_int_equal(json_count(json_get(slots.json, "value")), 1);
	assert_string_equal(json_text(json_get(slot, "userPrincipalName")), "ada@corp.test");
	assert_true(json_count(json_get(timeline.json, "value")) >= 3);
}

static void
a_certificate_with_another_name_is_not_taken(void **state)
{
	struct fixture *f = *state;

	enrol_connector(f);
	(void)one_request(f);

	auto_reply struct reply poll = device_call(f, "/connector/v1/poll", "{" POLL "}");
	const json *job = json_at(json_get(poll.json, "jobs"), 0);
	auto_reply struct reply bad = hand_in(
	    f, json_text(json_get(job, "request")), json_int(json_get(job, "fence")), "root");
	const json *answer = json_at(json_get(bad.json, "results"), 0);

	assert_int_equal(bad.status, 200);
	assert_false(json_true(json_get(answer, "accepted")));
	assert_string_equal(json_text(json_get(answer, "fault")), "leaf-mismatch");
}

static void
a_poll_with_nothing_to_do_waits_and_then_comes_back_empty(void **state)
{
	struct fixture *f = *state;
	int64_t from = when_mono_ms();

	enrol_connector(f);

	auto_reply struct reply r = device_call(f, "/connector/v1/poll", "{" POLL ",\"wait\":1}");

	assert_int_equal(r.status, 200);
	assert_int_equal(json_count(json_get(r.json, "jobs")), 0);
	assert_true(when_mono_ms() - from >= 1000);
}

static void
bad_results_are_answered_one_by_one(void **state)
{
	static const char *const bad[] = { "{}", "{\"request\":\"x\"}",
		"{\"request\":\"11111111-2222-3333-4444-555555555555\",\"fence\":1}",
		"{\"request\":\"11111111-2222-3333-4444-555555555555\",\"fence\":1,"
		"\"outcome\":\"maybe\"}",
		"{\"request\":\"11111111-2222-3333-4444-555555555555\",\"fence\":1,"
		"\"outcome\":\"issued\",\"certificate\":\"AAAA\",\"sealed\":\"AAAA\",\"password\":"
		"\"AAAA\"}",
		"{\"request\":\"11111111-2222-3333-4444-555555555555\",\"fence\":1,"
		"\"outcome\":\"pending\"}" };
	struct fixture *f = *state;

	enrol_connector(f);
	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_reply struct reply r = device_call(f, "/connector/v1/poll",
		    arena_printf(f->a, "{" POLL ",\"results\":[%s]}", bad[i]));
		const json *answer = json_at(json_get(r.json, "results"), 0);

		if (r.status != 200)
			fail_msg("%s: %.*s", bad[i], (int)r.body.n, (const char *)r.body.p);
		assert_false(json_true(json_get(answer, "accepted")));
		assert_true(strlen(json_text(json_get(answer, "fault"))) > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		T(a_connector_enrols_once_with_a_code),
		T(a_poll_without_a_known_certificate_is_refused),
		T(a_job_is_leased_with_a_sealed_order_and_its_result_taken),
		T(a_certificate_with_another_name_is_not_taken),
		T(a_poll_with_nothing_to_do_waits_and_then_comes_back_empty),
		T(bad_results_are_answered_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
