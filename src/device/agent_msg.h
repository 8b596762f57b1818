/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of the agent protocol, version 1: JSON of a check-in into a report, commands into JSON. doc/agent-protocol.md.
 */
#ifndef DEVICE_AGENT_MSG_H
#define DEVICE_AGENT_MSG_H

#include "codec/json.h"
#include "model/checkin.h"

#define AGENT_PROTOCOL 1
#define AGENT_WAIT_MAX 55 /* seconds: less than what proxies commonly allow */

struct agent_checkin {
	struct report report;
	int64_t wait; /* seconds the device is ready to wait for commands */
};

/* ERR_PROTOCOL_VERSION, ERR_BAD_REQUEST naming the member. Everything is in the arena or borrowed from msg. */
err_t agent_checkin_read(struct arena *a, const json *msg, struct agent_checkin *ret);
/* The facts object; ret starts zeroed. */
err_t agent_facts_read(struct arena *a, const json *facts, struct device *ret);
err_t agent_version_check(const json *msg);
json *agent_commands_write(
    struct arena *a, const struct command *v, size_t n, int64_t poll_seconds);

#endif
