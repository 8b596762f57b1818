/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each user stands with a profile, all devices together: userStatuses and userStatusOverview (Graph beta
 * deviceConfigurationUserStatus and ...UserOverview), from counts that the store keeps, so that overview and rows
 * agree. Devices without a user count as one, "System account", as Graph has it.
 */
#include "api/overview.h"
#include "api/rights.h"
#include "api/slot.h"
#include "store/slot_count.h"

#define SYSTEM "System account"

static const char *
standing(const struct slot_user *u)
{
	return u->error > 0 ? "error" : u->pending > 0 ? "unknown" : "compliant";
}

static err_t
status_json(
    struct tx *tx, struct arena *a, struct id profile, const struct slot_user *x, json **ret)
{
	auto_json json *j = json_object_new();
	const struct user *of = NULL;
	struct user u;
	bool nobody = id_is_zero(x->user);

	if (!nobody)
		TRY(device_user(tx, a, &(struct device){ .user = x->user }, &u, &of));
	json_set_text(j, "id", arena_printf(a, "%s_%s", id_text(a, x->user), id_text(a, profile)));
	json_set_text(j, "userDisplayName", nobody ? SYSTEM : of == NULL ? NULL : of->display_name);
	json_set_text(j, "userPrincipalName", nobody ? SYSTEM : of == NULL ? NULL : of->upn);
	json_set_int(j, "devicesCount", x->pending + x->success + x->error);
	json_set_text(j, "status", standing(x));
	json_set_text(j, "lastReportedDateTime", when_text_ms(a, x->changed));
	json_set_id(a, j, "@chancery.userId", x->user);
	json_set_int(j, "@chancery.pending", x->pending);
	json_set_int(j, "@chancery.success", x->success);
	json_set_int(j, "@chancery.error", x->error);
	*ret = steal(j);
	return OK;
}

/* Zero is no key to page after; nobody has this one. */
static struct id
key_of(const struct slot_user *x)
{
	return id_is_zero(x->user) ? (struct id){ { [15] = 1 } } : x->user;
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	const struct id *id = arg;
	struct profile profile;
	struct slot_user *v;
	size_t n;

	(void)q;
	TRY(store_profile_get(tx, a, *id, &profile));
	TRY(store_slot_users(tx, a, *id, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		json *j;

		TRY(status_json(tx, a, *id, &v[i], &j));
		rows_add(rows, key_of(&v[i]), j);
	}
	return OK;
}

static err_t
list(struct http_req *r)
{
	struct id id;
	struct collection c = { .set = "deviceManagement/deviceConfigurations/userStatuses",
		.page = LIMIT_PAGE,
		.read = read_page,
		.arg = &id };

	TRY(rights_profile(r, PERM_CONFIG_READ));
	TRY(param_id(r, "id", &id));
	return reply_collection(r, &c, 0);
}

static err_t
count(struct tx *tx, struct arena *a, struct id profile, struct overview *ret)
{
	struct slot_user_counts n;
	struct status_counts slots;

	TRY(store_slot_user_counts(tx, profile, &n));
	TRY(status_counts(tx, a, profile, &slots));
	*ret = (struct overview){ .pending = n.pending,
		.success = n.success,
		.error = n.error,
		.updated = slots.updated };
	return OK;
}

static err_t
overview(struct http_req *r)
{
	return overview_reply(r, "userStatusOverview", count);
}

#define ONE "/deviceManagement/deviceConfigurations/{id}"

static const struct http_route routes[] = {
	GRAPH(GET, ONE "/userStatuses", PERM_CONFIG_READ | PERM_SCOPED, list),
	GRAPH(GET, ONE "/userStatusOverview", PERM_CONFIG_READ | PERM_SCOPED, overview),
	{ 0 },
};

const struct resource resource_user_statuses = { "user_statuses", routes };
