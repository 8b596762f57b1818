/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery service: joining a management service to its CA, on the host of both (or with the sockets brought together).
 *
 *   service: service.csr ──► CA: service.admit ──► service: service.accept, which starts it again with what it was given
 */
#include <poll.h>

#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

#define READY_MS 60000
#define LOOK_MS 200

static err_t
ours(struct cli *c, const char *verb, const json *args, json **ret)
{
	return sock_ask(c, "service", verb, args, ret);
}

/* It ends after its answer and comes back joined. */
static err_t
await_joined(struct cli *c, json **ret)
{
	auto_json json *none = json_object_new();
	int64_t end = when_mono_ms() + READY_MS;

	out_progress(c, "waiting until the service is ready");
	for (;;) {
		auto_json json *shown = NULL;
		err_t e = ours(c, "service.show", none, &shown);

		if (err_ok(e) && json_true(json_get(shown, "joined"))) {
			out_progress(c, "");
			*ret = steal(shown);
			return OK;
		}
		err_forget(e);
		if (when_mono_ms() > end)
			FAIL(ERR_TIMEOUT,
			    "the service was joined and is not ready; look at its log");
		poll(NULL, 0, LOOK_MS);
	}
}

static err_t
join(struct cli *c)
{
	auto_json json *csr_args = json_object_new(), *csr = NULL, *admitted = NULL, *shown = NULL;

	json_set(csr_args, "hosts", args_json_list(c->arena, c->args, "host"));
	out_progress(c, "the service makes its requests");
	TRY_CTX(ours(c, "service.csr", csr_args, &csr), "service");
	json_set_text(csr, "name", args_or(c->args, "name", "service"));
	out_progress(c, "the CA admits the service");
	TRY_CTX(
	    sock_call(c, "ca", args_text(c->args, "ca-socket"), "service.admit", csr, &admitted),
	    "CA");
	json_set_text(admitted, "ca_url", args_text(c->args, "ca-url"));
	TRY_CTX(ours(c, "service.accept", admitted, NULL), "service");
	TRY(await_joined(c, &shown));
	return out_object(c, shown);
}

static const struct sock_verb show = { "service", "service.show" };

static const struct opt show_opts[] = { SOCK_OPT("service"), { 0 } };
static const struct opt join_opts[] = {
	{ .name = "ca-url",
	    .value = "URL",
	    .required = true,
	    .help = "How the service reaches the CA's enrolment port." },
	{ .name = "host",
	    .value = "HOST",
	    .required = true,
	    .many = true,
	    .help = "Host names and addresses of the service, for its TLS certificate." },
	{ .name = "name",
	    .value = "NAME",
	    .help = "Name of the service at the CA; else \"service\"." },
	{ .name = "ca-socket",
	    .value = "PATH",
	    .help = "Socket of the CA; else /run/chancery/ca/admin.sock." },
	SOCK_OPT("service"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "join", "Join this service to its CA, and wait until it is ready.", NULL, join_opts,
	    join },
	{ "show", "What this service is and where it stands.", NULL, show_opts, sock_run,
	    .call = &show },
	{ 0 },
};

const struct command command_service = { "service", "The management service (on its host).",
	verbs };
