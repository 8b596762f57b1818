/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OMA-DM: one message of a session, MS-MDM 3.
 *
 *   device: here I am ──► what is new with you, what do you hold? ──► answers ──► check-in ──► commands ──► statuses
 *                              ▲                                          │                                 │
 *                              └──────────────────────────────────────────┴── nothing to do: the end        │
 *                              └─────────────────────────────────────────────────────────────────────────────┘
 *
 * Where something is still on its way to the device, the answer waits some seconds for it: the handler runs again then,
 * with the same message, and finds what is ready. Nothing is kept before that.
 *
 * A command counts as carried out when the device says so and its nodes show it. A message that comes again, or out of
 * turn, begins anew with the questions; that costs a round and nothing else.
 */
#include "base/limits.h"
#include "device/windows_msg.h"
#include "device/windows_push.h"
#include "device/windows_report.h"
#include "device/windows_tell.h"
#include "model/enrol.h"
#include "store/slot.h"

/* Kinds of alerts: OMA-DM 1.2 protocol 8.7, MS-MDM 2.2.7 */
enum { ALERT_NEXT = 1222, ALERT_ABORT = 1223, ALERT_CLIENT = 1224, ALERT_GENERIC = 1226 };
enum { STATUS_OK = 200, STATUS_PIECE = 213, STATUS_NOT_SUPPORTED = 406 };
/* Bytes of a message: if the device says nothing, and at most. Rounds of commands in one session. */
enum { ROOM_DEFAULT = 64 << 10, ROOM_MAX = 512 << 10, CLOSING = 64, ROUNDS_MAX = 20 };
/* Questions in one message: what they are answered with comes in one, too, and is no larger than is taken. */
enum { QUESTIONS_MAX = 128 };
/* Milliseconds that an answer waits for what is under way, and for how long something counts as that. */
enum { WAIT_MS = 10000, UNDER_WAY_MS = 60000 };

#define LOGIN_STATUS "com.microsoft/MDM/LoginStatus"
#define LEAVES "com.microsoft:mdm.unenrollment.userrequest"
#define REVERSED "Reversed-Domain-Name:" /* before either, at times; MS-MDM 2.2.7 */
#define LEAVE_NODE "./Device/Vendor/MSFT/DMClient/Provider/" WINDOWS_PROVIDER "/Unenroll"

struct turn {
	struct http_req *r;
	const struct device_edge *edge;
	const struct device *device;
	struct arena *a;
	struct syncml_message m;
	struct windows_state st;
	struct holdings has;
	struct buf b;
	size_t room;
	uint32_t id; /* newest CmdID of the answer */
	bool leaves, aborts;
	bool changed; /* the state is to be kept */
	bool work;    /* something is on its way to the device */
	const char *
	    push_verb; /* by which it is told the application that it is woken by; NULL: it needs not */
};

/* ---- what came ---- */

static void
begin_session(struct windows_state *st, const struct syncml_message *m)
{
	st->session = m->session;
	st->source = m->source;
	st->user = st->facts = false;
	st->push = WINDOWS_PUSH_UNTOLD;
	st->rounds = 0;
}

/* An answer of ours was lost: nobody will hear a status of what was told in it. The nodes show what became of it. */
static void
ask_anew(struct windows_state *st)
{
	st->nanswers = 0;
	for (size_t i = 0; i < st->nsent; i++)
		st->sent[i].first = st->sent[i].last = 0;
}

static bool
is_of_type(const struct syncml_item *item, const char *type)
{
	struct str text = str_c(item->type), prefix = LIT(REVERSED);

	if (text.n > prefix.n && str_ieq_c(str_of(text.p, prefix.n), REVERSED))
		text = str_of(text.p + prefix.n, text.n - prefix.n);
	return str_ieq_c(text, type);
}

static void
hear_alert(struct turn *t, const struct syncml_command *c)
{
	t->aborts |= c->code == ALERT_ABORT;
	for (size_t i = 0; i < c->nitems; i++) {
		const struct syncml_item *item = &c->items[i];

		if (c->code == ALERT_CLIENT && is_of_type(item, LOGIN_STATUS))
			t->st.user = strcmp(item->data, "user") == 0;
		if (c->code == ALERT_GENERIC && is_of_type(item, LEAVES))
			t->leaves = true;
	}
}

static void
hear(struct turn *t)
{
	struct windows_state *st = &t->st;
	/* A session is one machine's: another one that goes on with it is asked what it is. */
	bool same = strcmp(st->session, t->m.session) == 0 && strcmp(st->source, t->m.source) == 0;
	bool next = same && t->m.id > 1 && t->m.id == st->msg + 1;

	if (!next && (t->m.id == 1 || !same))
		begin_session(st, &t->m);
	st->msg = t->m.id;
	for (size_t i = 0; i < t->m.ncommands; i++)
		if (t->m.commands[i].verb == SYNCML_ALERT)
			hear_alert(t, &t->m.commands[i]);
	if (next)
		windows_take(t->a, &t->m, st);
	else
		ask_anew(st);
}

/* What is said to a command of the device; 0: nothing. */
static uint32_t
status_for(const struct syncml_command *c)
{
	switch (c->verb) {
	case SYNCML_STATUS:
		return 0;
	case SYNCML_RESULTS:
		return c->nitems > 0 && c->items[0].more ? STATUS_PIECE : 0;
	case SYNCML_ALERT:
	case SYNCML_REPLACE:
		break;
	case SYNCML_OTHER:
		return STATUS_NOT_SUPPORTED;
	}
	return STATUS_OK;
}

/* One status for each of its commands (OMA-DM 1.2 representation 6.4), and for the piece of a large object (protocol 7). */
static err_t
acknowledge(struct turn *t)
{
	uint32_t status;

	TRY(syncml_open(&t->b, &t->m));
	TRY(syncml_status(&t->b, ++t->id, t->m.id, 0, "SyncHdr", STATUS_OK));
	for (size_t i = 0; i < t->m.ncommands; i++) {
		const struct syncml_command *c = &t->m.commands[i];

		status = status_for(c);
		if (status != 0)
			TRY(syncml_status(&t->b, ++t->id, t->m.id, c->id, c->name, status));
	}
	return OK;
}

/* ---- what goes ---- */

static err_t
send(struct turn *t)
{
	if (t->changed)
		TRY(windows_state_save(t->edge->store, t->a, t->device->id, &t->st));
	TRY(syncml_close(&t->b));
	http_reply_header(t->r, "Cache-Control", "no-store");
	return http_reply(t->r, 200, SYNCML_CONTENT_TYPE, buf_str(&t->b));
}

/* As many as fit; the rest is asked when these are answered. */
static err_t
send_questions(struct turn *t)
{
	unsigned asked = 0;

	for (size_t i = 0; i < t->st.nanswers && asked < QUESTIONS_MAX; i++) {
		struct windows_answer *w = &t->st.answers[i];
		size_t start = t->b.n;
		err_t e;

		if (w->code != 0)
			continue;
		asked++;
		e = syncml_put(&t->b, t->id + 1, "Get", w->uri, NULL, NULL);
		if (err_is(e, ERR_TOO_LARGE) || (err_ok(e) && t->b.n + CLOSING > t->room)) {
			err_forget(e);
			t->b.n = start;
			break;
		}
		TRY(e);
		w->id = ++t->id;
	}
	t->st.asked = t->m.id;
	t->changed = true;
	return send(t);
}

/* What could not be told is on record with its reason; nothing of it comes back in this session. */
static err_t
report_held(struct turn *t, const struct windows_telling *w)
{
	struct report rep = { .results = w->held, .nresults = w->nheld };
	struct command *v;
	size_t n;

	if (w->nheld == 0)
		return OK;
	return checkin_run(t->edge->store, t->a, t->device->id, &rep, &v, &n);
}

/* Is something on its way to this slot? What waits longer waits for something else than its turn or a connector. */
static err_t
is_under_way(struct tx *tx, struct arena *a, const struct slot *s, bool *ret)
{
	struct request r;
	err_t e;

	*ret = false;
	if (!s->wanted || s->reached_hash.n > 0 || when_now_ms() - s->since > UNDER_WAY_MS ||
	    (s->fault != NULL && s->fault[0] != '\0'))
		return OK;
	*ret = id_is_zero(s->request);
	if (*ret)
		return OK;
	e = store_request_get(tx, a, s->request, &r);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	*ret =
	    (r.state == REQUEST_QUEUED || r.state == REQUEST_LEASED) && r.not_before <= when_now();
	return OK;
}

static err_t
look_for_work(struct tx *tx, struct arena *a, const struct device *d, const struct command *v,
    size_t n, void *ctx)
{
	struct turn *t = ctx;
	struct slot *slots;
	size_t nslots;

	(void)v;
	t->work = false;
	if (n > 0)
		return OK;
	TRY(store_slots_of_device(tx, a, d->id, &slots, &nslots));
	for (size_t i = 0; i < nslots && !t->work; i++)
		TRY(is_under_way(tx, a, &slots[i], &t->work));
	return OK;
}

/* What the device says to it does not count: it is asked for its channel afterwards. */
static err_t
tell_push(struct turn *t)
{
	if (t->push_verb == NULL)
		return OK;
	t->st.push = WINDOWS_PUSH_TOLD;
	t->changed = true;
	return syncml_put(
	    &t->b, ++t->id, t->push_verb, WINDOWS_PUSH_FAMILY, "chr", t->edge->windows_family);
}

static err_t
send_commands(struct turn *t, const struct command *v, size_t n)
{
	struct windows_telling w = { .edge = t->edge,
		.a = t->a,
		.has = &t->has,
		.st = &t->st,
		.v = v,
		.n = t->st.rounds < ROUNDS_MAX ? n : 0,
		.b = &t->b,
		.id = t->id,
		.room = t->room };

	TRY(tell_push(t));
	w.id = t->id;
	w.told = t->push_verb != NULL;
	TRY(windows_tell(&w));
	TRY(report_held(t, &w));
	/* The session would end here, and the next one may be an hour away. */
	if (w.told == 0 && t->work && !http_late(t->r))
		return http_park(
		    t->r, TOPIC_DEVICE, id_str(&t->device->id), http_arrived_ms(t->r) + WAIT_MS);
	t->changed |= t->st.nsent > 0;
	t->st.rounds++;
	t->st.asked = t->m.id;
	return send(t);
}

/* Everything is removed: the device leaves management, and is told nothing else from now on. */
static err_t
send_farewell(struct turn *t)
{
	TRY(syncml_put(&t->b, ++t->id, "Exec", LEAVE_NODE, NULL, NULL));
	t->changed = false;
	return send(t);
}

static err_t
check_in(struct turn *t)
{
	struct checkin_with with = { look_for_work, t };
	struct report rep = {
		.has_facts = !t->st.facts,
		.again = !http_first_run(t->r),
		.wipe = t->st.rounds < ROUNDS_MAX ? REPORT_WIPE_CAN : REPORT_WIPE_NOT_HERE,
		.with = &with,
	};
	struct command *v;
	size_t n;
	err_t e;

	if (rep.has_facts) {
		windows_facts(t->a, &t->st, &rep.facts);
		rep.facts.machine_id = windows_machine(t->a, t->m.source);
	}
	TRY(windows_push_hear(t->edge, t->a, t->device->id, &t->st, &t->push_verb));
	t->changed |= t->st.nsent > 0;
	windows_report(t->a, &t->has, &t->st, &rep);
	if (windows_answer_of(&t->st, "./Device" WINDOWS_PFX_NODES) != NULL) {
		t->st.looked = when_now();
		t->changed = true;
	}
	t->st.facts = true;
	t->st.nanswers = 0;
	t->has = inventory_said(t->a, &rep);
	e = checkin_run(t->edge->store, t->a, t->device->id, &rep, &v, &n);
	if (err_is(e, ERR_DEVICE_WIPED)) {
		err_forget(e);
		t->changed = false;
		return send(t);
	}
	if (err_is(e, ERR_DEVICE_RETIRED)) {
		err_forget(e);
		return send_farewell(t);
	}
	TRY(e);
	return send_commands(t, v, n);
}

/* Its user disconnected it: all that came by us goes with that, and this is the last that is heard of it. */
static err_t
leave(struct turn *t)
{
	struct report rep = { .has_inventory = true };
	struct command *v;
	size_t n;
	err_t e;

	TRY(device_retire(t->edge->store, t->a, "device", t->device->id));
	e = checkin_run(t->edge->store, t->a, t->device->id, &rep, &v, &n);
	if (!err_is(e, ERR_DEVICE_RETIRED) && !err_is(e, ERR_DEVICE_WIPED))
		TRY(e);
	err_forget(e);
	t->changed = false;
	return send(t);
}

static err_t
go_on(struct turn *t)
{
	if (t->leaves)
		return leave(t);
	if (t->aborts)
		return send(t);
	if (!t->m.final) {
		TRY(syncml_alert(&t->b, ++t->id, ALERT_NEXT));
		t->changed = true;
		return send(t);
	}
	windows_push_ask(t->edge, &t->st);
	return windows_ask(t->a, &t->has, &t->st) ? send_questions(t) : check_in(t);
}

/* The binary form of SyncML, which begins with its version (WBXML 1.3 5.4): the provisioning of the device asked for the other,
 * so this is none to be guessed at. */
static err_t
refuse_binary(const struct http_req *r)
{
	const char *type = http_header(r, "Content-Type");
	struct str body = http_body(r), media = str_c(type);
	bool says = str_ieq_c(str_trim(str_cut(&media, ';')), "application/vnd.syncml.dm+wbxml");

	if (says || (body.n > 0 && body.p[0] >= 1 && body.p[0] <= 3))
		FAIL(ERR_MEDIA_TYPE,
		    "application/vnd.syncml.dm+xml is taken, as the enrolment told the device (DEFAULTENCODING), and no WBXML");
	return OK;
}

static err_t
read_message(struct turn *t)
{
	TRY(refuse_binary(t->r));
	TRY(syncml_parse(t->a, http_body(t->r), &t->m));
	t->room = t->m.max_size == 0 ? ROOM_DEFAULT :
	    t->m.max_size > ROOM_MAX ? ROOM_MAX :
				       t->m.max_size;
	buf_init(&t->b, t->room);
	return OK;
}

static err_t
run(struct turn *t)
{
	TRY(read_message(t));
	TRY(inventory_parse(t->a, t->device->inventory, &t->has));
	TRY(windows_state_load(t->edge->store, t->a, t->device->id, &t->st));
	hear(t);
	TRY(acknowledge(t));
	return go_on(t);
}

err_t
windows_session(struct http_req *r)
{
	struct turn t = {
		.r = r,
		.edge = http_ctx(r),
		.device = device_caller(r),
		.a = http_arena(r),
	};
	err_t e = run(&t);

	buf_free(&t.b);
	return e;
}

/* Nothing of it is left but its management. The answer that told it to leave may have been lost, so it is told that in every
 * session that it begins; what else it says is acknowledged, which ends the session. */
static err_t
let_go(struct turn *t)
{
	TRY(read_message(t));
	TRY(acknowledge(t));
	for (size_t i = 0; i < t->m.ncommands; i++)
		if (t->m.commands[i].verb == SYNCML_ALERT)
			hear_alert(t, &t->m.commands[i]);
	return t->m.id == 1 && !t->leaves ? send_farewell(t) : send(t);
}

bool
windows_session_error(struct http_req *r, const struct err_report *rep)
{
	struct turn t = { .r = r, .edge = http_ctx(r), .a = http_arena(r) };
	err_t e;

	if (rep->code != ERR_DEVICE_RETIRED || http_method(r) != HTTP_POST ||
	    strcasecmp(http_path(r), WINDOWS_MANAGE_PATH) != 0)
		return false;
	e = let_go(&t);
	buf_free(&t.b);
	if (err_ok(e))
		return true;
	err_forget(e);
	return false;
}
