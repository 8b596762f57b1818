/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of the agent protocol, version 1: JSON of a check-in into a report, commands into JSON. doc/agent-protocol.md.
 */
#ifndef DEVICE_AGENT_MSG_H
#define DEVICE_AGENT_MSG_H

#include "codec/json.h"
#include "device/device.h"
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
/* platform, mode, ownership, google_services of the facts of an enrolment: platform and ownership of the device, for good. */
err_t agent_platform_read(const json *facts, struct device *ret);
err_t agent_version_check(const json *msg);
/* Id of the catalogue for a code in a result; NULL: none in particular. */
const char *agent_code_fault(const char *code);
/* The answer to a check-in. identity: the device's certificate, DER; secrets are sealed to it. */
err_t agent_commands_write(const struct device_edge *edge, struct arena *a, struct str identity,
    const struct command *v, size_t n, json **ret);

#endif
