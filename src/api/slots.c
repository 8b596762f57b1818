/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/slots: every certificate that is due, where it stands, on what it waits and since when; and the whole
 * timeline of one.
 */
#include "api/users.h"
#include "model/status.h"

static void
set_ms(struct arena *a, json *j, const char *name, when_ms_t t)
{
	json_set_text(j, name, t == 0 ? NULL : when_text_ms(a, t));
}

static const char *
text_or_null(const char *s)
{
	return s == NULL || *s == '\0' ? NULL : s;
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

static err_t
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

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct slot *v;
	size_t n;

	(void)arg;
	TRY(store_slot_list(
	    tx, a, demanded_id(q, "profileId"), demanded_id(q, "deviceId"), p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		json *j;

		TRY(slot_json(tx, a, &v[i], &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

static const struct collection slots = { .set = "slots", .page = LIMIT_PAGE, .read = read_page };

static err_t
list(struct http_req *r)
{
	return reply_collection(r, &slots, 0);
}

struct look {
	struct arena *a;
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
	TRY(store_event_list(tx, l->a, l->id, &l->events, &l->nevents));
	return slot_json(tx, l->a, &l->slot, &l->json);
}

static err_t
get(struct http_req *r)
{
	struct look l = { .a = http_arena(r) };
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
	struct look l = { .a = http_arena(r) };
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
	ROUTE(GET, "/chancery/v1/slots", PERM_CONFIG_READ, list),
	ROUTE(GET, "/chancery/v1/slots/{id}", PERM_CONFIG_READ, get),
	ROUTE(GET, "/chancery/v1/slots/{id}/timeline", PERM_CONFIG_READ, timeline),
	{ 0 },
};

const struct resource resource_slots = { "slots", routes };
