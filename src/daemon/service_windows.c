/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/service_windows.h"

#include "base/limits.h"
#include "daemon/push_windows.h"
#include "device/windows_msg.h"

static err_t
read_conf(struct front *f, const struct service *s, struct push_windows_conf *ret)
{
	const struct service_conf *c = f->conf;
	struct str *anchors = arena_array(f->arena, LIMIT_CERTS, sizeof(*anchors));
	struct str secret = s->windows_secret;

	while (secret.n > 0 && (secret.p[secret.n - 1] == '\n' || secret.p[secret.n - 1] == '\r'))
		secret.n--;
	*ret = (struct push_windows_conf){ .store = f->store,
		.family = c->windows_pfn,
		.host = c->windows_push_host,
		.wns = { .client = c->windows_client,
		    .tenant = c->windows_tenant,
		    .token_url = c->windows_token_url } };
	TRY_CTX(text_cstr(f->arena, secret, &ret->wns.secret), "[windows] push_secret_file");
	if (!wns_package_good(c->windows_pfn))
		FAIL(ERR_CONF, "[windows] push_pfn: is no package family name, Name_publisherid");
	if (c->windows_push_host[0] == '\0')
		FAIL(ERR_CONF, "[windows] push_host: is empty");
	TRY(wns_conf_check(&ret->wns));
	ret->tls.anchors = anchors;
	if (s->windows_ca.n > 0)
		TRY_CTX(text_unpem(f->arena, s->windows_ca, "CERTIFICATE", anchors, LIMIT_CERTS,
			    &ret->tls.nanchors),
		    "[windows] push_ca");
	return OK;
}

err_t
service_windows_open(struct front *f, const struct service *s)
{
	struct push_windows_conf conf;

	if (f->conf->windows_pfn[0] == '\0')
		return OK;
	TRY(read_conf(f, s, &conf));
	f->push_windows = push_windows_new(&conf);
	return push_start(&(struct push_conf){ .store = f->store,
			      .metrics = f->metrics,
			      .way = push_windows_way(f->push_windows) },
	    &f->wakes_windows);
}

err_t
service_windows_show(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct front *f = ctx;
	const struct service_conf *c = f->conf;
	const struct wns_conf wns = { .tenant = c->windows_tenant,
		.token_url = c->windows_token_url };
	bool push = f->wakes_windows != NULL;
	struct err_report why;

	(void)args;
	json_set_text(answer, "discovery",
	    arena_printf(a, "%s%sDiscovery.svc", c->device_url, WINDOWS_ENROL_PATH));
	json_set_bool(answer, "push", push);
	if (!push)
		return OK;
	json_set_text(answer, "package_family_name", c->windows_pfn);
	json_set_text(answer, "client", c->windows_client);
	json_set_text(answer, "token_url", wns_token_url(a, &wns));
	json_set_when(a, answer, "token_ends", push_windows_token_ends(f->push_windows));
	if (!push_trouble(f->wakes_windows, &why))
		return OK;
	json_set_text(answer, "fault", err_info(why.code)->id);
	json_set_text(answer, "detail", text_safe(a, str_c(why.detail)));
	json_set_text(answer, "hint", err_info(why.code)->hint);
	return OK;
}
