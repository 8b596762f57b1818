/* SPDX-License-Identifier: Apache-2.0 */
/* How a profile stands with all its devices or users together: Graph's deviceConfigurationDeviceOverview and UserOverview. */
#ifndef API_OVERVIEW_H
#define API_OVERVIEW_H

#include "api/reply.h"
#include "store/profile.h"

struct overview {
	int64_t pending, success, error;
	when_ms_t updated; /* 0: never */
	bool of_devices;   /* then it has a count of other platforms, too */
};
/* Answers with that of the profile of the path, as far as the caller reaches it. set: "deviceStatusOverview" */
err_t overview_reply(struct http_req *r, const char *set,
    err_t (*count)(struct tx *tx, struct arena *a, struct id profile, struct overview *ret));

#endif
