/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration profiles (Apple's "Configuration Profile Reference"): what a device is to install, as a property list.
 *
 * The identifier of a profile is the alias of what it brings ("chancery-<profile id>"), so that a newer one takes the
 * place of the older. Its UUID says what is in it: for a certificate that is known, the first 16 bytes of its SHA-256,
 * which is how an inventory is read back without anything remembered (apple_uuid()).
 *
 * Not here: signing (pki/cms_sign.h), when one is sent (device/apple_session.h).
 */
#ifndef DEVICE_APPLE_PROFILE_H
#define DEVICE_APPLE_PROFILE_H

#include "codec/plist.h"
#include "device/device.h"

#define APPLE_PREFIX "chancery-"       /* identifiers of what is delivered */
#define APPLE_ENROLMENT "chancery.mdm" /* identifier of the enrolment profile */

/* Of the first 16 bytes of a hash. */
const char *apple_uuid(struct arena *a, struct str sha256);
/* For a part of something, by the names of both. */
const char *apple_uuid_for(struct arena *a, const char *part, const char *of);
/* Of a profile that brings a certificate together with what uses it: another profile may have the same certificate. */
const char *apple_uuid_used(struct arena *a, const char *alias, const uint8_t sha256[32]);
/* What every payload begins with. */
struct pl *apple_payload(
    struct arena *a, const char *type, const char *identifier, const char *uuid, const char *name);
/* Of a profile that brings a network and no certificate: its first four bytes say that it is one, the others what is in
 * it. sha256: as the command names its content. */
const char *apple_uuid_network(struct arena *a, const char *alias, struct str sha256);
bool apple_uuid_is_network(struct arena *a, const char *alias, const char *uuid);
/* UUID of the profile that this command installs. */
const char *apple_uuid_of(struct arena *a, const struct command *c);
/* The subject of what COMMAND_ENROL asks for, decoded, as text. */
err_t apple_subject_of(struct arena *a, const struct command *c, const char **ret);

/* The profile of an installing command. enrol: COMMAND_ENROL's, else NULL. ERR_APPLE_SCEP: what Apple's SCEP payload cannot
 * say. */
err_t apple_profile_print(
    struct arena *a, const struct command *c, const struct device_enrol *enrol, struct str *ret);
/* COMMAND_INSTALL_NETWORK. One with a key is encrypted to the device: identity is its certificate, DER. */
err_t apple_network_print(struct arena *a, const struct command *c, const char *key,
    struct str identity, struct str *ret);
/* What struct platform calls for a job that packs for Apple. */
err_t apple_frame(struct arena *a, const struct job *j, struct str *ret);

/* What brings a device under management. */
struct apple_enrolment {
	const char *organization;
	const struct str *roots; /* DER */
	size_t nroots;
	struct id device;
	struct str subject; /* of the identity: DER Name */
	const char *scep_url, *challenge;
	const char *topic;
	const char *server_url, *checkin_url;
	bool development; /* Apple's sandbox for pushes */
};
err_t apple_enrolment_print(struct arena *a, const struct apple_enrolment *e, struct str *ret);

#endif
