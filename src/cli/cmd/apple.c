/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery apple: what the management of iPhones, iPads and Macs needs of the installation, on the service's host.
 */
#include "base/file.h"
#include "base/limits.h"
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

static const struct sock_verb show = { "service", "apple.show" };

/* The request alone, so that it can be sent to a file. */
static err_t
push_csr(struct cli *c)
{
	auto_json json *none = json_object_new(), *answer = NULL;

	TRY(sock_ask(c, "service", "apple.push-csr", none, &answer));
	if (c->args->json)
		return out_json(c, answer);
	fputs(json_text(json_get(answer, "csr")), stdout);
	return OK;
}

static err_t
push_certificate(struct cli *c)
{
	auto_json json *args = json_object_new();
	struct str pem;

	TRY(file_read(c->arena, c->args->operands[0], LIMIT_CONF_BYTES, &pem));
	json_set(args, "certificate", json_str_new(pem));
	json_set_bool(args, "new_topic", args_has(c->args, "new-topic"));
	return sock_verb(
	    c, &(struct sock_verb){ .role = "service", .verb = "apple.push-accept" }, args);
}

static const struct opt socket_opts[] = { SOCK_OPT("service"), { 0 } };
static const struct opt accept_opts[] = {
	{ .name = "new-topic",
	    .help =
		"Take it although it is for another topic: devices enrolled before are woken no more." },
	SOCK_OPT("service"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "show", "The enrolment page, the topic, and until when devices can be woken.", NULL,
	    socket_opts, sock_run, .call = &show },
	{ "push-csr", "The request for the push certificate, to be signed by Apple.", NULL,
	    socket_opts, push_csr },
	{ "push-certificate", "Take the push certificate that Apple gave.", "FILE", accept_opts,
	    push_certificate },
	{ 0 },
};

const struct command command_apple = { "apple",
	"Management of iPhones, iPads and Macs (on the service's host).", verbs };
