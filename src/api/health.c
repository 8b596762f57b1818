/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /healthz (the process answers), /readyz (store and key process answer too), /metrics (Prometheus text).
 *
 * The first two are open and say nothing but yes or no. Metrics tell how much is going on and need a token with
 * Chancery.Metrics.Read, also from this machine: behind a proxy everybody comes from there. Prometheus gets itself one
 * (its setting oauth2).
 */
#include "api/connector_release.h"
#include "api/reply.h"
#include "codec/keys_ipc.h"

#define METRICS_MAX (4u << 20)

static err_t
get_health(struct http_req *r)
{
	return http_reply(r, 200, "text/plain; charset=utf-8", LIT("ok\n"));
}

static err_t
touch(struct tx *tx, void *arg)
{
	struct user *v;
	size_t n;
	bool more;

	return store_user_list(tx, arg, (struct page){ .limit = 1 }, &v, &n, &more);
}

static err_t
get_ready(struct http_req *r)
{
	struct api *api = api_of(r);
	struct arena *a = http_arena(r);
	struct str answer;

	TRY(store_read(api->store, touch, a));
	TRY(ipc_call(api->keys, a, KEYS_PUBLIC, true, STR_EMPTY, &answer));
	return http_reply(r, 200, "text/plain; charset=utf-8", LIT("ready\n"));
}

struct telling {
	struct arena *a;
	struct buf *out;
	size_t from;
};

static err_t
tell_connectors(struct tx *tx, void *arg)
{
	struct telling *t = arg;

	t->out->n = t->from;
	return connector_metrics(tx, t->a, t->out);
}

static err_t
get_metrics(struct http_req *r)
{
	struct api *api = api_of(r);
	auto_buf struct buf b = { 0 };

	buf_init(&b, METRICS_MAX);
	if (api->metrics != NULL)
		TRY(metrics_print(api->metrics, &b));
	TRY(store_read(api->store, tell_connectors,
	    &(struct telling){ .a = http_arena(r), .out = &b, .from = b.n }));
	return http_reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&b));
}

static const struct http_route routes[] = {
	ROUTE(GET, "/healthz", PERM_PUBLIC, get_health),
	ROUTE(GET, "/readyz", PERM_PUBLIC, get_ready),
	ROUTE(GET, "/metrics", PERM_METRICS_READ, get_metrics),
	{ 0 },
};

const struct resource resource_health = { "health", routes };
