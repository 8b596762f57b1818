/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that administrators give and devices get: the key of a network, the code of a Mac that is wiped. They are written
 * and never shown. The store has what service/keys made of them (pki/siv.h), under a label that says what it is and whose;
 * they are opened where a message to a device is written, and nowhere else.
 *
 * Secrets of a profile are those rows of its kind that are FIELD_SECRET (texts). They lie among the settings as
 *
 *   SECRETS_STORED  {"preSharedKey": base64}
 *
 * so a version that is restored brings its own back. In the struct that the rows describe such a text is what a body said,
 * while that is checked, and what is stored otherwise. The API shows SECRETS_SHOWN: which are set, each with a mark that
 * changes when the secret does.
 *
 * Not here: private keys, which the service never has (model/packing.h).
 */
#ifndef MODEL_SECRET_H
#define MODEL_SECRET_H

#include "model/profile.h"
#include "net/ipc.h"

#define SECRETS_STORED "@secrets"
#define SECRETS_SHOWN "@chancery.secrets"
enum { SECRETS_MAX = 4 };

/* What the secrets of a body come to. */
struct secrets {
	struct id profile; /* for which they are sealed */
	struct {
		const char *name, *sealed;
	} v[SECRETS_MAX];
	size_t n;
};

/* Base64 of what service/keys made of it. ERR_TOO_LARGE, ERR_IPC. */
err_t secret_hide(struct ipc_client *keys, struct arena *a, const char *label, const char *plain,
    const char **ret);
/* ERR_SECRET_LOST, ERR_IPC. Who calls wipes what he makes of it; the arena's copy goes with the arena. */
err_t secret_show(struct ipc_client *keys, struct arena *a, const char *label, const char *sealed,
    const char **ret);

/* Seals what is secret in the body of a profile; profile zero: it is new, and ret->profile will be its identifier. What is
 * wrong with a body is said by whoever reads it. Before the transaction of the change. */
err_t secrets_take(struct ipc_client *keys, struct arena *a, struct id profile, const json *body,
    struct secrets *ret);
/* A secret of a profile, opened. sealed: as its settings have it. */
err_t secrets_open(struct ipc_client *keys, struct arena *a, struct id profile, const char *name,
    const char *sealed, const char **ret);

/* What the API shows of a sealed secret. */
const char *secrets_mark(struct arena *a, const char *sealed);

/* For model/profile_json.h and profile_settings(). From the stored settings into the struct; from the struct into what is
 * stored (sealed NULL: of a draft, whose secrets nobody will open), ERR_MODEL_INVALID where the body has one that the
 * settings have no use for; what the API shows. */
void secrets_load(
    struct arena *a, const struct field *f, size_t n, const json *stored, void *settings);
err_t secrets_store(const struct field *f, size_t n, const void *settings, const json *body,
    const struct secrets *sealed, json *out);
void secrets_show(
    struct arena *a, const struct field *f, size_t n, const void *settings, json *out);

#endif
