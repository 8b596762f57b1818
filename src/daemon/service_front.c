/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/service_front.h"
#include "daemon/notify.h"
#include "daemon/push_windows.h"
#include "daemon/service_apple.h"
#include "daemon/service_sweep.h"
#include "daemon/service_windows.h"

#include "api/oidc.h"
#include "base/limits.h"
#include "codec/keys_ipc.h"
#include "model/enrol.h"
#include "model/job.h"
#include "model/refusal.h"
#include "pki/cert.h"

#define KEYS_CONNECTIONS 8
#define KEYS_PATIENCE_MS 10000
#define POLL_SECONDS 60

static void
notify(void *ctx, unsigned topic, struct str key)
{
	struct front *f = ctx;

	if (f->http_device != NULL)
		http_notify(f->http_device, topic, key);
	if (f->push != NULL && topic == TOPIC_DEVICE)
		push_nudge(f->push, key);
	if (f->wakes_windows != NULL && topic == TOPIC_DEVICE)
		push_nudge(f->wakes_windows, key);
}

static err_t
ca_facts(void *ctx, struct arena *a, struct api_ca *ret)
{
	struct front *f = ctx;

	ret->identity_ca = f->join.identity_name;
	ret->identity_ca_pem = text_pem(a, "CERTIFICATE", f->join.identity.v[0]);
	ret->holder = STR(f->join.holder);
	return OK;
}

static err_t
issue(void *ctx, struct arena *a, const struct order *o, struct str csr, struct str *ret_cert,
    struct str **ret_chain, size_t *retn)
{
	struct front *f = ctx;

	return identity_issue(f->identity, a, o, csr, ret_cert, ret_chain, retn);
}

/* Apple's is the one platform that wants a key within something that it writes itself. */
static err_t
frame(void *ctx, struct arena *a, const struct job *j, struct str *ret)
{
	(void)ctx;
	for (size_t i = 0; i < platform_count; i++)
		if (platform_table[i]->frame != NULL)
			return platform_table[i]->frame(a, j, ret);
	FAIL(ERR_UNSUPPORTED, "no platform writes frames for %s", j->device.platform);
}

static err_t
sign_profile(void *ctx, struct arena *a, struct str content, struct str *ret)
{
	struct front *f = ctx;

	return profile_sign(f->profiles, a, content, ret);
}

static err_t
deposit(void *ctx, struct arena *a, const struct order *o)
{
	struct front *f = ctx;

	return identity_deposit(f->identity, a, o);
}

static err_t
scep(void *ctx, struct arena *a, const char *operation, struct str message, int *ret_status,
    const char **ret_type, struct str *ret_body)
{
	struct front *f = ctx;

	return identity_scep(f->identity, a, operation, message, ret_status, ret_type, ret_body);
}

/* Public halves of what service/keys holds. */
static err_t
learn_keys(struct front *f)
{
	struct keys_public_rep rep;
	auto_json json *set = NULL;
	struct str out, jwk;

	TRY(ipc_call(f->keys, f->arena, KEYS_PUBLIC, true, STR_EMPTY, &out));
	TRY(keys_public_rep_parse(f->arena, out, &rep));
	TRY(json_parse(str_c(rep.jwks), LIMIT_IPC_MESSAGE, &set));
	TRY(json_print(f->arena, json_at(json_get(set, "keys"), 0), &jwk));
	TRY(jws_key_parse(jwk, &f->token_key));
	f->jwks = arena_strdup(f->arena, rep.jwks);
	f->order_key = arena_strdup(f->arena, rep.order_key);
	return OK;
}

struct tenant {
	struct arena *a;
	struct id id;
};

/* The installation's own id: made once. */
static err_t
settle_tenant(struct tx *tx, void *arg)
{
	struct tenant *t = arg;
	struct str v;
	err_t e = store_setting_get(tx, t->a, "tenant", &v);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		t->id = id_new();
		return store_setting_put(tx, "tenant", id_str(&t->id));
	}
	TRY(e);
	memcpy(t->id.b, v.p, v.n < sizeof(t->id.b) ? v.n : sizeof(t->id.b));
	return OK;
}

static err_t
far_for(struct front *f, struct far_ipc *far, uint8_t which, struct str leaf, struct key **ret)
{
	auto_cert struct cert *cert = NULL;
	auto_key struct key *public = NULL;
	struct str spki;

	*far = (struct far_ipc){ f->keys, KEYS_SIGN, which };
	TRY(cert_parse(leaf, &cert));
	TRY(cert_key(cert, &public));
	TRY(key_spki(f->arena, public, &spki));
	return far_key_open(far, spki, ret);
}

static err_t
watch_end(struct front *f, struct expiry *x, const char *name, struct str leaf)
{
	auto_cert struct cert *cert = NULL;

	TRY(cert_parse(leaf, &cert));
	expiry_watch(x, name, cert_not_after(cert), f->metrics);
	return OK;
}

/* Certificates, keys and the way to the CA, as joined. */
static err_t
open_joined(struct front *f)
{
	struct identity_conf ic = {
		.keys = f->keys, .ca_url = f->join.ca_url, .ca_name = f->join.identity_name
	};
	struct tls_server_conf tc = { 0 };

	TRY(far_for(f, &f->far_tls, KEYS_TLS, f->join.tls.v[0], &f->tls_key));
	TRY(far_for(f, &f->far_ra, KEYS_RA, f->join.ra.v[0], &f->ra_key));
	TRY(watch_end(f, &f->ends_tls, "tls", f->join.tls.v[0]));
	TRY(watch_end(f, &f->ends_ra, "ra", f->join.ra.v[0]));

	ic.tls = (struct tls_client_conf){ f->join.root.v, f->join.root.n, f->ra_key, f->join.ra.v,
		f->join.ra.n };
	TRY(identity_new(&ic, &f->identity));
	TRY(profile_signer_new(f->store, f->keys, f->identity, &f->join, f->tenant, &f->profiles));

	tc.key = f->tls_key;
	tc.chain = f->join.tls.v;
	tc.nchain = f->join.tls.n;
	TRY(tls_server_new(&tc, &f->tls_api));
	tc.client = TLS_CLIENT_ENDED;
	tc.anchors = f->join.identity.v;
	tc.nanchors = f->join.identity.n;
	return tls_server_new(&tc, &f->tls_device);
}

/* The outside issuer, if there is one. */
static err_t
open_oidc(struct front *f, const struct service *s)
{
	const struct service_conf *c = f->conf;
	struct str *anchors = arena_array(f->arena, LIMIT_CERTS, sizeof(*anchors));
	struct oidc_conf conf = { .issuer = c->oidc_issuer,
		.audience = c->oidc_audience,
		.client = c->oidc_client,
		.clients = c->oidc_clients,
		.scope = c->oidc_scope,
		.name_claim = c->oidc_name,
		.groups_claim = c->oidc_groups,
		.directory = c->oidc_directory,
		.tls = { .anchors = anchors },
		.metrics = f->metrics };

	if (*c->oidc_issuer == '\0')
		return OK;
	if (s->oidc_ca.n > 0)
		TRY_CTX(text_unpem(f->arena, s->oidc_ca, "CERTIFICATE", anchors, LIMIT_CERTS,
			    &conf.tls.nanchors),
		    "[oidc] ca");
	return oidc_new(&conf, &f->oidc);
}

/* Webhooks and mail. */
static err_t
open_notify(struct front *f, const struct service *s)
{
	struct str *anchors = arena_array(f->arena, LIMIT_CERTS, sizeof(*anchors));
	struct notify_conf conf = {
		.store = f->store, .tls = { .anchors = anchors }, .metrics = f->metrics
	};
	struct str password = s->mail_password;

	if (s->notify_ca.n > 0)
		TRY_CTX(text_unpem(f->arena, s->notify_ca, "CERTIFICATE", anchors, LIMIT_CERTS,
			    &conf.tls.nanchors),
		    "[notify] ca");
	while (password.n > 0 &&
	    (password.p[password.n - 1] == '\n' || password.p[password.n - 1] == '\r'))
		password.n--;
	conf.mail = (struct mail_conf){ .server = f->conf->mail_server,
		.user = f->conf->mail_user,
		.from = f->conf->mail_from,
		.tls = conf.tls };
	TRY_CTX(text_cstr(f->arena, password, &conf.mail.password), "[mail] password_file");
	if (*conf.mail.server != '\0' && !mail_address_good(conf.mail.from))
		FAIL(ERR_CONF, "[mail] from: is no mail address");
	return notify_start(&conf, &f->notify);
}

static void
add_trouble(struct arena *a, json *list, struct push *p)
{
	const struct err_info *info;
	struct err_report why;
	json *x;

	if (p == NULL || !push_trouble(p, &why))
		return;
	info = err_info(why.code);
	x = json_object_new();
	json_set_text(x, "code", info->id);
	json_set_text(x, "message",
	    arena_printf(a, "%s%s%s", info->text, why.detail[0] == '\0' ? "" : ": ",
		text_safe(a, str_c(why.detail))));
	json_set_text(x, "hint", info->hint);
	json_add(list, x);
}

/* Wake-ups that do not get through. */
static void
troubles(void *ctx, struct arena *a, json *list)
{
	const struct front *f = ctx;

	add_trouble(a, list, f->push);
	add_trouble(a, list, f->wakes_windows);
}

static void
fill_api(struct front *f)
{
	const struct jws_key **keys = arena_array(f->arena, 1, sizeof(*keys));

	keys[0] = f->token_key;
	f->api = (struct api){
		.store = f->store,
		.keys = f->keys,
		.token_keys = keys,
		.ntoken_keys = 1,
		.jwks = f->jwks,
		.order_key = f->order_key,
		.base_url = f->conf->url,
		.device_url = f->conf->device_url,
		.tenant = f->tenant,
		.organization = f->conf->organization,
		.lease_s = (int)f->conf->lease,
		.rate_any = (unsigned)f->conf->rate,
		.rate_write = (unsigned)f->conf->rate_changes,
		.metrics = f->metrics,
		.ca_facts = ca_facts,
		.identity_issue = issue,
		.frame = frame,
		.ca_ctx = f,
		.troubles = troubles,
		.oidc = f->oidc,
		.refusals = f->refusals,
	};
	api_init(&f->api);
	f->device = (struct device_edge){
		.store = f->store,
		.identity_issue = issue,
		.identity_deposit = deposit,
		.identity_scep = scep,
		.identity_ctx = f,
		.identity_ca = f->join.identity_name,
		.holder = STR(f->join.holder),
		.roots = f->join.root.v,
		.nroots = f->join.root.n,
		.poll_seconds = POLL_SECONDS,
		.url = f->conf->device_url,
		.keys = f->keys,
		.identity_anchors = f->join.identity.v,
		.nidentity_anchors = f->join.identity.n,
		.profile_sign = sign_profile,
		.renew_before = f->conf->apple_renew * 86400,
		.apple_declarative = f->conf->apple_declarative,
		.apple_topic = f->apple_topic,
		.windows_family = f->conf->windows_pfn,
		.windows_push_host = f->conf->windows_push_host,
		.organization = f->conf->organization,
		.calm = f->calm,
		.count = &f->edge_count,
		.refusals = f->refusals,
	};
	edge_count_init(&f->edge_count, f->metrics);
}

static void
access_log(void *ctx, const char *method, const char *target, int status, size_t bytes, int64_t us)
{
	auto_arena struct arena *a = arena_new();

	(void)ctx;
	log_event(LOG_LEVEL_DEBUG, "request", "method", method, "target", target, "status",
	    arena_printf(a, "%d", status), "bytes", arena_printf(a, "%zu", bytes), "us",
	    arena_printf(a, "%lld", (long long)us), NULL);
}

/* A failure that is ours and not the caller's goes to the log as well. */
static void
api_failed(struct http_req *r, err_t e)
{
	struct err_report rep;

	err_take(e, &rep);
	if (err_info(rep.code)->http >= 500)
		log_report("request failed", &rep);
	api_on_error(r, err_raise(&rep));
}

static void
device_failed(struct http_req *r, err_t e)
{
	struct err_report rep;

	err_take(e, &rep);
	if (err_info(rep.code)->http >= 500)
		log_report("device request failed", &rep);
	device_error(r, err_raise(&rep));
}

static void
connector_failed(struct http_req *r, err_t e)
{
	const struct api *api = http_ctx(r);
	struct err_report rep;

	err_take(e, &rep);
	refusals_note(api->refusals, REFUSED_CONNECTOR, rep.code, http_peer_addr(r), rep.detail);
	api_failed(r, err_raise(&rep));
}

static unsigned
connector_workers(const struct service_conf *c)
{
	unsigned n = (unsigned)c->workers / 4;

	return n > 0 ? n : 1;
}

/* By the name that the identity CA gave it: whether it is one that works here is seen to with each request. */
static bool
is_connector(struct str cert)
{
	auto_arena struct arena *a = arena_new();

	return enrol_kind_of(a, cert) == CODE_CONNECTOR;
}

static err_t
start_ports(struct front *f, const struct service *s)
{
	struct http_conf hc = { .loops = (unsigned)f->conf->loops,
		.workers = (unsigned)f->conf->workers,
		.metrics = f->metrics,
		.on_done = access_log };
	struct http_mount *api = arena_array(f->arena, resource_count, sizeof(*api));
	struct http_mount *device = arena_array(f->arena, platform_count + 1, sizeof(*device));

	for (size_t i = 0; i < resource_count; i++)
		api[i] = (struct http_mount){ .routes = resource_table[i]->routes,
			.ctx = &f->api,
			.gate = api_gate,
			.on_error = api_failed };
	for (size_t i = 0; i < platform_count; i++)
		device[i] = (struct http_mount){ .routes = platform_table[i]->routes,
			.ctx = &f->device,
			.gate = device_gate,
			.on_error = device_failed };
	/* They must not stand behind ten thousand devices that wait for what they bring. */
	device[platform_count] = (struct http_mount){ .routes = api_connector_routes,
		.ctx = &f->api,
		.gate = api_connector_gate,
		.on_error = connector_failed,
		.workers = connector_workers(f->conf) };

	hc.name = "device";
	hc.listen_fd = s->fd_device;
	hc.tls = f->tls_device;
	hc.mounts = device;
	hc.nmounts = platform_count + 1;
	hc.max_stranger = LIMIT_HTTP_STRANGER;
	hc.room_strangers = LIMIT_HTTP_STRANGERS;
	hc.first = is_connector;
	TRY(http_new(&hc, &f->http_device));
	hc.name = "api";
	hc.listen_fd = s->fd_api;
	hc.tls = f->tls_api;
	hc.mounts = api;
	hc.nmounts = resource_count;
	hc.max_stranger = 0;
	hc.room_strangers = 0;
	hc.first = NULL;
	TRY(http_new(&hc, &f->http_api));
	store_set_notify(f->store, notify, f);
	TRY(http_start(f->http_device));
	return http_start(f->http_api);
}

static err_t
open_front(struct front *f, const struct service *s)
{
	struct store_conf sc = {
		.schema = STORE_SERVICE, .metrics = f->metrics, .cache = (unsigned)s->conf->cache
	};
	struct tenant tenant = { .a = f->arena };
	err_t e;

	sc.path = arena_printf(f->arena, "%s/front/service.db", s->conf->common.state_dir);
	TRY(keyprov_init());
	TRY(store_open(&sc, &f->store));
	f->calm = calm_new(f->store, f->metrics);
	f->refusals = refusals_new();
	keeper_init(&f->keeper, f->store, s->conf->history, f->metrics);
	TRY(store_write(f->store, settle_tenant, &tenant));
	f->tenant = tenant.id;
	TRY(ipc_client_new(arena_printf(f->arena, "%s/keys.sock", s->conf->common.run_dir),
	    KEYS_CONNECTIONS, KEYS_PATIENCE_MS, &f->keys));
	TRY(learn_keys(f));
	e = service_join_load(f->store, f->arena, &f->join);
	f->joined = err_ok(e);
	if (err_is(e, ERR_NOT_JOINED)) {
		log_error("ports stay closed", e);
		return OK;
	}
	TRY(e);
	TRY(open_joined(f));
	TRY(open_oidc(f, s));
	TRY(open_notify(f, s));
	TRY(service_apple_open(f, s));
	TRY(service_windows_open(f, s));
	fill_api(f);
	return start_ports(f, s);
}

static void
close_front(struct front *f)
{
	if (f->http_api != NULL)
		http_stop(f->http_api);
	if (f->http_device != NULL)
		http_stop(f->http_device);
	http_free(f->http_api);
	http_free(f->http_device);
	notify_stop(f->notify);
	store_set_notify(f->store, NULL, NULL);
	push_stop(f->push);
	push_stop(f->wakes_windows);
	push_windows_free(f->push_windows);
	key_free(f->push_key);
	profile_signer_free(f->profiles);
	identity_free(f->identity);
	oidc_free(f->oidc);
	api_end(&f->api);
	tls_server_free(f->tls_api);
	tls_server_free(f->tls_device);
	key_free(f->tls_key);
	key_free(f->ra_key);
	jws_key_free(f->token_key);
	if (f->calm != NULL)
		err_forget(calm_seen(f->calm));
	calm_free(f->calm);
	if (f->store != NULL)
		err_forget(refusals_tell(f->refusals, f->store, true));
	refusals_free(f->refusals);
	store_close(f->store);
	ipc_client_free(f->keys);
	metrics_free(f->metrics);
	arena_free(f->arena);
}

err_t
service_front_main(void *arg)
{
	struct service *s = arg;
	struct front f = { .conf = s->conf, .arena = arena_new(), .metrics = metrics_new() };
	struct ipc_server *admin = NULL;
	struct sweeper *sweeper;

	TRY(common_enter(&s->conf->common, "service", s->self));
	TRY(open_front(&f, s));
	TRY(ipc_server_new(s->fd_admin, 8, service_admin_verbs, &f, &admin));
	TRY(ipc_server_start(admin));
	TRY(sweeper_start(&f, &sweeper));
	log_event(LOG_LEVEL_INFO, f.joined ? "ready" : "waiting to be joined", "api",
	    s->conf->listen_api, "device", s->conf->listen_device, NULL);
	proc_wait();
	sweeper_stop(sweeper);
	ipc_server_stop(admin);
	close_front(&f);
	sweeper_free(sweeper);
	return OK;
}
