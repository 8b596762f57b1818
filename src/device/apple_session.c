/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_session.h"

#include "codec/json.h"
#include "device/apple_ask.h"
#include "device/apple_command.h"
#include "device/apple_declare.h"
#include "device/apple_enrol.h"
#include "device/apple_fault.h"
#include "device/apple_inventory.h"
#include "device/apple_profile.h"
#include "device/apple_state.h"
#include "device/apple_status.h"
#include "model/request.h"
#include "model/wipe.h"
#include "store/access.h"
#include "store/device_state.h"

/* Seconds after which a device is asked again for what it is. */
enum { INFORMATION_EVERY = 24 * 3600 };
/* Profiles that cannot be written are told at their slots; so many in one exchange. */
enum { RENDER_TRIES = 16 };
/* Bytes of what a device says of a failure. */
enum { WORDS_MAX = 512 };
/* Seconds: what a device puts off may be sent with its next session, which it begins when it is ready. */
enum { AT_ONCE = 1 };
/* So often a message is taken anew because its channel changed meanwhile: a new token, another session. */
enum { LATE_TRIES = 5 };

struct session {
	struct device_edge *edge;
	struct arena *a;
	const struct device *device;
	const struct apple_msg *m;
	struct apple_channels ch; /* all of the device's; ch.own is this one */
	struct str was;           /* of this channel, as it is stored */
	bool late;                /* it is stored otherwise by now */
	when_t asked;             /* an administrator wants to know how it stands */
	bool wiping;              /* it is to be erased: nothing else matters */
	bool not_renewed; /* it did not take the enrolment profile that would renew its identity */
	struct apple_answers told;
	struct report report;
	/* what came of it */
	struct apple_state after;
	struct str after_blob;
	bool chosen;
	struct command next;
};

static struct apple_state *
own(struct session *s)
{
	return &s->ch.v[s->ch.own].state;
}

static void
begin(struct session *s)
{
	struct apple_state *st = own(s);
	const struct apple_heard *heard = &s->ch.v[s->ch.own].heard;
	when_t now = when_now();
	bool due = (st->ask & APPLE_ASK_AFTER) != 0 || st->fresh || heard->doubt >= st->known_ms ||
	    s->asked >= st->known_ms / 1000 || apple_heard_lists_due(heard, st, now);

	/* A success is told once the lists confirm it. */
	for (size_t i = 0; i < st->nresults; i++)
		due |= st->results[i].status == RESULT_OK;
	st->ask = 0;
	st->sent = "";
	st->naway = 0;
	st->nlisted = 0;
	if (s->wiping)
		return;
	if (s->m->channel[0] == '\0' &&
	    (now - st->informed >= INFORMATION_EVERY || s->asked >= st->informed))
		apple_ask(s->a, st, APPLE_ASK_INFORMATION);
	if (due)
		apple_ask(s->a, st, APPLE_ASK_PROFILES | APPLE_ASK_CERTIFICATES);
}

/* Words of a device, of a size that many of them can be kept. */
static const char *
clipped(struct arena *a, const char *text)
{
	size_t n = strlen(text);

	if (n <= WORDS_MAX)
		return text;
	for (n = WORDS_MAX; n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80; n--)
		;
	return arena_cstr(a, str_of(text, n));
}

/* One that is locked gets it with its next session, not after a day. */
static void
take_renewal(struct session *s, bool sent)
{
	struct apple_state *st = own(s);

	s->not_renewed = sent && s->m->status == APPLE_ERROR;
	if (s->m->status != APPLE_NOT_NOW)
		return;
	st->renewing = 0;
	apple_state_away(s->a, st, APPLE_RENEW_ID);
}

static void
take_result(struct session *s)
{
	struct apple_state *st = own(s);
	const struct apple_msg *m = s->m;
	struct apple_result r = { .id = m->command, .code = "", .detail = "", .fault = "" };
	bool sent = strcmp(m->command, st->sent) == 0;

	if (sent)
		st->sent = "";
	if (strcmp(m->command, APPLE_DECLARE_ID) == 0)
		apple_declare_taken(s->a, s->edge->apple_declarative, s->device, m, st);
	if (strcmp(m->command, APPLE_RENEW_ID) == 0)
		take_renewal(s, sent);
	if (strcmp(m->command, APPLE_RENEW_ID) == 0 || strcmp(m->command, APPLE_LEAVE_ID) == 0 ||
	    strcmp(m->command, APPLE_DECLARE_ID) == 0)
		return;
	switch (m->status) {
	case APPLE_IDLE:
		return;
	case APPLE_ACKNOWLEDGED:
		r.status = RESULT_OK;
		break;
	case APPLE_NOT_NOW:
		r.status = RESULT_NOT_NOW;
		r.detail = "the device is locked or busy; it comes back when it is ready";
		apple_state_away(s->a, st, m->command);
		break;
	case APPLE_ERROR:
		r.status = checkin_removes(m->command) && apple_gone_already(m->chain, m->nchain) ?
		    RESULT_OK :
		    RESULT_ERROR;
		r.code = m->code;
		r.detail = clipped(s->a, m->detail);
		r.fault = apple_fault(m->chain, m->nchain);
		break;
	}
	apple_state_result(s->a, st, &r);
	if ((st->ask & APPLE_ASK_AFTER) != 0) {
		st->ask &= APPLE_ASK_LATER;
		if (st->ask == 0)
			apple_ask(s->a, st, APPLE_ASK_PROFILES | APPLE_ASK_CERTIFICATES);
	}
}

/* Whether a command belongs to a user's channel. */
static bool
of_user(const struct command *c)
{
	return c->what != NULL ? c->what->access.user_channel :
				 c->place != NULL && c->place[0] != '\0';
}

/* What cannot be sent yet waits, and says why. */
static void
put_off(struct session *s, struct apple_state *st, const struct command *c, const char *why)
{
	struct apple_result r = {
		.id = c->id, .status = RESULT_NOT_NOW, .code = "", .detail = why, .fault = ""
	};

	apple_state_away(s->a, st, c->id);
	apple_state_result(s->a, st, &r);
}

/* The lists will tell its UUID, which is too short for all of it. */
static void
claim_network(struct session *s, struct apple_state *st)
{
	const struct command *c = &s->next;

	apple_state_claim(s->a, st,
	    &(struct apple_claim){ .alias = c->alias,
		.uuid = apple_uuid_of(s->a, c),
		.subject = text_hex(s->a, c->sha256),
		.command = c->id,
		.since = when_now() });
}

static err_t
choose(struct session *s, struct apple_state *st, const struct command *v, size_t n)
{
	struct apple_claim claim = { .since = when_now() };
	const char *subject;
	bool user = s->m->channel[0] != '\0';

	for (size_t i = 0; i < n && !s->chosen; i++) {
		if (apple_state_answered(st, v[i].id))
			continue;
		if (of_user(&v[i]) != user) {
			if (!user && s->ch.n == 1)
				put_off(
				    s, st, &v[i], "it waits until the user signs in at the Mac");
			continue;
		}
		if (v[i].what != NULL && apple_state_full(st, v[i].alias)) {
			put_off(s, st, &v[i],
			    "the device holds as many of these profiles as are managed on one, 128; it "
			    "waits until one of them goes");
			continue;
		}
		s->chosen = true;
		s->next = v[i];
		st->sent = v[i].id;
	}
	if (s->chosen && s->next.kind == COMMAND_INSTALL_NETWORK)
		claim_network(s, st);
	if (!s->chosen || s->next.kind != COMMAND_ENROL)
		return OK;
	claim.alias = s->next.alias;
	claim.uuid = apple_uuid_of(s->a, &s->next);
	TRY(apple_subject_of(s->a, &s->next, &subject));
	claim.subject = apple_subject_mark(s->a, subject);
	claim.command = s->next.id;
	apple_state_claim(s->a, st, &claim);
	st->ask |= APPLE_ASK_AFTER;
	return OK;
}

/* What was told to the model is done with; a success is told once the lists confirm it. */
static void
forget_told(struct session *s, struct apple_state *st)
{
	struct apple_result *kept = arena_array(s->a, st->nresults + 1, sizeof(*kept));
	size_t n = 0;

	for (size_t i = 0; i < st->nresults && !st->fresh; i++)
		if (st->results[i].status == RESULT_OK && !wipe_is_command(st->results[i].id))
			kept[n++] = st->results[i];
	st->results = kept;
	st->nresults = n;
	st->fresh = false;
}

/* What was made of the message holds for the state that it was made from: over another one, of a token that came meanwhile or
 * of another session, it is not written. */
static err_t
still_as_read(struct session *s, struct str stored)
{
	s->late = !str_eq(stored, s->was);
	if (s->late)
		FAIL(ERR_CONFLICT, "the state of a channel of device %s",
		    id_text(s->a, s->device->id));
	return OK;
}

/* In the transaction of the check-in, perhaps twice. */
static err_t
with(struct tx *tx, struct arena *a, const struct device *d, const struct command *v, size_t n,
    void *ctx)
{
	struct session *s = ctx;
	struct apple_state st = *own(s);
	struct str blob;

	s->chosen = false;
	forget_told(s, &st);
	if (!apple_asking(&st))
		TRY(choose(s, &st, v, n));
	if (!apple_asking(&st) && !s->chosen && (st.ask & APPLE_ASK_LATER) == 0)
		for (size_t i = 0; i < st.nresults && !apple_asking(&st); i++)
			if (st.results[i].status == RESULT_OK)
				apple_ask(s->a, &st, APPLE_ASK_PROFILES | APPLE_ASK_CERTIFICATES);
	TRY(apple_state_write(a, &st, &blob));
	s->after = st;
	s->after_blob = blob;
	if (str_eq(blob, s->was))
		return OK;
	TRY(request_may_write(tx));
	return store_device_state_put(tx,
	    &(struct channel_state){
		.device = d->id, .channel = s->m->channel, .state = blob, .updated = when_now() });
}

/* What the device told of its commands that the model may hear now. */
static void
fill_results(struct session *s, struct report *r)
{
	const struct apple_state *st = own(s);
	struct report_result *v = arena_array(s->a, st->nresults + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < st->nresults; i++) {
		const struct apple_result *from = &st->results[i];

		if (from->status == RESULT_OK && !st->fresh && !wipe_is_command(from->id))
			continue;
		v[n++] = (struct report_result){ .id = from->id,
			.status = from->status,
			.code = from->code,
			.detail = from->detail,
			.again_s = AT_ONCE,
			.fault = from->status == RESULT_ERROR ? from->fault : NULL };
	}
	r->results = v;
	r->nresults = n;
}

/* Written with the other facts, when it is another. */
static void
fill_reporting(struct session *s, const struct device *d)
{
	const char *now, *was = d->reporting;

	if (s->m->channel[0] != '\0')
		return;
	now = apple_status_word(s->edge, s->a, d, own(s), &s->ch.v[s->ch.own].heard);
	if (strcmp(now, was == NULL ? "" : was) == 0)
		return;
	s->report.facts.reporting = now;
	s->report.has_facts = true;
}

/* In the transaction of the check-in, perhaps twice: what other channels hold and what the device reported beside this
 * session, as they are now. */
static err_t
fill_report(struct tx *tx, struct arena *a, const struct device *d, const struct command *v,
    size_t n, void *ctx)
{
	struct session *s = ctx;
	struct apple_state st = *own(s);

	(void)v;
	(void)n;
	TRY(apple_channels_load(tx, a, d->id, s->m->channel, &s->ch));
	TRY(still_as_read(s, s->ch.v[s->ch.own].blob));
	*own(s) = st;
	s->report.has_facts = s->told.has_facts;
	s->report.facts = s->told.facts;
	s->report.has_inventory = false;
	fill_reporting(s, d);
	if (st.fresh)
		apple_inventory_report(a, &s->ch, s->told.found, &s->report);
	return OK;
}

static err_t
run_checkin(struct session *s)
{
	struct checkin_with first = { fill_report, s }, last = { with, s };
	struct command *v;
	size_t n;

	s->report = (struct report){ .first = &first, .with = &last };
	if (s->m->channel[0] == '\0' && !apple_asking(own(s)))
		s->report.wipe = REPORT_WIPE_CAN;
	fill_results(s, &s->report);
	TRY(checkin_run(s->edge->store, s->a, s->device->id, &s->report, &v, &n));
	*own(s) = s->after;
	s->was = s->after_blob;
	s->told.has_facts = false;
	return OK;
}

/* What cannot be said to the device is told at the slot, as if the device had refused. */
static err_t
refuse_for_device(struct session *s, err_t e)
{
	struct apple_result r = { .id = s->next.id, .status = RESULT_ERROR, .code = "" };
	struct err_report rep;

	err_take(e, &rep);
	if (err_info(rep.code)->http >= 500)
		return err_raise(&rep);
	r.detail = arena_strdup(s->a, rep.detail);
	r.fault = err_info(rep.code)->id;
	own(s)->sent = "";
	apple_state_result(s->a, own(s), &r);
	return OK;
}

static err_t
save(struct tx *tx, void *arg)
{
	struct session *s = arg;
	struct channel_state cs;

	TRY(store_device_state_get(tx, s->a, s->device->id, s->m->channel, &cs));
	TRY(still_as_read(s, cs.state));
	TRY(apple_state_write(s->a, own(s), &cs.state));
	cs.updated = when_now();
	return store_device_state_put(tx, &cs);
}

static err_t
save_now(struct session *s, err_t (*how)(struct tx *tx, void *arg))
{
	TRY(store_write(s->edge->store, how, s));
	return apple_state_write(s->a, own(s), &s->was);
}

static bool
renewal_due(const struct session *s)
{
	const struct apple_state *st = &s->ch.v[s->ch.own].state;

	return s->m->channel[0] == '\0' && s->device->state == DEVICE_ACTIVE &&
	    apple_state_renews(st, s->device->identity_not_after, s->edge->renew_before) &&
	    !apple_state_answered(st, APPLE_RENEW_ID);
}

/* The enrolment profile again, with a challenge for a new key. Nothing announces the new identity: the device's next message
 * comes by it. Where no challenge is to be had now, it is tried again later, and what else there was is done. */
static err_t
print_renewal(struct session *s, struct str *ret)
{
	struct pl *p, *body;
	struct str profile;
	err_t e;

	own(s)->renewing = when_now();
	own(s)->sent = APPLE_RENEW_ID;
	TRY(save_now(s, save));
	e = apple_enrol_again(s->edge, s->a, s->device, own(s)->topic, &profile);
	if (!err_ok(e)) {
		err_forget(e);
		return OK;
	}
	p = apple_command(s->a, APPLE_RENEW_ID, "InstallProfile", &body);
	pl_set_data(s->a, body, "Payload", profile);
	return pl_print(s->a, p, ret);
}

/* Nothing of the model's is left to be sent: what the management itself is due. */
static err_t
answer_own(struct session *s, struct str *ret)
{
	*ret = STR_EMPTY;
	if (renewal_due(s))
		return print_renewal(s, ret);
	if (s->wiping || s->device->state != DEVICE_ACTIVE)
		return OK;
	return apple_declare_offer(s->a, s->edge->apple_declarative, s->device, own(s), ret);
}

static err_t
answer(struct session *s, struct str *ret)
{
	err_t e;

	for (int i = 0; i < RENDER_TRIES; i++) {
		TRY(run_checkin(s));
		if (apple_asking(own(s)))
			return apple_ask_print(s->a, own(s), ret);
		if (!s->chosen)
			return answer_own(s, ret);
		e = apple_command_print(s->edge, s->a, s->device, &s->next, ret);
		if (err_ok(e))
			return OK;
		TRY(refuse_for_device(s, e));
	}
	*ret = STR_EMPTY;
	return OK;
}

/* Nothing else shows it until the identity is over: it is in the audit log, once for each time that it was offered. */
static err_t
note_not_renewed(struct tx *tx, void *arg)
{
	struct session *s = arg;
	auto_json json *j = json_object_new();
	struct str text;

	json_set_text(j, "fault", apple_fault(s->m->chain, s->m->nchain));
	json_set_text(j, "detail", clipped(s->a, text_safe(s->a, str_c(s->m->detail))));
	TRY(json_print(s->a, j, &text));
	TRY(store_audit_add(tx, "device", "device.identity-refused", id_text(s->a, s->device->id),
	    "", arena_cstr(s->a, text)));
	return save(tx, s);
}

static err_t
load(struct tx *tx, void *arg)
{
	struct session *s = arg;
	struct device_life life;

	TRY(store_device_asked(tx, s->device->id, &s->asked));
	TRY(store_device_life_get(tx, s->a, s->device->id, &life));
	s->wiping = wipe_is_open(&life) && s->m->channel[0] == '\0';
	TRY(apple_channels_load(tx, s->a, s->device->id, s->m->channel, &s->ch));
	s->was = s->ch.v[s->ch.own].blob;
	return OK;
}

static err_t
step(struct session *s, struct str *ret)
{
	const struct apple_msg *m = s->m;
	bool answered = false;
	err_t e;

	TRY(store_read(s->edge->store, load, s));
	*ret = STR_EMPTY;
	if (own(s)->token.n == 0) /* not enrolled yet, or a user who is not managed */
		return OK;
	if (m->status == APPLE_IDLE)
		begin(s);
	else
		TRY(apple_ask_taken(s->a, own(s), m, &s->told, &answered));
	if (m->status != APPLE_IDLE && !answered)
		take_result(s);
	if (s->not_renewed)
		TRY(save_now(s, note_not_renewed));
	if (apple_asking(own(s)) && !s->told.has_facts) {
		TRY(save_now(s, save));
		return apple_ask_print(s->a, own(s), ret);
	}
	e = answer(s, ret);
	if (err_is(e, ERR_DEVICE_WIPED)) {
		err_forget(e);
		*ret = STR_EMPTY;
		return OK;
	}
	if (!err_is(e, ERR_DEVICE_RETIRED))
		return e;
	/* Nothing of ours is left but the management itself, which came by the device's own channel. */
	err_forget(e);
	*ret = STR_EMPTY;
	return m->channel[0] == '\0' ? apple_leave_print(s->a, ret) : OK;
}

err_t
apple_session_step(struct device_edge *edge, struct arena *a, const struct device *d,
    const struct apple_msg *m, struct str *ret)
{
	for (int i = 1;; i++) {
		struct session s = { .edge = edge, .a = a, .device = d, .m = m };
		err_t e = step(&s, ret);

		if (!s.late || i == LATE_TRIES)
			return e;
		err_forget(e);
	}
}
