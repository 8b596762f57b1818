/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/status: how all certificates stand, from counts that the store keeps: by state, by profile, by fault
 * with its next step; what is queued; what is no history any more; and what the installation itself cannot do at the
 * moment. /chancery/v1/revocations: what was or is to be
 * revoked.
 */
#include "api/reach.h"
#include "api/slot.h"
#include "store/slot_count.h"

struct look {
	struct arena *a;
	const struct caller *who;
	struct slot_count *v;
	size_t n;
	int64_t queued, leased;
	bool limited;
	struct event_count *events;
	size_t nevents;
	struct status_lack *lacks;
	size_t nlacks;
	json *profiles; /* the caller's */
};

/* The rows of one profile stand together. */
static err_t
add_profile(struct tx *tx, struct look *l, const struct slot_count *v, size_t n)
{
	json *j = json_object_new();
	int64_t p = 0, s = 0, f = 0;
	when_ms_t changed = 0;
	struct profile profile;
	err_t e;

	json_add(l->profiles, j);
	e = store_profile_get(tx, l->a, v->profile, &profile);
	if (!err_is(e, ERR_NOT_FOUND))
		TRY(e);
	json_set_id(l->a, j, "profileId", v->profile);
	json_set_text(j, "profileName", err_ok(e) ? profile.display_name : NULL);
	err_forget(e);
	for (size_t i = 0; i < n; i++) {
		char group = status_group(v[i].state);

		p += group == 'p' ? v[i].n : 0;
		s += group == 's' ? v[i].n : 0;
		f += group == 'e' ? v[i].n : 0;
		changed = v[i].changed > changed ? v[i].changed : changed;
	}
	json_set_int(j, "pending", p);
	json_set_int(j, "success", s);
	json_set_int(j, "error", f);
	json_set_text(j, "lastUpdateDateTime", when_text_ms(l->a, changed));
	return OK;
}

/* Of all, or of the profiles that the caller reaches; what is no history any more is not known by profile. */
static err_t
count(struct tx *tx, struct look *l, const struct slot_profiles *reach)
{
	struct queue_count *queue;
	size_t requests[8], n = 0, nqueue;

	TRY(store_slot_counts(tx, l->a, (struct id){ 0 }, &l->v, &l->n));
	l->limited = reach != NULL;
	if (reach == NULL) {
		TRY(store_request_counts(tx, requests));
		l->queued = (int64_t)requests[REQUEST_QUEUED];
		l->leased = (int64_t)requests[REQUEST_LEASED];
		return store_event_counts(tx, l->a, &l->events, &l->nevents);
	}
	for (size_t i = 0; i < l->n; i++)
		if (reach_has(reach, l->v[i].profile))
			l->v[n++] = l->v[i];
	l->n = n;
	TRY(store_queue_counts(tx, l->a, &queue, &nqueue));
	for (size_t i = 0; i < nqueue; i++) {
		bool has = reach_has(reach, queue[i].profile);

		l->queued += has ? queue[i].queued : 0;
		l->leased += has ? queue[i].leased : 0;
	}
	return OK;
}

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;
	const struct slot_profiles *reach;
	size_t from = 0;

	TRY(reach_profiles(tx, l->a, l->who, PERM_CONFIG_READ, &reach));
	TRY(count(tx, l, reach));
	if (!l->limited)
		TRY(status_lacks(tx, l->a, &l->lacks, &l->nlacks));
	for (size_t i = 1; i <= l->n; i++) {
		if (i < l->n && id_eq(l->v[i].profile, l->v[from].profile))
			continue;
		TRY(add_profile(tx, l, &l->v[from], i - from));
		from = i;
	}
	return OK;
}

static json *
states_json(const struct look *l)
{
	json *j = json_object_new();

	for (enum status_state s = STATUS_WAITING; s <= STATUS_REMOVED; s++) {
		int64_t sum = 0;

		for (size_t i = 0; i < l->n; i++)
			sum += l->v[i].state == s ? l->v[i].n : 0;
		json_set_int(j, status_word(s), sum);
	}
	return j;
}

static json *
faults_json(const struct look *l)
{
	json *out = json_array_new();

	for (size_t i = 0; i < l->n; i++) {
		const char *fault = l->v[i].fault;
		const struct err_info *info = err_info_by_id(fault);
		json *j = NULL;

		if (*fault == '\0')
			continue;
		for (size_t k = 0; k < json_count(out) && j == NULL; k++)
			if (strcmp(json_text(json_get(json_at(out, k), "fault")), fault) == 0)
				j = json_at(out, k);
		if (j == NULL) {
			j = json_object_new();
			json_set_text(j, "fault", fault);
			json_set_int(j, "count", 0);
			json_set_text(j, "text", info == NULL ? NULL : info->text);
			json_set_text(j, "nextStep", info == NULL ? NULL : info->hint);
			json_add(out, j);
		}
		json_set_int(j, "count", json_int(json_get(j, "count")) + l->v[i].n);
	}
	return out;
}

static json *
history_json(const struct look *l)
{
	json *out = json_array_new();

	for (size_t i = 0; i < l->nevents; i++) {
		const struct event_count *e = &l->events[i];
		json *j = json_object_new();

		json_set_when(l->a, j, "from", e->month * 30 * 86400);
		json_set_text(j, "actor", e->actor);
		json_set_text(j, "event", e->event);
		json_set_text(j, "fault", *e->fault == '\0' ? NULL : e->fault);
		json_set_int(j, "count", e->n);
		json_add(out, j);
	}
	return out;
}

static void
add_lack(const struct look *l, const struct status_lack *lack, json *list)
{
	const struct err_info *info = err_info(lack->fault);
	json *j = json_object_new();

	json_set_text(j, "code", info->id);
	json_set_text(j, "message", arena_printf(l->a, "%s: %s", info->text, lack->detail));
	json_set_text(j, "hint", info->hint);
	json_add(list, j);
}

/* What the installation itself cannot do at the moment: for who sees all of it. */
static json *
warnings(const struct api *api, const struct look *l)
{
	json *list = json_array_new();

	for (size_t i = 0; i < l->nlacks; i++)
		add_lack(l, &l->lacks[i], list);

	if (!l->limited && api->troubles != NULL)
		api->troubles(api->ca_ctx, l->a, list);
	return list;
}

static err_t
get(struct http_req *r)
{
	struct look l = { .a = http_arena(r), .who = http_caller(r) };
	auto_json json *out = json_object_new();
	json *queue = json_object_new();
	struct query q;

	l.profiles = json_array_new();
	json_set(out, "profiles", l.profiles);
	json_set(out, "queue", queue);
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &l));
	json_set_int(queue, "queued", l.queued);
	json_set_int(queue, "leased", l.leased);
	json_set(out, "states", states_json(&l));
	json_set(out, "faults", faults_json(&l));
	json_set(out, "warnings", warnings(api_of(r), &l));
	json_set(out, "history", l.limited ? json_null_new() : history_json(&l));
	TRY(reply_narrow(&q, out));
	return reply_json(r, 200, out);
}

/* ---- revocations ---- */

static err_t
revocation_json(struct tx *tx, struct arena *a, const struct request *r, json **ret)
{
	auto_json json *j = json_object_new();
	struct slot_names names = { 0 };
	struct slot s = { 0 };
	bool done = r->state == REQUEST_DONE;
	err_t e = store_slot_get(tx, a, r->slot, &s);

	if (!err_is(e, ERR_NOT_FOUND))
		TRY(e);
	err_forget(e);
	TRY(slot_names(tx, a, &s, &names));
	json_set_id(a, j, "id", r->id);
	json_set_id(a, j, "slotId", r->slot);
	json_set_id(a, j, "deviceId", r->device);
	json_set_text(j, "deviceName", names.device);
	json_set_id(a, j, "userId", s.user);
	json_set_text(j, "userPrincipalName", names.upn);
	json_set_text(j, "issuerName", r->ca);
	json_set_text(j, "serialNumber", *r->serial == '\0' ? NULL : r->serial);
	json_set_text(j, "status", done ? "revoked" : *r->fault == '\0' ? "pending" : "failed");
	json_set_text(j, "fault", *r->fault == '\0' ? NULL : r->fault);
	json_set_text(j, "detail", *r->detail == '\0' ? NULL : r->detail);
	json_set_text(j, "requestedDateTime", when_text_ms(a, r->created));
	json_set_text(j, "revokedDateTime", done ? when_text_ms(a, r->updated) : NULL);
	*ret = steal(j);
	return OK;
}

static err_t
revocation_reached(struct tx *tx, struct arena *a, const struct slot_profiles *reach,
    const struct request *r, bool *ret)
{
	struct slot s = { 0 };
	err_t e;

	*ret = reach == NULL;
	if (*ret)
		return OK;
	e = store_slot_get(tx, a, r->slot, &s);
	if (!err_is(e, ERR_NOT_FOUND))
		TRY(e);
	*ret = err_ok(e) && reach_has(reach, s.profile);
	err_forget(e);
	return OK;
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	const struct slot_profiles *reach;
	struct revocation *v;
	size_t n;

	(void)q;
	TRY(reach_profiles(tx, a, arg, PERM_CONFIG_READ, &reach));
	TRY(store_revocations(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		json *j;
		bool has;

		TRY(revocation_reached(tx, a, reach, &v[i].request, &has));
		if (!has) {
			rows_pass(rows, v[i].key);
			continue;
		}
		TRY(revocation_json(tx, a, &v[i].request, &j));
		rows_add(rows, v[i].key, j);
	}
	return OK;
}

static const char *const revocation_search[] = { "serialNumber", "deviceName", "userPrincipalName",
	NULL };

static err_t
list_revocations(struct http_req *r)
{
	static const struct collection revocations = { .set = "revocations",
		.page = LIMIT_PAGE,
		.read = read_page,
		.by_caller = true,
		.search = revocation_search,
		.bounded = true };

	return reply_collection(r, &revocations, 0);
}

static const struct http_route routes[] = {
	ROUTE(GET, "/chancery/v1/status", PERM_CONFIG_READ | PERM_SCOPED, get),
	ROUTE(GET, "/chancery/v1/revocations", PERM_CONFIG_READ | PERM_SCOPED, list_revocations),
	{ 0 },
};

const struct resource resource_status = { "status", routes };
