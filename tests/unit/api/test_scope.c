/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is limited by scope tags sees and changes what has them, on every route there is. Each route stands in the table
 * below with what was decided for it; one that does not fails the test.
 */
#include <stdatomic.h>

#include "expect.h"
#include "fixture.h"

#include "api/report_row.h"
#include "model/status.h"
#include "store/access.h"
#include "store/rollout.h"
#include "store/slot_search.h"
#include "store/user_pfx.h"

#define ADMINISTRATOR "c7a1d6a0-52a5-4e2e-9d55-0f6368616e01"
#define SET "/beta/deviceManagement/deviceConfigurations"
#define ROOT_TYPE "#chancery.linuxTrustedRootCertificate"
#define X_TYPE "#microsoft.graph.windows10XTrustedRootCertificate"
#define X_SET "/beta/deviceManagement/resourceAccessProfiles"
#define EVERYTHING \
	"DeviceManagementRBAC.ReadWrite.All DeviceManagementConfiguration.ReadWrite.All " \
	"Directory.ReadWrite.All DeviceManagementManagedDevices.ReadWrite.All " \
	"DeviceManagementManagedDevices.PrivilegedOperations.All"

/* The objects of one tag. */
struct side {
	const char *word; /* in the name of each object: "berlin", "paris" */
	const char *tag;
	struct id profile, root, ten_x, device, user, slot, rollout, filter, group;
	const char *report;
	int64_t version;
};

struct two {
	struct fixture *f;
	const char *admin, *limited; /* tokens */
	struct side ours, theirs;
};

static struct id
id_of(const char *text)
{
	struct id id;

	expect_ok(id_parse(str_c(text), &id));
	return id;
}

static const char *
profile_body(const struct two *t, const struct side *s, const char *what)
{
	return arena_printf(t->f->a,
	    "{\"@odata.type\":\"" ROOT_TYPE
	    "\",\"displayName\":\"%s-%s\",\"roleScopeTagIds\":[\"%s\"],"
	    "\"trustedRootCertificate\":\"%s\",\"certFileName\":\"r.cer\"}",
	    s->word, what, s->tag, text_base64(t->f->a, t->f->ca_cert));
}

struct putting {
	struct two *t;
	struct side *s;
};

/* What comes from devices and from the service's own work, not from requests. */
static err_t
put(struct tx *tx, void *arg)
{
	struct putting *x = arg;
	struct side *s = x->s;
	struct arena *a = x->t->f->a;
	struct user u = { .id = s->user = id_new(),
		.upn = arena_printf(a, "person@%s.test", s->tag),
		.display_name = "Person",
		.source = "cloud" };
	struct device d = { .id = s->device = id_new(),
		.user = u.id,
		.name = arena_printf(a, "%s-device", s->word),
		.serial = arena_printf(a, "%s-serial", s->word),
		.platform = "linux",
		.scope_tags = arena_printf(a, "[\"%s\"]", s->tag),
		.identity_sha256 = str_c(arena_printf(a, "%-32s", s->word)),
		.state = DEVICE_ACTIVE };
	struct slot slot = { .id = s->slot = id_new(),
		.device = d.id,
		.user = u.id,
		.profile = s->profile,
		.kind = "pkcs",
		.wanted = true,
		.wanted_hash = LIT("h"),
		.reached_hash = LIT("h"),
		.fault = "",
		.since = 1000,
		.serial = arena_printf(a, "%s5A", s->tag),
		.subject = arena_printf(a, "CN=%s-subject", s->word),
		.thumbprint = arena_printf(a, "%s%039d", s->tag, 0),
		.not_before = when_now() - 60,
		.not_after = when_now() + 86400 };
	struct request revoke = { .id = id_new(),
		.slot = slot.id,
		.device = d.id,
		.kind = REQUEST_REVOKE,
		.state = REQUEST_QUEUED,
		.ca = "CA",
		.serial = slot.serial,
		.created = 1,
		.updated = 1 };
	struct user_pfx pfx = { .id = id_new(),
		.user = u.id,
		.thumbprint = "00112233445566778899aabbccddeeff00112233",
		.upn = u.upn,
		.not_before = when_now(),
		.not_after = when_now() + 86400,
		.provider = "",
		.key_name = arena_printf(a, "%s-key", s->word),
		.padding = PFX_OAEP_SHA256,
		.blob = LIT("blob"),
		.password = LIT("password") };
	struct version v = { .targets = "[]", .actor = "test", .change = "update", .at = 1 };
	struct rollout r = { .id = s->rollout = id_new(),
		.profile = s->profile,
		.name = arena_printf(a, "%s-profile", s->word),
		.platform = "linux",
		.change = "update",
		.actor = "test",
		.state = ROLLOUT_RUNNING,
		.pace = 1000,
		.limit = 5,
		.steps = "",
		.fault = "",
		.detail = "",
		.total = 1,
		.created = 1,
		.since = 1,
		.ticked = 1 };
	size_t done;

	TRY(store_user_insert(tx, &u));
	TRY(store_device_insert(tx, &d));
	TRY(status_insert(tx, &slot));
	TRY(store_event_add(tx,
	    &(struct event){ .slot = slot.id,
		.when = 1,
		.actor = "service",
		.event = "queued",
		.detail = arena_printf(a, "%s-detail", s->word) }));
	TRY(store_request_insert(tx, &revoke));
	TRY(store_pfx_insert(tx, &pfx));
	TRY(store_profile_get(tx, a, s->profile, &v.profile));
	TRY(store_version_add(tx, &v, 10, &s->version));
	r.before = s->version;
	TRY(store_rollout_insert(tx, &r));
	return store_slot_index(tx, 1000, &done);
}

static struct side
side(struct two *t, const char *word)
{
	struct fixture *f = t->f;
	struct side s = { .word = word };

	s.tag = posted(f, "/beta/deviceManagement/roleScopeTags", t->admin,
	    arena_printf(f->a, "{\"displayName\":\"%s\"}", word));
	s.root = id_of(posted(f, SET, t->admin, profile_body(t, &s, "root")));
	s.ten_x = id_of(posted(f, X_SET, t->admin,
	    arena_printf(f->a,
		"{\"@odata.type\":\"" X_TYPE
		"\",\"displayName\":\"%s-x\",\"roleScopeTagIds\":[\"%s\"],"
		"\"trustedRootCertificate\":\"%s\",\"certFileName\":\"r.cer\"}",
		word, s.tag, text_base64(f->a, f->ca_cert))));
	s.profile = id_of(posted(f, SET, t->admin,
	    arena_printf(f->a,
		"{\"@odata.type\":\"#chancery.linuxPkcsCertificateProfile\",\"displayName\":"
		"\"%s-profile\",\"roleScopeTagIds\":[\"%s\"],\"certificationAuthority\":\"ca.test\","
		"\"certificationAuthorityName\":\"CA\",\"certificateTemplateName\":\"User\","
		"\"certificateValidityPeriodValue\":1,\"certificateValidityPeriodScale\":\"years\","
		"\"renewalThresholdPercentage\":20,\"subjectNameFormat\":\"commonName\","
		"\"rootCertificate@odata.bind\":\"https://x" SET "('%s')\"}",
		word, s.tag, id_text(f->a, s.root))));
	s.filter = id_of(posted(f, "/beta/deviceManagement/assignmentFilters", t->admin,
	    arena_printf(f->a,
		"{\"displayName\":\"%s-filter\",\"platform\":\"linux\",\"roleScopeTags\":[\"%s\"],"
		"\"rule\":\"(device.deviceName -startsWith \\\"%s\\\")\"}",
		word, s.tag, word)));
	s.group = id_of(posted(f, "/v1.0/groups", t->admin,
	    "{\"displayName\":\"G\",\"mailEnabled\":false,\"securityEnabled\":true,"
	    "\"mailNickname\":\"g\"}"));
	expect_ok(store_write(f->store, put, &(struct putting){ t, &s }));

	auto_reply struct reply assigned = call(f, "POST",
	    arena_printf(f->a, SET "/%s/assignments", id_text(f->a, s.root)), t->admin,
	    arena_printf(f->a,
		"{\"target\":{\"@odata.type\":\"#microsoft.graph.groupAssignmentTarget\","
		"\"groupId\":\"%s\"}}",
		id_text(f->a, s.group)));

	assert_int_equal(assigned.status, 201);
	return s;
}

/* An application that holds every permission for what has the tag of `ours`. */
static struct two
two(struct fixture *f)
{
	struct two t = { .f = f, .admin = token_for(f, EVERYTHING) };
	const char *report = "{\"reportName\":\"ChancerySlots\"}";
	struct id app = id_new();

	f->api.rate_any = f->api.rate_write = 1000000;
	t.ours = side(&t, "berlin");
	t.theirs = side(&t, "paris");
	put_app(f, app, NULL, "");
	expect_ok(token_make(&f->api, f->a,
	    &(struct token_spec){
		.app = true, .subject = app, .client = app, .name = "Limited", .permissions = "" },
	    &t.limited));
	posted(f, "/beta/deviceManagement/roleAssignments", t.admin,
	    arena_printf(f->a,
		"{\"displayName\":\"A\",\"members\":[\"%s\"],\"roleScopeTagIds\":[\"%s\"],"
		"\"roleDefinition@odata.bind\":\"https://x/beta/deviceManagement/roleDefinitions("
		"'" ADMINISTRATOR "')\"}",
		id_text(f->a, app), t.ours.tag));
	t.ours.report = posted(f, "/beta/deviceManagement/reports/exportJobs", t.limited, report);
	t.theirs.report = posted(f, "/beta/deviceManagement/reports/exportJobs", t.admin, report);
	return t;
}

/* $P profile, $O its root, $N one of resourceAccessProfiles, $D device, $U user, $S slot, $R roll-out, $F filter, $X imported certificate, $A assignment of the
 * root, $J report, $V version, $T tag, $W word, $B base64 of a certificate, $K a wrapped password. */
static const char *
filled(const struct two *t, const struct side *s, const char *text)
{
	struct arena *a = t->f->a;
	static const uint8_t wrapped[256] = { 1 };
	const char *out = "";

	for (; *text != '\0'; text++) {
		const char *v = arena_printf(a, "%c", *text);

		if (*text == '$' && text[1] >= 'A' && text[1] <= 'Z')
			switch (*++text) {
			case 'P':
				v = id_text(a, s->profile);
				break;
			case 'O':
				v = id_text(a, s->root);
				break;
			case 'N':
				v = id_text(a, s->ten_x);
				break;
			case 'D':
				v = id_text(a, s->device);
				break;
			case 'U':
				v = id_text(a, s->user);
				break;
			case 'S':
				v = id_text(a, s->slot);
				break;
			case 'R':
				v = id_text(a, s->rollout);
				break;
			case 'F':
				v = id_text(a, s->filter);
				break;
			case 'X':
				v = arena_printf(a, "%s-%s", text_hex(a, id_str(&s->user)),
				    "00112233445566778899aabbccddeeff00112233");
				break;
			case 'A':
				v = arena_printf(
				    a, "%s_%s", id_text(a, s->root), id_text(a, s->group));
				break;
			case 'J':
				v = s->report;
				break;
			case 'V':
				v = arena_printf(a, "%lld", (long long)s->version);
				break;
			case 'T':
				v = s->tag;
				break;
			case 'W':
				v = s->word;
				break;
			case 'B':
				v = text_base64(a, t->f->ca_cert);
				break;
			case 'K':
				v = text_base64(a, STR(wrapped));
				break;
			}
		out = arena_printf(a, "%s%s", out, v);
	}
	return out;
}

enum decision {
	EACH, /* names an object: that of the caller's tag passes, the other is 404 (or what the row says) */
	LIST,  /* shows what has the tag, and nothing of the other */
	WHOLE, /* 403: takes the permission for everything */
	FREE,  /* holds nothing of profiles and devices, or membership, which tags do not limit */
};

/* Routes are without their version. Rows that remove something stand at the end. */
#define ROW(what_, method_, route_, ...) \
	{ \
		.what = what_, .method = method_, .route = route_ __VA_OPT__(, ) __VA_ARGS__ \
	}
static const struct
try {
	enum decision what;
	const char *method, *route;
	const char *path; /* NULL: the route itself */
	const char *body;
	int ours, theirs; /* 0: 200 to 299, 404 */
}
rows[] = {
#define DM "/deviceManagement"
#define CONFIG DM "/deviceConfigurations"
#define OWN "/chancery/v1"
#define ACCESS DM "/resourceAccessProfiles"
	ROW(LIST, "GET", CONFIG),
	ROW(LIST, "GET", CONFIG "/$count"),
	ROW(EACH, "GET", CONFIG "/{id}", CONFIG "/$P"),
	ROW(EACH, "PATCH", CONFIG "/{id}", CONFIG "/$O",
	    "{\"@odata.type\":\"" ROOT_TYPE "\",\"description\":\"x\"}"),
	ROW(EACH, "POST", CONFIG, NULL,
	    "{\"@odata.type\":\"" ROOT_TYPE
	    "\",\"displayName\":\"$W-new\",\"roleScopeTagIds\":[\"$T\"]"
	    ",\"trustedRootCertificate\":\"$B\",\"certFileName\":\"r.cer\"}",
	    201, 403),
	ROW(EACH, "GET", CONFIG "/{id}/assignments", CONFIG "/$O/assignments"),
	ROW(EACH, "POST", CONFIG "/{id}/assignments", CONFIG "/$O/assignments",
	    "{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\"}}"),
	ROW(EACH, "GET", CONFIG "/{id}/assignments/{assignment}", CONFIG "/$O/assignments/$A"),
	ROW(EACH, "PATCH", CONFIG "/{id}/assignments/{assignment}", CONFIG "/$O/assignments/$A",
	    "{\"target\":{\"@odata.type\":\"#microsoft.graph.allLicensedUsersAssignmentTarget\"}}"),
	ROW(EACH, "DELETE", CONFIG "/{id}/assignments/{assignment}", CONFIG "/$O/assignments/$A",
	    NULL, 404),
	ROW(EACH, "GET", CONFIG "/{id}/groupAssignments", CONFIG "/$O/groupAssignments"),
	ROW(EACH, "POST", CONFIG "/{id}/groupAssignments", CONFIG "/$O/groupAssignments",
	    "{\"targetGroupId\":\"00000000-0000-4000-8000-000000000001\"}", 400),
	ROW(EACH, "GET", CONFIG "/{id}/groupAssignments/{assignment}",
	    CONFIG "/$O/groupAssignments/$A", NULL, 404),
	ROW(EACH, "DELETE", CONFIG "/{id}/groupAssignments/{assignment}",
	    CONFIG "/$O/groupAssignments/$A", NULL, 404),
	ROW(EACH, "POST", CONFIG "/{id}/assign", CONFIG "/$O/assign", "{\"assignments\":[]}"),
	ROW(EACH, "POST", CONFIG "/{id}/microsoft.graph.assign",
	    CONFIG "/$O/microsoft.graph.assign", "{\"assignments\":[]}"),
	ROW(EACH, "GET", CONFIG "/{id}/rootCertificate", CONFIG "/$P/rootCertificate"),
	ROW(EACH, "GET", CONFIG "/{id}/{cast}/rootCertificate",
	    CONFIG "/$P/chancery.linuxPkcsCertificateProfile/rootCertificate"),
	ROW(EACH, "PUT", CONFIG "/{id}/rootCertificate/$ref", CONFIG "/$P/rootCertificate/$ref",
	    "{\"@odata.id\":\"https://x" SET "('$O')\"}"),
	ROW(EACH, "PUT", CONFIG "/{id}/{cast}/rootCertificate/$ref",
	    CONFIG "/$P/chancery.linuxPkcsCertificateProfile/rootCertificate/$ref",
	    "{\"@odata.id\":\"https://x" SET "('$O')\"}"),
	ROW(EACH, "DELETE", CONFIG "/{id}/rootCertificate/$ref", CONFIG "/$P/rootCertificate/$ref",
	    NULL, 400),
	ROW(EACH, "DELETE", CONFIG "/{id}/{cast}/rootCertificate/$ref",
	    CONFIG "/$P/chancery.linuxPkcsCertificateProfile/rootCertificate/$ref", NULL, 400),
	ROW(EACH, "GET", CONFIG "/{id}/{reference}",
	    CONFIG "/$P/rootCertificatesForServerValidation", NULL, 400),
	ROW(EACH, "GET", CONFIG "/{id}/{cast}/{reference}",
	    CONFIG "/$P/chancery.linuxPkcsCertificateProfile/identityCertificate", NULL, 400),
	ROW(EACH, "PUT", CONFIG "/{id}/{reference}/$ref", CONFIG "/$P/identityCertificate/$ref",
	    "{\"@odata.id\":\"https://x" SET "('$O')\"}", 400),
	ROW(EACH, "PUT", CONFIG "/{id}/{cast}/{reference}/$ref",
	    CONFIG "/$P/chancery.linuxPkcsCertificateProfile/identityCertificate/$ref",
	    "{\"@odata.id\":\"https://x" SET "('$O')\"}", 400),
	ROW(EACH, "POST", CONFIG "/{id}/{reference}/$ref", CONFIG "/$P/identityCertificate/$ref",
	    "{\"@odata.id\":\"https://x" SET "('$O')\"}", 400),
	ROW(EACH, "POST", CONFIG "/{id}/{cast}/{reference}/$ref",
	    CONFIG "/$P/chancery.linuxPkcsCertificateProfile/identityCertificate/$ref",
	    "{\"@odata.id\":\"https://x" SET "('$O')\"}", 400),
	ROW(EACH, "DELETE", CONFIG "/{id}/{reference}/$ref", CONFIG "/$P/identityCertificate/$ref",
	    NULL, 400),
	ROW(EACH, "DELETE", CONFIG "/{id}/{cast}/{reference}/$ref",
	    CONFIG "/$P/identityCertificate/$O/$ref", NULL, 400),
	ROW(EACH, "DELETE", CONFIG "/{id}/{cast}/{reference}/{element}/$ref",
	    CONFIG "/$P/chancery.linuxPkcsCertificateProfile/identityCertificate/$O/$ref", NULL,
	    400),
	ROW(LIST, "GET", OWN "/profiles"),
	ROW(EACH, "GET", OWN "/profiles/{id}", OWN "/profiles/$P"),
	ROW(EACH, "POST", OWN "/profiles", NULL,
	    "{\"@odata.type\":\"" ROOT_TYPE
	    "\",\"displayName\":\"$W-own\",\"roleScopeTagIds\":[\"$T\"]"
	    ",\"trustedRootCertificate\":\"$B\",\"certFileName\":\"r.cer\"}",
	    201, 403),
	ROW(LIST, "GET", ACCESS),
	ROW(LIST, "GET", ACCESS "/$count"),
	ROW(LIST, "POST", ACCESS "/queryByPlatformType", NULL, "{\"platformType\":\"all\"}"),
	ROW(EACH, "GET", ACCESS "/{id}", ACCESS "/$N"),
	ROW(EACH, "PATCH", ACCESS "/{id}", ACCESS "/$N",
	    "{\"@odata.type\":\"" X_TYPE "\",\"description\":\"x\"}"),
	ROW(EACH, "POST", ACCESS, NULL,
	    "{\"@odata.type\":\"" X_TYPE
	    "\",\"displayName\":\"$W-new\",\"roleScopeTagIds\":[\"$T\"]"
	    ",\"trustedRootCertificate\":\"$B\",\"certFileName\":\"r.cer\"}",
	    201, 403),
	ROW(EACH, "POST", ACCESS "/{id}/assign", ACCESS "/$N/assign", "{\"assignments\":[]}"),
	ROW(EACH, "GET", ACCESS "/{id}/assignments", ACCESS "/$N/assignments"),
	ROW(EACH, "POST", ACCESS "/{id}/assignments", ACCESS "/$N/assignments",
	    "{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\"}}"),
	ROW(EACH, "GET", ACCESS "/{id}/assignments/{assignment}", ACCESS "/$N/assignments/$A", NULL,
	    404),
	ROW(EACH, "PATCH", ACCESS "/{id}/assignments/{assignment}", ACCESS "/$N/assignments/$A",
	    "{\"target\":{\"@odata.type\":\"#microsoft.graph.allLicensedUsersAssignmentTarget\"}}",
	    404),
	ROW(EACH, "DELETE", ACCESS "/{id}/assignments/{assignment}", ACCESS "/$N/assignments/$A",
	    NULL, 404),
	ROW(EACH, "GET", CONFIG "/{id}/deviceStatuses", CONFIG "/$P/deviceStatuses"),
	ROW(EACH, "GET", CONFIG "/{id}/deviceStatusOverview", CONFIG "/$P/deviceStatusOverview"),
	ROW(EACH, "GET", CONFIG "/{id}/userStatuses", CONFIG "/$P/userStatuses"),
	ROW(EACH, "GET", CONFIG "/{id}/userStatusOverview", CONFIG "/$P/userStatusOverview"),
	ROW(EACH, "GET", CONFIG "/{id}/{cast}/managedDeviceCertificateStates",
	    CONFIG "/$P/chancery.linuxPkcsCertificateProfile/managedDeviceCertificateStates"),
	ROW(LIST, "GET", CONFIG "AllManagedDeviceCertificateStates"),
	ROW(EACH, "POST", OWN "/profiles/{id}/effect", OWN "/profiles/$P/effect",
	    "{\"assignments\":[]}"),
	ROW(FREE, "POST", OWN "/effect"),
	ROW(EACH, "POST", OWN "/preview", NULL, "{\"profileId\":\"$P\",\"userId\":\"$U\"}"),
	ROW(EACH, "POST", OWN "/preview", NULL,
	    "{\"profile\":{\"@odata.type\":\"" ROOT_TYPE "\",\"displayName\":\"x\","
	    "\"trustedRootCertificate\":\"$B\",\"certFileName\":\"r.cer\"},\"deviceId\":\"$D\"}"),
	ROW(FREE, "GET", OWN "/profileTypes"),
	ROW(FREE, "GET", OWN "/variables"),
	ROW(LIST, "GET", OWN "/slots"),
	ROW(LIST, "GET", OWN "/expiring"),
	ROW(EACH, "GET", OWN "/slots/{id}", OWN "/slots/$S"),
	ROW(EACH, "GET", OWN "/slots/{id}/timeline", OWN "/slots/$S/timeline"),
	ROW(EACH, "POST", OWN "/slots/{id}/revokedByHand", OWN "/slots/$S/revokedByHand", "{}",
	    404),
	ROW(LIST, "GET", OWN "/status"),
	ROW(LIST, "GET", OWN "/revocations"),
	ROW(LIST, "GET", OWN "/rollouts"),
	ROW(EACH, "GET", OWN "/rollouts/{id}", OWN "/rollouts/$R"),
	ROW(EACH, "PATCH", OWN "/rollouts/{id}", OWN "/rollouts/$R", "{\"slotsPerHour\":500}"),
	ROW(EACH, "POST", OWN "/rollouts/{id}/pause", OWN "/rollouts/$R/pause", "{}"),
	ROW(EACH, "POST", OWN "/rollouts/{id}/resume", OWN "/rollouts/$R/resume", "{}"),
	ROW(EACH, "POST", OWN "/rollouts/{id}/finish", OWN "/rollouts/$R/finish", "{}"),
	ROW(EACH, "POST", OWN "/rollouts/{id}/rollback", OWN "/rollouts/$R/rollback", "{}"),
	ROW(WHOLE, "GET", OWN "/rolloutSettings"),
	ROW(WHOLE, "GET", "/servicePrincipals/{key}/endpoints"),
	ROW(WHOLE, "GET", "/{tenant}/servicePrincipalsByAppId/{app}/serviceEndpoints"),
	ROW(WHOLE, "POST",
	    "/ScepRequestValidationFEService"
	    "/ScepActions/validateRequest"),
	ROW(WHOLE, "POST",
	    "/ScepRequestValidationFEService"
	    "/ScepActions/successNotification"),
	ROW(WHOLE, "POST",
	    "/ScepRequestValidationFEService"
	    "/ScepActions/failureNotification"),
	ROW(WHOLE, "POST",
	    OWN "/scep"
		"/ScepActions/validateRequest"),
	ROW(WHOLE, "POST",
	    OWN "/scep"
		"/ScepActions/successNotification"),
	ROW(WHOLE, "POST",
	    OWN "/scep"
		"/ScepActions/failureNotification"),
	ROW(WHOLE, "PATCH", OWN "/rolloutSettings"),
	ROW(LIST, "GET", DM "/assignmentFilters"),
	ROW(LIST, "GET", DM "/assignmentFilters/$count"),
	ROW(EACH, "POST", DM "/assignmentFilters", NULL,
	    "{\"displayName\":\"$W-second\",\"platform\":\"linux\",\"roleScopeTags\":[\"$T\"],"
	    "\"rule\":\"(device.deviceName -eq \\\"x\\\")\"}",
	    201, 403),
	ROW(EACH, "GET", DM "/assignmentFilters/{id}", DM "/assignmentFilters/$F"),
	ROW(EACH, "PATCH", DM "/assignmentFilters/{id}", DM "/assignmentFilters/$F",
	    "{\"description\":\"x\"}"),
	ROW(EACH, "GET", DM "/assignmentFilters/{id}/getSupportedProperties()",
	    DM "/assignmentFilters/$F/getSupportedProperties()"),
	ROW(EACH, "POST", OWN "/assignmentFilters/{id}/effect", OWN "/assignmentFilters/$F/effect",
	    "{\"rule\":\"(device.deviceName -eq \\\"x\\\")\"}"),
	ROW(FREE, "POST", OWN "/groups/{id}/effect"),
	ROW(FREE, "POST", DM "/assignmentFilters/validateFilter"),
	ROW(WHOLE, "POST", DM "/assignmentFilters/enable"),
	ROW(FREE, "GET", DM "/assignmentFilters/getState()"),
	ROW(FREE, "GET", DM "/assignmentFilters/getPlatformSupportedProperties/{platform}"),
	ROW(LIST, "POST", DM "/evaluateAssignmentFilter", NULL,
	    "{\"data\":{\"platform\":\"linux\",\"rule\":\"(device.deviceName -ne \\\"x\\\")\"}}"),
	ROW(EACH, "POST", DM "/getAssignmentFiltersStatusDetails", NULL,
	    "{\"managedDeviceId\":\"$D\",\"assignmentFilterIds\":[\"$F\"]}"),
	ROW(EACH, "POST", DM "/getAssignmentFiltersStatusDetails", NULL,
	    "{\"managedDeviceId\":\"$D\",\"payloadId\":\"$P\"}"),
	ROW(LIST, "GET", DM "/managedDevices"),
	ROW(LIST, "GET", DM "/managedDevices/$count"),
	ROW(EACH, "GET", DM "/managedDevices/{id}", DM "/managedDevices/$D"),
	ROW(EACH, "PATCH", DM "/managedDevices/{id}", DM "/managedDevices/$D", "{\"notes\":\"x\"}"),
	ROW(EACH, "GET", DM "/managedDevices/{id}/users", DM "/managedDevices/$D/users"),
	ROW(EACH, "POST", DM "/managedDevices/{id}/users/$ref", DM "/managedDevices/$D/users/$ref",
	    "{\"@odata.id\":\"https://x/v1.0/users/$U\"}"),
	ROW(EACH, "GET", DM "/managedDevices/{id}/deviceConfigurationStates",
	    DM "/managedDevices/$D/deviceConfigurationStates"),
	ROW(EACH, "POST", DM "/managedDevices/{id}/syncDevice", DM "/managedDevices/$D/syncDevice"),
	ROW(EACH, "POST", DM "/managedDevices/{id}/microsoft.graph.syncDevice",
	    DM "/managedDevices/$D/microsoft.graph.syncDevice"),
	ROW(LIST, "GET", DM "/managedDeviceOverview"),
	ROW(LIST, "GET", "/devices"),
	ROW(LIST, "GET", "/devices/$count"),
	ROW(EACH, "GET", "/devices/{id}", "/devices/$D"),
	ROW(EACH, "POST", OWN "/devices/import", NULL,
	    "{\"rows\":[{\"line\":1,\"serialNumber\":\"$W-serial\",\"notes\":\"y\"}]}", 200, 400),
	ROW(LIST, "GET", "/users/{id}/managedDevices", "/users/$U/managedDevices"),
	ROW(LIST, "GET", DM "/userPfxCertificates"),
	ROW(EACH, "GET", DM "/userPfxCertificates/{id}", DM "/userPfxCertificates/$X"),
	ROW(EACH, "PATCH", DM "/userPfxCertificates/{id}", DM "/userPfxCertificates/$X",
	    "{\"intendedPurpose\":\"vpn\"}"),
	ROW(EACH, "POST", DM "/userPfxCertificates", NULL,
	    "{\"userPrincipalName\":\"person@$T.test\",\"thumbprint\":"
	    "\"99112233445566778899aabbccddeeff00112233\",\"startDateTime\":\"2026-01-01T00:00:00Z\","
	    "\"expirationDateTime\":\"2036-01-01T00:00:00Z\",\"encryptedPfxBlob\":\"MAMCAQM=\","
	    "\"encryptedPfxPassword\":\"$K\",\"keyName\":\"k\",\"paddingScheme\":\"oaepSha256\"}",
	    201, 403),
	ROW(EACH, "POST", OWN "/userPfxCertificates/import", NULL,
	    "{\"rows\":[{\"line\":1,\"userPrincipalName\":\"person@$T.test\",\"thumbprint\":"
	    "\"88112233445566778899aabbccddeeff00112233\",\"startDateTime\":\"2026-01-01T00:00:00Z\","
	    "\"expirationDateTime\":\"2036-01-01T00:00:00Z\",\"encryptedPfxBlob\":\"MAMCAQM=\","
	    "\"encryptedPfxPassword\":\"$K\",\"keyName\":\"k\",\"paddingScheme\":\"oaepSha256\"}]}",
	    200, 400),
	ROW(LIST, "GET", DM "/reports/exportJobs"),
	ROW(EACH, "GET", DM "/reports/exportJobs/{id}", DM "/reports/exportJobs/$J"),
	ROW(FREE, "POST", DM "/reports/exportJobs"),
	ROW(FREE, "GET", OWN "/reports/{token}"),
	/* Of the whole installation. */
	ROW(WHOLE, "GET", OWN "/audit"),
	ROW(WHOLE, "GET", OWN "/audit/export"),
	ROW(WHOLE, "GET", OWN "/audit/verify"),
	ROW(WHOLE, "GET", DM "/auditEvents"),
	ROW(WHOLE, "GET", DM "/auditEvents/{id}"),
	ROW(WHOLE, "GET", DM "/auditEvents/getAuditCategories"),
	ROW(WHOLE, "GET", DM "/auditEvents/getAuditCategories()"),
	ROW(WHOLE, "GET", DM "/auditEvents/getAuditActivityTypes/{category}"),
	ROW(WHOLE, "GET", OWN "/connectorReleases"),
	ROW(WHOLE, "POST", OWN "/connectorReleases"),
	ROW(WHOLE, "GET", OWN "/connectorReleases/{id}"),
	ROW(WHOLE, "DELETE", OWN "/connectorReleases/{id}"),
	ROW(WHOLE, "POST", OWN "/connectorReleases/{id}/parts"),
	ROW(WHOLE, "POST", OWN "/connectorReleases/{id}/offer"),
	ROW(WHOLE, "POST", OWN "/connectorReleases/{id}/withdraw"),
	ROW(WHOLE, "GET", OWN "/enrolmentCodes"),
	ROW(WHOLE, "POST", OWN "/enrolmentCodes"),
	ROW(WHOLE, "DELETE", OWN "/enrolmentCodes/{id}"),
	ROW(WHOLE, "GET", OWN "/notifications"),
	ROW(WHOLE, "POST", OWN "/notifications"),
	ROW(WHOLE, "GET", OWN "/notifications/{id}"),
	ROW(WHOLE, "PATCH", OWN "/notifications/{id}"),
	ROW(WHOLE, "DELETE", OWN "/notifications/{id}"),
	ROW(WHOLE, "GET", OWN "/notifications/{id}/deliveries"),
	ROW(WHOLE, "POST", OWN "/notifications/{id}/test"),
	ROW(WHOLE, "GET", DM "/certificateConnectorDetails"),
	ROW(WHOLE, "GET", DM "/certificateConnectorDetails/{id}"),
	ROW(WHOLE, "GET", DM "/ndesConnectors"),
	ROW(WHOLE, "GET", DM "/ndesConnectors/{id}"),
	ROW(WHOLE, "PATCH", DM "/ndesConnectors/{id}"),
	ROW(WHOLE, "DELETE", DM "/ndesConnectors/{id}"),
	ROW(WHOLE, "GET", DM "/resourceOperations"),
	ROW(WHOLE, "GET", DM "/roleDefinitions"),
	ROW(WHOLE, "POST", DM "/roleDefinitions"),
	ROW(WHOLE, "GET", DM "/roleDefinitions/{id}"),
	ROW(WHOLE, "PATCH", DM "/roleDefinitions/{id}"),
	ROW(WHOLE, "DELETE", DM "/roleDefinitions/{id}"),
	ROW(WHOLE, "GET", DM "/roleDefinitions/{role}/roleAssignments"),
	ROW(WHOLE, "POST", DM "/roleDefinitions/{role}/roleAssignments"),
	ROW(WHOLE, "GET", DM "/roleAssignments"),
	ROW(WHOLE, "POST", DM "/roleAssignments"),
	ROW(WHOLE, "GET", DM "/roleAssignments/{id}"),
	ROW(WHOLE, "PATCH", DM "/roleAssignments/{id}"),
	ROW(WHOLE, "DELETE", DM "/roleAssignments/{id}"),
	ROW(WHOLE, "GET", DM "/roleScopeTags"),
	ROW(WHOLE, "POST", DM "/roleScopeTags"),
	ROW(WHOLE, "POST", DM "/roleScopeTags/getRoleScopeTagsById"),
	ROW(WHOLE, "GET", DM "/roleScopeTags/hasCustomRoleScopeTag()"),
	ROW(WHOLE, "GET", DM "/roleScopeTags/{id}"),
	ROW(WHOLE, "PATCH", DM "/roleScopeTags/{id}"),
	ROW(WHOLE, "DELETE", DM "/roleScopeTags/{id}"),
	ROW(WHOLE, "GET", "/metrics"),
	/* The directory: people and groups have no tags; changing it changes what devices everywhere get. */
	ROW(WHOLE, "POST", "/users"),
	ROW(WHOLE, "PATCH", "/users/{id}"),
	ROW(WHOLE, "DELETE", "/users/{id}"),
	ROW(WHOLE, "POST", OWN "/users/import"),
	ROW(WHOLE, "POST", "/groups"),
	ROW(WHOLE, "PATCH", "/groups/{id}"),
	ROW(WHOLE, "DELETE", "/groups/{id}"),
	ROW(WHOLE, "POST", OWN "/groups/import"),
	ROW(WHOLE, "POST", "/groups/{id}/members/$ref"),
	ROW(WHOLE, "DELETE", "/groups/{id}/members/{member}/$ref"),
	ROW(FREE, "GET", "/users"),
	ROW(FREE, "GET", "/users/$count"),
	ROW(FREE, "GET", "/users/{id}"),
	ROW(FREE, "GET", "/groups"),
	ROW(FREE, "GET", "/groups/$count"),
	ROW(FREE, "GET", "/groups/{id}"),
	ROW(FREE, "GET", "/groups/{id}/members"),
	ROW(FREE, "GET", "/groups/{id}/members/$count"),
	ROW(FREE, "GET", "/groups/{id}/members/{cast}"),
	ROW(FREE, "GET", "/groups/{id}/members/{cast}/$count"),
	ROW(FREE, "GET", "/groups/{id}/transitiveMembers"),
	ROW(FREE, "GET", "/groups/{id}/transitiveMembers/$count"),
	ROW(FREE, "GET", "/groups/{id}/transitiveMembers/{cast}"),
	ROW(FREE, "POST", "/directoryObjects/getByIds", NULL, "{\"ids\":[\"$D\"]}"),
#define MEMBER_OF(set) \
	ROW(FREE, "GET", set "/{id}/memberOf"), ROW(FREE, "GET", set "/{id}/transitiveMemberOf"), \
	    ROW(FREE, "POST", set "/{id}/checkMemberGroups"), \
	    ROW(FREE, "POST", set "/{id}/getMemberGroups"), \
	    ROW(FREE, "POST", set "/{id}/getMemberObjects")
	MEMBER_OF("/users"),
	MEMBER_OF("/groups"),
	MEMBER_OF("/devices"),
	MEMBER_OF("/directoryObjects"),
	/* Of the installation, the catalogue, or the caller itself. */
	ROW(FREE, "GET", ""),
	ROW(FREE, "POST", "/$batch"),
	ROW(FREE, "GET", "/$metadata"),
	ROW(FREE, "GET", DM),
	ROW(FREE, "GET", DM "/getEffectivePermissions"),
	ROW(FREE, "GET", DM "/getEffectivePermissions/{scope}"),
	ROW(FREE, "GET", OWN "/faults"),
	ROW(FREE, "GET", OWN "/faults/{id}"),
	ROW(FREE, "GET", OWN "/signIn"),
	ROW(FREE, "GET", "/organization"),
	ROW(FREE, "GET", "/healthz"),
	ROW(FREE, "GET", "/readyz"),
	ROW(FREE, "GET", "/device"),
	ROW(FREE, "POST", "/device"),
	ROW(FREE, "GET", "/.well-known/openid-configuration"),
	ROW(FREE, "GET", "/common/discovery/instance"),
	ROW(FREE, "GET", "/{tenant}/.well-known/openid-configuration"),
	ROW(FREE, "GET", "/{tenant}/v2.0/.well-known/openid-configuration"),
	ROW(FREE, "GET", "/{tenant}/discovery/keys"),
	ROW(FREE, "GET", "/{tenant}/discovery/v2.0/keys"),
	ROW(FREE, "POST", "/{tenant}/oauth2/devicecode"),
	ROW(FREE, "POST", "/{tenant}/oauth2/token"),
	ROW(FREE, "POST", "/{tenant}/oauth2/v2.0/devicecode"),
	ROW(FREE, "POST", "/{tenant}/oauth2/v2.0/token"),
	ROW(FREE, "GET", "/{tenant}/oauth2/v2.0/authorize"),
	ROW(FREE, "POST", "/{tenant}/oauth2/v2.0/authorize"),
	ROW(FREE, "POST", "/{tenant}/oauth2/v2.0/revoke"),
	ROW(EACH, "GET", OWN "/profiles/{id}/versions", OWN "/profiles/$P/versions"),
	ROW(EACH, "GET", OWN "/profiles/{id}/versions/{version}", OWN "/profiles/$P/versions/$V"),
	ROW(EACH, "POST", OWN "/profiles/{id}/versions/{version}/effect",
	    OWN "/profiles/$P/versions/$V/effect", "{\"assignments\":true}"),
	ROW(EACH, "POST", OWN "/profiles/{id}/versions/{version}/restore",
	    OWN "/profiles/$P/versions/$V/restore", "{\"assignments\":true}"),
	/* These take something away. */
	ROW(EACH, "DELETE", DM "/userPfxCertificates/{id}", DM "/userPfxCertificates/$X"),
	ROW(EACH, "DELETE", DM "/assignmentFilters/{id}", DM "/assignmentFilters/$F"),
	ROW(EACH, "DELETE", DM "/managedDevices/{id}/users/$ref",
	    DM "/managedDevices/$D/users/$ref"),
	ROW(EACH, "POST", "/chancery/v1/devices/{id}/lost", "/chancery/v1/devices/$D/lost"),
	ROW(EACH, "POST", "/chancery/v1/devices/{id}/found", "/chancery/v1/devices/$D/found"),
	ROW(EACH, "POST", DM "/managedDevices/{id}/wipe", DM "/managedDevices/$D/wipe"),
	ROW(EACH, "POST", DM "/managedDevices/{id}/microsoft.graph.wipe",
	    DM "/managedDevices/$D/microsoft.graph.wipe"),
	ROW(EACH, "GET", "/chancery/v1/devices/{id}/wipe", "/chancery/v1/devices/$D/wipe"),
	ROW(EACH, "DELETE", "/chancery/v1/devices/{id}/wipe", "/chancery/v1/devices/$D/wipe"),
	ROW(EACH, "POST", DM "/managedDevices/{id}/retire", DM "/managedDevices/$D/retire"),
	ROW(EACH, "POST", DM "/managedDevices/{id}/microsoft.graph.retire",
	    DM "/managedDevices/$D/microsoft.graph.retire"),
	ROW(EACH, "DELETE", DM "/managedDevices/{id}", DM "/managedDevices/$D"),
	ROW(EACH, "DELETE", CONFIG "/{id}", CONFIG "/$P"),
	ROW(EACH, "DELETE", ACCESS "/{id}", ACCESS "/$N"),
};

static const char *
bare(const char *path)
{
	if (strncmp(path, "/v1.0", 5) == 0)
		return path + 5;
	return strncmp(path, "/beta", 5) == 0 ? path + 5 : path;
}

static bool
is_row_of(const struct try *row, const struct http_route *x)
{
	return strcmp(row->method, http_method_name(x->method)) == 0 &&
	    strcmp(row->route, bare(x->path)) == 0;
}

static void
every_route_is_decided_for_who_is_limited(void **state)
{
	bool found[COUNT(rows)] = { false };

	(void)state;
	for (size_t i = 0; i < resource_count; i++)
		for (const struct http_route *x = resource_table[i]->routes; x->path != NULL; x++) {
			const struct try *row = NULL;

			for (size_t k = 0; k < COUNT(rows); k++)
				if (is_row_of(&rows[k], x)) {
					row = &rows[k];
					found[k] = true;
				}
			if (row == NULL)
				fail_msg(
				    "%s %s: what does it show to who is limited by scope tags? "
				    "Say so in this table",
				    http_method_name(x->method), x->path);
			if ((row->what == EACH || row->what == LIST) &&
			    (x->perm & PERM_SCOPED) == 0)
				fail_msg("%s %s is not open to who is limited",
				    http_method_name(x->method), x->path);
			if (row->what == WHOLE && (x->perm & PERM_SCOPED) != 0)
				fail_msg("%s %s is open to who is limited",
				    http_method_name(x->method), x->path);
		}
	for (size_t k = 0; k < COUNT(rows); k++)
		if (!found[k])
			fail_msg("there is no route %s %s", rows[k].method, rows[k].route);
}

static bool
tells(const struct two *t, const struct reply *r, const struct side *s)
{
	const char *body = arena_cstr(t->f->a, r->body);

	return strstr(body, arena_printf(t->f->a, "%s-", s->word)) != NULL ||
	    strstr(body, id_text(t->f->a, s->profile)) != NULL ||
	    strstr(body, id_text(t->f->a, s->slot)) != NULL;
}

static void
try_row(const struct two *t, const struct try *row, bool ours)
{
	const struct side *s = ours ? &t->ours : &t->theirs;
	const char *path = filled(t, s, row->path == NULL ? row->route : row->path);
	int want = ours ? row->ours : row->theirs == 0 ? 404 : row->theirs;
	bool own = strncmp(path, OWN, strlen(OWN)) == 0;
	auto_reply struct reply r =
	    call(t->f, row->method, own ? path : arena_printf(t->f->a, "/beta%s", path), t->limited,
		row->body == NULL ? NULL : filled(t, s, row->body));

	if (row->what == LIST)
		want = 200;
	if (want == 0 ? r.status < 200 || r.status > 299 : r.status != want)
		fail_msg("%s %s as %s: %d %.*s", row->method, path, s->word, r.status,
		    (int)r.body.n, (const char *)r.body.p);
	if (row->what == LIST && tells(t, &r, &t->theirs))
		fail_msg("%s %s shows the other's: %.*s", row->method, path, (int)r.body.n,
		    (const char *)r.body.p);
	if (row->what == EACH && !ours && tells(t, &r, s) && strstr(path, s->word) == NULL &&
	    r.status < 400)
		fail_msg("%s %s tells of the other's", row->method, path);
}

/* Those of the other first, so that nothing of the caller's is gone when they are asked for. */
static void
on_every_route_a_limited_caller_reaches_its_own_alone(void **state)
{
	struct two t = two(*state);

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].what == EACH)
			try_row(&t, &rows[i], false);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].what == LIST) {
			try_row(&t, &rows[i], true);
			try_row(&t, &rows[i], false);
		}
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].what == EACH)
			try_row(&t, &rows[i], true);
}

static int64_t
number_at(const struct two *t, const char *token, const char *path, const char *a, const char *b)
{
	auto_reply struct reply r = call(t->f, "GET", path, token, NULL);

	assert_int_equal(r.status, 200);
	return b == NULL ? (int64_t)json_count(json_get(r.json, a)) :
			   json_int(json_get(json_get(r.json, a), b));
}

static void
counts_are_of_what_a_limited_caller_reaches(void **state)
{
	struct two t = two(*state);
	static const struct {
		const char *path, *a, *b;
		int64_t ours, all;
	} counts[] = {
		{ "/chancery/v1/status", "states", "installed", 1, 2 },
		{ "/chancery/v1/status", "queue", "queued", 1, 2 },
		{ "/chancery/v1/status", "profiles", NULL, 1, 2 },
		{ "/chancery/v1/slots", "value", NULL, 1, 2 },
		{ "/chancery/v1/slots?$search=\"subject\"", "value", NULL, 1, 2 },
		{ "/chancery/v1/slots?$filter=state%20eq%20'installed'", "value", NULL, 1, 2 },
		{ "/chancery/v1/expiring", "value", NULL, 1, 2 },
		{ "/chancery/v1/revocations", "value", NULL, 1, 2 },
		{ "/chancery/v1/rollouts", "value", NULL, 1, 2 },
		{ "/beta/deviceManagement/managedDevices", "value", NULL, 1, 2 },
		{ "/v1.0/devices", "value", NULL, 1, 2 },
		{ "/v1.0/deviceManagement/managedDeviceOverview", "deviceOperatingSystemSummary",
		    "@chancery.linuxCount", 1, 2 },
		{ "/v1.0/deviceManagement/managedDeviceOverview", "deviceOperatingSystemSummary",
		    "unknownCount", 0, 0 },
		{ "/beta/deviceManagement/userPfxCertificates", "value", NULL, 1, 2 },
		{ "/beta/deviceManagement/reports/exportJobs", "value", NULL, 1, 2 },
		{ "/beta/deviceManagement/deviceConfigurationsAllManagedDeviceCertificateStates",
		    "value", NULL, 1, 2 },
	};

	for (size_t i = 0; i < COUNT(counts); i++) {
		int64_t all = number_at(&t, t.admin, counts[i].path, counts[i].a, counts[i].b);
		int64_t ours = number_at(&t, t.limited, counts[i].path, counts[i].a, counts[i].b);

		if (all != counts[i].all || ours != counts[i].ours)
			fail_msg(
			    "%s: %lld of %lld", counts[i].path, (long long)ours, (long long)all);
	}
}

static void
a_limited_report_has_the_rows_of_who_asked(void **state)
{
	struct two t = two(*state);
	bool more = true;

	while (more)
		expect_ok(api_report_step(&t.f->api, &more));
	for (int i = 0; i < 2; i++) {
		auto_reply struct reply r = call(t.f, "GET",
		    arena_printf(t.f->a, "/beta/deviceManagement/reports/exportJobs/%s",
			i == 0 ? t.ours.report : t.theirs.report),
		    i == 0 ? t.limited : t.admin, NULL);

		assert_string_equal(json_text(json_get(r.json, "status")), "completed");
		assert_int_equal(json_int(json_get(r.json, "@chancery.rows")), i + 1);
	}
}

static void
a_report_takes_the_permission_that_reads_the_same_elsewhere(void **state)
{
	struct fixture *f = *state;
	static const char *const others[] = { "DeviceManagementManagedDevices.Read.All",
		"DeviceManagementApps.Read.All", "Directory.ReadWrite.All" };

	for (const struct report_kind *k = report_kinds; k->name != NULL; k++)
		for (size_t i = 0; i < COUNT(others); i++) {
			auto_reply struct reply r = call(f, "POST",
			    "/v1.0/deviceManagement/reports/exportJobs", token_for(f, others[i]),
			    arena_printf(f->a, "{\"reportName\":\"%s\"}", k->name));

			assert_int_equal(r.status, 403);
		}
}

/* ---- tags that change while somebody changes the object ---- */

#define TURNS 120

struct flips {
	struct fixture f; /* with an arena and a client of its own */
	const char *path, *token, *a, *b;
	atomic_bool over;
};

/* The profile goes from one tag to the other and back. */
static void *
flip(void *arg)
{
	struct flips *x = arg;

	for (int i = 0; i < TURNS; i++) {
		auto_reply struct reply r = call(&x->f, "PATCH", x->path, x->token,
		    arena_printf(x->f.a,
			"{\"@odata.type\":\"" ROOT_TYPE "\",\"roleScopeTagIds\":[\"%s\"]}",
			i % 2 == 0 ? x->b : x->a));

		assert_int_equal(r.status, 200);
	}
	x->over = true;
	return NULL;
}

struct trail {
	struct arena *a;
	struct audit *v;
	size_t n;
	int64_t after;
};

static err_t
trail_read(struct tx *tx, void *arg)
{
	struct trail *t = arg;

	return store_audit_list(tx, t->a, t->after, 100, &t->v, &t->n);
}

/* The audit has the order in which the changes were made. */
static void
check_trail(const struct two *t, const char *ours, size_t *ret_done)
{
	struct trail x = { .a = t->f->a };
	bool reached = true;

	do {
		expect_ok(store_read(t->f->store, trail_read, &x));
		for (size_t i = 0; i < x.n; i++) {
			const struct audit *e = &x.v[i];
			bool limited = strstr(e->actor, "Limited") != NULL;

			x.after = e->seq;
			if (strstr(e->target, id_text(t->f->a, t->ours.root)) == NULL)
				continue;
			if (strcmp(e->action, "profile.update") == 0)
				reached = strstr(e->after, ours) != NULL;
			else if (limited && !reached)
				fail_msg("%s by %s when the profile had other tags", e->action,
				    e->actor);
			*ret_done += limited;
		}
	} while (x.n > 0);
}

static void
tags_that_change_meanwhile_count_in_the_change_itself(void **state)
{
	struct two t = two(*state);
	static const struct tls_client_conf tls = { 0 };
	struct flips x = { .f = *t.f,
		.token = t.admin,
		.path = arena_printf(t.f->a, SET "/%s", id_text(t.f->a, t.ours.root)),
		.a = t.ours.tag,
		.b = t.theirs.tag };
	size_t passed = 0, refused = 0, done = 0;
	pthread_t thread;

	x.f.a = arena_new();
	expect_ok(fetch_new(&tls, &x.f.fetch));
	assert_int_equal(pthread_create(&thread, NULL, flip, &x), 0);
	for (size_t i = 0; !x.over; i++) {
		auto_reply struct reply r =
		    call(t.f, "POST", arena_printf(t.f->a, "%s/assign", x.path), t.limited,
			i % 2 == 0 ? "{\"assignments\":[]}" :
				     "{\"assignments\":[{\"target\":{\"@odata.type\":"
				     "\"#microsoft.graph.allDevicesAssignmentTarget\"}}]}");

		passed += r.status == 200;
		refused += r.status == 404;
		if (r.status != 200 && r.status != 404)
			fail_msg("%d %.*s", r.status, (int)r.body.n, (const char *)r.body.p);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	check_trail(&t, arena_printf(t.f->a, "\"roleScopeTagIds\":[\"%s\"]", t.ours.tag), &done);
	assert_true(passed > 0 && refused > 0);
	assert_int_equal(done, passed);
	fetch_free(x.f.fetch);
	arena_free(x.f.a);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_route_is_decided_for_who_is_limited),
		TEST(on_every_route_a_limited_caller_reaches_its_own_alone),
		TEST(counts_are_of_what_a_limited_caller_reaches),
		TEST(a_limited_report_has_the_rows_of_who_asked),
		TEST(a_report_takes_the_permission_that_reads_the_same_elsewhere),
		TEST(tags_that_change_meanwhile_count_in_the_change_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
