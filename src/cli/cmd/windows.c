/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery windows: what the management of Windows devices needs of the installation, on the service's host.
 */
#include "cli/args.h"
#include "cli/sock.h"

static err_t
show(struct cli *c)
{
	return sock_verb(c, &(struct sock_verb){ .role = "service", .verb = "windows.show" }, NULL);
}

static const struct opt socket_opts[] = { SOCK_OPT("service"), { 0 } };

static const struct verb verbs[] = {
	{ "show", "The enrolment address, and whether and how devices are woken.", NULL,
	    socket_opts, show },
	{ 0 },
};

const struct command command_windows = { "windows",
	"Management of Windows devices (on the service's host).", verbs };
