/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References of profiles to others: a Wi-Fi, VPN or mail profile names the profile of the certificate that it uses, and the
 * trusted roots by which it knows the other side.
 *
 * In the API a reference is bound by "<name>@odata.bind", as in Graph; null takes it away. It is kept with the settings, as
 * REFS_STORED, and shown as REFS_SHOWN, which is not read: who sends back what was read changes nothing.
 *
 * Not here: the one trusted root of a certificate profile (struct profile, root).
 */
#ifndef MODEL_REFS_H
#define MODEL_REFS_H

#include "model/profile.h"

#define REFS_STORED "@references"
#define REFS_SHOWN "@chancery.references"

/* A profile that another one names. */
struct used {
	const struct reference *as;
	struct profile profile;
};

/* Whether a member of a body binds a reference that the type has. */
bool refs_has(const struct profile_type *t, const char *member);
/* What `before` (settings of the profile as it was; NULL: it is new) and the bindings of the body come to, into the settings
 * `out`. ERR_MODEL_INVALID: a binding that names no profile, or too many. */
err_t refs_read(
    struct arena *a, const struct profile_type *t, const char *before, const json *body, json *out);
/* The reference of that name, case ignored; NULL: the type has none. */
const struct reference *refs_named(const struct profile_type *t, const char *name);
/* The settings `before` with one reference changed: set, taken away; or an element of a list added (there already: nothing
 * changes), taken out. ERR_NOT_FOUND: it is not there; ERR_MODEL_INVALID: too many. */
err_t refs_change(struct arena *a, const struct reference *r, const char *before, enum refs_op op,
    struct id target, const char **ret);
/* REFS_SHOWN into what the API shows of p. */
err_t refs_show(const struct profile_type *t, const struct profile *p, json *out);
/* A URL ".../deviceConfigurations('<id>')" or ".../<id>". ERR_MODEL_INVALID with the name of the member. */
err_t refs_url(const char *member, const json *url, struct id *ret);

/* The profiles that p names, as they are. A type without references has none. Expects a transaction. */
err_t refs_load(
    struct tx *tx, struct arena *a, const struct profile *p, struct used **ret, size_t *retn);
/* Everything named is there, of the right kind, for the same platform, and one certificate is named. ERR_MODEL_INVALID.
 * Expects a transaction. */
err_t refs_check(struct tx *tx, struct arena *a, const struct profile *p);
/* Profiles that name this one, at most limit. Expects a transaction. */
err_t refs_users(struct tx *tx, struct arena *a, struct id used, size_t limit, struct profile **ret,
    size_t *retn);

#endif
