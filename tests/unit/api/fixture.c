/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "expect.h"

#include "base/secret.h"
#include "codec/keys_ipc.h"
#include "net/proc.h"
#include "pki/issue.h"
#include "pki/csr.h"
#include "pki/password.h"
#include "pki/seal.h"
#include "store/access.h"
#include "store/device.h"

static err_t
keys_public(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	(void)ctx;
	(void)a;
	TRY(rd_end(&in));
	return keys_public_rep_encode(
	    &(struct keys_public_rep){ .order_key = "", .jwks = "{}" }, out);
}

static err_t
keys_sign(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct fixture *f = ctx;
	struct keys_token_req q;
	struct keys_token_rep rep;

	TRY(keys_token_req_parse(a, in, &q));
	TRY(jws_sign(a, f->key, str_c(q.claims), &rep.token));
	return keys_token_rep_encode(&rep, out);
}

static err_t
keys_seal(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct fixture *f = ctx;
	struct keys_seal_req q;
	struct keys_seal_rep rep;
	struct order o;

	TRY(keys_seal_req_parse(a, in, &q));
	TRY(order_parse(a, q.order, &o));
	TRY(seal_order(a, f->order_key, &o, &rep.sealed));
	return keys_seal_rep_encode(&rep, out);
}

static const struct ipc_verb verbs[] = {
	{ KEYS_PUBLIC, keys_public },
	{ KEYS_SIGN_TOKEN, keys_sign },
	{ KEYS_SEAL_ORDER, keys_seal },
	{ 0, NULL },
};

static err_t
ca_facts(void *ctx, struct arena *a, struct api_ca *ret)
{
	struct fixture *f = ctx;
	static const uint8_t holder[32] = { 7 };

	ret->identity_ca = "Test Device Identity CA";
	ret->identity_ca_pem = text_pem(a, "CERTIFICATE", f->ca_cert);
	ret->holder = STR(holder);
	return OK;
}

static err_t
identity_issue(void *ctx, struct arena *a, const struct order *o, struct str csr_der,
    struct str *ret_cert, struct str **ret_chain, size_t *retn)
{
	struct fixture *f = ctx;
	auto_cert struct cert *ca = NULL;
	auto_csr struct csr csr = { 0 };
	struct issue_spec s = { .path_len = -1, .key_usage = 0xa0 };
	struct str tbs;

	TRY(cert_parse(f->ca_cert, &ca));
	TRY(csr_parse(a, csr_der, &csr));
	issue_serial(s.serial);
	s.issuer = ca;
	s.key = csr.key;
	s.subject = o->subject;
	s.not_before = when_now() - 60;
	s.not_after = when_now() + 86400;
	TRY(issue_tbs(a, &s, f->ca_key, &tbs));
	TRY(issue_sign(a, tbs, f->ca_key, ret_cert));
	*ret_chain = ARENA_NEW(a, struct str);
	**ret_chain = f->ca_cert;
	*retn = 1;
	return OK;
}

static void
make_ca(struct fixture *f)
{
	static const struct dn_ava cn = { "2.5.4.3", "Test Device Identity CA" };
	struct dn_rdn rdn = { (struct dn_ava *)&cn, 1 };
	struct dn dn = { &rdn, 1 };
	struct issue_spec s = { .ca = true, .path_len = 0, .key_usage = 0x06 };
	struct str tbs;

	expect_ok(key_make(KEY_EC, KEY_P256, &f->ca_key));
	issue_serial(s.serial);
	s.key = f->ca_key;
	expect_ok(dn_encode(f->a, &dn, &s.subject));
	s.not_before = when_now() - 60;
	s.not_after = when_now() + 864000;
	expect_ok(issue_tbs(f->a, &s, f->ca_key, &tbs));
	expect_ok(issue_sign(f->a, tbs, f->ca_key, &f->ca_cert));
}

static void
make_keys(struct fixture *f)
{
	struct str jwk, spki;
	char *path = arena_printf(f->a, "%s/keys.sock", f->dir);
	const struct jws_key **list = arena_array(f->a, 1, sizeof(*list));
	int fd;

	expect_ok(jws_key_make(f->a, &jwk));
	expect_ok(jws_key_parse(jwk, &f->key));
	expect_ok(jws_key_public(f->a, f->key, &jwk));
	expect_ok(key_make(KEY_EC, KEY_P256, &f->order_key));
	expect_ok(ipc_listen(path, 0600, &fd));
	expect_ok(ipc_server_new(fd, 8, verbs, f, &f->keys));
	expect_ok(ipc_server_start(f->keys));
	expect_ok(ipc_client_new(path, 2, 5000, &f->api.keys));
	list[0] = f->key;
	f->api.token_keys = list;
	f->api.ntoken_keys = 1;
	expect_ok(key_spki(f->a, f->order_key, &spki));
	f->api.order_key = text_pem(f->a, "PUBLIC KEY", spki);
	f->api.jwks = arena_printf(f->a, "{\"keys\":[%.*s]}", (int)jwk.n, (const char *)jwk.p);
}

struct connector_look {
	struct arena *a;
	struct id id;
	struct connector *ret;
};

static err_t
connector_get(struct tx *tx, void *arg)
{
	struct connector_look *l = arg;

	return store_connector_get(tx, l->a, l->id, l->ret);
}

/* Without TLS there is no client certificate: every caller of the device port is the fixture's connector. */
static err_t
connector_gate(struct http_req *r, unsigned perm)
{
	struct arena *a = http_arena(r);
	const struct fixture *f = api_of(r)->ca_ctx;
	struct connector_look l = {
		.a = a, .id = f->connector, .ret = ARENA_NEW(a, struct connector)
	};

	if (id_is_zero(f->connector) || perm == PERM_CONNECTOR_ENROL)
		return api_connector_gate(r, perm);
	TRY(store_read(f->store, connector_get, &l));
	http_set_caller(r, l.ret);
	return OK;
}

static const char *
serve(struct fixture *f, const struct http_mount *mounts, size_t n, struct http **ret)
{
	struct http_conf conf = {
		.name = "test", .loops = 1, .workers = 3, .mounts = mounts, .nmounts = n
	};
	unsigned port;

	expect_ok(net_listen("127.0.0.1:0", &conf.listen_fd, &port));
	expect_ok(http_new(&conf, ret));
	return arena_printf(f->a, "http://127.0.0.1:%u", port);
}

static void
notify(void *ctx, unsigned topic, struct str key)
{
	struct fixture *f = ctx;

	if (f->device != NULL)
		http_notify(f->device, topic, key);
}

int
fixture_setup(void **state)
{
	static const struct tls_client_conf tls = { 0 };
	struct fixture *f = calloc(1, sizeof(*f));
	struct http_mount *device, *api;

	assert_non_null(f);
	f->a = arena_new();
	memcpy(f->dir, "/tmp/test-api-XXXXXX", 21);
	assert_non_null(mkdtemp(f->dir));
	expect_ok(store_open(&(struct store_conf){ .path = arena_printf(f->a, "%s/db", f->dir),
				 .schema = STORE_SERVICE,
				 .readers = 2,
				 .notify = notify,
				 .notify_ctx = f },
	    &f->store));
	make_keys(f);
	make_ca(f);
	f->api.store = f->store;
	f->api.tenant = id_new();
	f->api.organization = "Test";
	f->api.ca_facts = ca_facts;
	f->api.identity_issue = identity_issue;
	f->api.ca_ctx = f;
	api_init(&f->api);
	api = arena_array(f->a, resource_count, sizeof(*api));
	for (size_t i = 0; i < resource_count; i++)
		api[i] = (struct http_mount){ .routes = resource_table[i]->routes,
			.ctx = &f->api,
			.gate = api_gate,
			.on_error = api_on_error };
	f->api.base_url = serve(f, api, resource_count, &f->http);
	device = arena_array(f->a, 1, sizeof(*device));
	device[0] = (struct http_mount){ .routes = api_connector_routes,
		.ctx = &f->api,
		.gate = connector_gate,
		.on_error = api_on_error };
	f->device_base = f->api.device_url = serve(f, device, 1, &f->device);
	expect_ok(http_start(f->http));
	expect_ok(http_start(f->device));
	expect_ok(fetch_new(&tls, &f->fetch));
	*state = f;
	return 0;
}

int
fixture_teardown(void **state)
{
	struct fixture *f = *state;
	char *cmd = arena_printf(f->a, "rm -rf '%s'", f->dir);

	when_set(0);
	fetch_free(f->fetch);
	http_stop(f->http);
	http_stop(f->device);
	http_free(f->http);
	http_free(f->device);
	api_end(&f->api);
	ipc_client_free(f->api.keys);
	ipc_server_stop(f->keys);
	store_close(f->store);
	jws_key_free(f->key);
	key_free(f->order_key);
	key_free(f->ca_key);
	assert_int_equal(system(cmd), 0);
	arena_free(f->a);
	free(f);
	return 0;
}

const char *
token_for(struct fixture *f, const char *permissions)
{
	const char *token = NULL;
	struct id app = id_new();

	put_app(f, app, NULL, permissions);
	expect_ok(token_make(&f->api, f->a,
	    &(struct token_spec){ .app = true,
		.subject = app,
		.client = app,
		.name = "Test app",
		.permissions = permissions },
	    &token));
	return token;
}

struct reply
call(struct fixture *f, const char *method, const char *path, const char *token, const char *body)
{
	struct reply r = { 0 };
	struct fetch_reply got;
	const char *headers[4] = { NULL };
	size_t n = 0;
	bool is_json = body != NULL && (*body == '{' || *body == '[');

	if (token != NULL)
		headers[n++] = arena_printf(f->a, "Authorization: Bearer %s", token);
	if (body != NULL)
		headers[n++] = is_json ? "Content-Type: application/json" :
					 "Content-Type: application/x-www-form-urlencoded";
	expect_ok(fetch_run(f->fetch, f->a, method,
	    *path == '/' ? arena_printf(f->a, "%s%s", f->api.base_url, path) : path, headers,
	    str_c(body), 20000, &got));
	r.status = got.status;
	r.body = got.body;
	if (got.body.n > 0 && got.body.p[0] == '{')
		expect_ok(json_parse(got.body, LIMIT_HTTP_REPLY, &r.json));
	return r;
}

void
reply_free(struct reply *r)
{
	json_free(r->json);
}

const char *
posted(struct fixture *f, const char *path, const char *token, const char *body)
{
	auto_reply struct reply r = call(f, "POST", path, token, body);

	if (r.status != 201)
		fail_msg("POST %s: %d %.*s", path, r.status, (int)r.body.n, (const char *)r.body.p);
	return arena_strdup(f->a, json_text(json_get(r.json, "id")));
}

const char *
error_code(const struct reply *r)
{
	return json_text(json_get(json_get(r->json, "error"), "code"));
}

const char *
error_message(const struct reply *r)
{
	return json_text(json_get(json_get(r->json, "error"), "message"));
}

const char *
fault_id(const struct reply *r)
{
	const json *details = json_get(json_get(r->json, "error"), "details");

	return json_text(json_get(json_at(details, 0), "code"));
}

static err_t
app_insert(struct tx *tx, void *arg)
{
	return store_app_insert(tx, arg);
}

static err_t
admin_insert(struct tx *tx, void *arg)
{
	return store_admin_insert(tx, arg);
}

void
put_app(struct fixture *f, struct id id, const char *secret, const char *permissions)
{
	struct app x = { .id = id,
		.name = "An app",
		.secret_hash = "",
		.permissions = permissions,
		.enabled = true,
		.created = when_now() };

	if (secret != NULL)
		expect_ok(password_hash(f->a, PASSWORD_RANDOM, secret, &x.secret_hash));
	expect_ok(store_write(f->store, app_insert, &x));
}

void
put_admin(struct fixture *f, const char *name, const char *password, const char *permissions)
{
	struct admin x = { .id = id_new(),
		.name = name,
		.permissions = permissions,
		.enabled = true,
		.created = when_now() };

	expect_ok(password_hash(f->a, PASSWORD_RANDOM, password, &x.password_hash));
	expect_ok(store_write(f->store, admin_insert, &x));
}
