/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each device stands with a profile: deviceStatuses and deviceStatusOverview, from the same slots (Graph beta
 * deviceConfigurationDeviceStatus and ...DeviceOverview). Our own words stand beside Graph's as "@chancery.*".
 */
#include "api/overview.h"
#include "api/rights.h"
#include "api/users.h"
#include "model/status.h"

#define NO_GRACE "9999-12-31T23:59:59Z"

struct of_profile {
	struct id profile;
};

static err_t
status_json(
    struct tx *tx, struct arena *a, const struct slot *s, const struct status *st, json **ret)
{
	struct device d = { 0 };
	struct user u;
	const struct user *of = NULL;
	auto_json json *j = json_object_new();
	struct id zero = { 0 };
	err_t e = store_device_get(tx, a, s->device, &d);

	if (!err_is(e, ERR_NOT_FOUND))
		TRY(e);
	if (!id_is_zero(s->user))
		TRY(device_user(tx, a, &(struct device){ .user = s->user }, &u, &of));
	json_set_text(j, "id",
	    arena_printf(a, "%s_%s_%s", id_text(a, id_is_zero(s->user) ? zero : s->user),
		id_text(a, s->profile), id_text(a, s->device)));
	json_set_text(j, "deviceDisplayName", d.name == NULL ? "" : d.name);
	json_set_text(j, "deviceModel", d.model == NULL || *d.model == '\0' ? NULL : d.model);
	json_set_text(j, "userName", of == NULL ? "System account" : of->display_name);
	json_set_text(j, "userPrincipalName", of == NULL ? "System account" : of->upn);
	json_set_int(j, "platform", 0);
	json_set_text(j, "status", st->compliance);
	json_set_text(j, "lastReportedDateTime", when_text_ms(a, st->since));
	json_set_text(j, "complianceGracePeriodExpirationDateTime", NO_GRACE);
	json_set_id(a, j, "@chancery.slotId", s->id);
	json_set_id(a, j, "@chancery.deviceId", s->device);
	json_set_text(j, "@chancery.state", st->word);
	json_set_text(j, "@chancery.fault", *st->fault == '\0' ? NULL : st->fault);
	json_set_text(j, "@chancery.reason", st->why);
	json_set_text(j, "@chancery.nextStep", st->next);
	*ret = steal(j);
	return OK;
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	const struct of_profile *of = arg;
	struct profile profile;
	struct slot *v;
	size_t n;

	(void)q;
	TRY(store_profile_get(tx, a, of->profile, &profile));
	TRY(store_slot_list(tx, a, of->profile, (struct id){ 0 }, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		struct status st;
		json *j;

		TRY(status_of(tx, a, &v[i], &st));
		if (st.state == STATUS_REMOVED) {
			rows_pass(rows, v[i].id);
			continue;
		}
		TRY(status_json(tx, a, &v[i], &st, &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

static err_t
list(struct http_req *r)
{
	struct of_profile of;
	struct collection c = { .set = "deviceManagement/deviceConfigurations/deviceStatuses",
		.page = LIMIT_PAGE,
		.read = read_page,
		.arg = &of };

	TRY(rights_profile(r, PERM_CONFIG_READ));
	TRY(param_id(r, "id", &of.profile));
	return reply_collection(r, &c, 0);
}

static err_t
count(struct tx *tx, struct arena *a, struct id profile, struct overview *ret)
{
	struct status_counts n;

	TRY(status_counts(tx, a, profile, &n));
	*ret = (struct overview){ .pending = (int64_t)n.pending,
		.success = (int64_t)n.success,
		.error = (int64_t)n.error,
		.updated = n.updated,
		.of_devices = true };
	return OK;
}

static err_t
overview(struct http_req *r)
{
	return overview_reply(r, "deviceStatusOverview", count);
}

#define ONE "/deviceManagement/deviceConfigurations/{id}"

static const struct http_route routes[] = {
	GRAPH(GET, ONE "/deviceStatuses", PERM_CONFIG_READ | PERM_SCOPED, list),
	GRAPH(GET, ONE "/deviceStatusOverview", PERM_CONFIG_READ | PERM_SCOPED, overview),
	{ 0 },
};

const struct resource resource_device_statuses = { "device_statuses", routes };
