/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the administrator of the host may do at the service's own socket: join it to its CA, and say who may use the API.
 * Everything else goes through the API.
 */
#include "base/secret.h"
#include "codec/admin_ipc.h"
#include "codec/keys_ipc.h"
#include "daemon/service_apple.h"
#include "daemon/service_windows.h"
#include "net/admin.h"
#include "pki/password.h"

#define SECRET_BYTES 32
#define PASSWORD_MIN 12

static err_t
csr_for(struct front *f, struct arena *a, enum keys_which which, const char *cn,
    const struct ipc_texts *hosts, struct str *ret)
{
	struct keys_csr_req req = { .which = which, .cn = cn, .hosts = *hosts };
	struct keys_csr_rep rep;
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(keys_csr_req_encode(&req, &in));
	TRY(ipc_call(f->keys, a, KEYS_CSR, true, buf_str(&in), &out));
	TRY(keys_csr_rep_parse(a, out, &rep));
	*ret = rep.csr;
	return OK;
}

static err_t
verb_csr(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct front *f = ctx;
	struct ipc_texts hosts = { 0 };
	struct str tls, ra;
	json *list;

	TRY(json_need_array(args, "hosts", LIMIT_SANS, &list));
	if (json_count(list) == 0)
		FAIL(ERR_BAD_REQUEST, "hosts: name at least one");
	hosts.v = arena_array(a, json_count(list), sizeof(char *));
	for (size_t i = 0; i < json_count(list); i++)
		hosts.v[hosts.n++] = json_text(json_at(list, i));
	TRY(csr_for(f, a, KEYS_TLS, hosts.v[0], &hosts, &tls));
	TRY(csr_for(f, a, KEYS_RA, "Chancery service", &(struct ipc_texts){ 0 }, &ra));
	json_set_base64(a, answer, "csr_tls", tls);
	json_set_base64(a, answer, "csr_ra", ra);
	json_set_text(answer, "order_key", f->order_key);
	json_set(answer, "hosts", json_ref(list));
	return OK;
}

/* The process ends after the answer; its parent starts it again with the new certificates. */
static err_t
verb_accept(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct front *f = ctx;
	TRY(service_join_save(f->store, a, args));
	json_set_bool(answer, "accepted", true);
	atomic_store(&f->restart, true);
	return OK;
}

struct account {
	struct app app;
	struct admin admin;
	const char *what;
};

static err_t
insert_app(struct tx *tx, void *arg)
{
	const struct account *x = arg;

	TRY(store_app_insert(tx, &x->app));
	return store_audit_add(tx, "local administrator", "app.add", x->app.name, "", x->what);
}

static err_t
insert_admin(struct tx *tx, void *arg)
{
	const struct account *x = arg;

	TRY(store_admin_insert(tx, &x->admin));
	return store_audit_add(tx, "local administrator", "admin.add", x->admin.name, "", x->what);
}

/* The permissions asked for, each known, joined by blanks. */
static err_t
read_permissions(struct arena *a, const json *args, const char **ret)
{
	const char *all = "";
	json *list;

	TRY(json_need_array(args, "permissions", LIMIT_SANS, &list));
	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_text(json_at(list, i));

		all = arena_printf(a, "%s%s%s", all, all[0] == '\0' ? "" : " ", name);
	}
	TRY(perm_list_check(a, all));
	*ret = all;
	return OK;
}

static err_t
verb_app_add(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct front *f = ctx;
	struct account x = { .app = { .id = id_new(), .enabled = true, .created = when_now() } };
	char *secret = rand_token(a, SECRET_BYTES);
	bool public_client = json_true(json_get(args, "public"));
	err_t e = OK;

	TRY(json_need_text(args, "name", LIMIT_TEXT, &x.app.name));
	TRY(read_permissions(a, args, &x.app.permissions));
	x.what = x.app.permissions;
	x.app.secret_hash = "";
	if (!public_client)
		e = password_hash(a, PASSWORD_RANDOM, secret, &x.app.secret_hash);
	if (err_ok(e))
		e = store_write(f->store, insert_app, &x);
	if (err_ok(e)) {
		json_set_id(a, answer, "client_id", x.app.id);
		if (!public_client)
			json_set_text(answer, "client_secret", secret);
		json_set_id(a, answer, "tenant", f->tenant);
	}
	secret_wipe(secret, strlen(secret));
	return e;
}

static err_t
verb_admin_add(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct front *f = ctx;
	struct account x = { .admin = { .id = id_new(), .enabled = true, .created = when_now() } };
	const char *password;

	TRY(json_need_text(args, "name", LIMIT_TEXT, &x.admin.name));
	TRY(json_need_text(args, "password", LIMIT_TEXT, &password));
	if (strlen(password) < PASSWORD_MIN)
		FAIL(ERR_BAD_REQUEST, "password: at least %d characters", PASSWORD_MIN);
	TRY(read_permissions(a, args, &x.admin.permissions));
	x.what = x.admin.permissions;
	TRY(password_hash(a, PASSWORD_PERSON, password, &x.admin.password_hash));
	TRY(store_write(f->store, insert_admin, &x));
	json_set_id(a, answer, "id", x.admin.id);
	return OK;
}

struct everybody {
	struct arena *a;
	struct app *apps;
	struct admin *admins;
	size_t napps, nadmins;
};

static err_t
list_all(struct tx *tx, void *arg)
{
	struct everybody *x = arg;

	TRY(store_app_list(tx, x->a, &x->apps, &x->napps));
	return store_admin_list(tx, x->a, &x->admins, &x->nadmins);
}

static json *
account_json(struct arena *a, const char *key, struct id id, const char *name,
    const char *permissions, when_t created)
{
	json *o = json_object_new();

	json_set_id(a, o, key, id);
	json_set_text(o, "name", name);
	json_set_text(o, "permissions", permissions);
	json_set_text(o, "created", when_text(a, created));
	return o;
}

static err_t
verb_app_list(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct front *f = ctx;
	struct everybody x = { .a = a };
	json *list = json_array_new();

	(void)args;
	json_set(answer, "apps", list);
	TRY(store_read(f->store, list_all, &x));
	for (size_t i = 0; i < x.napps; i++) {
		const struct app *p = &x.apps[i];
		json *o = account_json(a, "client_id", p->id, p->name, p->permissions, p->created);

		json_set_bool(o, "public", p->secret_hash[0] == '\0');
		json_add(list, o);
	}
	return OK;
}

static err_t
verb_admin_list(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct front *f = ctx;
	struct everybody x = { .a = a };
	json *list = json_array_new();

	(void)args;
	json_set(answer, "admins", list);
	TRY(store_read(f->store, list_all, &x));
	for (size_t i = 0; i < x.nadmins; i++) {
		const struct admin *p = &x.admins[i];

		json_add(list, account_json(a, "id", p->id, p->name, p->permissions, p->created));
	}
	return OK;
}

struct removal {
	struct arena *a;
	struct account *account; /* which by app.id or admin.name; the rest is filled in */
};

static err_t
remove_app(struct tx *tx, void *arg)
{
	struct removal *x = arg;
	struct app *p = &x->account->app;

	TRY(store_app_get(tx, x->a, p->id, p));
	TRY(store_app_delete(tx, p->id));
	return store_audit_add(
	    tx, "local administrator", "app.remove", p->name, p->permissions, "");
}

static err_t
remove_admin(struct tx *tx, void *arg)
{
	struct removal *x = arg;
	struct admin *p = &x->account->admin;

	TRY(store_admin_by_name(tx, x->a, p->name, p));
	TRY(store_admin_delete(tx, p->id));
	return store_audit_add(
	    tx, "local administrator", "admin.remove", p->name, p->permissions, "");
}

/* Its tokens end with it: the gate asks for the record at each request. */
static err_t
verb_app_remove(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct front *f = ctx;
	struct account x = { 0 };

	TRY(json_need_id(args, "client_id", &x.app.id));
	TRY_CTX(store_write(f->store, remove_app, &(struct removal){ a, &x }), "application %s",
	    id_text(a, x.app.id));
	json_set_id(a, answer, "client_id", x.app.id);
	json_set_text(answer, "name", x.app.name);
	return OK;
}

static err_t
verb_admin_remove(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct front *f = ctx;
	struct account x = { 0 };
	const char *name;

	TRY(json_need_text(args, "name", LIMIT_TEXT, &name));
	x.admin.name = name;
	TRY_CTX(store_write(f->store, remove_admin, &(struct removal){ a, &x }), "administrator %s",
	    text_safe(a, str_c(name)));
	json_set_id(a, answer, "id", x.admin.id);
	json_set_text(answer, "name", x.admin.name);
	return OK;
}

static err_t
verb_show(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct front *f = ctx;
	(void)args;
	json_set_id(a, answer, "tenant", f->tenant);
	json_set_text(answer, "url", f->conf->url);
	json_set_text(answer, "device_url", f->conf->device_url);
	json_set_bool(answer, "joined", f->joined);
	json_set_text(answer, "order_key", f->order_key);
	if (f->joined) {
		json_set_text(answer, "ca_url", f->join.ca_url);
		json_set_text(answer, "issuing_ca", f->join.issuing_name);
		json_set_text(answer, "identity_ca", f->join.identity_name);
		json_set_text(
		    answer, "root_certificate", text_pem(a, "CERTIFICATE", f->join.root.v[0]));
		json_set_int(answer, "parked", (int64_t)http_parked(f->http_device));
	}
	return OK;
}

static const struct admin_verb verbs[] = {
	{ "service.csr", verb_csr },
	{ "service.accept", verb_accept },
	{ "service.show", verb_show },
	{ "app.add", verb_app_add },
	{ "app.list", verb_app_list },
	{ "app.remove", verb_app_remove },
	{ "admin.add", verb_admin_add },
	{ "admin.list", verb_admin_list },
	{ "admin.remove", verb_admin_remove },
	{ "apple.push-csr", service_apple_csr },
	{ "apple.push-accept", service_apple_accept },
	{ "apple.show", service_apple_show },
	{ "windows.show", service_windows_show },
	{ 0 },
};

static err_t
admin(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	return admin_dispatch(verbs, ctx, a, in, out);
}

const struct ipc_verb service_admin_verbs[] = {
	{ ADMIN, admin },
	{ 0 },
};
