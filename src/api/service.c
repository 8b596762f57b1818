/* SPDX-License-Identifier: Apache-2.0 */
#include "api/service.h"
#include "api/pace.h"
#include "base/limits.h"
#include "pki/password_queue.h"

/* Of the port's workers (at least four, unless it is set lower) others are always left to serve. */
enum { PASSWORDS_AT_ONCE = 1, PASSWORDS_WAITING = 1 };

void
api_init(struct api *api)
{
	pthread_mutex_init(&api->brake.lock, NULL);
	memset(api->brake.row, 0, sizeof(api->brake.row));
	api->brake.queue = password_queue_new(PASSWORDS_AT_ONCE, PASSWORDS_WAITING);
	sign_ins_init(&api->sign_ins, api->metrics);
	pace_init(&api->pace, "who=\"caller\"", api->metrics);
	pace_init(&api->strangers, "who=\"address\"", api->metrics);
	if (api->rate_any == 0)
		api->rate_any = LIMIT_RATE_ANY;
	if (api->rate_write == 0)
		api->rate_write = LIMIT_RATE_WRITE;
	if (api->lease_s == 0)
		api->lease_s = 120;
	if (api->max_jobs == 0)
		api->max_jobs = 32;
}

void
api_end(struct api *api)
{
	password_queue_free(api->brake.queue);
	api->brake.queue = NULL;
}

struct api *
api_of(struct http_req *r)
{
	return http_ctx(r);
}
