/* SPDX-License-Identifier: Apache-2.0 */
#include "api/overview.h"

#include "api/rights.h"

struct look {
	struct arena *a;
	struct id id;
	err_t (*count)(struct tx *tx, struct arena *a, struct id profile, struct overview *ret);
	struct profile profile;
	struct overview overview;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;

	TRY(store_profile_get(tx, l->a, l->id, &l->profile));
	return l->count(tx, l->a, l->id, &l->overview);
}

static json *
overview_json(const struct look *l)
{
	const struct overview *x = &l->overview;
	json *j = json_object_new();

	json_set_id(l->a, j, "id", l->profile.id);
	json_set_int(j, "pendingCount", x->pending);
	json_set_int(j, "notApplicableCount", 0);
	if (x->of_devices)
		json_set_int(j, "notApplicablePlatformCount", 0);
	json_set_int(j, "successCount", x->success);
	json_set_int(j, "errorCount", x->error);
	json_set_int(j, "failedCount", 0);
	json_set_int(j, "conflictCount", 0);
	json_set_text(j, "lastUpdateDateTime",
	    x->updated == 0 ? "0001-01-01T00:00:00Z" : when_text_ms(l->a, x->updated));
	json_set_int(j, "configurationVersion", l->profile.version);
	return j;
}

err_t
overview_reply(struct http_req *r, const char *set,
    err_t (*count)(struct tx *tx, struct arena *a, struct id profile, struct overview *ret))
{
	struct look l = { .a = http_arena(r), .count = count };
	struct query q;

	TRY(rights_profile(r, PERM_CONFIG_READ));
	TRY(param_id(r, "id", &l.id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &l));
	return reply_entity(r, 200,
	    arena_printf(l.a, "deviceManagement/deviceConfigurations/%s", set), NULL, &q,
	    overview_json(&l));
}
