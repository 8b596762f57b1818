/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platform: iPhones, iPads and Macs, by Apple's own management protocol (MDM). Nothing of ours is installed on them.
 *
 *   GET, POST /apple/enrol     a person's page: one-time code -> enrolment profile      apple_enrol.c
 *   PUT /apple/checkin         Authenticate, TokenUpdate, CheckOut and their like       here
 *                              DeclarativeManagement: declarations and status reports   apple_declare.c, apple_status.c
 *   PUT /apple/mdm             the command channel                                      apple_session.c
 *
 * Both PUT addresses take either kind of message. No answer is ever 401: a device that gets one drops its management with
 * all certificates. A device that is not known gets 403, which it bears; one that was retired is told to remove its
 * management once everything else is gone.
 *
 * doc/apple.md is the administrator's side.
 */
#include "device/apple_auth.h"
#include "device/apple_command.h"
#include "device/apple_declare.h"
#include "device/apple_enrol.h"
#include "device/apple_msg.h"
#include "device/apple_profile.h"
#include "device/apple_session.h"
#include "device/apple_state.h"
#include "device/apple_status.h"
#include "model/enrol.h"
#include "model/life.h"
#include "store/device_state.h"

struct telling {
	struct arena *a;
	const struct device *device;
	const struct apple_msg *m;
	struct apple_state *state; /* of the channel, where it is asked for */
	bool another;              /* it has a managed user, and that is not this one */
};

static err_t
state_get(struct tx *tx, const struct telling *t, const char *channel, struct apple_state *ret)
{
	struct channel_state cs;

	TRY(store_device_state_get(tx, t->a, t->device->id, channel, &cs));
	apple_state_read(t->a, cs.state, ret);
	return OK;
}

static err_t
state_put(struct tx *tx, const struct telling *t, const char *channel, const struct apple_state *s)
{
	struct str blob;

	TRY(apple_state_write(t->a, s, &blob));
	return store_device_state_put(tx,
	    &(struct channel_state){ .device = t->device->id,
		.channel = channel,
		.state = blob,
		.updated = when_now() });
}

static err_t
says_udid(const struct telling *t, const struct apple_state *s)
{
	if (strcmp(s->udid, t->m->udid) != 0)
		FAIL(ERR_DEVICE_ELSEWHERE, "device %s", id_text(t->a, t->device->id));
	return OK;
}

/* The certificate is of one device: another that copied it, or a backup of it on another, is not let in. */
static err_t
same_device(struct tx *tx, void *arg)
{
	const struct telling *t = arg;
	struct apple_state s;

	TRY(state_get(tx, t, "", &s));
	if (s.udid[0] == '\0')
		FAIL(ERR_DEVICE_UNKNOWN, "device %s did not say yet what it is",
		    id_text(t->a, t->device->id));
	return says_udid(t, &s);
}

/* The same, on a channel that is managed. */
static err_t
enrolled_channel(struct tx *tx, void *arg)
{
	const struct telling *t = arg;

	TRY(same_device(tx, arg));
	TRY(state_get(tx, t, t->m->channel, t->state));
	if (t->state->token.n == 0)
		FAIL(ERR_NOT_FOUND, "this user of the device is not managed");
	return OK;
}

/* Channels of an earlier enrolment go, with what they were told. */
static err_t
forget_channels(struct tx *tx, const struct telling *t)
{
	struct channel_state *v;
	size_t n;

	TRY(store_device_state_list(tx, t->a, t->device->id, &v, &n));
	for (size_t i = 0; i < n; i++)
		TRY(store_device_state_delete(tx, t->device->id, v[i].channel));
	return OK;
}

/* A fresh beginning: what was known of an earlier one is nothing that it still has. */
static err_t
authenticate_tx(struct tx *tx, void *arg)
{
	const struct telling *t = arg;
	struct apple_state s;
	struct device d;
	bool first;

	TRY(state_get(tx, t, "", &s));
	if (s.udid[0] != '\0')
		TRY(says_udid(t, &s));
	TRY(store_device_get(tx, t->a, t->device->id, &d));
	first = !life_says_hardware(&d);
	TRY(apple_facts_read(t->a, t->m->body, &d));
	d.inventory = "";
	TRY(store_device_update(tx, &d));
	if (first)
		TRY(life_replace(tx, t->a, &d));
	TRY(forget_channels(tx, t));
	apple_state_read(t->a, STR_EMPTY, &s);
	s.udid = t->m->udid;
	s.topic = t->m->topic;
	return state_put(tx, t, "", &s);
}

static err_t
authenticate(struct http_req *r, struct telling *t)
{
	struct device_edge *edge = http_ctx(r);

	if (strcmp(t->m->topic, edge->apple_topic) != 0)
		FAIL(ERR_APPLE_TOPIC, "the device was enrolled for \"%s\"",
		    text_safe(t->a, str_c(t->m->topic)));
	return store_write(edge->store, authenticate_tx, t);
}

/* Only one user of a Mac is managed: the first who signs in. */
static err_t
find_another(struct tx *tx, const struct telling *t, bool *ret)
{
	struct channel_state *v;
	size_t n;

	*ret = false;
	TRY(store_device_state_list(tx, t->a, t->device->id, &v, &n));
	for (size_t i = 0; i < n && t->m->channel[0] != '\0'; i++)
		*ret |= v[i].channel[0] != '\0' && strcmp(v[i].channel, t->m->channel) != 0;
	return OK;
}

static err_t
token_tx(struct tx *tx, void *arg)
{
	const struct telling *t = arg;
	const struct apple_msg *m = t->m;
	struct apple_state s;
	bool another;

	TRY(same_device(tx, arg));
	TRY(find_another(tx, t, &another));
	if (another)
		return OK;
	TRY(state_get(tx, t, m->channel, &s));
	/* What it was not told by the one before: an enrolment is over, or nothing reached it. */
	if (s.deaf || !str_eq(s.token, m->token))
		tx_notify(tx, TOPIC_DEVICE, id_str(&t->device->id));
	s.udid = m->udid;
	s.user = m->user;
	s.topic = m->topic;
	s.magic = m->magic;
	s.token = m->token;
	s.token_ms = when_now_ms();
	s.deaf = false;
	return state_put(tx, t, m->channel, &s);
}

static err_t
token_update(struct http_req *r, struct telling *t)
{
	struct device_edge *edge = http_ctx(r);

	return store_write(edge->store, token_tx, t);
}

static err_t
channel_gone(struct tx *tx, void *arg)
{
	const struct telling *t = arg;

	TRY(same_device(tx, arg));
	return store_device_state_delete(tx, t->device->id, t->m->channel);
}

/* The management was removed at the device, and all that came by it with it. */
static err_t
check_out(struct http_req *r, struct telling *t)
{
	struct device_edge *edge = http_ctx(r);
	struct report nothing = { .has_inventory = true };
	struct command *v;
	size_t n;
	err_t e;

	if (t->m->channel[0] != '\0')
		return store_write(edge->store, channel_gone, t);
	TRY(store_read(edge->store, same_device, t));
	TRY(device_retire(edge->store, t->a, "device", t->device->id));
	e = checkin_run(edge->store, t->a, t->device->id, &nothing, &v, &n);
	if (err_is(e, ERR_DEVICE_RETIRED)) {
		err_forget(e);
		return OK;
	}
	return e;
}

/* A report that is no report is counted: a device does not send such. */
static err_t
status_report(struct http_req *r, struct telling *t)
{
	struct device_edge *edge = http_ctx(r);
	struct err_report rep;
	err_t e = apple_status_take(edge, t->a, t->device, t->m);

	if (err_ok(e))
		return http_reply(r, 200, "application/json", STR_EMPTY);
	err_take(e, &rep);
	if (err_info(rep.code)->http < 500)
		edge_count_report(edge->count, REPORT_REFUSED);
	return err_raise(&rep);
}

/* What a device asks for or tells by declarative management. 404 is "not offered" to it, and "not there any more". */
static err_t
declarative(struct http_req *r, struct telling *t)
{
	struct device_edge *edge = http_ctx(r);
	bool on = edge->apple_declarative && apple_declare_can(t->device);
	const char *endpoint;
	struct apple_state s;
	struct str out;

	TRY(pl_need_text(t->m->body, "Endpoint", LIMIT_TEXT, &endpoint));
	t->state = &s;
	TRY(store_read(edge->store, enrolled_channel, t));
	if (!on && s.declared[0] == '\0')
		FAIL(ERR_NOT_FOUND, "declarations are not offered to this device");
	if (strcmp(endpoint, "status") == 0)
		return status_report(r, t);
	TRY(apple_declare_answer(t->a, on, endpoint, &out));
	return http_reply(r, 200, "application/json", out);
}

static err_t
user_tx(struct tx *tx, void *arg)
{
	struct telling *t = arg;

	TRY(same_device(tx, arg));
	return find_another(tx, t, &t->another);
}

/* Before a network or mobile user of a Mac has a channel: an empty challenge asks for no password of his, as the Mac has
 * seen it; 410 says that this user is not managed. */
static err_t
user_authenticate(struct http_req *r, struct telling *t)
{
	struct device_edge *edge = http_ctx(r);
	struct pl *answer = pl_dict(t->a);
	struct str out;

	if (t->m->channel[0] == '\0')
		FAIL(ERR_BAD_REQUEST, "\"UserID\" is missing");
	TRY(store_read(edge->store, user_tx, t));
	if (t->another || strcmp(t->device->platform, "macos") != 0)
		return http_reply(r, 410, "application/xml", STR_EMPTY);
	pl_set_text(t->a, answer, "DigestChallenge", "");
	TRY(pl_print(t->a, answer, &out));
	return http_reply(r, 200, "application/xml", out);
}

static err_t
check_in(struct http_req *r, struct telling *t)
{
	switch (t->m->type) {
	case APPLE_AUTHENTICATE:
		TRY(authenticate(r, t));
		break;
	case APPLE_TOKEN_UPDATE:
		TRY(token_update(r, t));
		break;
	case APPLE_CHECK_OUT:
		TRY(check_out(r, t));
		break;
	case APPLE_USER_AUTHENTICATE:
		return user_authenticate(r, t);
	case APPLE_SET_BOOTSTRAP_TOKEN:
		break;
	case APPLE_DECLARATIVE:
		return declarative(r, t);
	case APPLE_GET_BOOTSTRAP_TOKEN:
	case APPLE_GET_TOKEN:
	case APPLE_COMMAND:
		FAIL(ERR_UNSUPPORTED, "a message of this type");
	}
	return http_reply(r, 200, "application/xml", STR_EMPTY);
}

static err_t
command(struct http_req *r, struct telling *t)
{
	struct device_edge *edge = http_ctx(r);
	struct str out;

	TRY(store_read(edge->store, same_device, t));
	TRY(apple_session_step(edge, t->a, t->device, t->m, &out));
	return http_reply(r, 200, "application/xml", out);
}

/* Nothing is left of it here: its management shall go as well, by the command that every release knows, on the channel that
 * it came by. */
static err_t
farewell(struct http_req *r, const struct apple_msg *m)
{
	struct str out = STR_EMPTY;

	if (m->type == APPLE_DECLARATIVE)
		FAIL(ERR_NOT_FOUND, "the device was retired");
	if (m->type == APPLE_COMMAND && m->status == APPLE_IDLE && m->channel[0] == '\0')
		TRY(apple_leave_print(http_arena(r), &out));
	return http_reply(r, 200, "application/xml", out);
}

static err_t
message(struct http_req *r)
{
	struct device_edge *edge = http_ctx(r);
	struct telling t = { .a = http_arena(r) };
	struct apple_msg m;
	struct device *device;
	err_t e;

	TRY(apple_msg_read(t.a, http_body(r), &m));
	e = apple_caller(r, &device);
	if ((err_is(e, ERR_DEVICE_RETIRED) || err_is(e, ERR_DEVICE_WIPED)) &&
	    m.type != APPLE_AUTHENTICATE) {
		err_forget(e);
		return farewell(r, &m);
	}
	TRY(e);
	t.device = device;
	t.m = &m;
	e = m.type == APPLE_COMMAND ? command(r, &t) : check_in(r, &t);
	if (err_is(e, ERR_DEVICE_ELSEWHERE))
		TRY(life_note_elsewhere(edge->store, t.a, device->id));
	return e;
}

/* Plain words; and never 401. */
static bool
say_failure(struct http_req *r, const struct err_report *rep)
{
	const struct err_info *info = err_info(rep->code);
	struct arena *a = http_arena(r);

	if (!str_starts(str_c(http_path(r)), LIT("/apple/")))
		return false;
	err_forget(http_reply(r, info->http == 401 ? 403 : info->http, "text/plain; charset=utf-8",
	    str_c(arena_printf(a, "%s (%s)\n%s\n%s\n", info->text, info->id,
		info->http < 500 ? text_safe(a, str_c(rep->detail)) : "", info->hint))));
	return true;
}

static const struct http_route routes[] = {
	ROUTE(GET, "/apple/enrol", DEVICE_ANYONE, apple_enrol_page),
	ROUTE_BODY(POST, "/apple/enrol", DEVICE_ANYONE, apple_enrol_post, LIMIT_HTTP_STRANGER),
	ROUTE_SIGNED(PUT, "/apple/checkin", DEVICE_ANYONE, message, LIMIT_PLIST_BYTES),
	ROUTE_SIGNED(PUT, "/apple/mdm", DEVICE_ANYONE, message, LIMIT_PLIST_BYTES),
	{ 0 },
};

const struct platform platform_apple = {
	.name = "apple",
	.routes = routes,
	.error = say_failure,
	.frame = apple_frame,
};
