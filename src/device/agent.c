/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platform: devices that run an agent (Linux, Android), JSON over mutual TLS. doc/agent-protocol.md is the description for
 * those who write another client.
 *
 *   POST /agent/v1/enrol     one-time code + PKCS#10 -> identity certificate
 *   POST /agent/v1/checkin   report -> commands; parked until there is something to do or the wait is over
 *   POST /agent/v1/renew     PKCS#10 of a new key -> identity certificate that takes over when it is first used
 *   POST /agent/v1/unenrol   the device leaves
 */
#include "device/agent_msg.h"
#include "device/identity.h"
#include "model/enrol.h"

static err_t
reply(struct http_req *r, const json *body)
{
	struct str text;

	TRY(json_print(http_arena(r), body, &text));
	http_reply_header(r, "Cache-Control", "no-store");
	return http_reply(r, 200, "application/json", text);
}

static json *
base64_list(struct arena *a, const struct str *v, size_t n)
{
	json *list = json_array_new();

	for (size_t i = 0; i < n; i++)
		json_add(list, json_text_new(text_base64(a, v[i])));
	return list;
}

static err_t
reply_identity(struct http_req *r, const struct identity_issued *issued)
{
	struct device_edge *edge = http_ctx(r);
	struct arena *a = http_arena(r);
	auto_json json *body = json_object_new();

	json_set_id(a, body, "device_id", issued->device);
	json_set_base64(a, body, "certificate", issued->der);
	json_set(body, "chain", base64_list(a, issued->chain, issued->nchain));
	json_set(body, "roots", base64_list(a, edge->roots, edge->nroots));
	json_set_int(body, "poll_seconds", edge->poll_seconds);
	return reply(r, body);
}

static err_t
enrol(struct http_req *r)
{
	struct device_edge *edge = http_ctx(r);
	struct arena *a = http_arena(r);
	auto_json json *msg = NULL;
	struct identity_issued issued;
	struct device facts = { 0 };
	struct str csr_der;
	const char *code;
	json *jfacts;

	TRY(json_parse(http_body(r), LIMIT_HTTP_BODY, &msg));
	TRY(agent_version_check(msg));
	TRY(json_need_text(msg, "code", 64, &code));
	TRY(json_need_base64(a, msg, "csr", LIMIT_CSR_BYTES, &csr_der));
	TRY(json_need_object(msg, "facts", &jfacts));
	TRY(agent_facts_read(a, jfacts, &facts));
	TRY(agent_platform_read(jfacts, &facts));
	TRY(identity_enrol(edge, a, code, csr_der, &facts, &issued));
	return reply_identity(r, &issued);
}

/* Nothing to do: waits if the device does, but no longer than until something is due that was put off (0: nothing), or says
 * so. */
static err_t
nothing(struct http_req *r, int64_t wait, when_t due)
{
	struct device_edge *edge = http_ctx(r);
	const struct device *device = device_caller(r);
	int64_t deadline = http_arrived_ms(r) + wait * 1000;
	int64_t due_ms = when_mono_ms() + (due - when_now()) * 1000;
	auto_json json *body = NULL;

	if (due > 0 && due_ms < deadline)
		deadline = due_ms;
	if (wait > 0 && !http_late(r))
		return http_park(r, TOPIC_DEVICE, id_str(&device->id), deadline);
	TRY(agent_commands_write(edge, http_arena(r), STR_EMPTY, NULL, 0, &body));
	return reply(r, body);
}

/* What is told at a slot as if the device had refused it, and what there is to do then. */
static err_t
refuse_for_device(
    struct http_req *r, const struct command *c, err_t e, struct command **ret, size_t *retn)
{
	struct device_edge *edge = http_ctx(r);
	struct arena *a = http_arena(r);
	struct report_result res = { .id = c->id, .status = RESULT_ERROR, .code = "" };
	struct report report = { .results = &res, .nresults = 1 };
	struct err_report rep;

	err_take(e, &rep);
	res.detail = arena_strdup(a, rep.detail);
	res.fault = err_info(rep.code)->id;
	return checkin_run(edge->store, a, device_caller(r)->id, &report, ret, retn);
}

/* A network whose key cannot be opened is left out: the rest does not wait for it. */
static err_t
check_keys(struct http_req *r, struct command **v, size_t *n)
{
	size_t most = *n;

	for (size_t i = 0; i < *n; i++) {
		const struct command *c = &(*v)[i];
		const char *key;
		err_t e = OK;

		if (c->kind == COMMAND_INSTALL_NETWORK)
			e = device_network_key(http_ctx(r), http_arena(r), c, &key);
		if (err_ok(e))
			continue;
		if (!err_is(e, ERR_SECRET_LOST) || most-- == 0)
			return e;
		TRY(refuse_for_device(r, c, e, v, n));
		i = (size_t)-1;
	}
	return OK;
}

/* On the loop: the gate lets only those pass that are calm. */
static err_t
checkin_quick(struct http_req *r)
{
	const struct calm_hit *hit;

	return device_calm(r, &hit) && hit->wait == 0 ? nothing(r, 0, 0) : OK;
}

static err_t
checkin(struct http_req *r)
{
	struct device_edge *edge = http_ctx(r);
	const struct device *device = device_caller(r);
	struct arena *a = http_arena(r);
	auto_json json *msg = NULL;
	auto_json json *body = NULL;
	struct agent_checkin in = { 0 };
	const struct calm_hit *hit;
	struct checkin_calm calm;
	struct command *commands;
	struct calm_hit keep;
	size_t n;

	if (device_calm(r, &hit))
		return nothing(r, hit->wait, 0);
	TRY(json_parse(http_body(r), LIMIT_HTTP_BODY, &msg));
	TRY(agent_checkin_read(a, msg, &in));
	in.report.again = !http_first_run(r);
	in.report.identity = STR(hit->certificate);
	TRY(checkin_look(edge->store, a, device->id, &in.report, &commands, &n, &calm));
	if (calm.until > 0) {
		keep = *hit;
		keep.device = device->id;
		keep.wait = in.wait;
		keep.written = calm.written;
		calm_put(edge->calm, &keep, &calm.stamp, calm.until);
	}
	if (n == 0)
		return nothing(r, in.wait, calm.due);
	TRY(check_keys(r, &commands, &n));
	TRY(agent_commands_write(edge, a, device->identity, commands, n, &body));
	return reply(r, body);
}

static err_t
unenrol(struct http_req *r)
{
	struct device_edge *edge = http_ctx(r);
	const struct device *device = device_caller(r);
	auto_json json *msg = NULL;
	auto_json json *body = json_object_new();

	TRY(json_parse(http_body(r), LIMIT_HTTP_BODY, &msg));
	TRY(agent_version_check(msg));
	TRY(device_retire(edge->store, http_arena(r), "device", device->id));
	return reply(r, body);
}

/* The certificate that the device shows is good until the new one is used. */
static err_t
renew(struct http_req *r)
{
	struct device_edge *edge = http_ctx(r);
	struct arena *a = http_arena(r);
	auto_json json *msg = NULL;
	struct identity_issued issued;
	struct str csr_der;

	TRY(json_parse(http_body(r), LIMIT_HTTP_BODY, &msg));
	TRY(agent_version_check(msg));
	TRY(json_need_base64(a, msg, "csr", LIMIT_CSR_BYTES, &csr_der));
	TRY(identity_again(edge, a, device_caller(r), csr_der, &issued));
	return reply_identity(r, &issued);
}

static const struct http_route routes[] = {
	ROUTE_BODY(POST, "/agent/v1/enrol", DEVICE_ANYONE, enrol, LIMIT_HTTP_STRANGER),
	ROUTE_QUICK(POST, "/agent/v1/checkin", DEVICE_LEAVING, checkin, checkin_quick),
	ROUTE_BODY(POST, "/agent/v1/renew", DEVICE_ENROLLED, renew, LIMIT_HTTP_STRANGER),
	ROUTE(POST, "/agent/v1/unenrol", DEVICE_ENROLLED, unenrol),
	{ 0 },
};

const struct platform platform_agent = {
	.name = "agent",
	.routes = routes,
};
