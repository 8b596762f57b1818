/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about issued certificates and the journal. */
#include "ca/admin.h"

#include "ca/revoke.h"
#include "ca/state.h"

static const char *const states[] = {
	[ISSUED_INTENT] = "intent",
	[ISSUED_VALID] = "valid",
	[ISSUED_REVOKED] = "revoked",
	[ISSUED_DENIED] = "denied",
	[ISSUED_FAILED] = "failed",
};

/* RFC 5280 5.3.1, those that an administrator may give. */
static const struct {
	const char *name;
	int reason;
} reasons[] = {
	{ "unspecified", REASON_UNSPECIFIED },
	{ "keyCompromise", REASON_KEY_COMPROMISE },
	{ "affiliationChanged", REASON_AFFILIATION },
	{ "superseded", REASON_SUPERSEDED },
	{ "cessationOfOperation", REASON_CESSATION },
	{ "privilegeWithdrawn", REASON_PRIVILEGE_WITHDRAWN },
};

static const char *
reason_name(int reason)
{
	for (size_t i = 0; i < COUNT(reasons); i++) {
		if (reasons[i].reason == reason)
			return reasons[i].name;
	}
	return "unspecified";
}

static json *
show(struct arena *a, const struct issued *x)
{
	json *o = json_object_new();

	json_set_int(o, "request_id", x->id);
	json_set_text(o, "state", states[x->state]);
	json_set_text(o, "ca", x->ca);
	json_set_text(o, "template", x->template);
	json_set_text(o, "requester", x->requester);
	json_set_text(o, "serial", x->serial);
	json_set_text(o, "subject", x->subject);
	json_set_text(o, "san", x->san);
	json_set_when(a, o, "not_before", x->not_before);
	json_set_when(a, o, "not_after", x->not_after);
	json_set_when(a, o, "requested", x->requested);
	json_set_when(a, o, "resolved", x->resolved);
	json_set_id(a, o, "order", x->order);
	json_set_int(o, "fence", (int64_t)x->fence);
	if (x->state == ISSUED_REVOKED) {
		json_set_when(a, o, "revoked", x->revoked);
		json_set_text(o, "reason", reason_name(x->reason));
	}
	if (x->hresult != 0)
		json_set_text(o, "hresult", arena_printf(a, "0x%08x", x->hresult));
	json_set_text(o, "message", x->message);
	return o;
}

struct list {
	struct arena *a;
	int64_t before, limit;
	int state;
	const char *ca, *text;
	struct issued *v;
	size_t n;
};

static err_t
list_tx(struct tx *tx, void *arg)
{
	struct list *l = arg;

	return store_issued_list(
	    tx, l->a, l->before, l->state, l->ca, l->text, (size_t)l->limit, &l->v, &l->n);
}

static err_t
take_state(const char *name, int *ret)
{
	*ret = 0;
	if (name == NULL || name[0] == '\0')
		return OK;
	for (int i = ISSUED_INTENT; i <= ISSUED_FAILED; i++) {
		if (str_ieq_c(str_c(name), states[i])) {
			*ret = i;
			return OK;
		}
	}
	FAIL(ERR_BAD_REQUEST, "state is one of intent, valid, revoked, denied, failed");
}

static err_t
cert_list(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct list l = { .a = a };
	json *list = json_array_new();
	const char *state;

	json_set(out, "certificates", list);
	TRY(json_want_text(args, "state", LIMIT_TEXT, &state));
	TRY(take_state(state, &l.state));
	TRY(json_want_text(args, "ca", LIMIT_TEXT, &l.ca));
	TRY(json_want_text(args, "text", LIMIT_TEXT, &l.text));
	TRY(json_want_int(args, "before", 0, INT64_MAX, 0, &l.before));
	TRY(json_want_int(args, "limit", 1, LIMIT_PAGE, 100, &l.limit));
	TRY(store_read(is->store, list_tx, &l));
	for (size_t i = 0; i < l.n; i++)
		json_add(list, show(a, &l.v[i]));
	return OK;
}

struct one {
	struct arena *a;
	const struct hierarchy *h;
	const char *serial;
	struct issued x;
};

static err_t
one_tx(struct tx *tx, void *arg)
{
	struct one *o = arg;

	for (size_t i = 0; i < o->h->n; i++) {
		err_t e = store_issued_by_serial(tx, o->a, o->h->v[i].name, o->serial, &o->x);

		if (!err_is(e, ERR_NOT_FOUND))
			return e;
		err_forget(e);
	}
	FAIL(ERR_NOT_FOUND, "no CA here issued serial %s", o->serial);
}

static err_t
cert_show(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct one o = { .a = a, .h = issuer_hierarchy(is) };
	const char *serial;

	TRY(json_need_text(args, "serial", LIMIT_TEXT, &serial));
	TRY(serial_text(a, serial, &o.serial));
	TRY(store_read(is->store, one_tx, &o));
	json_set(out, "request", show(a, &o.x));
	if (o.x.cert.n > 0)
		admin_set_cert(a, out, "certificate", o.x.cert);
	return OK;
}

static err_t
cert_revoke(struct issuer *is, struct arena *a, const json *args, json *out)
{
	const char *serial, *name;

	TRY(json_need_text(args, "serial", LIMIT_TEXT, &serial));
	TRY(json_want_text(args, "reason", LIMIT_TEXT, &name));
	for (size_t i = 0; i < COUNT(reasons); i++) {
		if (!str_ieq_c(str_c(name != NULL && name[0] != '\0' ? name : "unspecified"),
			reasons[i].name))
			continue;
		TRY(revoke_by_serial(is, a, NULL, serial, reasons[i].reason));
		json_set_text(out, "serial", serial);
		json_set_text(out, "reason", reasons[i].name);
		return OK;
	}
	FAIL(ERR_BAD_REQUEST, "there is no reason %s", name);
}

static err_t
journal_tx(struct tx *tx, void *arg)
{
	return store_journal_verify(tx, arg);
}

static err_t
journal_verify(struct issuer *is, struct arena *a, const json *args, json *out)
{
	int64_t bad = 0;

	(void)a;
	(void)args;
	TRY(store_read(is->store, journal_tx, &bad));
	json_set_bool(out, "whole", bad == 0);
	json_set_int(out, "first_bad", bad);
	return OK;
}

const struct ca_verb admin_cert_verbs[] = {
	{ "cert.list", cert_list, ADMIN_ARGS("state", "ca", "text", "before", "limit"),
	    "Requests and certificates, newest first." },
	{ "cert.show", cert_show, ADMIN_ARGS("serial"), "One certificate." },
	{ "cert.revoke", cert_revoke, ADMIN_ARGS("serial", "reason"), "Revoke one certificate." },
	{ "journal.verify", journal_verify, ADMIN_NO_ARGS,
	    "Check the journal for removed or changed lines." },
	{ NULL, NULL, NULL, NULL },
};
