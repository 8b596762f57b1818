/* SPDX-License-Identifier: Apache-2.0 */
#include "api/service.h"
#include "api/pace.h"
#include "base/limits.h"

void
api_init(struct api *api)
{
	pthread_mutex_init(&api->brake.lock, NULL);
	memset(api->brake.row, 0, sizeof(api->brake.row));
	pace_init(&api->pace, api->metrics);
	if (api->rate_any == 0)
		api->rate_any = LIMIT_RATE_ANY;
	if (api->rate_write == 0)
		api->rate_write = LIMIT_RATE_WRITE;
	if (api->lease_s == 0)
		api->lease_s = 120;
	if (api->max_jobs == 0)
		api->max_jobs = 32;
}

struct api *
api_of(struct http_req *r)
{
	return http_ctx(r);
}
