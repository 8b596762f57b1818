/* SPDX-License-Identifier: Apache-2.0 */
/* Older versions of a profile are listed, looked at, and come back as a change like any other. */
#include "expect.h"
#include "fixture.h"

#include "model/status.h"
#include "store/access.h"
#include "store/device.h"

#define EVERYTHING \
	"DeviceManagementConfiguration.ReadWrite.All DeviceManagementRBAC.ReadWrite.All " \
	"Directory.ReadWrite.All"
#define PROFILES "/beta/deviceManagement/deviceConfigurations"
#define TYPE "#chancery.linuxTrustedRootCertificate"

struct given {
	struct fixture *f;
	const char *token, *id, *path, *versions;
};

static json *
sent(const struct given *g, const char *method, const char *path, const char *body, int want)
{
	auto_reply struct reply r = call(g->f, method, path, g->token, body);

	if (r.status != want)
		fail_msg("%s %s: %d %.*s", method, path, r.status, (int)r.body.n,
		    (const char *)r.body.p);
	return r.json == NULL ? NULL : json_ref(r.json);
}

static void
patch(const struct given *g, const char *file)
{
	auto_json json *j = sent(g, "PATCH", g->path,
	    arena_printf(g->f->a, "{\"@odata.type\":\"" TYPE "\",\"certFileName\":\"%s\"}", file),
	    200);

	assert_non_null(j);
}

static void
assign(const struct given *g, bool all)
{
	auto_json json *j = sent(g, "POST", arena_printf(g->f->a, "%s/assign", g->path),
	    all ? "{\"assignments\":[{\"target\":{\"@odata.type\":"
		  "\"#microsoft.graph.allDevicesAssignmentTarget\"}}]}" :
		  "{\"assignments\":[]}",
	    200);

	assert_non_null(j);
}

/* First a.cer to nobody, then b.cer, then to all devices, then c.cer. */
static struct given
given(struct fixture *f)
{
	struct given g = { .f = f, .token = token_for(f, EVERYTHING) };
	auto_json json *made = sent(&g, "POST", PROFILES,
	    arena_printf(f->a,
		"{\"@odata.type\":\"" TYPE "\",\"displayName\":\"R\",\"certFileName\":\"a.cer\","
		"\"trustedRootCertificate\":\"%s\"}",
		text_base64(f->a, f->ca_cert)),
	    201);

	g.id = arena_strdup(f->a, json_text(json_get(made, "id")));
	g.path = arena_printf(f->a, PROFILES "/%s", g.id);
	g.versions = arena_printf(f->a, "/chancery/v1/profiles/%s/versions", g.id);
	patch(&g, "b.cer");
	assign(&g, true);
	patch(&g, "c.cer");
	return g;
}

/* The identifier of the version with this place in the list. */
static const char *
version_at(const struct given *g, size_t i)
{
	auto_json json *list = sent(g, "GET", g->versions, NULL, 200);

	return arena_strdup(
	    g->f->a, json_text(json_get(json_at(json_get(list, "value"), i), "id")));
}

static const char *
of_version(const struct given *g, size_t i, const char *below)
{
	return arena_printf(g->f->a, "%s/%s%s", g->versions, version_at(g, i), below);
}

static const char *
file_now(const struct given *g)
{
	auto_json json *j = sent(g, "GET", g->path, NULL, 200);

	return arena_strdup(g->f->a, json_text(json_get(j, "certFileName")));
}

static size_t
targets_now(const struct given *g)
{
	auto_json json *j =
	    sent(g, "GET", arena_printf(g->f->a, "%s/assignments", g->path), NULL, 200);

	return json_count(json_get(j, "value"));
}

static void
versions_are_listed_newest_first(void **state)
{
	struct given g = given(*state);
	auto_json json *list = sent(&g, "GET", g.versions, NULL, 200);
	auto_json json *one = sent(&g, "GET", of_version(&g, 0, ""), NULL, 200);
	static const char *const changes[] = { "update", "assign", "update" };
	json *value = json_get(list, "value");

	assert_int_equal(json_count(value), COUNT(changes));
	for (size_t i = 0; i < COUNT(changes); i++) {
		assert_string_equal(
		    json_text(json_get(json_at(value, i), "replacedByChange")), changes[i]);
		assert_string_equal(
		    json_text(json_get(json_at(value, i), "replacedBy")), "app Test app");
	}
	assert_string_equal(json_text(json_get(json_get(one, "profile"), "certFileName")), "b.cer");
	assert_int_equal(json_count(json_get(one, "assignments")), 1);
}

static void
a_version_comes_back_with_its_targets_or_without(void **state)
{
	struct given g = given(*state);
	auto_json json *first = sent(&g, "POST", of_version(&g, 2, "/restore"), "{}", 200);

	assert_string_equal(json_text(json_get(first, "certFileName")), "a.cer");
	assert_int_equal(json_int(json_get(first, "version")), 4);
	assert_int_equal(targets_now(&g), 1);
	/* What it was before is a version, too. */
	auto_json json *undone = sent(&g, "POST", of_version(&g, 0, "/restore"), "{}", 200);

	assert_string_equal(json_text(json_get(undone, "certFileName")), "c.cer");

	const char *oldest = of_version(&g, 4, "/restore");
	auto_json json *with = sent(&g, "POST", oldest, "{\"assignments\":true}", 200);

	assert_string_equal(file_now(&g), "a.cer");
	assert_int_equal(targets_now(&g), 0);
	assert_non_null(with);
}

static void
who_may_see_a_profile_does_not_come_back(void **state)
{
	struct given g = given(*state);
	auto_json json *tag = sent(
	    &g, "POST", "/beta/deviceManagement/roleScopeTags", "{\"displayName\":\"Oslo\"}", 201);
	const char *number = arena_strdup(g.f->a, json_text(json_get(tag, "id")));
	auto_json json *tagged = sent(&g, "PATCH", g.path,
	    arena_printf(g.f->a,
		"{\"@odata.type\":\"" TYPE
		"\",\"certFileName\":\"d.cer\",\"roleScopeTagIds\":[\"%s\"]}",
		number),
	    200);
	auto_json json *back = sent(&g, "POST", of_version(&g, 1, "/restore"), "{}", 200);

	assert_non_null(tagged);
	assert_string_equal(json_text(json_at(json_get(back, "roleScopeTagIds"), 0)), number);
}

static err_t
slot_put(struct tx *tx, void *arg)
{
	const struct given *g = arg;
	struct device d = {
		.id = id_new(), .name = "d", .platform = "linux", .state = DEVICE_ACTIVE
	};
	struct slot s = { .id = id_new(),
		.device = d.id,
		.kind = "trusted-root",
		.wanted = true,
		.wanted_hash = LIT("h"),
		.reached_hash = LIT("h"),
		.since = 1 };

	TRY(id_parse(str_c(g->id), &s.profile));
	TRY(store_device_insert(tx, &d));
	return status_insert(tx, &s);
}

static void
the_effect_is_shown_and_nothing_is_changed(void **state)
{
	struct given g = given(*state);

	expect_ok(store_write(g.f->store, slot_put, &g));

	auto_json json *with =
	    sent(&g, "POST", of_version(&g, 2, "/effect"), "{\"assignments\":true}", 200);
	auto_json json *without = sent(&g, "POST", of_version(&g, 2, "/effect"), "{}", 200);

	assert_int_equal(json_int(json_get(with, "withdraw")), 1);
	assert_int_equal(json_int(json_get(without, "withdraw")), 0);
	assert_int_equal(json_int(json_get(without, "devices")), 1);
	assert_string_equal(file_now(&g), "c.cer");
	assert_int_equal(targets_now(&g), 1);
}

static err_t
last_audit(struct tx *tx, void *arg)
{
	struct given *g = arg;
	struct audit *v, *last = NULL;
	int64_t after = 0;
	size_t n;

	do {
		TRY(store_audit_list(tx, g->f->a, after, 100, &v, &n));
		if (n > 0)
			last = &v[n - 1];
		after = last->seq;
	} while (n > 0);
	assert_string_equal(last->action, "profile.restore");
	assert_string_equal(last->target, g->id);
	assert_non_null(strstr(last->before, "c.cer"));
	assert_non_null(strstr(last->after, "a.cer"));
	return OK;
}

static void
a_restore_is_audited_with_before_and_after(void **state)
{
	struct given g = given(*state);
	auto_json json *j = sent(&g, "POST", of_version(&g, 2, "/restore"), "{}", 200);

	assert_non_null(j);
	expect_ok(store_read(g.f->store, last_audit, &g));
}

static void
what_cannot_be_restored_is_refused_and_nothing_changes(void **state)
{
	struct given g = given(*state), other = g;
	auto_json json *made = sent(&g, "POST", PROFILES,
	    arena_printf(g.f->a,
		"{\"@odata.type\":\"" TYPE "\",\"displayName\":\"S\",\"certFileName\":\"x.cer\","
		"\"trustedRootCertificate\":\"%s\"}",
		text_base64(g.f->a, g.f->ca_cert)),
	    201);

	other.versions = arena_printf(
	    g.f->a, "/chancery/v1/profiles/%s/versions", json_text(json_get(made, "id")));

	const struct {
		const char *path, *body;
		int want;
	} rows[] = {
		{ arena_printf(g.f->a, "%s/%s/restore", other.versions, version_at(&g, 0)), "{}",
		    404 },
		{ arena_printf(g.f->a, "%s/99999/restore", g.versions), "{}", 404 },
		{ arena_printf(g.f->a, "%s/0/restore", g.versions), "{}", 404 },
		{ arena_printf(g.f->a, "%s/-1/effect", g.versions), "{}", 404 },
		{ arena_printf(g.f->a, "%s/x/effect", g.versions), "{}", 404 },
		{ of_version(&g, 0, "/restore"), "{\"asignments\":true}", 400 },
		{ of_version(&g, 0, "/restore"), "{\"assignments\":1}", 400 },
		{ of_version(&g, 0, "/restore"), "{\"@chancery.rollout\":{\"pace\":1}}", 400 },
		{ of_version(&g, 0, "/effect"), "{\"maxDevices\":0}", 400 },
		{ of_version(&g, 0, "/restore"), "[]", 400 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_reply struct reply r = call(g.f, "POST", rows[i].path, g.token, rows[i].body);

		if (r.status != rows[i].want)
			fail_msg(
			    "row %zu: %d %.*s", i, r.status, (int)r.body.n, (const char *)r.body.p);
	}
	assert_string_equal(file_now(&g), "c.cer");
}

static void
a_restore_of_what_others_changed_meanwhile_is_refused(void **state)
{
	struct given g = given(*state);
	struct fetch_reply got;
	const char *headers[] = { arena_printf(g.f->a, "Authorization: Bearer %s", g.token),
		"Content-Type: application/json", "If-Match: \"of-another-time\"", NULL };

	expect_ok(fetch_run(g.f->fetch, g.f->a, "POST",
	    arena_printf(g.f->a, "%s%s", g.f->api.base_url, of_version(&g, 2, "/restore")), headers,
	    LIT("{}"), 20000, &got));
	assert_int_equal(got.status, 412);
	assert_string_equal(file_now(&g), "c.cer");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(versions_are_listed_newest_first),
		TEST(a_version_comes_back_with_its_targets_or_without),
		TEST(who_may_see_a_profile_does_not_come_back),
		TEST(the_effect_is_shown_and_nothing_is_changed),
		TEST(a_restore_is_audited_with_before_and_after),
		TEST(what_cannot_be_restored_is_refused_and_nothing_changes),
		TEST(a_restore_of_what_others_changed_meanwhile_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
