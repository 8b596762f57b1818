/* SPDX-License-Identifier: Apache-2.0 */
/* A request within a request. See http.h. */
#include <strings.h>

#include "base/limits.h"
#include "net/http_int.h"

/* What the inner request takes over from the one that it came in. */
static const char *const inherited[] = { "Authorization", "Host" };

static bool
names(const struct http_sub *q, const char *name)
{
	for (size_t i = 0; i < q->nfields; i++)
		if (strcasecmp(q->fields[i].name, name) == 0)
			return true;
	return false;
}

static void
fields_set(struct http_req *r, const struct http_sub *q, struct http_req *in)
{
	size_t n = 0;

	in->head.fields =
	    arena_array(in->arena, q->nfields + COUNT(inherited), sizeof(*in->head.fields));
	for (size_t i = 0; i < COUNT(inherited); i++) {
		const char *value = http_header(r, inherited[i]);

		if (value != NULL)
			in->head.fields[n++] = (struct http_field){ inherited[i], value };
	}
	for (size_t i = 0; i < q->nfields; i++) {
		bool own = true;

		for (size_t k = 0; k < COUNT(inherited) && own; k++)
			own = strcasecmp(q->fields[i].name, inherited[k]) != 0;
		if (own)
			in->head.fields[n++] =
			    (struct http_field){ q->fields[i].name, q->fields[i].value };
	}
	in->head.nfields = n;
}

static err_t
prepare(struct http_req *r, const struct http_sub *q, struct http_req *in)
{
	fields_set(r, q, in);
	in->method = q->method;
	in->peer_cert = r->peer_cert;
	in->peer_over = r->peer_over;
	in->peer_addr = r->peer_addr;
	in->arrived_ms = r->arrived_ms;
	in->head.target = arena_strdup(in->arena, q->target);
	TRY(req_route(in));
	if (!names(q, "Content-Length"))
		in->head.length = q->body.n;
	return buf_put(&in->body, q->body);
}

err_t
http_sub(struct http_req *r, const struct http_sub *q, struct http_sub_reply *ret)
{
	struct http_req *in;
	err_t e;

	if (r->inner)
		FAIL(ERR_BAD_REQUEST, "a batch within a batch");
	in = req_new(r->loop);
	in->inner = true;
	e = prepare(r, q, in);
	if (!err_ok(e))
		err_take(e, &in->fault);
	work_run(in);
	if (in->replied)
		*ret = (struct http_sub_reply){
			.status = in->status,
			.type =
			    in->out_type == NULL ? NULL : arena_strdup(r->run_arena, in->out_type),
			.head = arena_str(r->run_arena, buf_str(&in->out_head)),
			.body = arena_str(r->run_arena, buf_str(&in->out_body)),
		};
	else
		e = ERROR(ERR_UNSUPPORTED, "a request that waits, within a batch");
	if (in->replied)
		e = OK;
	req_free(in);
	return e;
}
