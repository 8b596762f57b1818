/* SPDX-License-Identifier: Apache-2.0 */
#include "api/overview.h"

err_t
overview_reply(struct http_req *r, const char *set, const struct query *q, const struct profile *p,
    const struct overview *x)
{
	struct arena *a = http_arena(r);
	json *j = json_object_new();

	json_set_id(a, j, "id", p->id);
	json_set_int(j, "pendingCount", x->pending);
	json_set_int(j, "notApplicableCount", 0);
	if (x->of_devices)
		json_set_int(j, "notApplicablePlatformCount", 0);
	json_set_int(j, "successCount", x->success);
	json_set_int(j, "errorCount", x->error);
	json_set_int(j, "failedCount", 0);
	json_set_int(j, "conflictCount", 0);
	json_set_text(j, "lastUpdateDateTime",
	    x->updated == 0 ? "0001-01-01T00:00:00Z" : when_text_ms(a, x->updated));
	json_set_int(j, "configurationVersion", p->version);
	return reply_entity(
	    r, 200, arena_printf(a, "deviceManagement/deviceConfigurations/%s", set), NULL, q, j);
}
