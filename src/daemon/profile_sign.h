/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures over what devices are to install (Apple's configuration profiles). The key lives in service/keys; its
 * certificate comes from the device-identity CA, which an enrolled device trusts through the root that its enrolment profile
 * brought, so that a person sees who the profile is from. It is asked for when it is first needed, kept in the store, and
 * renewed a month before it ends.
 */
#ifndef DAEMON_PROFILE_SIGN_H
#define DAEMON_PROFILE_SIGN_H

#include "daemon/far.h"
#include "daemon/identity.h"
#include "daemon/service_join.h"
#include "store/store.h"

struct profile_signer;

/* Everything given is borrowed. `id`: of the installation. */
err_t profile_signer_new(struct store *store, struct ipc_client *keys, struct identity *identity,
    const struct service_join *join, struct id id, struct profile_signer **ret);
void profile_signer_free(struct profile_signer *p);
/* From any thread. ERR_UNREACHABLE, ERR_CA_DENIED: there is no certificate yet and none to be had. */
err_t profile_sign(struct profile_signer *p, struct arena *a, struct str content, struct str *ret);

#endif
