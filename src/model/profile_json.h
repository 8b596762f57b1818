/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading of profiles from the API's JSON, for model/profile.c. Writing is profile_json() of
 * model/profile.h.
 */
#ifndef MODEL_PROFILE_JSON_H
#define MODEL_PROFILE_JSON_H

#include "model/secret.h"

/* Common properties and settings into *p, checked by their kind. FIELD_UPDATE: what is absent
 * stays as *p has it. sealed: what the secrets of the body come to (model/secret.h); NULL: it is a draft that stays one. */
err_t profile_json_read(struct arena *a, const struct profile_type *t, const json *body,
    enum field_mode mode, const struct secrets *sealed, struct profile *p, struct warnings *warn);
/* By "@odata.type". ERR_PROFILE_TYPE. */
err_t profile_json_type(const json *body, const struct profile_type **ret);
/* By "rootCertificate@odata.bind", or "rootCertificateId", which the types of Windows 10X have. */
err_t profile_json_root(const json *body, bool *found, struct id *ret);

#endif
