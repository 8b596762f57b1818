/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Not a platform of its own: the SCEP addresses that devices of all platforms are given (RFC 8894 4).
 *
 *   /scep/identity/pkiclient.exe    their identities, at the identity CA beside the service
 *   /scep/<request>/pkiclient.exe   everything else: the message is carried to the CA of that request by a connector, and
 *                                   its answer brought back within the same exchange (model/relay.h)
 *
 * Anybody may ask, as SCEP is made for those who have no certificate yet. So what is not a message of SCEP is refused
 * before any work, an address must be one that was given out, and how many messages are on their way is bounded.
 */
#include "codec/scep_head.h"
#include "device/carry.h"
#include "model/challenge.h"
#include "model/enrol_scep.h"
#include "pki/scep.h"

#define IDENTITY "identity"

/* What a request says, taken apart. */
struct asked {
	const char *operation;
	struct str message;
};

static const char *const operations[] = { "GetCACaps", "GetCACert", "GetNextCACert",
	"PKIOperation" };

static err_t
read_message(struct http_req *r, struct str *ret)
{
	struct scep_head head;
	struct scep_msg m;

	*ret = http_body(r);
	if (http_method(r) != HTTP_POST || ret->n == 0)
		TRY(scep_query_parse(http_arena(r), http_query(r, "message"), ret));
	if (ret->n > LIMIT_SCEP_BYTES)
		FAIL(ERR_TOO_LARGE, "the message has %zu bytes", ret->n);
	TRY(scep_parse(http_arena(r), *ret, &m));
	return scep_head_parse(http_arena(r), m.attrs, &head);
}

static err_t
read_asked(struct http_req *r, struct asked *ret)
{
	const char *name = http_query(r, "operation");

	*ret = (struct asked){ .message = STR_EMPTY };
	if (name == NULL && http_method(r) == HTTP_POST)
		name = "PKIOperation";
	for (size_t i = 0; name != NULL && i < COUNT(operations); i++)
		if (str_ieq_c(str_c(name), operations[i]))
			ret->operation = operations[i];
	if (ret->operation == NULL)
		FAIL(ERR_SCEP_OPERATION, "operation %s",
		    name == NULL ? "(none)" : text_safe(http_arena(r), str_c(name)));
	return strcmp(ret->operation, "PKIOperation") == 0 ? read_message(r, &ret->message) : OK;
}

/* Some clients compare the type; what a CA's proxy makes up is not handed on. */
static err_t
reply(struct http_req *r, int status, const char *type, struct str body)
{
	if (status == 503)
		FAIL(ERR_SCEP_RELAY, "%s", "a connector could not reach the authority");
	http_reply_header(r, "Cache-Control", "no-store");
	return http_reply(r, status, type[0] == '\0' ? "application/octet-stream" : type, body);
}

static err_t
ask_identity(struct http_req *r, const struct asked *q)
{
	struct device_edge *edge = http_ctx(r);
	const char *type;
	struct str body;
	int status;

	TRY(edge->identity_scep(
	    edge->identity_ctx, http_arena(r), q->operation, q->message, &status, &type, &body));
	return reply(r, status, type, body);
}

static err_t
serve(struct http_req *r)
{
	struct relay row;
	struct asked q;
	struct id id;
	bool there;

	TRY(read_asked(r, &q));
	if (strcmp(http_param(r, "request"), IDENTITY) == 0)
		return ask_identity(r, &q);
	TRY(carry_address(r, &id));
	TRY(carry(r, id, q.operation, q.message, &row, &there));
	return there ? reply(r, row.status, row.type, row.body) : OK;
}

static err_t
offer(
    const struct device_edge *edge, struct arena *a, const struct enrol *e, struct device_scep *ret)
{
	struct device_scep s = { .device = e->id, .subject = e->order.subject };
	struct order order = e->order;
	uint8_t hash[32];
	struct dn dn;

	TRY(challenge_of(edge->keys, a, e->id, e->order.fence, &s.enrol.challenge));
	hash_sha256(str_c(s.enrol.challenge), hash);
	order.challenge = STR(hash);
	TRY(edge->identity_deposit(edge->identity_ctx, a, &order));
	TRY(dn_decode(a, s.subject, &dn));
	s.subject_text = dn_print(a, &dn);
	s.enrol.urls = arena_array(a, 1, sizeof(*s.enrol.urls));
	s.enrol.urls[0] = arena_printf(a, "%s/scep/" IDENTITY "/pkiclient.exe", edge->url);
	s.enrol.nurls = 1;
	*ret = s;
	return OK;
}

err_t
device_scep_begin(const struct device_edge *edge, struct arena *a, const char *code,
    const struct device *facts, struct device_scep *ret)
{
	struct enrol e;

	TRY(enrol_scep_begin(edge->store, a, code, facts->platform, edge->identity_ca, &e));
	return offer(edge, a, &e, ret);
}

err_t
device_scep_again(const struct device_edge *edge, struct arena *a, const struct device *d,
    struct device_scep *ret)
{
	struct enrol e;

	TRY(enrol_scep_renew(edge->store, a, d, edge->identity_ca, &e));
	return offer(edge, a, &e, ret);
}

static const struct http_route routes[] = {
	ROUTE(GET, "/scep/{request}", DEVICE_ANYONE, serve),
	ROUTE_BODY(POST, "/scep/{request}", DEVICE_ANYONE, serve, LIMIT_SCEP_BYTES),
	ROUTE(GET, "/scep/{request}/pkiclient.exe", DEVICE_ANYONE, serve),
	ROUTE_BODY(POST, "/scep/{request}/pkiclient.exe", DEVICE_ANYONE, serve, LIMIT_SCEP_BYTES),
	{ 0 },
};

const struct platform platform_scep = {
	.name = "scep",
	.routes = routes,
};
