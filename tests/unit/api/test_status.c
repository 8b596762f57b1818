/* SPDX-License-Identifier: Apache-2.0 */
/* Overview, lists and reports say the same of the same slots, in Graph's words and in ours. */
#include "expect.h"
#include "fixture.h"

#include "model/status.h"
#include "store/slot_search.h"

#define READ "DeviceManagementConfiguration.Read.All"
#define ALL "DeviceManagementConfiguration.ReadWrite.All"
#define SET "/beta/deviceManagement/deviceConfigurations"
#define JOBS "/v1.0/deviceManagement/reports/exportJobs"

struct given {
	struct fixture *f;
	struct id profile, user;
	size_t n;
};

/* Device i holds slot i: of each four the first failed, the second is installed and ends after i days, the third waits, the
 * fourth was removed. */
static err_t
slots_insert(struct tx *tx, void *arg)
{
	static const struct {
		enum status_state state;
		bool wanted;
		const char *hash, *fault;
	} rows[] = {
		{ STATUS_FAILED, true, "", "no-user" },
		{ STATUS_INSTALLED, true, "h", "" },
		{ STATUS_WAITING, true, "h", "" },
		{ STATUS_REMOVED, false, "", "" },
	};
	const struct given *g = arg;
	struct arena *a = g->f->a;
	size_t done;

	TRY(store_user_insert(tx,
	    &(struct user){
		.id = g->user, .upn = "ada@corp.test", .display_name = "Ada", .source = "cloud" }));
	for (size_t i = 0; i < g->n; i++) {
		struct device d = { .id = id_new(),
			.name = arena_printf(a, i == 1 ? "=HYPERLINK-%zu" : "laptop-%zu", i),
			.state = DEVICE_ACTIVE };
		bool holds = i % 4 == 1 || i % 4 == 3;
		struct slot s = { .id = id_new(),
			.device = d.id,
			.user = i % 8 < 4 ? g->user : (struct id){ 0 },
			.profile = g->profile,
			.kind = "pkcs",
			.wanted = rows[i % 4].wanted,
			.wanted_hash = str_c(rows[i % 4].hash),
			.reached_hash = i % 4 == 1 ? LIT("h") : STR_EMPTY,
			.fault = rows[i % 4].fault,
			.since = 1000,
			.serial = holds ? arena_printf(a, "5A%04zu", i) : "",
			.subject = holds ? arena_printf(a, "CN=person %zu", i) : "",
			.thumbprint = holds ? arena_printf(a, "%040zu", i) : "",
			.not_before = holds ? when_now() - 60 : 0,
			.not_after = holds ? when_now() + 86400 * (when_t)(i + 1) - 100 : 0 };

		TRY(store_device_insert(tx, &d));
		TRY(status_insert(tx, &s));
		assert_int_equal(s.state, rows[i % 4].state);
	}
	return store_slot_index(tx, 1000, &done);
}

static struct given
given(struct fixture *f, size_t n)
{
	struct given g = { .f = f, .user = id_new(), .n = n };
	auto_reply struct reply p = call(f, "POST", SET, token_for(f, ALL),
	    arena_printf(f->a,
		"{\"@odata.type\":\"#chancery.linuxTrustedRootCertificate\",\"displayName\":\"R\","
		"\"certFileName\":\"r.cer\",\"trustedRootCertificate\":\"%s\"}",
		text_base64(f->a, f->ca_cert)));

	assert_int_equal(p.status, 201);
	expect_ok(id_parse(str_c(json_text(json_get(p.json, "id"))), &g.profile));
	expect_ok(store_write(f->store, slots_insert, &g));
	return g;
}

static size_t
rows_of(struct fixture *f, const char *path)
{
	auto_reply struct reply r = call(f, "GET", path, token_for(f, READ), NULL);

	if (r.status != 200)
		fail_msg("%s: %.*s", path, (int)r.body.n, (const char *)r.body.p);
	return json_count(json_get(r.json, "value"));
}

static void
overview_and_rows_agree(void **state)
{
	struct fixture *f = *state;
	struct given g = given(f, 40);
	const char *one = arena_printf(f->a, SET "/%s", id_text(f->a, g.profile));
	auto_reply struct reply devices = call(
	    f, "GET", arena_printf(f->a, "%s/deviceStatusOverview", one), token_for(f, READ), NULL);
	auto_reply struct reply users = call(
	    f, "GET", arena_printf(f->a, "%s/userStatusOverview", one), token_for(f, READ), NULL);
	auto_reply struct reply all =
	    call(f, "GET", "/chancery/v1/status", token_for(f, READ), NULL);
	const json *states = json_get(all.json, "states");

	assert_int_equal(json_int(json_get(devices.json, "errorCount")), 10);
	assert_int_equal(json_int(json_get(devices.json, "successCount")), 10);
	assert_int_equal(json_int(json_get(devices.json, "pendingCount")), 10);
	assert_int_equal(rows_of(f, arena_printf(f->a, "%s/deviceStatuses", one)), 30);
	/* Ada, and those without a user: both have a failure. */
	assert_int_equal(json_int(json_get(users.json, "errorCount")), 2);
	assert_int_equal(json_int(json_get(users.json, "successCount")), 0);
	assert_int_equal(rows_of(f, arena_printf(f->a, "%s/userStatuses", one)), 2);
	assert_int_equal(json_int(json_get(states, "failed")), 10);
	assert_int_equal(json_int(json_get(states, "removed")), 10);
	assert_string_equal(
	    json_text(json_get(json_at(json_get(all.json, "faults"), 0), "fault")), "no-user");
	assert_int_equal(json_int(json_get(json_at(json_get(all.json, "faults"), 0), "count")), 10);
	assert_string_equal(
	    json_text(json_get(json_at(json_get(all.json, "profiles"), 0), "profileName")), "R");
}

static void
slots_are_searched_and_filtered(void **state)
{
	struct fixture *f = *state;
	struct given g = given(f, 40);
	const struct {
		const char *query;
		size_t want;
	} rows[] = {
		{ "", 40 },
		{ "?$filter=state%20eq%20'failed'", 10 },
		{ "?$filter=state%20eq%20'nothing'", 0 },
		{ "?$filter=serialNumber%20eq%20'5a0001'", 1 },
		{ "?$filter=thumbprint%20eq%20'0000000000000000000000000000000000000005'", 1 },
		{ "?$search=%22person%205%22", 1 },
		{ "?$search=%22laptop-1%22", 10 },
		{ "?$search=%22p%22&$filter=state%20eq%20'installed'", 10 },
		{ "?$search=%22ada@corp%22&$filter=state%20eq%20'installed'", 5 },
		{ "?$search=%22zebra%22", 0 },
	};

	(void)g;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    rows_of(f, arena_printf(f->a, "/chancery/v1/slots%s", rows[i].query)),
		    rows[i].want);
	for (size_t i = 0; i < 2; i++) {
		auto_reply struct reply r = call(f, "GET",
		    i == 0 ? "/chancery/v1/slots?$count=true" : "/chancery/v1/slots?$orderby=state",
		    token_for(f, READ), NULL);

		assert_int_equal(r.status, 400);
	}
}

static void
pages_follow_each_other_without_gap_or_repeat(void **state)
{
	struct fixture *f = *state;
	const char *path = "/chancery/v1/slots?$top=7&$filter=state%20eq%20'installed'";
	size_t sum = 0;

	(void)given(f, 80);
	for (int pages = 0; path != NULL; pages++) {
		auto_reply struct reply r = call(f, "GET", path, token_for(f, READ), NULL);
		const char *next = json_text(json_get(r.json, "@odata.nextLink"));
		const char *at = strstr(next, "/chancery");

		assert_int_equal(r.status, 200);
		assert_true(pages < 9);
		sum += json_count(json_get(r.json, "value"));
		path = at == NULL ? NULL : arena_strdup(f->a, at);
	}
	assert_int_equal(sum, 20);
}

static void
what_ends_first_comes_first(void **state)
{
	struct fixture *f = *state;
	const char *until;

	(void)given(f, 20);
	until = when_text(f->a, when_now() + 10 * 86400);

	auto_reply struct reply r = call(f, "GET",
	    arena_printf(f->a, "/chancery/v1/expiring?$filter=notAfter%%20le%%20%s", until),
	    token_for(f, READ), NULL);
	const json *v = json_get(r.json, "value");

	assert_int_equal(json_count(v), 3); /* after 2, 6 and 10 days */
	assert_true(strcmp(json_text(json_get(json_at(v, 0), "notAfter")),
			json_text(json_get(json_at(v, 2), "notAfter"))) < 0);
}

static void
certificate_states_have_the_shape_of_graph(void **state)
{
	struct fixture *f = *state;
	struct given g = given(f, 8);
	const char *one = arena_printf(f->a, SET "/%s", id_text(f->a, g.profile));
	auto_reply struct reply all = call(f, "GET",
	    "/beta/deviceManagement/deviceConfigurationsAllManagedDeviceCertificateStates",
	    token_for(f, READ), NULL);
	auto_reply struct reply below = call(f, "GET",
	    arena_printf(f->a,
		"%s/chancery.linuxTrustedRootCertificate/managedDeviceCertificateStates", one),
	    token_for(f, READ), NULL);
	auto_reply struct reply other = call(f, "GET",
	    arena_printf(f->a,
		"%s/microsoft.graph.iosTrustedRootCertificate/managedDeviceCertificateStates", one),
	    token_for(f, READ), NULL);
	size_t installed = 0;

	assert_int_equal(json_count(json_get(all.json, "value")), 4);
	assert_string_equal(
	    json_text(json_get(json_at(json_get(all.json, "value"), 0), "certificateRevokeStatus")),
	    "none");
	assert_int_equal(json_count(json_get(below.json, "value")), 8);
	for (size_t i = 0; i < 8; i++)
		installed += strcmp(json_text(json_get(json_at(json_get(below.json, "value"), i),
					"certificateIssuanceState")),
				 "installed") == 0;
	assert_int_equal(installed, 2);
	assert_int_equal(other.status, 404);
}

/* The file inside of the archive, as it lies there. */
static const char *
fetched(struct fixture *f, const char *body)
{
	auto_reply struct reply job = call(f, "POST", JOBS, token_for(f, READ), body);
	const char *id = json_text(json_get(job.json, "id"));
	const char *path = arena_printf(f->a, JOBS "('%s')", id);
	const char *at, *text;
	bool more = true;
	size_t edge;

	if (job.status != 201)
		fail_msg("%.*s", (int)job.body.n, (const char *)job.body.p);
	assert_string_equal(json_text(json_get(job.json, "status")), "notStarted");
	assert_true(json_is_null(json_get(job.json, "url")));
	while (more)
		expect_ok(api_report_step(&f->api, &more));

	auto_reply struct reply done = call(f, "GET", path, token_for(f, READ), NULL);

	assert_string_equal(json_text(json_get(done.json, "status")), "completed");
	at = strstr(json_text(json_get(done.json, "url")), "/chancery");
	assert_non_null(at);

	auto_reply struct reply zip = call(f, "GET", at, NULL, NULL);

	assert_int_equal(zip.status, 200);
	assert_memory_equal(zip.body.p, "PK\3\4", 4);
	edge = 30 + strlen(id) + (strstr(body, "json") == NULL ? 4 : 5);
	text = arena_cstr(f->a, str_of(zip.body.p + edge, zip.body.n - edge));
	return text;
}

static size_t
lines(const char *csv)
{
	size_t n = 0;

	for (; (csv = strstr(csv, "\r\n")) != NULL; csv += 2)
		n++;
	return n;
}

static void
a_report_is_made_and_fetched(void **state)
{
	struct fixture *f = *state;
	struct given g = given(f, 40);
	const char *csv = fetched(f, "{\"reportName\":\"AllDeviceCertificates\"}");
	const char *one = fetched(f,
	    "{\"reportName\":\"ChancerySlots\",\"select\":[\"DeviceName\",\"State\"],"
	    "\"filter\":\"(State eq 'failed')\"}");
	const char *by_policy = fetched(f,
	    arena_printf(f->a,
		"{\"reportName\":\"CertificatesByRAPolicy\",\"format\":\"json\",\"filter\":\"PolicyId eq "
		"'%s'\"}",
		id_text(f->a, g.profile)));

	assert_int_equal(lines(csv), 1 + 20);
	assert_memory_equal(csv, "DeviceId,DeviceName,UserId,UPN,PolicyId,CertificateStatus", 57);
	assert_non_null(strstr(csv, "\"'=HYPERLINK-1\""));
	assert_non_null(strstr(csv, "\"Active\""));
	assert_int_equal(lines(one), 1 + 10);
	assert_memory_equal(one, "DeviceName,State\r\n", 18);
	assert_int_equal(by_policy[0], '[');
	assert_non_null(strstr(by_policy, "CaConfiguration"));
}

static void
reports_that_cannot_be_made_are_refused(void **state)
{
	struct fixture *f = *state;
	static const char *const rows[] = { "{}", "{\"reportName\":\"Everything\"}",
		"{\"reportName\":\"ChancerySlots\",\"format\":\"pdf\"}",
		"{\"reportName\":\"ChancerySlots\",\"select\":[\"Password\"]}",
		"{\"reportName\":\"ChancerySlots\",\"filter\":\"State eq\"}",
		"{\"reportName\":\"ChancerySlots\",\"select\":5}" };
	auto_reply struct reply none = call(f, "GET", JOBS "('x')", token_for(f, READ), NULL);
	auto_reply struct reply guess = call(f, "GET", "/chancery/v1/reports/00", NULL, NULL);
	auto_reply struct reply nobody =
	    call(f, "POST", JOBS, NULL, "{\"reportName\":\"ChancerySlots\"}");

	assert_int_equal(none.status, 404);
	assert_int_equal(guess.status, 404);
	assert_int_equal(nobody.status, 401);
	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_reply struct reply r = call(f, "POST", JOBS, token_for(f, READ), rows[i]);

		if (r.status != 400)
			fail_msg("%s: %d", rows[i], r.status);
	}
}

static void
a_report_that_fails_says_why_and_holds_up_no_other(void **state)
{
	struct fixture *f = *state;
	auto_reply struct reply job = call(f, "POST", JOBS, token_for(f, READ),
	    "{\"reportName\":\"ChancerySlots\",\"filter\":\"Nothing eq 'x'\"}");
	bool more = true;

	(void)given(f, 4);
	assert_int_equal(job.status, 201);
	while (more)
		expect_ok(api_report_step(&f->api, &more));

	auto_reply struct reply done =
	    call(f, "GET", arena_printf(f->a, JOBS "/%s", json_text(json_get(job.json, "id"))),
		token_for(f, READ), NULL);

	assert_string_equal(json_text(json_get(done.json, "status")), "failed");
	assert_non_null(strstr(json_text(json_get(done.json, "@chancery.detail")), "Nothing"));
	assert_int_equal(
	    lines(fetched(f, "{\"reportName\":\"ChancerySlots\",\"select\":[\"DeviceId\"]}")), 5);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(overview_and_rows_agree),
		TEST(slots_are_searched_and_filtered),
		TEST(pages_follow_each_other_without_gap_or_repeat),
		TEST(what_ends_first_comes_first),
		TEST(certificate_states_have_the_shape_of_graph),
		TEST(a_report_is_made_and_fetched),
		TEST(reports_that_cannot_be_made_are_refused),
		TEST(a_report_that_fails_says_why_and_holds_up_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
