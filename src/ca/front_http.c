/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front's small answers: revocation in JSON; CA certificates, health and metrics.
 */
#include "ca/front_int.h"

#include "codec/ca_scep_ipc.h"
#include "codec/json.h"

err_t
front_revoke(struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct ca_revoke_req q = { .caller = http_peer_cert(r) };
	auto_json json *body = NULL, *out = json_object_new();
	struct ca_revoke_rep rep;
	auto_buf struct buf in = { 0 };
	struct str answer, text;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(json_parse(http_body(r), LIMIT_ORDER_BYTES * 4, &body));
	TRY(json_need_base64(a, body, "order", LIMIT_ORDER_BYTES * 2, &q.order));
	TRY(ca_revoke_req_encode(&q, &in));
	TRY(front_call(http_ctx(r), a, CA_REVOKE, true, &in, &answer));
	TRY(ca_revoke_rep_parse(a, answer, &rep));
	json_set_int(out, "revoked", rep.count);
	TRY(json_print(a, out, &text));
	return http_reply(r, 200, "application/json", text);
}

/* {"order": sealed order in base64, "challenge": SHA-256 of the challenge in hex} -> {} */
err_t
front_deposit(struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct ca_deposit_req q = { .caller = http_peer_cert(r) };
	auto_json json *body = NULL;
	auto_buf struct buf in = { 0 };
	struct str answer;
	const char *hex;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(json_parse(http_body(r), LIMIT_ORDER_BYTES * 4, &body));
	TRY(json_need_base64(a, body, "order", LIMIT_ORDER_BYTES * 2, &q.order));
	TRY(json_need_text(body, "challenge", 64, &hex));
	TRY(text_unhex(a, str_c(hex), &q.sha256));
	if (q.sha256.n != 32)
		FAIL(ERR_BAD_REQUEST, "\"challenge\" must be 64 hexadecimal digits");
	TRY(ca_deposit_req_encode(&q, &in));
	TRY(front_call(http_ctx(r), a, CA_SCEP_DEPOSIT, true, &in, &answer));
	return http_reply(r, 200, "application/json", LIT("{}"));
}

/* "<time>-<number>" of the last one seen; nothing: from the beginning. */
static err_t
place_of(struct http_req *r, struct ca_revoked_place *ret)
{
	const char *after = http_query(r, "after");
	struct str rest, at;

	*ret = (struct ca_revoked_place){ 0 };
	if (after == NULL)
		return OK;
	rest = str_c(after);
	at = str_cut(&rest, '-');
	TRY_CTX(text_i64(at, 0, INT64_MAX, &ret->at), "after");
	TRY_CTX(text_i64(rest, 0, INT64_MAX, &ret->id), "after");
	return OK;
}

err_t
front_revoked(struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct ca_revoked_req q = { .caller = http_peer_cert(r) };
	auto_json json *out = json_object_new();
	json *list = json_array_new();
	struct ca_revoked_rep rep;
	auto_buf struct buf in = { 0 };
	struct str answer, text;

	json_set(out, "revoked", list);
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(place_of(r, &q.after));
	TRY(ca_revoked_req_encode(&q, &in));
	TRY(front_call(http_ctx(r), a, CA_REVOKED, true, &in, &answer));
	TRY(ca_revoked_rep_parse(a, answer, &rep));
	for (size_t i = 0; i < rep.n; i++) {
		json *one = json_object_new();

		json_set_id(a, one, "order", rep.v[i].order);
		json_set_text(one, "serial", rep.v[i].serial);
		json_set_int(one, "reason", rep.v[i].reason);
		json_add(list, one);
	}
	json_set_text(out, "after",
	    arena_printf(a, "%lld-%lld", (long long)rep.next.at, (long long)rep.next.id));
	TRY(json_print(a, out, &text));
	return http_reply(r, 200, "application/json", text);
}

/* "<CA name>.crt" -> the name. */
static err_t
strip(struct http_req *r, const char *ext, const char **ret)
{
	const char *file = http_param(r, "file");
	size_t n = strlen(file), k = strlen(ext);

	if (n <= k || !str_ieq_c(str_c(file + n - k), ext))
		FAIL(ERR_NOT_FOUND, "%s", file);
	*ret = arena_cstr(http_arena(r), str_of(file, n - k));
	return OK;
}

err_t
front_aia(struct http_req *r)
{
	const char *ca;
	struct str der;

	TRY(strip(r, ".crt", &ca));
	TRY(front_kept(http_ctx(r), http_arena(r), CA_CERT, ca, &der));
	http_reply_header(r, "Cache-Control", "public, max-age=3600");
	return http_reply(r, 200, "application/pkix-cert", der);
}

/* Healthy is who can reach the issuer and finds a CA there. */
err_t
front_health(struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct buf none = { 0 };
	struct ca_list_rep list;
	struct str answer;

	TRY(front_call(http_ctx(r), a, CA_LIST, true, &none, &answer));
	TRY(ca_list_rep_parse(a, answer, &list));
	if (list.n == 0)
		FAIL(ERR_CA_NONE, "%s", "");
	return http_reply(r, 200, "text/plain; charset=utf-8", LIT("ok\n"));
}

err_t
front_metrics(struct http_req *r)
{
	struct metrics *m = front_metric_set(http_ctx(r));
	auto_buf struct buf out = { 0 };

	if (m == NULL)
		FAIL(ERR_NOT_FOUND, "%s", "no metrics are kept");
	buf_init(&out, LIMIT_HTTP_REPLY);
	TRY(metrics_print(m, &out));
	return http_reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&out));
}
