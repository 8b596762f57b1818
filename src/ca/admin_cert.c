/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about issued certificates and the journal. */
#include "ca/admin.h"

#include "ca/revoke.h"
#include "ca/state.h"
#include "store/search.h"

static const char *const states[] = {
	[ISSUED_INTENT] = "intent",
	[ISSUED_VALID] = "valid",
	[ISSUED_REVOKED] = "revoked",
	[ISSUED_DENIED] = "denied",
	[ISSUED_FAILED] = "failed",
	[ISSUED_PENDING] = "pending",
};

/* RFC 5280 5.3.1. removeFromCRL is what a release is, not a reason to give. */
static const struct {
	const char *name;
	int reason;
} reasons[] = {
	{ "unspecified", REASON_UNSPECIFIED },
	{ "keyCompromise", REASON_KEY_COMPROMISE },
	{ "cACompromise", REASON_CA_COMPROMISE },
	{ "affiliationChanged", REASON_AFFILIATION },
	{ "superseded", REASON_SUPERSEDED },
	{ "cessationOfOperation", REASON_CESSATION },
	{ "certificateHold", REASON_HOLD },
	{ "privilegeWithdrawn", REASON_PRIVILEGE_WITHDRAWN },
	{ "aACompromise", REASON_AA_COMPROMISE },
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

json *
admin_show_issued(struct arena *a, const struct issued *x)
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
	struct issued_filter f;
	int64_t limit, count;
	struct issued *v;
	size_t n;
};

static err_t
list_tx(struct tx *tx, void *arg)
{
	struct list *l = arg;

	return store_issued_search(tx, l->a, &l->f, (size_t)l->limit, &l->v, &l->n);
}

static err_t
take_state(const char *name, int *ret)
{
	*ret = 0;
	if (name == NULL || name[0] == '\0')
		return OK;
	for (int i = ISSUED_INTENT; i <= ISSUED_PENDING; i++) {
		if (str_ieq_c(str_c(name), states[i])) {
			*ret = i;
			return OK;
		}
	}
	FAIL(ERR_BAD_REQUEST, "state is one of intent, valid, revoked, denied, failed, pending");
}

/* "now+30d" and the like: a sign, a number, and d or h; or a date. */
static err_t
take_time(const json *args, const char *key, when_t *ret)
{
	const char *text;
	struct str s;
	int64_t n;

	TRY(json_want_text(args, key, LIMIT_TEXT, &text));
	s = str_trim(str_c(text));
	if (s.n == 0)
		return OK;
	if (!str_starts(s, LIT("now"))) {
		TRY_CTX(when_parse(s, ret), "%s", key);
		return OK;
	}
	*ret = when_now();
	if (s.n == 3)
		return OK;
	if (s.n < 6 || (s.p[3] != '+' && s.p[3] != '-') ||
	    (s.p[s.n - 1] != 'd' && s.p[s.n - 1] != 'h'))
		FAIL(ERR_TIME, "%s: a date, or now, now+30d, now-12h", key);
	TRY_CTX(text_i64(str_of(s.p + 4, s.n - 5), 0, 1000000, &n), "%s", key);
	n *= s.p[s.n - 1] == 'd' ? 86400 : 3600;
	*ret += s.p[3] == '+' ? n : -n;
	return OK;
}

/* The beginning of a serial, as people write them: "5A:00 11". Half a byte is fine. */
static err_t
take_serial(struct arena *a, const json *args, const char **ret)
{
	const char *text;
	size_t k = 0;
	char *out;

	*ret = NULL;
	TRY(json_want_text(args, "serial", LIMIT_TEXT, &text));
	if (text == NULL || text[0] == '\0')
		return OK;
	out = arena_alloc(a, strlen(text) + 1);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == ' ' || *p == ':')
			continue;
		if (strchr("0123456789abcdefABCDEF", *p) == NULL)
			FAIL(ERR_BAD_REQUEST,
			    "serial: the beginning of a serial number is written in hexadecimal digits");
		out[k++] = *p;
	}
	*ret = out;
	return OK;
}

err_t
admin_filter(struct arena *a, const json *args, struct issued_filter *ret)
{
	struct issued_filter f = { 0 };
	const char *state;

	TRY(json_want_text(args, "state", LIMIT_TEXT, &state));
	TRY(take_state(state, &f.state));
	TRY(json_want_text(args, "ca", LIMIT_TEXT, &f.ca));
	TRY(json_want_text(args, "template", LIMIT_TEXT, &f.template));
	TRY(json_want_text(args, "requester", LIMIT_TEXT, &f.requester));
	TRY(json_want_text(args, "text", LIMIT_TEXT, &f.text));
	TRY(take_serial(a, args, &f.serial));
	TRY(json_want_int(args, "before", 0, INT64_MAX, 0, &f.before));
	TRY(take_time(args, "requested_from", &f.requested_from));
	TRY(take_time(args, "requested_before", &f.requested_before));
	TRY(take_time(args, "ends_from", &f.ends_from));
	TRY(take_time(args, "ends_before", &f.ends_before));
	*ret = f;
	return OK;
}

static err_t
cert_list(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct list l = { .a = a };
	json *list = json_array_new();

	json_set(out, "certificates", list);
	TRY(admin_filter(a, args, &l.f));
	TRY(json_want_int(args, "limit", 1, LIMIT_PAGE, 100, &l.limit));
	TRY(store_read(is->store, list_tx, &l));
	for (size_t i = 0; i < l.n; i++)
		json_add(list, admin_show_issued(a, &l.v[i]));
	return OK;
}

static err_t
count_tx(struct tx *tx, void *arg)
{
	struct list *l = arg;

	return store_issued_count(tx, &l->f, &l->count);
}

static err_t
cert_count(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct list l = { .a = a };

	TRY(admin_filter(a, args, &l.f));
	TRY(store_read(is->store, count_tx, &l));
	json_set_int(out, "count", l.count);
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
	json_set(out, "request", admin_show_issued(a, &o.x));
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
cert_release(struct issuer *is, struct arena *a, const json *args, json *out)
{
	const char *serial;

	TRY(json_need_text(args, "serial", LIMIT_TEXT, &serial));
	TRY(revoke_release(is, a, NULL, serial));
	json_set_text(out, "serial", serial);
	json_set_text(out, "state", "valid");
	return OK;
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
	{ "cert.list", cert_list, ADMIN_ARGS("limit", ADMIN_FILTER_ARGS),
	    "Requests and certificates, newest first." },
	{ "cert.count", cert_count, ADMIN_ARGS(ADMIN_FILTER_ARGS), "How many there are." },
	{ "cert.show", cert_show, ADMIN_ARGS("serial"), "One certificate." },
	{ "cert.revoke", cert_revoke, ADMIN_ARGS("serial", "reason"), "Revoke one certificate." },
	{ "cert.release", cert_release, ADMIN_ARGS("serial"), "Take one certificate off hold." },
	{ "journal.verify", journal_verify, ADMIN_NO_ARGS,
	    "Check the journal for removed or changed lines." },
	{ NULL, NULL, NULL, NULL },
};
