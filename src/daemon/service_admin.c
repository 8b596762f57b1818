/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the administrator of the host may do at the service's own socket: join it to its CA, and make the first accounts.
 * Everything else goes through the API.
 */
#include "base/secret.h"
#include "codec/admin_ipc.h"
#include "codec/keys_ipc.h"
#include "daemon/service_front.h"
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

static err_t
verb_show(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct front *f = ctx;
	(void)args;
	json_set_id(a, answer, "tenant", f->tenant);
	json_set_text(answer, "url", f->conf->url);
	json_set_text(answer, "device_url", f->conf->device_url);
	json_set_bool(answer, "joined", f->joined);
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
	{ "admin.add", verb_admin_add },
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
