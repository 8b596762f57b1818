/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about requests: those that wait for a manager, and what became of the others. */
#include "ca/admin.h"

#include "ca/pending.h"
#include "ca/state.h"
#include "pki/csr.h"
#include "store/search.h"

struct list {
	struct arena *a;
	struct issued_filter f;
	int64_t limit;
	struct issued *v;
	size_t n;
};

static err_t
list_tx(struct tx *tx, void *arg)
{
	struct list *l = arg;

	return store_issued_search(tx, l->a, &l->f, (size_t)l->limit, &l->v, &l->n);
}

/* Those that wait, unless another state is asked for. */
static err_t
request_list(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct list l = { .a = a };
	json *list = json_array_new();

	json_set(out, "requests", list);
	TRY(admin_filter(a, args, &l.f));
	if (json_is_null(json_get(args, "state")))
		l.f.state = ISSUED_PENDING;
	TRY(json_want_int(args, "limit", 1, LIMIT_PAGE, 100, &l.limit));
	TRY(store_read(is->store, list_tx, &l));
	for (size_t i = 0; i < l.n; i++)
		json_add(list, admin_show_issued(a, &l.v[i]));
	return OK;
}

struct one {
	struct arena *a;
	int64_t id;
	struct issued row;
	bool waits;
	struct ca_submit_req q;
};

static err_t
one_tx(struct tx *tx, void *arg)
{
	struct one *o = arg;
	err_t e = store_issued_get(tx, o->a, o->id, &o->row);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_NOT_FOUND, "there is no request %lld", (long long)o->id);
	}
	TRY(e);
	o->waits = o->row.state == ISSUED_PENDING;
	return o->waits ? pending_request(tx, o->a, o->id, &o->q) : OK;
}

/* What a manager must see before he decides: the key, and what came beside the request. */
static void
show_asked(struct arena *a, const struct ca_submit_req *q, json *out)
{
	json *attributes = json_object_new();

	for (size_t i = 0; i < q->nattributes; i++)
		json_set_text(attributes, text_safe(a, str_c(q->attributes[i].name)),
		    text_safe(a, str_c(q->attributes[i].value)));
	json_set(out, "attributes", attributes);
	json_set_text(out, "csr", text_pem(a, "CERTIFICATE REQUEST", q->token));
}

static err_t
need_id(const json *args, int64_t *ret)
{
	return json_need_int(args, "id", 1, INT64_MAX, ret);
}

static err_t
request_show(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct one o = { .a = a };

	TRY(need_id(args, &o.id));
	TRY(store_read(is->store, one_tx, &o));
	json_set(out, "request", admin_show_issued(a, &o.row));
	if (o.waits)
		show_asked(a, &o.q, out);
	if (o.row.cert.n > 0)
		admin_set_cert(a, out, "certificate", o.row.cert);
	return OK;
}

static err_t
request_approve(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct str der;
	int64_t id;

	TRY(need_id(args, &id));
	TRY(pending_approve(is, a, id, &der));
	TRY(request_show(is, a, args, out));
	admin_set_cert(a, out, "certificate", der);
	return OK;
}

static err_t
request_deny(struct issuer *is, struct arena *a, const json *args, json *out)
{
	const char *reason;
	int64_t id;

	TRY(need_id(args, &id));
	TRY(json_want_text(args, "reason", LIMIT_TEXT, &reason));
	TRY(pending_deny(is, a, id, reason == NULL ? "" : text_safe(a, str_c(reason))));
	return request_show(is, a, args, out);
}

static const char *const id_args[] = { "id", NULL };

const struct ca_verb admin_request_verbs[] = {
	{ "request.list", request_list, ADMIN_ARGS("limit", ADMIN_FILTER_ARGS),
	    "Requests that wait for a manager, newest first; or of another state." },
	{ "request.show", request_show, id_args,
	    "One request; one that waits with what was asked." },
	{ "request.approve", request_approve, id_args,
	    "Let a request that waits go on: it is decided on again, and issued." },
	{ "request.deny", request_deny, ADMIN_ARGS("id", "reason"), "Deny a request that waits." },
	{ NULL, NULL, NULL, NULL },
};
