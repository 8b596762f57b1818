/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sock.h"

#include <errno.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/out.h"
#include "net/admin.h"

#define PROBE_MS 5000
#define CALL_MS 120000 /* making the keys of three CAs takes its time */

/* One call of its own connection. */
static err_t
call(struct cli *c, const char *path, int64_t patience_ms, const char *verb, const json *args,
    json **ret)
{
	struct ipc_client *client;
	err_t e;

	TRY(ipc_client_new(path, 1, patience_ms, &client));
	e = admin_call(client, c->arena, verb, args, ret);
	ipc_client_free(client);
	TRY(e);
	return OK;
}

/* Says soon that nobody answers, before a call that may take long. */
static err_t
probe(struct cli *c, const char *role, const char *path)
{
	auto_json json *none = json_object_new(), *answer = NULL;
	err_t e;

	if (access(path, R_OK | W_OK) != 0) {
		if (errno == EACCES || errno == EPERM)
			FAIL(ERR_SOCKET_DENIED, "%s", path);
		FAIL(ERR_UNREACHABLE, "%s: %s; is chanceryd %s running?", path, strerror(errno),
		    role);
	}
	e = call(c, path, PROBE_MS, arena_printf(c->arena, "%s.show", role), none, &answer);
	if (!err_is(e, ERR_IPC)) {
		err_forget(e);
		return OK;
	}
	err_forget(e);
	FAIL(ERR_UNREACHABLE, "nobody answers on %s; is chanceryd %s running?", path, role);
}

err_t
sock_call(struct cli *c, const char *role, const char *path, const char *verb, const json *args,
    json **ret)
{
	auto_json json *answer = NULL;

	if (path == NULL)
		path = arena_printf(c->arena, "/run/chancery/%s/admin.sock", role);
	TRY(probe(c, role, path));
	TRY(call(c, path, CALL_MS, verb, args, &answer));
	if (ret != NULL)
		*ret = steal(answer);
	return OK;
}

err_t
sock_ask(struct cli *c, const char *role, const char *verb, const json *args, json **ret)
{
	return sock_call(c, role, args_text(c->args, "socket"), verb, args, ret);
}

err_t
sock_connector(struct cli *c, const char *verb, const json *args, json **ret)
{
	TRY_CTX(sock_ask(c, "connector", verb, args, ret), "connector");
	return OK;
}

err_t
sock_verb(struct cli *c, const struct sock_verb *v, json *args)
{
	auto_json json *none = json_object_new(), *answer = NULL;

	if (args == NULL)
		args = none;
	if (v->operand != NULL)
		json_set_text(args, v->operand, c->args->operands[0]);
	if (v->flag != NULL)
		json_set_bool(args, v->flag, v->on);
	if (v->paged)
		TRY(args_page(c->args, args));
	TRY(args_body(c->arena, c->args, args));
	TRY(sock_ask(c, v->role, v->verb, args, &answer));
	if (v->columns != NULL)
		return out_list(c, v->columns, answer, v->part);
	return out_object(c, v->part == NULL ? answer : json_get(answer, v->part));
}

err_t
sock_run(struct cli *c)
{
	return sock_verb(c, c->args->verb->call, NULL);
}
