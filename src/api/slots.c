/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/slots: every certificate that is due, where it stands, on what it waits and since when; and the whole
 * timeline of one.
 */
#include "api/reach.h"
#include "api/slot.h"

const char *const slot_search[] = { "subjectName", "serialNumber", "thumbprint", "deviceName",
	"userPrincipalName", NULL };

static void
set_ms(struct arena *a, json *j, const char *name, when_ms_t t)
{
	json_set_text(j, name, t == 0 ? NULL : when_text_ms(a, t));
}

/* Names beside the identifiers; what is gone from the directory has none. */
static err_t
put_names(struct tx *tx, struct arena *a, const struct slot *s, json *j)
{
	struct device d = { 0 };
	struct profile p = { 0 };
	struct user u;
	const struct user *of;
	err_t e = store_device_get(tx, a, s->device, &d);

	if (!err_is(e, ERR_NOT_FOUND))
		TRY(e);
	err_forget(e);
	e = store_profile_get(tx, a, s->profile, &p);
	if (!err_is(e, ERR_NOT_FOUND))
		TRY(e);
	err_forget(e);
	TRY(device_user(tx, a, &(struct device){ .user = s->user }, &u, &of));
	json_set_id(a, j, "deviceId", s->device);
	json_set_text(j, "deviceName", text_or_null(d.name));
	json_set_id(a, j, "userId", s->user);
	json_set_text(j, "userPrincipalName", of == NULL ? NULL : of->upn);
	json_set_id(a, j, "profileId", s->profile);
	json_set_text(j, "profileName", text_or_null(p.display_name));
	return OK;
}

err_t
slot_names(struct tx *tx, struct arena *a, const struct slot *s, struct slot_names *ret)
{
	struct device d = { .name = "" };
	struct user u;
	const struct user *of = NULL;
	err_t e = store_device_get(tx, a, s->device, &d);

	if (!err_is(e, ERR_NOT_FOUND))
		TRY(e);
	err_forget(e);
	if (!id_is_zero(s->user))
		TRY(device_user(tx, a, &(struct device){ .user = s->user }, &u, &of));
	*ret = (struct slot_names){ .device = d.name,
		.upn = of == NULL ? "" : of->upn,
		.user = of == NULL ? "" : of->display_name };
	return OK;
}

err_t
slot_revoked(
    struct tx *tx, struct arena *a, const struct slot *s, const char **ret_word, when_ms_t *ret_at)
{
	const char *word = "none";
	struct request *v;
	when_ms_t at = 0;
	size_t n;

	TRY(store_requests_of_slot(tx, a, s->id, &v, &n));
	for (size_t i = 0; i < n; i++) {
		if (v[i].kind != REQUEST_REVOKE || !id_eq(v[i].about, s->request))
			continue;
		word = v[i].state == REQUEST_DONE ? "revoked" :
		    *v[i].fault != '\0'           ? "failed" :
						    "pending";
		at = v[i].updated;
	}
	*ret_word = word;
	*ret_at = at;
	return OK;
}

err_t
slot_json(struct tx *tx, struct arena *a, const struct slot *s, json **ret)
{
	auto_json json *j = json_object_new();
	struct status st;

	TRY(status_of(tx, a, s, &st));
	json_set_id(a, j, "id", s->id);
	TRY(put_names(tx, a, s, j));
	json_set_text(j, "kind", s->kind);
	json_set_bool(j, "wanted", s->wanted);
	json_set_text(j, "state", st.word);
	json_set_text(j, "fault", text_or_null(st.fault));
	json_set_text(j, "reason", text_or_null(st.why));
	json_set_text(j, "nextStep", text_or_null(st.next));
	set_ms(a, j, "since", st.since);
	set_ms(a, j, "assignedDateTime", s->assigned);
	set_ms(a, j, "installedDateTime", s->installed);
	json_set_id(a, j, "requestId", s->request);
	json_set_text(j, "serialNumber", text_or_null(s->serial));
	json_set_text(j, "subjectName", text_or_null(s->subject));
	json_set_text(j, "issuerName", text_or_null(s->issuer));
	json_set_text(j, "thumbprint", text_or_null(s->thumbprint));
	json_set_text(j, "sha256", s->cert_sha256.n == 0 ? NULL : text_hex(a, s->cert_sha256));
	json_set_when(a, j, "notBefore", s->not_before);
	json_set_when(a, j, "notAfter", s->not_after);
	*ret = steal(j);
	return OK;
}

static struct id
demanded_id(const struct query *q, const char *name)
{
	const char *text = odata_demands(q->o.filter, name);
	struct id id = { 0 };

	if (text != NULL)
		err_forget(id_parse(str_c(text), &id));
	return id;
}

static const char *
demanded(const struct query *q, const char *name)
{
	return odata_demands(q->o.filter, name);
}

/* What the store can look up; the rest of $filter is compared afterwards. */
static struct slot_filter
filter_of(const struct query *q)
{
	const char *state = demanded(q, "state"), *sha256 = demanded(q, "sha256");
	struct slot_filter f = { .profile = demanded_id(q, "profileId"),
		.device = demanded_id(q, "deviceId"),
		.user = demanded_id(q, "userId"),
		.fault = demanded(q, "fault"),
		.serial = demanded(q, "serialNumber"),
		.thumbprint = sha256 == NULL ? demanded(q, "thumbprint") : sha256,
		.text = q->o.search };

	if (state != NULL)
		f.state = status_by_word(state);
	if (f.fault != NULL && status_is_told_only(f.fault))
		f.fault = NULL;
	return f;
}

static err_t
rows_of(struct tx *tx, struct arena *a, const struct caller *who, struct slot_filter *f,
    struct page p, struct rows *rows, bool *more)
{
	struct slot_hit *v;
	struct id last;
	size_t n;

	TRY(reach_profiles(tx, a, who, PERM_CONFIG_READ, &f->only));
	TRY(store_slot_search(tx, a, f, p, 0, &v, &n, &last, more));
	for (size_t i = 0; i < n; i++) {
		json *j;

		TRY(slot_json(tx, a, &v[i].slot, &j));
		rows_add(rows, v[i].key, j);
	}
	rows_pass(rows, last);
	return OK;
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct slot_filter f = filter_of(q);

	return rows_of(tx, a, arg, &f, p, rows, more);
}

/* What devices hold now, soonest end first. */
static err_t
read_expiring(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct slot_filter f = filter_of(q);

	if (!odata_bounds(q->o.filter, "notAfter", &f.ends_until))
		f.ends_until = INT64_MAX;
	/* The narrower ways go in another order. */
	f.thumbprint = f.serial = f.text = NULL;
	f.device = f.user = (struct id){ 0 };
	return rows_of(tx, a, arg, &f, p, rows, more);
}

static err_t
list_expiring(struct http_req *r)
{
	static const struct collection expiring = { .set = "expiring",
		.page = LIMIT_PAGE,
		.read = read_expiring,
		.by_caller = true,
		.search = slot_search,
		.bounded = true };

	return reply_collection(r, &expiring, 0);
}

static err_t
list(struct http_req *r)
{
	static const struct collection slots = { .set = "slots",
		.page = LIMIT_PAGE,
		.read = read_page,
		.by_caller = true,
		.search = slot_search,
		.bounded = true };

	return reply_collection(r, &slots, 0);
}

struct look {
	struct arena *a;
	const struct caller *who;
	struct id id;
	struct slot slot;
	json *json; /* the caller's */
	struct event *events;
	size_t nevents;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;

	TRY(store_slot_get(tx, l->a, l->id, &l->slot));
	TRY(reach_slot(tx, l->a, l->who, PERM_CONFIG_READ, &l->slot));
	TRY(store_event_list(tx, l->a, l->id, &l->events, &l->nevents));
	return slot_json(tx, l->a, &l->slot, &l->json);
}

static err_t
get(struct http_req *r)
{
	struct look l = { .a = http_arena(r), .who = http_caller(r) };
	struct query q;

	TRY(param_id(r, "id", &l.id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &l));
	return reply_entity(r, 200, "slots", NULL, &q, l.json);
}

static json *
event_json(struct arena *a, const struct event *e)
{
	const struct err_info *info = *e->fault == '\0' ? NULL : err_info_by_id(e->fault);
	json *j = json_object_new();

	json_set_int(j, "sequence", e->seq);
	set_ms(a, j, "dateTime", e->when);
	json_set_int(j, "count", e->count);
	set_ms(a, j, "lastDateTime", e->until);
	json_set_text(j, "actor", e->actor);
	json_set_text(j, "event", e->event);
	json_set_text(j, "detail", text_or_null(e->detail));
	json_set_text(j, "fault", text_or_null(e->fault));
	json_set_text(j, "faultText", info == NULL ? NULL : info->text);
	json_set_id(a, j, "requestId", e->request);
	return j;
}

static err_t
timeline(struct http_req *r)
{
	struct look l = { .a = http_arena(r), .who = http_caller(r) };
	auto_json json *out = json_object_new();
	json *value = json_array_new();
	struct query q;

	json_set(out, "value", value);
	TRY(param_id(r, "id", &l.id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	if (q.o.nselect > 0)
		FAIL(ERR_BAD_REQUEST, "$select is not supported here");
	TRY(store_read(api_of(r)->store, look, &l));
	json_set(out, "slot", l.json);
	for (size_t i = 0; i < l.nevents; i++)
		json_add(value, event_json(l.a, &l.events[i]));
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	ROUTE(GET, "/chancery/v1/slots", PERM_CONFIG_READ | PERM_SCOPED, list),
	ROUTE(GET, "/chancery/v1/expiring", PERM_CONFIG_READ | PERM_SCOPED, list_expiring),
	ROUTE(GET, "/chancery/v1/slots/{id}", PERM_CONFIG_READ | PERM_SCOPED, get),
	ROUTE(GET, "/chancery/v1/slots/{id}/timeline", PERM_CONFIG_READ | PERM_SCOPED, timeline),
	{ 0 },
};

const struct resource resource_slots = { "slots", routes };
