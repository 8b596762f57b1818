/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of Apple's management protocol ("Mobile Device Management Protocol Reference"): what a device sends, read from
 * its property list; nothing is decided here.
 *
 * A check-in has a MessageType, a message of the command channel a Status. A channel is the device's own, or that of one
 * user of a Mac.
 */
#ifndef DEVICE_APPLE_MSG_H
#define DEVICE_APPLE_MSG_H

#include "codec/plist.h"
#include "store/device.h"

enum apple_type {
	APPLE_AUTHENTICATE = 1,
	APPLE_TOKEN_UPDATE,
	APPLE_CHECK_OUT,
	APPLE_USER_AUTHENTICATE,
	APPLE_SET_BOOTSTRAP_TOKEN,
	APPLE_GET_BOOTSTRAP_TOKEN,
	APPLE_GET_TOKEN,
	APPLE_DECLARATIVE,
	APPLE_COMMAND /* Status: the command channel */
};

enum apple_status { APPLE_IDLE = 1, APPLE_ACKNOWLEDGED, APPLE_ERROR, APPLE_NOT_NOW };

/* What stands for the cause where a device refused the command itself and says no more. */
#define APPLE_FORMAT_ERROR "CommandFormatError"
/* Of an ErrorChain. */
struct apple_link {
	const char *domain;
	int64_t number;
};

struct apple_msg {
	enum apple_type type;
	enum apple_status status; /* APPLE_COMMAND; a CommandFormatError is an error */
	const char *udid;         /* or the enrolment id of an enrolment by account */
	const char *channel;      /* "": the device's; else the user's, as his name for it */
	const char *user;         /* short name; "": none */
	const char *topic;
	const char *command; /* CommandUUID; "": none */
	struct str token;    /* APPLE_TOKEN_UPDATE */
	const char *magic;
	const char *code,
	    *detail; /* APPLE_ERROR: "MCSCEPErrorDomain 22013" of the cause, and the chain in words */
	const struct apple_link *chain; /* APPLE_ERROR: outermost first */
	size_t nchain;
	const struct pl *body;
};

/* ERR_PLIST, ERR_BAD_REQUEST naming the member. */
err_t apple_msg_read(struct arena *a, struct str in, struct apple_msg *ret);

/* What Authenticate or the answer to DeviceInformation say of the device; what they do not say stays as it is. */
err_t apple_facts_read(struct arena *a, const struct pl *d, struct device *ret);
/* The names of a DeviceInformation query. */
struct pl *apple_queries(struct arena *a);

/* Profiles of ours on one channel: so many that what is kept of them fits (LIMIT_DEVICE_STATE). */
enum { APPLE_PROFILES_MAX = 128 };
/* ProfileList: name and UUID of each profile whose identifier begins with `prefix`. */
struct apple_listed {
	const char *name, *uuid;
};
err_t apple_profiles_read(struct arena *a, const struct pl *body, const char *prefix,
    struct apple_listed **ret, size_t *retn);

/* CertificateList. What does not parse as a certificate is left out. */
struct apple_held {
	struct str der;
	bool identity;
};
err_t apple_certificates_read(
    struct arena *a, const struct pl *body, struct apple_held **ret, size_t *retn);

#endif
