/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_session.h"

#include "base/secret.h"
#include "device/apple_enrol.h"
#include "device/apple_fault.h"
#include "device/apple_inventory.h"
#include "device/apple_profile.h"
#include "device/apple_state.h"
#include "model/request.h"
#include "model/wipe.h"
#include "store/device_state.h"

/* Seconds after which a device is asked again for what it holds and what it is. */
enum { INVENTORY_EVERY = 6 * 3600, INFORMATION_EVERY = 24 * 3600 };
/* Seconds: a renewal of the identity of which nothing came is tried again. */
enum { RENEW_AGAIN = 86400 };
#define RENEW_ID "chancery-renew"
#define LEAVE_ID "chancery-leave"
/* Profiles that cannot be written are told at their slots; so many in one exchange. */
enum { RENDER_TRIES = 16 };
/* Bytes of what a device says of a failure. */
enum { WORDS_MAX = 512 };
/* Seconds: what a device puts off may be sent with its next session, which it begins when it is ready. */
enum { AT_ONCE = 1 };

struct session {
	struct device_edge *edge;
	struct arena *a;
	const struct device *device;
	const struct apple_msg *m;
	struct apple_channels ch; /* all of the device's; ch.own is this one */
	struct str was;           /* of this channel, as it is stored */
	when_t asked;             /* an administrator wants to know how it stands */
	bool wiping;              /* it is to be erased: nothing else matters */
	struct str *found;        /* DER for each item of it, where it is news */
	bool has_facts;
	struct device facts;
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

/* A new round of asking has a name of its own: an answer to an older one is of no interest. */
static void
ask(struct session *s, struct apple_state *st, uint8_t what)
{
	uint8_t random[8];

	rand_bytes(random, sizeof(random));
	st->round = text_hex(s->a, STR(random));
	st->ask |= what;
}

static void
begin(struct session *s)
{
	struct apple_state *st = own(s);
	when_t now = when_now();

	bool unanswered = (st->ask & APPLE_ASK_AFTER) != 0;

	st->ask = 0;
	st->naway = 0;
	st->nlisted = 0;
	if (s->wiping)
		return;
	if (s->m->channel[0] == '\0' &&
	    (now - st->informed >= INFORMATION_EVERY || s->asked >= st->informed))
		ask(s, st, APPLE_ASK_INFORMATION);
	if (now - st->known >= INVENTORY_EVERY || s->asked >= st->known || st->nresults > 0 ||
	    st->fresh || unanswered)
		ask(s, st, APPLE_ASK_PROFILES | APPLE_ASK_CERTIFICATES);
}

static const char *
asking_id(struct session *s, const struct apple_state *st, const char *what)
{
	return arena_printf(s->a, "%s-%s", st->round, what);
}

/* The answer to a question of this round; *ret false: it is to something else. */
static err_t
take_answer(struct session *s, bool *ret)
{
	struct apple_state *st = own(s);
	bool ok = s->m->status == APPLE_ACKNOWLEDGED;
	const struct pl *facts;

	*ret = true;
	if ((st->ask & APPLE_ASK_INFORMATION) != 0 &&
	    strcmp(s->m->command, asking_id(s, st, "information")) == 0) {
		st->ask &= (uint8_t)~APPLE_ASK_INFORMATION;
		facts = ok ? pl_get(s->m->body, "QueryResponses") : NULL;
		s->facts = (struct device){ 0 };
		TRY(apple_facts_read(s->a, facts, &s->facts));
		s->has_facts = facts != NULL;
		st->informed = when_now();
		return OK;
	}
	if ((st->ask & APPLE_ASK_PROFILES) != 0 &&
	    strcmp(s->m->command, asking_id(s, st, "profiles")) == 0) {
		st->ask &= (uint8_t) ~(APPLE_ASK_PROFILES | (ok ? 0 : APPLE_ASK_CERTIFICATES));
		if (ok)
			TRY(apple_profiles_read(
			    s->a, s->m->body, APPLE_PREFIX, &st->listed, &st->nlisted));
		return OK;
	}
	if ((st->ask & APPLE_ASK_CERTIFICATES) != 0 &&
	    strcmp(s->m->command, asking_id(s, st, "certificates")) == 0) {
		st->ask &= (uint8_t)~APPLE_ASK_CERTIFICATES;
		return ok ? apple_inventory_take(s->a, st, s->m->body, &s->found) : OK;
	}
	*ret = false;
	return OK;
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

static void
take_result(struct session *s)
{
	struct apple_state *st = own(s);
	const struct apple_msg *m = s->m;
	struct apple_result r = { .id = m->command, .code = "", .detail = "", .fault = "" };

	if (strcmp(m->command, RENEW_ID) == 0 || strcmp(m->command, LEAVE_ID) == 0)
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
		r.status = apple_gone_already(m->domain, m->number) ? RESULT_OK : RESULT_ERROR;
		r.code = m->code;
		r.detail = clipped(s->a, m->detail);
		r.fault = apple_fault(m->domain, m->number);
		break;
	}
	apple_state_result(s->a, st, &r);
	if ((st->ask & APPLE_ASK_AFTER) != 0) {
		st->ask = 0;
		ask(s, st, APPLE_ASK_PROFILES | APPLE_ASK_CERTIFICATES);
	}
}

static struct pl *
command(struct session *s, const char *id, const char *type, struct pl **ret_body)
{
	struct pl *p = pl_dict(s->a);
	struct pl *body = pl_dict(s->a);

	pl_set_text(s->a, body, "RequestType", type);
	pl_set_text(s->a, p, "CommandUUID", id);
	pl_set(s->a, p, "Command", body);
	*ret_body = body;
	return p;
}

static err_t
print_question(struct session *s, const struct apple_state *st, struct str *ret)
{
	struct pl *p, *body;

	if ((st->ask & APPLE_ASK_INFORMATION) != 0) {
		p = command(s, asking_id(s, st, "information"), "DeviceInformation", &body);
		pl_set(s->a, body, "Queries", apple_queries(s->a));
	} else if ((st->ask & APPLE_ASK_PROFILES) != 0) {
		p = command(s, asking_id(s, st, "profiles"), "ProfileList", &body);
		pl_set_bool(s->a, body, "ManagedOnly", true);
	} else {
		p = command(s, asking_id(s, st, "certificates"), "CertificateList", &body);
		pl_set_bool(s->a, body, "ManagedOnly", true);
	}
	return pl_print(s->a, p, ret);
}

static bool
asking(const struct apple_state *st)
{
	return (st->ask & (APPLE_ASK_INFORMATION | APPLE_ASK_PROFILES | APPLE_ASK_CERTIFICATES)) !=
	    0;
}

/* Whether a command belongs to a user's channel. */
static bool
of_user(const struct command *c)
{
	return c->what != NULL ? c->what->access.user_channel :
				 c->place != NULL && c->place[0] != '\0';
}

/* A certificate for a user that nobody signed in as yet waits, and says so. */
static void
wait_for_user(struct session *s, struct apple_state *st, const struct command *c)
{
	struct apple_result r = { .id = c->id,
		.status = RESULT_NOT_NOW,
		.code = "",
		.detail = "it waits until the user signs in at the Mac",
		.fault = "" };

	apple_state_away(s->a, st, c->id);
	apple_state_result(s->a, st, &r);
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
				wait_for_user(s, st, &v[i]);
			continue;
		}
		s->chosen = true;
		s->next = v[i];
	}
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
	if (!asking(&st))
		TRY(choose(s, &st, v, n));
	if (!asking(&st) && !s->chosen && st.nresults > 0)
		for (size_t i = 0; i < st.nresults && !asking(&st); i++)
			if (st.results[i].status == RESULT_OK)
				ask(s, &st, APPLE_ASK_PROFILES | APPLE_ASK_CERTIFICATES);
	TRY(apple_state_write(a, &st, &blob));
	s->after = st;
	s->after_blob = blob;
	if (str_eq(blob, s->was))
		return OK;
	TRY(request_may_write(tx));
	return store_device_state_put(tx,
	    &(struct channel_state){ .device = d->id, .channel = s->m->channel, .state = blob });
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

static err_t
run_checkin(struct session *s)
{
	struct checkin_with hook = { with, s };
	struct report r = { .has_facts = s->has_facts, .facts = s->facts, .with = &hook };
	struct command *v;
	size_t n;

	if (s->m->channel[0] == '\0' && !asking(own(s)))
		r.wipe = REPORT_WIPE_CAN;
	fill_results(s, &r);
	if (own(s)->fresh)
		apple_inventory_report(s->a, &s->ch, s->found, &r);
	TRY(checkin_run(s->edge->store, s->a, s->device->id, &r, &v, &n));
	*own(s) = s->after;
	s->was = s->after_blob;
	s->has_facts = false;
	return OK;
}

static err_t
print_install(struct session *s, const struct command *c, struct str *ret)
{
	struct device_enrol enrol = { 0 };
	struct str profile, made;
	struct pl *p, *body;

	if (c->kind == COMMAND_ENROL)
		TRY(device_enrol_of(s->edge, s->a, c, &enrol));
	TRY(apple_profile_print(s->a, c, &enrol, &profile));
	TRY(s->edge->profile_sign(s->edge->identity_ctx, s->a, profile, &made));
	p = command(s, c->id, "InstallProfile", &body);
	pl_set_data(s->a, body, "Payload", made);
	return pl_print(s->a, p, ret);
}

static err_t
print_remove(struct session *s, const char *id, const char *identifier, struct str *ret)
{
	struct pl *body;
	struct pl *p = command(s, id, "RemoveProfile", &body);

	pl_set_text(s->a, body, "Identifier", identifier);
	return pl_print(s->a, p, ret);
}

err_t
apple_leave_print(struct arena *a, struct str *ret)
{
	struct session s = { .a = a };

	return print_remove(&s, LEAVE_ID, APPLE_ENROLMENT, ret);
}

/* A Mac without a quick erase goes by ObliterationBehavior; others do not look at it. */
static err_t
print_erase(struct session *s, const struct command *c, struct str *ret)
{
	static const char *const fallbacks[] = {
		[WIPE_FALLBACK_NONE] = "DoNotObliterate",
		[WIPE_FALLBACK_WARN] = "ObliterateWithWarning",
		[WIPE_FALLBACK_ALWAYS] = "Always",
	};
	const struct wipe_how *how = c->wipe;
	struct pl *body;
	struct pl *p = command(s, c->id, "EraseDevice", &body);

	if (how->pin != NULL && how->pin[0] != '\0')
		pl_set_text(s->a, body, "PIN", how->pin);
	if (how->keep_data_plan)
		pl_set_bool(s->a, body, "PreserveDataPlan", true);
	if (how->fallback > 0 && (size_t)how->fallback < COUNT(fallbacks))
		pl_set_text(s->a, body, "ObliterationBehavior", fallbacks[how->fallback]);
	return pl_print(s->a, p, ret);
}

static err_t
print_command(struct session *s, const struct command *c, struct str *ret)
{
	switch (c->kind) {
	case COMMAND_INSTALL_CA:
	case COMMAND_INSTALL_IDENTITY:
	case COMMAND_ENROL:
		return print_install(s, c, ret);
	case COMMAND_REMOVE_CA:
	case COMMAND_REMOVE_IDENTITY:
		return print_remove(s, c->id, c->alias, ret);
	case COMMAND_WIPE:
		return print_erase(s, c, ret);
	case COMMAND_INSTALL_NETWORK:
	case COMMAND_REMOVE_NETWORK:
		break;
	}
	FAIL(ERR_INTERNAL, "command of kind %d", (int)c->kind);
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
	apple_state_result(s->a, own(s), &r);
	return OK;
}

static err_t
save(struct tx *tx, void *arg)
{
	struct session *s = arg;
	struct str blob;

	TRY(apple_state_write(s->a, own(s), &blob));
	return store_device_state_put(tx,
	    &(struct channel_state){
		.device = s->device->id, .channel = s->m->channel, .state = blob });
}

static bool
renewal_due(const struct session *s)
{
	when_t now = when_now();

	return s->m->channel[0] == '\0' && s->device->state == DEVICE_ACTIVE &&
	    s->device->identity_not_after - now < s->edge->renew_before &&
	    now - s->ch.v[s->ch.own].state.renewing >= RENEW_AGAIN;
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
	TRY(store_write(s->edge->store, save, s));
	e = apple_enrol_again(s->edge, s->a, s->device, &profile);
	if (!err_ok(e)) {
		err_forget(e);
		return OK;
	}
	p = command(s, RENEW_ID, "InstallProfile", &body);
	pl_set_data(s->a, body, "Payload", profile);
	return pl_print(s->a, p, ret);
}

static err_t
answer(struct session *s, struct str *ret)
{
	err_t e;

	for (int i = 0; i < RENDER_TRIES; i++) {
		TRY(run_checkin(s));
		if (asking(own(s)))
			return print_question(s, own(s), ret);
		*ret = STR_EMPTY;
		if (!s->chosen)
			return renewal_due(s) ? print_renewal(s, ret) : OK;
		e = print_command(s, &s->next, ret);
		if (err_ok(e))
			return OK;
		TRY(refuse_for_device(s, e));
	}
	*ret = STR_EMPTY;
	return OK;
}

static err_t
load(struct tx *tx, void *arg)
{
	struct session *s = arg;
	struct device_life life;
	struct channel_state cs;

	TRY(store_device_asked(tx, s->device->id, &s->asked));
	TRY(store_device_life_get(tx, s->a, s->device->id, &life));
	s->wiping = wipe_is_open(&life) && s->m->channel[0] == '\0';
	TRY(store_device_state_get(tx, s->a, s->device->id, s->m->channel, &cs));
	s->was = cs.state;
	return apple_channels_load(tx, s->a, s->device->id, s->m->channel, &s->ch);
}

err_t
apple_session_step(struct device_edge *edge, struct arena *a, const struct device *d,
    const struct apple_msg *m, struct str *ret)
{
	struct session s = { .edge = edge, .a = a, .device = d, .m = m };
	bool answered = false;
	err_t e;

	TRY(store_read(edge->store, load, &s));
	*ret = STR_EMPTY;
	if (own(&s)->token.n == 0) /* not enrolled yet, or a user who is not managed */
		return OK;
	if (m->status == APPLE_IDLE)
		begin(&s);
	else
		TRY(take_answer(&s, &answered));
	if (m->status != APPLE_IDLE && !answered)
		take_result(&s);
	if (asking(own(&s)) && !s.has_facts) {
		TRY(store_write(edge->store, save, &s));
		return print_question(&s, own(&s), ret);
	}
	e = answer(&s, ret);
	if (err_is(e, ERR_DEVICE_WIPED)) {
		err_forget(e);
		*ret = STR_EMPTY;
		return OK;
	}
	if (!err_is(e, ERR_DEVICE_RETIRED))
		return e;
	/* Nothing of ours is left but the management itself. */
	err_forget(e);
	return apple_leave_print(a, ret);
}
