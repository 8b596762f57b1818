/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/check.h"

#include "base/limits.h"
#include "base/text.h"
#include "base/when.h"
#include "codec/ckeys_ipc.h"
#include "connector/job.h"

enum {
	TIMEOUT_MS = 15000,
	CLOCK_S = 60,   /* apart, at most */
	SILENCE_S = 180 /* without an answer of the service */
};

struct checking {
	struct link *link;
	struct arena *a;
	const struct join *join;
	json *findings;
	size_t bad;
	const char *templates; /* with commas; NULL: not asked for yet */
	when_t server_time;    /* 0: not heard */
};

static void
finding(struct checking *c, const char *check, const char *text, err_t e)
{
	json *one = json_object_new();
	struct err_report rep;

	err_take(e, &rep);
	json_set_text(one, "check", check);
	json_set_bool(one, "ok", rep.code == ERR_NONE);
	json_set_text(one, "text", rep.code == ERR_NONE ? text : err_info(rep.code)->text);
	json_set_text(one, "fault", rep.code == ERR_NONE ? NULL : err_info(rep.code)->id);
	json_set_text(
	    one, "detail", rep.code == ERR_NONE ? NULL : text_safe(c->a, str_c(rep.detail)));
	json_set_text(one, "hint", rep.code == ERR_NONE ? NULL : err_info(rep.code)->hint);
	json_add(c->findings, one);
	c->bad += rep.code != ERR_NONE;
}

/* A handle that nobody has: dropping it does nothing, and is answered. */
static err_t
keys_answer(struct checking *c)
{
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ckeys_drop_req_encode(&(struct ckeys_drop_req){ UINT64_MAX }, &in));
	return ipc_call(c->link->conf.keys, c->a, CKEYS_DROP, true, buf_str(&in), &out);
}

static err_t
ends(struct checking *c, const char *what, when_t end)
{
	if (end <= when_now())
		FAIL(ERR_EXPIRED, "the certificate towards the %s ended on %s", what,
		    when_text(c->a, end));
	return OK;
}

static err_t
joined(struct checking *c)
{
	if (c->join == NULL)
		FAIL(ERR_NOT_JOINED, "there is no join.json in %s", c->link->conf.dir);
	TRY(ends(c, "service", c->join->service_end));
	return c->join->ca_end == 0 ? OK : ends(c, "CA", c->join->ca_end);
}

static json *
names_json(struct arena *a, const char *names)
{
	json *list = json_array_new();
	struct str rest = str_c(names);

	while (rest.n > 0) {
		struct str one = str_trim(str_cut(&rest, ','));

		if (one.n > 0)
			json_add(list, json_text_new(arena_cstr(a, one)));
	}
	return list;
}

/* An asking for nothing that holds nothing back: without a worker's name it frees no lease either. */
static json *
question(struct checking *c)
{
	json *msg = json_object_new(), *cas = json_array_new();

	json_set_int(msg, "protocol", LINK_PROTOCOL);
	json_set_text(msg, "version", c->link->conf.version);
	json_set_text(msg, "machine", c->link->machine);
	json_set(msg, "features", link_features(c->join));
	json_set_text(msg, "holder", text_hex(c->a, STR(c->join->holder)));
	for (size_t i = 0; i < c->join->ncas; i++)
		json_add(cas, json_text_new(c->join->cas[i]));
	json_set(msg, "cas", cas);
	json_set_int(msg, "wait", 0);
	json_set_int(msg, "max", 0);
	if (c->templates != NULL)
		json_set(msg, "templates", names_json(c->a, c->templates));
	return msg;
}

static err_t
service(struct checking *c)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	const char *url = arena_printf(c->a, "%s/connector/v1/poll", c->join->service_url);
	auto_json json *msg = question(c);
	auto_json json *answer = NULL;
	auto_fetch struct fetch *f = NULL;
	struct fetch_reply rep;
	struct str text;

	TRY(json_print(c->a, msg, &text));
	TRY(join_fetch(c->join, &f));
	TRY(fetch_run(f, c->a, "POST", url, headers, text, TIMEOUT_MS, &rep));
	if (rep.status == 401 || rep.status == 403)
		FAIL(ERR_CONNECTOR_REFUSED, "%s answered %d", url, rep.status);
	if (rep.status != 200)
		FAIL(ERR_HTTP_STATUS, "%s answered %d: %.*s", url, rep.status,
		    (int)(rep.body.n < 300 ? rep.body.n : 300), text_safe(c->a, rep.body));
	TRY(json_parse(rep.body, LIMIT_HTTP_REPLY, &answer));
	return when_parse(str_c(json_text(json_get(answer, "server_time"))), &c->server_time);
}

static err_t
clocks(struct checking *c)
{
	int64_t apart = when_now() - c->server_time;

	if (apart > CLOCK_S || apart < -CLOCK_S)
		FAIL(ERR_CLOCK, "this host is %lld s %s the service",
		    (long long)(apart < 0 ? -apart : apart), apart < 0 ? "behind" : "before");
	return OK;
}

static err_t
ca(struct checking *c, const char **ret_templates)
{
	const struct backend *b = backend_by_name(c->join->backend);
	struct backend_session *s;
	err_t e;

	TRY(backend_open(c->join, &s));
	e = b->check(s, c->a, ret_templates);
	backend_close(s);
	return e;
}

static err_t
templates(const char *names)
{
	if (*names == '\0')
		FAIL(ERR_TEMPLATE_DENIED, "there is no template that it may enrol for");
	return OK;
}

static err_t
polling(struct checking *c)
{
	when_t last = atomic_load(&c->link->last_contact), since;
	struct err_report trouble;

	pthread_mutex_lock(&c->link->lock);
	trouble = c->link->trouble;
	since = c->link->started > last ? c->link->started : last;
	pthread_mutex_unlock(&c->link->lock);
	if (when_now() - since > SILENCE_S)
		FAIL(ERR_UNREACHABLE, "the last answer was at %s; %s",
		    last == 0 ? "no time" : when_text(c->a, last), trouble.detail);
	return OK;
}

err_t
link_check(struct link *l, struct arena *a, json *findings, size_t *retn)
{
	struct checking c = { .link = l, .a = a, .findings = findings };
	const char *names = NULL;

	pthread_mutex_lock(&l->lock);
	c.join = l->join;
	pthread_mutex_unlock(&l->lock);
	finding(&c, "keys", "the process that makes keys answers", keys_answer(&c));
	finding(&c, "joined", "joined, with certificates that are good", joined(&c));
	*retn = c.bad;
	if (c.join == NULL)
		return OK;
	finding(&c, "service", "the service takes our certificate", service(&c));
	if (c.server_time != 0)
		finding(&c, "clock", "this host and the service agree about the time", clocks(&c));
	finding(&c, "ca", "the CA takes our certificate", ca(&c, &names));
	if (names != NULL) {
		finding(
		    &c, "templates", arena_printf(a, "may enrol for %s", names), templates(names));
		c.templates = names;
		finding(&c, "told", "the service was told which templates these are", service(&c));
	}
	finding(&c, "polling", "asks the service for work", polling(&c));
	*retn = c.bad;
	return OK;
}
