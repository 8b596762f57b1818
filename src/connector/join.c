/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining: two of the administrator's verbs, and the file that remembers what was settled.
 *
 *   connector.csr    the request for our certificate towards the CA; the administrator takes it there
 *   connector.join   that certificate, the addresses, whom to trust, the device-identity CA, and the one-time code of the
 *                    service; enrols there, then writes join.json: before that nothing is joined, after it all is
 */
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/when.h"
#include "codec/ckeys_ipc.h"
#include "connector/job.h"
#include "pki/cert.h"
#include "pki/csr.h"

#define ENROL_TIMEOUT_MS 30000
#define DEFAULT_BACKEND "wstep"

static char *
join_path(struct arena *a, const struct link *l)
{
	return arena_printf(a, "%s/join.json", l->conf.dir);
}

static err_t
text_list(struct arena *a, const json *obj, const char *key, const char ***ret, size_t *retn)
{
	json *list;

	TRY(json_need_array(obj, key, LIMIT_CHAIN_CERTS, &list));
	*ret = arena_array(a, json_count(list) + 1, sizeof(char *));
	for (size_t i = 0; i < json_count(list); i++) {
		const char *s = json_text(json_at(list, i));

		if (s[0] == '\0' || strlen(s) > LIMIT_TEXT)
			FAIL(
			    ERR_BAD_REQUEST, "%s: must be texts of 1 to %u bytes", key, LIMIT_TEXT);
		(*ret)[i] = arena_strdup(a, s);
	}
	*retn = json_count(list);
	return OK;
}

static err_t
need_copy(struct arena *a, const json *obj, const char *key, const char **ret)
{
	const char *s;

	TRY(json_need_text(obj, key, LIMIT_LONG_TEXT, &s));
	*ret = arena_strdup(a, s);
	return OK;
}

/* Those that it shall serve; a release that knows more does not begin to serve them by itself. */
static err_t
read_features(struct arena *a, const json *obj, struct join *j)
{
	if (json_is_null(json_get(obj, "features")))
		return OK;
	TRY(text_list(a, obj, "features", &j->features, &j->nfeatures));
	if (j->nfeatures == 0)
		FAIL(ERR_BAD_REQUEST, "features: at least one");
	return OK;
}

err_t
join_fetch(const struct join *j, struct fetch **ret)
{
	auto_fetch struct fetch *f = NULL;

	TRY(fetch_new(&j->service, &f));
	TRY(fetch_proxy(f, j->proxy));
	*ret = steal(f);
	return OK;
}

bool
join_does(const struct join *j, const char *feature)
{
	for (size_t i = 0; i < j->nfeatures; i++)
		if (str_ieq_c(str_c(j->features[i]), feature))
			return true;
	return j->nfeatures == 0;
}

/* The parts that the administrator gives and join.json keeps: addresses, names, trust, how the CA knows us. */
static err_t
read_settled(struct arena *a, const struct link *l, const json *obj, struct join *j)
{
	const struct backend *b;
	const char *proxy = NULL;

	TRY(need_copy(a, obj, "name", &j->name));
	TRY(need_copy(a, obj, "service_url", &j->service_url));
	TRY(need_copy(a, obj, "backend", &j->backend));
	b = backend_by_name(j->backend);
	if (b == NULL)
		FAIL(ERR_BAD_REQUEST, "backend: no such kind of CA: %s", j->backend);
	TRY(json_want_text(obj, "proxy", LIMIT_TEXT, &proxy));
	j->proxy = proxy == NULL ? "" : arena_strdup(a, proxy);
	TRY(join_proxy_check("proxy", j->proxy));
	TRY(text_list(a, obj, "cas", &j->cas, &j->ncas));
	TRY(read_features(a, obj, j));
	TRY(join_pem_list(a, obj, "service_trust", &j->service.anchors, &j->service.nanchors));
	j->service.key = l->service_keys[0];
	TRY(join_read_ca(l, a, obj, j));
	if (b->by_key != (j->ca_login == CA_LOGIN_KEY))
		FAIL(ERR_BAD_REQUEST, "ca_login: the kind of CA \"%s\" %s", b->name,
		    b->by_key ? "takes a key" : "takes no key");
	return OK;
}

/* Which of our keys is in use, and how long its certificate lasts. */
static err_t
read_service_key(const struct link *l, const json *obj, struct join *j)
{
	auto_cert struct cert *ours = NULL;
	auto_key struct key *certified = NULL;
	const char *name = NULL;

	TRY(json_want_text(obj, "service_key", LIMIT_TEXT, &name));
	if (name != NULL)
		j->service_key = str_eq_c(str_c(name), link_key_name(1)) ? 1 : 0;
	j->service.key = l->service_keys[j->service_key];
	if (j->service.key == NULL)
		FAIL(ERR_KEY_MISMATCH, "the key %s is not here any more",
		    link_key_name(j->service_key));
	TRY_CTX(cert_parse(j->service.chain[0], &ours), "service_certificate");
	TRY(cert_key(ours, &certified));
	if (!key_same_public(j->service.key, certified))
		FAIL(ERR_KEY_MISMATCH, "service_certificate is not for the key %s",
		    link_key_name(j->service_key));
	j->service_end = cert_not_after(ours);
	j->renew_at = cert_not_before(ours) + (j->service_end - cert_not_before(ours)) / 3 * 2;
	return OK;
}

err_t
join_parse(const struct link *l, struct arena *a, struct str text, struct join **ret)
{
	struct join *j = ARENA_NEW(a, struct join);
	auto_json json *obj = NULL;

	TRY(json_parse(text, LIMIT_IPC_MESSAGE, &obj));
	TRY(need_copy(a, obj, "id", &j->id));
	TRY(join_pem_list(a, obj, "service_certificate", &j->service.chain, &j->service.nchain));
	TRY(read_settled(a, l, obj, j));
	TRY(read_service_key(l, obj, j));
	*ret = j;
	return OK;
}

err_t
join_load(struct link *l, struct join **ret)
{
	const char *path = join_path(l->arena, l);
	struct str text;

	if (!file_exists(path))
		FAIL(ERR_NOT_JOINED, "%s is not there", path);
	TRY(file_read(l->arena, path, LIMIT_IPC_MESSAGE, &text));
	TRY_CTX(join_parse(l, l->arena, text, ret), "%s", path);
	return OK;
}

static err_t
change(struct link *l, struct arena *a, const json *members, unsigned i, struct key *key)
{
	const char *path = join_path(a, l);
	auto_key struct key *next = key;
	auto_key struct key *before = NULL;
	auto_json json *obj = NULL;
	struct str text;
	err_t e;

	TRY(file_read(a, path, LIMIT_IPC_MESSAGE, &text));
	TRY_CTX(json_parse(text, LIMIT_IPC_MESSAGE, &obj), "%s", path);
	for (void *it = json_iter(members); it != NULL; it = json_iter_next(members, it))
		json_set(obj, json_iter_key(it), json_ref(json_iter_value(it)));
	TRY(json_print_pretty(a, obj, &text));
	/* What cannot be read back is not written. With a new key that is known only when the key is in its place. */
	if (next == NULL)
		TRY(join_parse(l, a, text, &(struct join *){ NULL }));
	TRY(file_write(path, text, 0600));
	pthread_mutex_lock(&l->lock);
	if (next != NULL) {
		before = l->service_keys[i];
		l->service_keys[i] = steal(next);
	}
	e = join_parse(l, l->arena, text, &l->join);
	pthread_mutex_unlock(&l->lock);
	return e;
}

err_t
join_change(struct link *l, struct arena *a, const json *members, unsigned i, struct key *key)
{
	err_t e;

	pthread_mutex_lock(&l->changing);
	e = change(l, a, members, i, key);
	pthread_mutex_unlock(&l->changing);
	desk_nudge(l->desk);
	return e;
}

/* No name in it: who signs it says what we are called. */
static err_t
our_csr(struct arena *a, const struct key *k, struct str *ret)
{
	const struct csr_spec spec = { .key_usage = 0x80 };

	return csr_make(a, k, &spec, ret);
}

err_t
join_verb_csr(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct link *l = ctx;
	struct str der;

	(void)args;
	TRY(our_csr(a, l->ca_key, &der));
	json_set_base64(a, answer, "csr", der);
	json_set_text(answer, "machine", l->machine);
	return OK;
}

/* By which key connector/keys says what it made. */
static err_t
ask_maker(struct link *l, struct arena *a, struct str *ret)
{
	struct ckeys_maker_rep rep;
	struct str out;

	TRY(ipc_call(l->conf.keys, a, CKEYS_MAKER, true, STR_EMPTY, &out));
	TRY(ckeys_maker_rep_parse(a, out, &rep));
	*ret = rep.spki;
	return OK;
}

/* Enrols at the service with the code; adds id and service_certificate to obj. *ret_order_key: PEM. */
static err_t
enrol(struct link *l, struct arena *a, const struct join *j, const char *code, json *obj,
    const char **ret_order_key)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	struct tls_client_conf tls = { .anchors = j->service.anchors,
		.nanchors = j->service.nanchors };
	const char *url = arena_printf(a, "%s/connector/v1/enrol", j->service_url);
	auto_json json *msg = json_object_new();
	auto_json json *answer = NULL;
	auto_fetch struct fetch *f = NULL;
	struct fetch_reply rep;
	struct str csr, text, cert, maker;
	const char *id, *order_key;

	TRY(our_csr(a, l->service_keys[0], &csr));
	TRY(ask_maker(l, a, &maker));
	json_set_base64(a, msg, "maker", maker);
	json_set_text(msg, "code", code);
	json_set_base64(a, msg, "csr", csr);
	json_set_text(msg, "name", j->name);
	json_set_text(msg, "machine", l->machine);
	json_set_text(msg, "version", l->conf.version);
	json_set(msg, "features", json_array_new());
	TRY(json_print(a, msg, &text));
	TRY(fetch_new(&tls, &f));
	TRY(fetch_proxy(f, j->proxy));
	TRY(fetch_run(f, a, "POST", url, headers, text, ENROL_TIMEOUT_MS, &rep));
	if (rep.status != 200 && rep.status != 201)
		FAIL(
		    ERR_HTTP_STATUS, "%s answered %d: %s", url, rep.status, text_safe(a, rep.body));
	TRY(json_parse(rep.body, LIMIT_HTTP_REPLY, &answer));
	TRY(json_need_text(answer, "id", LIMIT_TEXT, &id));
	TRY(json_need_base64(a, answer, "certificate", LIMIT_CERT_BYTES, &cert));
	TRY(json_need_text(answer, "order_key", LIMIT_LONG_TEXT, &order_key));
	*ret_order_key = arena_strdup(a, order_key);
	json_set_text(obj, "id", id);
	json_set_text(obj, "service_certificate", text_pem(a, "CERTIFICATE", cert));
	return OK;
}

static err_t
name_identity_ca(struct link *l, struct arena *a, const char *pem)
{
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ckeys_identity_req_encode(&(struct ckeys_identity_req){ pem }, &in));
	return ipc_call(l->conf.keys, a, CKEYS_IDENTITY_CA, true, buf_str(&in), &out);
}

err_t
join_name_order_key(struct link *l, struct arena *a, const char *pem)
{
	auto_buf struct buf in;
	struct str spki, out;
	size_t n;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY_CTX(text_unpem(a, str_c(pem), "PUBLIC KEY", &spki, 1, &n), "order_key");
	if (n != 1)
		FAIL(ERR_KEY, "order_key: no public key in PEM");
	TRY(ckeys_order_req_encode(&(struct ckeys_order_req){ spki }, &in));
	return ipc_call(l->conf.keys, a, CKEYS_ORDER_KEY, true, buf_str(&in), &out);
}

err_t
join_verb_join(void *ctx, struct arena *a, const json *args, json *answer)
{
	static const char *const kept[] = { "name", "service_url", "ca_url", "cas", "service_trust",
		"ca_trust", "ca_certificate", "features", "backend", "ca_user", "ca_login",
		"ca_proxy", "proxy" };
	struct link *l = ctx;
	auto_json json *obj = json_object_new();
	const char *code, *identity_ca, *order_key = NULL;
	struct join j = { 0 };
	struct str text;
	err_t e;

	if (file_exists(join_path(a, l)))
		FAIL(ERR_JOINED, "%s is there", join_path(a, l));
	TRY(json_need_text(args, "code", 64, &code));
	TRY(link_features_check(json_get(args, "features")));
	TRY(json_need_text(args, "identity_ca", LIMIT_CERT_BYTES, &identity_ca));
	for (size_t i = 0; i < COUNT(kept); i++)
		if (json_get(args, kept[i]) != NULL)
			json_set(obj, kept[i], json_ref(json_get(args, kept[i])));
	if (json_get(obj, "backend") == NULL)
		json_set_text(obj, "backend", DEFAULT_BACKEND);
	TRY(join_keep_secret(l, a, args));
	TRY(read_settled(a, l, obj, &j));
	TRY(enrol(l, a, &j, code, obj, &order_key));
	/* CA and key are named once: not before the service took the code. */
	TRY(name_identity_ca(l, a, identity_ca));
	TRY(join_name_order_key(l, a, order_key));
	TRY(json_print_pretty(a, obj, &text));
	TRY(file_create(join_path(a, l), text, 0600));

	pthread_mutex_lock(&l->lock);
	e = join_load(l, &l->join);
	pthread_mutex_unlock(&l->lock);
	TRY(e);
	json_set_text(answer, "id", l->join->id);
	json_set_text(answer, "name", l->join->name);
	return link_start(l);
}
