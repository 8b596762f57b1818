/* SPDX-License-Identifier: Apache-2.0 */
#include "api/service.h"

void
api_init(struct api *api)
{
	pthread_mutex_init(&api->brake.lock, NULL);
	memset(api->brake.row, 0, sizeof(api->brake.row));
	if (api->lease_s == 0)
		api->lease_s = 120;
	if (api->max_jobs == 0)
		api->max_jobs = 4;
}

struct api *
api_of(struct http_req *r)
{
	return http_ctx(r);
}
