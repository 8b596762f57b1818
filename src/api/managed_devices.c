/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/managedDevices: what enrolled, and what it said of itself. Graph beta managedDevice, the properties
 * that Linux devices have. How to make one leave: device_actions.c; what it is to have: device_states.c.
 */
#include "api/reach.h"
#include "api/users.h"
#include "model/diff.h"
#include "model/regroup.h"
#include "model/scope.h"

#define NEVER "0001-01-01T00:00:00Z"

/* Properties that are the same for every device here; clients expect them to be there. */
static const struct constant {
	const char *name, *text;
} constants[] = {
	{ "managementAgent", "mdm" },
	{ "complianceState", "unknown" },
};

static const struct field_member owners[] = {
	[OWNERSHIP_UNKNOWN] = { "unknown", OWNERSHIP_UNKNOWN },
	[OWNERSHIP_COMPANY] = { "company", OWNERSHIP_COMPANY },
	[OWNERSHIP_PERSONAL] = { "personal", OWNERSHIP_PERSONAL },
	{ 0 },
};
static const char *const joins[] = { [JOIN_UNKNOWN] = "unknown",
	[JOIN_JOINED] = "azureADJoined",
	[JOIN_REGISTERED] = "azureADRegistered",
	[JOIN_HYBRID] = "hybridAzureADJoined" };
static const char *const rooted[] = {
	[ROOTED_UNKNOWN] = "Unknown", [ROOTED_NO] = "False", [ROOTED_YES] = "True"
};

static void
set_when(struct arena *a, json *j, const char *name, when_t t)
{
	json_set_text(j, name, t == 0 ? NEVER : when_text(a, t));
}

err_t
device_json(struct arena *a, const struct device *d, const struct user *user, json **ret)
{
	json *j = json_object_new();
	bool active = d->state == DEVICE_ACTIVE;
	bool is_linux = d->platform != NULL && strcmp(d->platform, "linux") == 0;
	struct field_texts tags;
	json *list = json_array_new();

	json_set_id(a, j, "id", d->id);
	json_set_text(j, "deviceName", text_or_null(d->name));
	json_set_text(j, "managedDeviceName", text_or_null(d->name));
	json_set_id(a, j, "azureADDeviceId", d->id);
	json_set_id(a, j, "azureActiveDirectoryDeviceId", d->id);
	json_set_bool(j, "azureADRegistered", active);
	json_set_text(j, "deviceRegistrationState", active ? "registered" : "revoked");
	json_set_text(j, "managementState", active ? "managed" : "retireIssued");
	json_set_text(j, "serialNumber", text_or_null(d->serial));
	json_set_text(j, "manufacturer", text_or_null(d->manufacturer));
	json_set_text(j, "model", text_or_null(d->model));
	json_set_text(j, "operatingSystem", is_linux ? "Linux" : text_or_null(d->os));
	json_set_text(j, "osVersion", text_or_null(d->os_version));
	json_set_text(j, "userId", user == NULL ? "" : id_text(a, user->id));
	json_set_text(j, "userPrincipalName", user == NULL ? "" : user->upn);
	json_set_text(j, "userDisplayName", user == NULL ? "" : user->display_name);
	json_set_text(j, "emailAddress", user == NULL || user->mail == NULL ? "" : user->mail);
	set_when(a, j, "enrolledDateTime", d->enrolled);
	set_when(a, j, "lastSyncDateTime", d->last_seen);
	set_when(a, j, "managementCertificateExpirationDate", d->identity_not_after);
	for (size_t i = 0; i < COUNT(constants); i++)
		json_set_text(j, constants[i].name, constants[i].text);
	json_set_text(j, "fullyQualifiedDomainName", text_or_null(d->fqdn));
	json_set_text(j, "agentVersion", text_or_null(d->agent_version));
	json_set_text(j, "ownerType", owners[d->ownership].name);
	json_set_text(j, "managedDeviceOwnerType", owners[d->ownership].name);
	json_set_text(j, "deviceEnrollmentType",
	    text_or_null(d->enrol_type) == NULL ? "userEnrollment" : d->enrol_type);
	json_set_text(j, "joinType", joins[d->join_type]);
	json_set_text(j, "deviceType", is_linux ? "linux" : "unknown");
	json_set_text(j, "jailBroken", rooted[d->rooted]);
	json_set_text(j, "deviceCategoryDisplayName", text_or_null(d->category));
	json_set_text(j, "enrollmentProfileName", text_or_null(d->enrol_profile));
	json_set_text(j, "imei", text_or_null(d->imei));
	json_set_text(j, "meid", text_or_null(d->meid));
	json_set_text(j, "udid", text_or_null(d->udid));
	json_set_text(j, "wiFiMacAddress", text_or_null(d->wifi_mac));
	json_set_text(j, "ethernetMacAddress", text_or_null(d->ethernet_mac));
	json_set_text(j, "skuFamily", text_or_null(d->sku));
	json_set_text(
	    j, "processorArchitecture", text_or_null(d->cpu) == NULL ? "unknown" : d->cpu);
	device_rest_json(j);
	if (text_or_null(d->reporting) != NULL)
		json_set_text(j, "@chancery.reporting", d->reporting);
	if (text_or_null(d->waking) != NULL)
		json_set_text(j, "@chancery.waking", d->waking);
	json_set_text(j, "notes", text_or_null(d->notes));
	json_set_text(j, "onPremisesSecurityIdentifier", text_or_null(d->sid));
	json_set_text(j, "onPremisesDistinguishedName", text_or_null(d->dn));
	json_set(j, "roleScopeTagIds", list);
	*ret = j;
	TRY(scope_read(a, d->scope_tags, &tags));
	for (size_t i = 0; i < tags.n; i++)
		json_add(list, json_text_new(tags.v[i]));
	return OK;
}

/* What an administrator may set. */
struct edit {
	int64_t owner;
	const char *notes, *category, *enrol_profile, *sid, *dn;
	struct field_texts tags;
};

static const struct field edits[] = {
	FIELD(struct edit, owner, FIELD_ENUM, .name = "ownerType", .members = owners,
	    .help = "Whose it is; assignment filters ask for it."),
	FIELD(struct edit, notes, FIELD_TEXT, .name = "notes", .max = LIMIT_LONG_TEXT,
	    .help = "For people."),
	FIELD(struct edit, category, FIELD_TEXT, .name = "deviceCategoryDisplayName",
	    .help = "Category; assignment filters ask for it."),
	FIELD(struct edit, enrol_profile, FIELD_TEXT, .name = "enrollmentProfileName",
	    .help = "Enrolment profile; assignment filters ask for it."),
	FIELD(struct edit, sid, FIELD_TEXT, .name = "onPremisesSecurityIdentifier",
	    .check = check_sid, .help = "SID of the computer account."),
	FIELD(struct edit, dn, FIELD_TEXT, .name = "onPremisesDistinguishedName", .max = 1024,
	    .help = "Name of the computer account."),
	FIELD(struct edit, tags, FIELD_TEXTS, .name = "roleScopeTagIds", .max = 100,
	    .help = "Scope tags."),
};

struct device_change {
	struct arena *a;
	const struct caller *who;
	const char *if_match;
	struct id id;
	const json *body;
	struct device device;
	struct user user; /* the primary one */
	const struct user *of;
	json *shown; /* after the change */
};

/* As it is in the transaction; ret is the caller's. */
static err_t
device_now(
    struct tx *tx, struct arena *a, const struct device *d, const struct user *of, json **ret)
{
	auto_json json *j = NULL;

	TRY(device_json(a, d, of, &j));
	TRY(device_wipe_json(tx, a, d, j));
	*ret = steal(j);
	return OK;
}

static err_t
device_text(struct tx *tx, struct arena *a, const struct device *d, const char **ret)
{
	struct user user;
	const struct user *of;
	json *j;

	TRY(device_user(tx, a, d, &user, &of));
	TRY(device_json(a, d, of, &j));
	json_del(j, "lastSyncDateTime");
	return entity_text(a, j, ret);
}

static err_t
edit_read(
    struct tx *tx, struct arena *a, const json *body, const char *const *known, struct device *d)
{
	struct edit x = { .owner = d->ownership,
		.notes = d->notes,
		.category = d->category,
		.enrol_profile = d->enrol_profile,
		.sid = d->sid,
		.dn = d->dn };

	TRY(scope_read(a, d->scope_tags, &x.tags));
	TRY(field_read(a, edits, COUNT(edits), body, FIELD_UPDATE, known, &x));
	d->ownership = (enum device_ownership)x.owner;
	d->notes = x.notes;
	d->category = x.category;
	d->enrol_profile = x.enrol_profile;
	d->sid = x.sid;
	d->dn = x.dn;
	TRY(scope_print(a, &x.tags, &d->scope_tags));
	TRY_CTX(scope_check(tx, a, d->scope_tags), "\"roleScopeTagIds\"");
	return OK;
}

/* What a filter or a name sees of it may be another now. */
static err_t
device_save(struct tx *tx, struct arena *a, const char *actor, const char *before,
    const struct device *d, bool *ret_changed, int64_t *again)
{
	const char *after;
	struct regroup_due was, is;

	TRY(device_text(tx, a, d, &after));
	*ret_changed = strcmp(before, after) != 0;
	if (!*ret_changed)
		return OK;
	TRY(regroup_device(tx, d->id, &was));
	TRY(store_device_update(tx, d));
	TRY(diff_device(tx, a, d));
	TRY(regroup_device(tx, d->id, &is));
	*again += regroup_moved(&was, &is);
	return store_audit_add(
	    tx, actor, "device.update", target_text(a, "device", d->id), before, after);
}

static err_t
update(struct tx *tx, void *arg)
{
	static const char *const known[] = { "id", ROLLOUT_MEMBER, NULL };
	struct device_change *c = arg;
	auto_json json *now = NULL;
	const char *before;
	int64_t again = 0;
	bool changed;

	TRY(reach_device(tx, c->a, c->who, PERM_DEVICES_WRITE, c->id));
	TRY(store_device_get(tx, c->a, c->id, &c->device));
	TRY(device_user(tx, c->a, &c->device, &c->user, &c->of));
	TRY(device_now(tx, c->a, &c->device, c->of, &now));
	TRY(etag_check(c->a, c->if_match, now));
	TRY(device_text(tx, c->a, &c->device, &before));
	TRY(edit_read(tx, c->a, c->body, known, &c->device));
	TRY(device_save(tx, c->a, c->who->actor, before, &c->device, &changed, &again));
	TRY(regroup_names(tx, c->a, json_get(c->body, ROLLOUT_MEMBER), again));
	json_free(c->shown); /* of a try before this */
	c->shown = NULL;
	return device_now(tx, c->a, &c->device, c->of, &c->shown);
}

err_t
device_import(struct tx *tx, struct arena *a, const struct caller *who, const json *row,
    enum import_outcome *ret, int64_t *again)
{
	static const char *const known[] = { "id", "serialNumber", "deviceName",
		"userPrincipalName", NULL };
	const char *serial = json_text(json_get(row, "serialNumber"));
	const json *upn = json_get(row, "userPrincipalName");
	struct device d;
	struct user u;
	const char *before;
	bool changed;
	struct id id;

	if (json_is_text(json_get(row, "id"))) {
		TRY(json_need_id(row, "id", &id));
		TRY(store_device_get(tx, a, id, &d));
	} else {
		TRY_CTX(store_device_by_serial(tx, a, serial, &d),
		    "devices enrol by themselves; serial number \"%.64s\"", serial);
	}
	TRY(reach_device(tx, a, who, PERM_DEVICES_WRITE, d.id));
	TRY(rights_tags(who, a, PERM_DEVICES_WRITE, row, "roleScopeTagIds"));
	TRY(device_text(tx, a, &d, &before));
	TRY(edit_read(tx, a, row, known, &d));
	if (upn != NULL) {
		d.user = (struct id){ 0 };
		if (*json_text(upn) != '\0') {
			TRY(store_user_by_upn(tx, a, json_text(upn), &u));
			d.user = u.id;
		}
	}
	TRY(device_save(tx, a, who->actor, before, &d, &changed, again));
	*ret = changed ? IMPORT_UPDATED : IMPORT_UNCHANGED;
	return OK;
}

err_t
device_user(struct tx *tx, struct arena *a, const struct device *d, struct user *user,
    const struct user **ret_user)
{
	err_t e;

	*ret_user = NULL;
	if (id_is_zero(d->user))
		return OK;
	e = store_user_get(tx, a, d->user, user);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	*ret_user = user;
	return OK;
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct device *v;
	size_t n;

	(void)q;
	TRY(store_device_list(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		struct user user;
		const struct user *of;
		json *j;

		if (!rights_reach(arg, PERM_DEVICES_READ, v[i].scope_tags)) {
			rows_pass(rows, v[i].id);
			continue;
		}
		TRY(device_user(tx, a, &v[i], &user, &of));
		TRY(device_now(tx, a, &v[i], of, &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

static const char *const searched[] = { "deviceName", "serialNumber", "userPrincipalName",
	"userDisplayName", "emailAddress", "imei", NULL };
static const struct collection devices = { .set = "deviceManagement/managedDevices",
	.page = LIMIT_PAGE,
	.read = read_page,
	.by_caller = true,
	.search = searched };

static err_t
list(struct http_req *r)
{
	return reply_collection(r, &devices, 0);
}

static err_t
count(struct http_req *r)
{
	return reply_count(r, &devices);
}

struct look {
	struct arena *a;
	struct id id;
	struct device device;
	const struct caller *who;
	struct user user;
	const struct user *of;
	json *shown;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;

	TRY(reach_device(tx, l->a, l->who, PERM_DEVICES_READ, l->id));
	TRY(store_device_get(tx, l->a, l->id, &l->device));
	TRY(device_user(tx, l->a, &l->device, &l->user, &l->of));
	return device_now(tx, l->a, &l->device, l->of, &l->shown);
}

static err_t
get(struct http_req *r)
{
	struct look l = { .a = http_arena(r), .who = http_caller(r) };
	struct query q;

	TRY(param_id(r, "id", &l.id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &l));
	return reply_entity(r, 200, "deviceManagement/managedDevices", NULL, &q, l.shown);
}

static err_t
patch(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct device_change c = {
		.a = http_arena(r), .who = who, .if_match = http_header(r, "If-Match")
	};
	auto_json json *body = NULL;
	err_t e;

	TRY(rights_device(r, PERM_DEVICES_WRITE));
	TRY(param_id(r, "id", &c.id));
	TRY(body_object(r, &body));
	TRY(rights_body(who, c.a, PERM_DEVICES_WRITE, body, "roleScopeTagIds", false));
	c.body = body;
	e = store_write(api_of(r)->store, update, &c);
	if (!err_ok(e)) {
		json_free(c.shown);
		return e;
	}
	return reply_entity(r, 200, "deviceManagement/managedDevices", NULL, NULL, c.shown);
}

/* The primary user, by reference; body NULL: none. */
static err_t
set_user(struct tx *tx, void *arg)
{
	struct device_change *c = arg;
	const char *url, *before;
	struct user u;
	int64_t again = 0;
	bool changed;

	TRY(reach_device(tx, c->a, c->who, PERM_DEVICES_WRITE, c->id));
	TRY(store_device_get(tx, c->a, c->id, &c->device));
	TRY(device_text(tx, c->a, &c->device, &before));
	c->device.user = (struct id){ 0 };
	if (c->body != NULL) {
		TRY(json_need_text(c->body, "@odata.id", LIMIT_LONG_TEXT, &url));
		TRY(reference_id(url, &c->device.user));
		TRY_CTX(store_user_get(tx, c->a, c->device.user, &u), "user");
	}
	/* Whose device it is says who has it in his hands: that does not wait. */
	return device_save(tx, c->a, c->who->actor, before, &c->device, &changed, &again);
}

static err_t
put_user(struct http_req *r)
{
	struct device_change c = { .a = http_arena(r), .who = http_caller(r) };
	auto_json json *body = NULL;

	TRY(param_id(r, "id", &c.id));
	if (http_method(r) == HTTP_POST)
		TRY(body_object(r, &body));
	c.body = body;
	TRY(store_write(api_of(r)->store, set_user, &c));
	return reply_empty(r, 204);
}

struct of_user {
	const struct caller *who;
	const char *key;
};

static err_t
read_of_user(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	const struct of_user *of = arg;
	struct device *v;
	struct user u;
	size_t n;

	(void)q;
	TRY(user_find(tx, a, of->key, &u));
	TRY(store_device_of_user(tx, a, u.id, &v, &n));
	*more = false;
	for (size_t i = 0; i < n; i++) {
		json *j;

		if (!row_follows(p, v[i].id) ||
		    !rights_reach(of->who, PERM_DEVICES_READ, v[i].scope_tags))
			continue;
		TRY(device_now(tx, a, &v[i], &u, &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

static err_t
list_of_user(struct http_req *r)
{
	const struct of_user of = { http_caller(r), http_param(r, "id") };
	struct collection c = { .set = "deviceManagement/managedDevices",
		.page = LIMIT_PAGE,
		.read = read_of_user,
		.arg = &of };

	return reply_collection(r, &c, 0);
}

#define DEVICES "/deviceManagement/managedDevices"

static const struct http_route routes[] = {
	GRAPH(GET, DEVICES, PERM_DEVICES_READ | PERM_SCOPED, list),
	GRAPH(GET, DEVICES "/$count", PERM_DEVICES_READ | PERM_SCOPED, count),
	GRAPH(GET, DEVICES "/{id}", PERM_DEVICES_READ | PERM_SCOPED, get),
	GRAPH(PATCH, DEVICES "/{id}", PERM_DEVICES_WRITE | PERM_SCOPED, patch),
	GRAPH(POST, DEVICES "/{id}/users/$ref", PERM_DEVICES_WRITE | PERM_SCOPED, put_user),
	GRAPH(DELETE, DEVICES "/{id}/users/$ref", PERM_DEVICES_WRITE | PERM_SCOPED, put_user),
	GRAPH(GET, "/users/{id}/managedDevices", PERM_DEVICES_READ | PERM_SCOPED, list_of_user),
	{ 0 },
};

const struct resource resource_managed_devices = { "managed_devices", routes };
