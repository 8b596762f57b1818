/* SPDX-License-Identifier: Apache-2.0 */
/* Where a slot stands: see status.h. */
#include "model/status.h"
#include "model/request.h"
#include "store/slot_count.h"
#include "store/user_pfx.h"

/* Seconds after which a connector that was not heard of counts as away; a poll is parked for 55
 * at most. */
enum { CONNECTOR_AWAY = 150 };

static const struct {
	const char *word, *compliance;
} words[] = {
	[STATUS_WAITING] = { "waiting", "unknown" },
	[STATUS_ISSUING] = { "issuing", "unknown" },
	[STATUS_READY] = { "ready", "unknown" },
	[STATUS_OFFERED] = { "offered", "unknown" },
	[STATUS_INSTALLED] = { "installed", "compliant" },
	[STATUS_RENEWING] = { "renewing", "compliant" },
	[STATUS_FAILED] = { "failed", "error" },
	[STATUS_REMOVING] = { "removing", "notAssigned" },
	[STATUS_REMOVED] = { "removed", "notAssigned" },
};

static enum status_state
state_of(const struct slot *s, const struct request *r)
{
	bool open = r != NULL && request_is_open(r);

	if (!s->wanted)
		return s->reached_hash.n > 0 ? STATUS_REMOVING : STATUS_REMOVED;
	if (s->wanted_hash.n == 0)
		return STATUS_FAILED;
	/* A device that holds what it should is well, whatever is still under way for it. */
	if (str_eq(s->reached_hash, s->wanted_hash) &&
	    (s->not_after > when_now() || s->not_after == 0 || !id_is_zero(s->item)))
		return open || (r != NULL && r->state == REQUEST_FAILED) ? STATUS_RENEWING :
									   STATUS_INSTALLED;
	if (r == NULL)
		return STATUS_WAITING;
	switch (r->state) {
	case REQUEST_QUEUED:
		return STATUS_WAITING;
	case REQUEST_LEASED:
		return STATUS_ISSUING;
	case REQUEST_READY:
		return STATUS_READY;
	case REQUEST_OFFERED:
		return STATUS_OFFERED;
	case REQUEST_FAILED:
		return STATUS_FAILED;
	case REQUEST_DONE:
		/* Installed once, and not issued again for a reason. */
		return s->fault != NULL && s->fault[0] != '\0' ? STATUS_FAILED : STATUS_WAITING;
	case REQUEST_WITHDRAWN:
		return STATUS_WAITING;
	}
	return STATUS_WAITING;
}

/* Whether somebody is there to take the request: "" when so, else a sentence about who is not, and
 * the fault that it is. */
static err_t
connector_lack(
    struct tx *tx, struct arena *a, const char *ca, enum err_code *ret_fault, const char **ret)
{
	struct page p = { .limit = LIMIT_PAGE };
	const struct connector *last = NULL;
	struct connector *v;
	bool more = true;
	size_t n;

	*ret = "";
	*ret_fault = ERR_NO_CONNECTOR;
	while (more) {
		TRY(store_connector_list(tx, a, p, &v, &n, &more));
		for (size_t i = 0; i < n; i++) {
			p.after = v[i].id;
			if (!v[i].enabled || !request_list_has(v[i].cas, ca))
				continue;
			if (when_now() - v[i].last_contact <= CONNECTOR_AWAY && v[i].holder.n > 0)
				return OK;
			if (last == NULL || v[i].last_contact > last->last_contact)
				last = &v[i];
		}
	}
	if (last == NULL)
		*ret = arena_printf(a, "no connector is enrolled that reaches \"%s\"", ca);
	else if (when_now() - last->last_contact <= CONNECTOR_AWAY) {
		*ret = arena_printf(a, "connector %s, which reaches \"%s\"", last->name, ca);
		*ret_fault = ERR_CONNECTOR_HOLDER;
	} else
		*ret = arena_printf(a, "connector %s, which reaches \"%s\", was last heard of %s",
		    last->name, ca, when_ago(a, last->last_contact, when_now()));
	return OK;
}

/* The same for an imported certificate: who holds a key that opens it. */
static err_t
import_lack(struct tx *tx, struct arena *a, const struct slot *s, enum err_code *ret_fault,
    const char **ret)
{
	struct page p = { .limit = LIMIT_PAGE };
	const char *names = "";
	struct connector *v;
	struct pfx_copy *keys;
	bool more = true;
	size_t n, nkeys;

	*ret_fault = ERR_PFX_KEY_UNKNOWN;
	TRY(store_pfx_copies(tx, a, s->item, &keys, &nkeys));
	for (size_t i = 0; i < nkeys; i++)
		names = arena_printf(a, "%s%s\"%s\" (%.16s)", names, i == 0 ? "" : ", ",
		    keys[i].key_name, keys[i].key);
	while (more) {
		TRY(store_connector_list(tx, a, p, &v, &n, &more));
		for (size_t i = 0; i < n; i++) {
			p.after = v[i].id;
			if (!v[i].enabled || when_now() - v[i].last_contact > CONNECTOR_AWAY)
				continue;
			for (size_t k = 0; k < nkeys; k++)
				if (request_list_has(v[i].import_keys, keys[k].key)) {
					*ret = "";
					return OK;
				}
		}
	}
	*ret = arena_printf(a, "none that was heard of lately; it is encrypted to %s", names);
	return OK;
}

bool
status_is_told_only(const char *fault)
{
	static const enum err_code told[] = { ERR_NO_CONNECTOR, ERR_CONNECTOR_HOLDER,
		ERR_PFX_KEY_UNKNOWN, ERR_CA_NO_REVOKE };

	for (size_t i = 0; i < COUNT(told); i++)
		if (str_ieq_c(str_c(fault), err_info(told[i])->id))
			return true;
	return false;
}

err_t
status_lacks(struct tx *tx, struct arena *a, struct status_lack **ret, size_t *retn)
{
	struct status_lack *v;
	const char **cas;
	size_t ncas, n = 0;

	TRY(store_queue_cas(tx, a, &cas, &ncas));
	v = arena_array(a, ncas + 1, sizeof(*v));
	for (size_t i = 0; i < ncas; i++) {
		TRY(connector_lack(tx, a, cas[i], &v[n].fault, &v[n].detail));
		n += v[n].detail[0] != '\0';
	}
	*ret = v;
	*retn = n;
	return OK;
}

static void
explain(struct arena *a, struct status *st, const char *fault, const char *detail)
{
	const struct err_info *info = err_info_by_id(fault);

	st->fault = fault;
	st->why = detail == NULL || detail[0] == '\0' ? "" : detail;
	st->next = "";
	if (info == NULL)
		return;
	st->why = st->why[0] == '\0' ? info->text : arena_printf(a, "%s: %s", info->text, detail);
	st->next = info->hint;
}

static err_t
reason(struct tx *tx, struct arena *a, const struct slot *s, const struct request *r,
    struct status *st)
{
	enum err_code fault;
	const char *lack;

	if (s->fault != NULL && s->fault[0] != '\0') {
		explain(a, st, s->fault, s->detail);
		return OK;
	}
	switch (st->state) {
	case STATUS_WAITING:
		if (r == NULL || r->state != REQUEST_QUEUED) {
			st->why = "waits for the next check-in of the device";
			return OK;
		}
		if (r->kind == REQUEST_IMPORT)
			TRY(import_lack(tx, a, s, &fault, &lack));
		else
			TRY(connector_lack(tx, a, r->ca, &fault, &lack));
		if (lack[0] != '\0')
			explain(a, st, err_info(fault)->id, lack);
		else
			st->why = "waits for a connector to take it";
		return OK;
	case STATUS_ISSUING:
		st->why = id_is_zero(s->item) ? "a connector asks the certification authority" :
						"a connector packs it for the device";
		return OK;
	case STATUS_READY:
		st->why = "waits for the next check-in of the device";
		return OK;
	case STATUS_OFFERED:
		/* The device's own words, when it put it off. */
		st->why = s->detail != NULL && s->detail[0] != '\0' ?
		    s->detail :
		    "waits for the device to report that it is installed";
		return OK;
	case STATUS_REMOVING:
		st->why = "waits for the device to report that it is gone";
		return OK;
	case STATUS_RENEWING:
		st->why = "installed; its successor is on the way";
		return OK;
	case STATUS_INSTALLED:
	case STATUS_FAILED:
	case STATUS_REMOVED:
		return OK;
	}
	return OK;
}

/* A slot that is well itself still says that a certificate before cannot be revoked: it stays valid in somebody's hands. One
 * that says just that also says which. */
static err_t
stuck_revocation(struct tx *tx, struct arena *a, const struct slot *s, struct status *st)
{
	const char *about;
	struct request r;
	err_t e;

	if (st->fault[0] != '\0' && strcmp(st->fault, err_info(ERR_CA_NO_REVOKE)->id) != 0)
		return OK;
	e = store_request_stuck(tx, a, s->id, &r);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	about = r.serial[0] == '\0' ? "" : arena_printf(a, " %s", r.serial);
	explain(a, st, r.fault, r.detail);
	st->why = arena_printf(a,
	    "an older certificate%s of \"%s\" is to be revoked since %s and could not be yet: %s",
	    about, r.ca, when_text_ms(a, r.created), st->why);
	return OK;
}

err_t
status_of(struct tx *tx, struct arena *a, const struct slot *s, struct status *ret)
{
	struct status st = { .fault = "", .why = "", .next = "", .since = s->since };
	struct request r;
	bool found;

	TRY(request_of(tx, a, s, &found, &r));
	st.state = state_of(s, found ? &r : NULL);
	st.word = words[st.state].word;
	st.compliance = words[st.state].compliance;
	TRY(reason(tx, a, s, found ? &r : NULL, &st));
	TRY(stuck_revocation(tx, a, s, &st));
	*ret = st;
	return OK;
}

char
status_group(enum status_state state)
{
	switch (state) {
	case STATUS_WAITING:
	case STATUS_ISSUING:
	case STATUS_READY:
	case STATUS_OFFERED:
	case STATUS_REMOVING:
		return 'p';
	case STATUS_INSTALLED:
	case STATUS_RENEWING:
		return 's';
	case STATUS_FAILED:
		return 'e';
	case STATUS_REMOVED:
		return 0;
	}
	return 0;
}

err_t
status_counts(struct tx *tx, struct arena *a, struct id profile, struct status_counts *ret)
{
	struct status_counts c = { 0 };
	struct slot_count *v;
	size_t n;

	TRY(store_slot_counts(tx, a, profile, &v, &n));
	for (size_t i = 0; i < n; i++) {
		char group = status_group(v[i].state);

		c.pending += group == 'p' ? (size_t)v[i].n : 0;
		c.success += group == 's' ? (size_t)v[i].n : 0;
		c.error += group == 'e' ? (size_t)v[i].n : 0;
		if (v[i].changed > c.updated)
			c.updated = v[i].changed;
	}
	*ret = c;
	return OK;
}

enum status_state
status_by_word(const char *word)
{
	for (enum status_state s = STATUS_WAITING; s <= STATUS_REMOVED; s++)
		if (str_ieq_c(str_c(words[s].word), word))
			return s;
	return 0;
}

const char *
status_word(enum status_state state)
{
	return words[state].word;
}

err_t
status_put(struct tx *tx, struct slot *s, const struct request *r)
{
	s->state = state_of(s, r);
	return store_slot_update(tx, s);
}

err_t
status_insert(struct tx *tx, struct slot *s)
{
	s->state = state_of(s, NULL);
	return store_slot_insert(tx, s);
}

struct ended {
	struct arena *a;
	size_t max, n;
	struct id *v;
	struct id one;
};

static err_t
find_ended(struct tx *tx, void *arg)
{
	struct ended *x = arg;

	return store_slots_ended(tx, x->a, when_now(), x->max, &x->v, &x->n);
}

static err_t
tell_ended(struct tx *tx, void *arg)
{
	struct ended *x = arg;
	struct request r;
	struct slot s;
	bool found;

	TRY(store_slot_get(tx, x->a, x->one, &s));
	TRY(request_of(tx, x->a, &s, &found, &r));
	if (state_of(&s, found ? &r : NULL) == s.state)
		return OK;
	s.since = when_now_ms();
	TRY(request_note(tx, &s, s.request, "service", "ended", s.serial));
	return status_put(tx, &s, found ? &r : NULL);
}

err_t
status_ended(struct store *s, size_t max, size_t *ret)
{
	auto_arena struct arena *a = arena_new();
	struct ended x = { .a = a, .max = max };

	TRY(store_read(s, find_ended, &x));
	for (size_t i = 0; i < x.n; i++) {
		auto_arena struct arena *one = arena_new();
		struct ended each = { .a = one, .one = x.v[i] };

		TRY(store_write(s, tell_ended, &each));
	}
	*ret = x.n;
	return OK;
}
