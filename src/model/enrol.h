/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolment of devices and connectors with one-time codes, and their leaving.
 *
 *   enrol_begin(code, key) ── gives the id and the order for its identity certificate; the code is bound to this id
 *   ... the caller has the order sealed and the identity CA issue ...
 *   enrol_finish(id, certificate) ── the record becomes active, the code is used up
 *
 * Begun and not finished, the same code with the same key may begin again and gets the same id.
 */
#ifndef MODEL_ENROL_H
#define MODEL_ENROL_H

#include "codec/order.h"
#include "model/kind.h"

struct enrol {
	enum code_kind kind;
	struct id id; /* the device or connector */
	struct id user;
	struct order
	    order; /* template DeviceIdentity or ConnectorIdentity, subject CN=<id>,OU=Chancery Devices|Connectors */
};

/* A new code: shown once. valid_s: seconds. */
err_t enrol_code_make(struct store *s, struct arena *a, const char *actor, enum code_kind kind,
    struct id user, int64_t valid_s, const char **ret_code, struct code *ret);
/* Looks without using: whose code it is; ret_user->id zero: nobody's. ERR_CODE; ERR_USER_DISABLED. */
err_t enrol_code_look(
    struct store *s, struct arena *a, enum code_kind kind, const char *code, struct user *ret_user);
/* holder: SHA-256 of the certificate that the service presents to the CA. identity_ca: name of the identity CA. */
err_t enrol_begin(struct store *s, struct arena *a, enum code_kind kind, const char *code,
    struct str spki_sha256, struct str holder, const char *identity_ca, struct enrol *ret);
/* Whose identity this certificate (DER) is by its name; the caller has seen to it that it is of the identity CA. What is not
 * a connector's is a device's. */
enum code_kind enrol_kind_of(struct arena *a, struct str cert);
/* The order for the identity certificate of e (kind, id, user) and this key; its fence is later than those before. */
err_t enrol_order(struct arena *a, const struct enrol *e, struct str spki_sha256, struct str holder,
    const char *identity_ca, struct order *ret);
/* d or c: facts filled in by the caller; id, user, identity come from here. ERR_ENROL_OVERTAKEN: the same code was begun
 * again after e, and that one is finished already; its identity stays. */
err_t enrol_finish_device(struct store *s, const struct enrol *e, const struct device *facts,
    struct str cert, struct str cert_sha256, when_t not_after);
err_t enrol_finish_connector(struct store *s, const struct enrol *e, const struct connector *facts,
    struct str cert, struct str cert_sha256);
/* Retired: its slots are withdrawn, its certificates revoked. Its identity is good for check-ins only, until one of them
 * said that everything was removed (model/checkin.h); at the identity CA it is revoked (model/retired.h). */
err_t device_retire(struct store *s, struct arena *a, const char *actor, struct id device);
/* The same, if check agrees with the device as it is in the transaction that retires it. */
typedef err_t (*device_check)(void *ctx, const struct device *now);
err_t device_retire_if(struct store *s, struct arena *a, const char *actor, struct id device,
    device_check check, void *ctx);

#endif
