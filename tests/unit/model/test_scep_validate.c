/* SPDX-License-Identifier: Apache-2.0 */
/* What a SCEP server of somebody else is told about a request: every name, use and bit of the key, one key, one life. */
#include "world.h"

#include "codec/keys_ipc.h"
#include "model/enrolled.h"
#include "model/scep_validate.h"

#define SUCCESS "Success"
#define USER_DN "CN={{UserName}},OU=Sales,O=Contoso"

/* The answers of service/keys, over its own protocol. */
struct given {
	struct world *w;
	struct ipc_server *server;
	struct ipc_client *keys;
	struct profile profile;
	struct command command; /* the offer that the device has */
	struct key *key, *other;
};

static err_t
challenge(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct keys_challenge_req q;
	uint8_t hash[32];

	(void)ctx;
	TRY(keys_challenge_req_parse(a, in, &q));
	hash_sha256(in, hash);
	return keys_challenge_rep_encode(
	    &(struct keys_challenge_rep){ text_hex(a, str_of(hash, 16)) }, out);
}

static const struct ipc_verb verbs[] = { { KEYS_CHALLENGE, challenge }, { 0 } };

static int
setup(void **state)
{
	struct given *g = calloc(1, sizeof(*g));
	void *w = NULL;
	const char *path;
	int fd;

	assert_non_null(g);
	world_setup(&w);
	g->w = w;
	path = arena_printf(g->w->a, "%s/keys", g->w->dir);
	expect_ok(ipc_listen(path, 0600, &fd));
	expect_ok(ipc_server_new(fd, 1, verbs, g, &g->server));
	expect_ok(ipc_server_start(g->server));
	expect_ok(ipc_client_new(path, 1, 5000, &g->keys));
	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &g->key));
	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &g->other));
	*state = g;
	return 0;
}

static int
teardown(void **state)
{
	struct given *g = *state;
	void *w = g->w;

	key_free(g->key);
	key_free(g->other);
	ipc_client_free(g->keys);
	ipc_server_stop(g->server);
	free(g);
	return world_teardown(&w);
}

static void
set_platform(struct world *w, struct tx *tx)
{
	expect_ok(store_device_update(tx, &w->device));
}

/* The device is told to enrol at somebody else's server. */
static void
begin(struct given *g, const char *platform)
{
	struct world *w = g->w;
	bool apple = strcmp(platform, "ios") == 0;
	auto_json json *j = NULL;
	struct warnings warn;
	struct command *v;

	w->device.platform = platform;
	world_write(w, set_platform);
	expect_ok(json_parse(
	    str_c(arena_printf(w->a,
		"{\"@odata.type\":\"#microsoft.graph.%s\",\"displayName\":\"SCEP\",%s"
		"\"subjectNameFormat\":\"custom\",\"subjectNameFormatString\":\"" USER_DN "\","
		"\"customSubjectAlternativeNames\":[{\"sanType\":\"userPrincipalName\","
		"\"name\":\"{{UserPrincipalName}}\"}],\"certificateStore\":\"user\","
		"\"keyUsage\":\"digitalSignature\",\"keySize\":\"size2048\","
		"\"scepServerUrls\":[\"https://ra.example.test/certsrv/mscep/mscep.dll\"],"
		"\"extendedKeyUsages\":[{\"name\":\"Client\",\"objectIdentifier\":\"" OID_EKU_CLIENT_AUTH
		"\"}]}",
		apple ? "iosScepCertificateProfile" : "windows81SCEPCertificateProfile",
		apple ? "" : "\"hashAlgorithm\":\"sha2\",")),
	    65536, &j));
	g->profile = world_profile(w, j);
	world_assign(w, g->profile.id, &warn);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_ENROL);
	g->command = v[0];
}

/* What a good device asks for, with the challenge of its command. */
static struct csr
request(struct given *g, const struct key *k)
{
	static const char *const ekus[] = { OID_EKU_CLIENT_AUTH };
	struct arena *a = g->w->a;
	const struct primitive *what = g->command.what;
	struct csr_spec spec = { .subject = what->subject,
		.san = what->san,
		.ekus = ekus,
		.nekus = 1,
		.key_usage = 0x80 };
	struct csr csr;
	struct str der;

	expect_ok(
	    scep_challenge_of(g->keys, a, g->command.request, g->command.fence, &spec.challenge));
	expect_ok(csr_make(a, k, &spec, &der));
	expect_ok(csr_parse(a, der, &csr));
	return csr;
}

static void
says(struct given *g, const struct csr *csr, const char *want)
{
	const char *code, *why;

	expect_ok(scep_validate(g->w->store, g->keys, g->w->a, csr, &code, &why));
	assert_string_equal(code, want);
}

/* The newest row of the timeline. */
static void
noted(struct given *g, const char *fault, const char *detail)
{
	struct world_find f = world_look(g->w, "scep");

	assert_string_equal(f.events[f.nevents - 1].fault, fault);
	assert_string_equal(f.events[f.nevents - 1].detail, detail);
}

static void
issued_says(struct given *g, const struct csr *csr, const char *want)
{
	const char *code;

	expect_ok(scep_issued(g->w->store, g->keys, g->w->a, csr, "0a0b", "Elsewhere CA", &code));
	assert_string_equal(code, want);
}

static void
failed_says(struct given *g, const struct csr *csr, const char *want)
{
	const char *code;

	expect_ok(scep_failed(
	    g->w->store, g->keys, g->w->a, csr, (int64_t)0x80094800, "no such template", &code));
	assert_string_equal(code, want);
}

#define GIVEN(state) struct given *g = *(state)

static void
a_challenge_is_granted_to_one_key(void **state)
{
	GIVEN(state);
	auto_csr struct csr csr = { 0 }, other = { 0 };

	begin(g, "windows");
	csr = request(g, g->key);
	other = request(g, g->other);
	assert_int_equal(strlen(csr.challenge), 64);
	says(g, &csr, SUCCESS);
	says(g, &csr, SUCCESS);
	says(g, &other, "ChallengeExpired");
	says(g, &other, "ChallengeExpired");
	world_timeline(g->w, "scep", "assigned ready offered validated not-validated");
}

/* Windows encodes CN=alice,OU=Sales,O=Contoso as it is written, which is the other way round. */
static void
the_parts_of_a_name_may_come_in_another_order(void **state)
{
	GIVEN(state);
	auto_csr struct csr csr = { 0 };
	struct dn dn, turned;
	struct dn_rdn rdn[3];

	begin(g, "windows");
	csr = request(g, g->key);
	expect_ok(dn_decode(g->w->a, csr.subject, &dn));
	assert_int_equal(dn.n, 3);
	for (size_t i = 0; i < 3; i++)
		rdn[i] = dn.rdn[2 - i];
	turned = (struct dn){ rdn, 3 };
	expect_ok(dn_encode(g->w->a, &turned, &csr.subject));
	says(g, &csr, SUCCESS);
	/* The same values under other attributes are another name; so is a part that stands there twice. */
	rdn[0].ava = &(struct dn_ava){ dn.rdn[2].ava[0].oid, dn.rdn[1].ava[0].value };
	rdn[1].ava = &(struct dn_ava){ dn.rdn[1].ava[0].oid, dn.rdn[2].ava[0].value };
	expect_ok(dn_encode(g->w->a, &turned, &csr.subject));
	says(g, &csr, "SubjectNameMismatch");
	noted(g, "order-subject", "SubjectNameMismatch: O=Contoso, OU=alice, CN=Sales");
	rdn[0] = dn.rdn[2];
	rdn[1] = dn.rdn[2];
	expect_ok(dn_encode(g->w->a, &turned, &csr.subject));
	says(g, &csr, "SubjectNameMismatch");
}

/* Microsoft's CA puts the parts of names into an order of its own. */
static void
a_certificate_may_have_the_parts_of_its_name_in_another_order(void **state)
{
	GIVEN(state);
	struct world *w = g->w;
	struct issue_spec s;
	struct dn_rdn rdn[3];
	struct dn_ava ava;
	struct dn dn;

	begin(g, "windows");
	s = made_spec(w->a, "alice", g->key);
	s.issuer = w->root.cert;
	s.san = g->command.what->san;
	s.not_after = when_now() + MADE_DAY;
	expect_ok(dn_decode(w->a, g->command.what->subject, &dn));
	for (size_t i = 0; i < 3; i++)
		rdn[i] = dn.rdn[(i + 1) % 3];
	ava = (struct dn_ava){ rdn[0].ava->oid, "Marketing" };
	for (int wrong = 0; wrong < 2; wrong++) {
		auto_cert struct cert *c = NULL;

		if (wrong)
			rdn[0].ava = &ava;
		issue_serial(s.serial);
		expect_ok(dn_encode(w->a, &(struct dn){ rdn, 3 }, &s.subject));
		c = made_cert(w->a, &s, w->root.key);
		if (wrong)
			expect_err(
			    ERR_LEAF_MISMATCH, enrolled_check(w->a, cert_der(c), g->command.what));
		else
			expect_ok(enrolled_check(w->a, cert_der(c), g->command.what));
	}
}

static void
what_a_ca_might_certify_beside_the_order_is_refused(void **state)
{
	static const char *policy[] = { "1.3.6.1.4.1.311.20.2.1" }, *email[] = { OID_EKU_EMAIL };
	GIVEN(state);
	auto_csr struct csr csr = { 0 }, other = { 0 };
	struct csr ask;

	begin(g, "windows");
	csr = request(g, g->key);
	ask = csr;
	ask.ca = true;
	says(g, &ask, "KeyUsageMismatch");
	ask = csr;
	ask.key_usage = 0xa0;
	says(g, &ask, "KeyUsageMismatch");
	ask = csr;
	ask.template = "SubCA";
	says(g, &ask, "EnhancedKeyUsageMismatch");
	ask = csr;
	ask.policies = policy;
	ask.npolicies = 1;
	says(g, &ask, "EnhancedKeyUsageMismatch");
	ask = csr;
	ask.ekus = email;
	says(g, &ask, "EnhancedKeyUsageMismatch");
	ask = csr;
	ask.sid = "S-1-5-21-1-2-3-500";
	says(g, &ask, "SubjectAltNameMismatch");
	ask = csr;
	ask.san = STR_EMPTY;
	says(g, &ask, "SubjectAltNameMissing");
	/* None of these took the challenge. */
	other = request(g, g->other);
	says(g, &other, SUCCESS);
}

/* The request says it, and whoever looks at the slot reads it. */
static void
what_was_wrong_stands_in_the_timeline_short_and_without_controls(void **state)
{
	GIVEN(state);
	auto_csr struct csr csr = { 0 };
	struct dn_ava ava = { "2.5.4.13", arena_printf(g->w->a, "%01000d", 0) };
	struct dn_rdn rdn[] = { { &ava, 1 }, { &ava, 1 } };
	struct world_find f;

	begin(g, "windows");
	csr = request(g, g->key);
	csr.template = "Sub\x1b[2JCA";
	says(g, &csr, "EnhancedKeyUsageMismatch");
	noted(g, "order-eku", "EnhancedKeyUsageMismatch: certificate template Sub\\x1b[2JCA");
	expect_ok(dn_encode(g->w->a, &(struct dn){ rdn, 2 }, &csr.subject));
	says(g, &csr, "SubjectNameMismatch");
	f = world_look(g->w, "scep");
	assert_string_equal(f.events[f.nevents - 1].fault, "order-subject");
	assert_true(strlen(f.events[f.nevents - 1].detail) < 600);
}

/* Who holds a challenge may ask as often as he likes. */
static void
requests_that_are_wrong_in_turn_in_every_way_do_not_fill_the_timeline(void **state)
{
	static const char *email[] = { OID_EKU_EMAIL };
	GIVEN(state);
	auto_csr struct csr csr = { 0 };
	struct csr ask;
	struct world_find f;

	begin(g, "windows");
	csr = request(g, g->key);
	says(g, &csr, SUCCESS);
	for (int i = 0; i < 10; i++) {
		auto_csr struct csr other = request(g, g->other);

		says(g, &other, "ChallengeExpired");
		failed_says(g, &other, SUCCESS);
		ask = csr;
		ask.subject = LIT("\x30\x01\x02");
		says(g, &ask, "CertificateRequestDecodingFailed");
		ask = csr;
		ask.subject = LIT("\x30\x00");
		says(g, &ask, "SubjectNameMissing");
		ask = csr;
		ask.san = STR_EMPTY;
		says(g, &ask, "SubjectAltNameMissing");
		ask = csr;
		ask.ca = true;
		says(g, &ask, "KeyUsageMismatch");
		ask = csr;
		ask.ekus = email;
		says(g, &ask, "EnhancedKeyUsageMismatch");
	}
	f = world_look(g->w, "scep");
	assert_int_equal(f.nevents, 4 + 7);
	assert_int_equal(f.events[f.nevents - 1].count, 10);
}

static void
names_that_nobody_can_read_are_an_answer_and_no_failure(void **state)
{
	GIVEN(state);
	auto_csr struct csr csr = { 0 };

	begin(g, "windows");
	csr = request(g, g->key);
	csr.san = LIT("\x30\x00");
	says(g, &csr, "CertificateRequestDecodingFailed");
	csr.san = STR_EMPTY;
	csr.subject = LIT("\x30\x01\x02");
	says(g, &csr, "CertificateRequestDecodingFailed");
}

/* Apple's profiles have no place for purposes. */
static void
apples_devices_leave_the_purposes_to_the_ca(void **state)
{
	static const char *email[] = { OID_EKU_EMAIL };
	GIVEN(state);
	auto_csr struct csr csr = { 0 };

	begin(g, "ios");
	csr = request(g, g->key);
	csr.ekus = email;
	says(g, &csr, "EnhancedKeyUsageMismatch");
	csr.nekus = 0;
	csr.npolicies = 1;
	csr.policies = email;
	says(g, &csr, "EnhancedKeyUsageMismatch");
	csr.npolicies = 0;
	says(g, &csr, SUCCESS);
}

static void
who_was_told_the_purposes_must_name_them(void **state)
{
	GIVEN(state);
	auto_csr struct csr csr = { 0 };

	begin(g, "windows");
	csr = request(g, g->key);
	csr.nekus = 0;
	says(g, &csr, "EnhancedKeyUsageMissing");
}

static void
what_was_not_granted_is_not_to_be_handed_out(void **state)
{
	GIVEN(state);
	auto_csr struct csr csr = { 0 }, other = { 0 };

	begin(g, "windows");
	csr = request(g, g->key);
	other = request(g, g->other);
	issued_says(g, &csr, "ChallengeExpired");
	says(g, &csr, SUCCESS);
	issued_says(g, &other, "ChallengeExpired");
	issued_says(g, &csr, SUCCESS);
	world_timeline(g->w, "scep", "assigned ready offered validated issued");
	/* The profile left between the question and the certificate. */
	world_unassign(g->w, g->profile.id);
	issued_says(g, &csr, "ScepProfileNoLongerTargetedToTheClient");
	says(g, &csr, "ScepProfileNoLongerTargetedToTheClient");
}

static void
a_refusal_of_another_key_does_not_end_what_was_granted(void **state)
{
	GIVEN(state);
	auto_csr struct csr csr = { 0 }, other = { 0 };

	begin(g, "windows");
	csr = request(g, g->key);
	other = request(g, g->other);
	says(g, &csr, SUCCESS);
	failed_says(g, &other, SUCCESS);
	assert_int_equal(world_newest(g->w, "scep").state, REQUEST_OFFERED);
	world_timeline(g->w, "scep", "assigned ready offered validated refused");
	failed_says(g, &csr, SUCCESS);
	assert_int_equal(world_newest(g->w, "scep").state, REQUEST_FAILED);
	assert_string_equal(world_look(g->w, "scep").slot.detail, "no such template (0x80094800)");
}

static void
a_challenge_made_anew_is_for_whatever_key_comes_first(void **state)
{
	GIVEN(state);
	auto_csr struct csr csr = { 0 }, other = { 0 };
	struct command *v;

	begin(g, "windows");
	csr = request(g, g->key);
	says(g, &csr, SUCCESS);
	when_set(MADE_NOW + REQUEST_CHALLENGE_LIFE);
	says(g, &csr, "ChallengeExpired");
	assert_int_equal(world_checkin(g->w, NULL, 0, &v), 1);
	assert_int_equal(v[0].fence, g->command.fence + 1);
	g->command = v[0];
	other = request(g, g->other);
	says(g, &csr, "ChallengeDecryptionError");
	says(g, &other, SUCCESS);
	csr_free(&csr);
	csr = request(g, g->key);
	says(g, &csr, "ChallengeExpired");
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(a_challenge_is_granted_to_one_key),
		WITH(the_parts_of_a_name_may_come_in_another_order),
		WITH(a_certificate_may_have_the_parts_of_its_name_in_another_order),
		WITH(what_a_ca_might_certify_beside_the_order_is_refused),
		WITH(what_was_wrong_stands_in_the_timeline_short_and_without_controls),
		WITH(requests_that_are_wrong_in_turn_in_every_way_do_not_fill_the_timeline),
		WITH(names_that_nobody_can_read_are_an_answer_and_no_failure),
		WITH(apples_devices_leave_the_purposes_to_the_ca),
		WITH(who_was_told_the_purposes_must_name_them),
		WITH(what_was_not_granted_is_not_to_be_handed_out),
		WITH(a_refusal_of_another_key_does_not_end_what_was_granted),
		WITH(a_challenge_made_anew_is_for_whatever_key_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
