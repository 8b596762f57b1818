/* SPDX-License-Identifier: Apache-2.0 */
/* API types of profiles: a row a type. */
#include "model/profile.h"

extern const struct kind kind_trusted_root;
extern const struct kind kind_pkcs;

static const struct profile_type types[] = {
	{ "#chancery.linuxTrustedRootCertificate", "linux", &kind_trusted_root },
	{ "#chancery.linuxPkcsCertificateProfile", "linux", &kind_pkcs },
	{ 0 },
};
const struct profile_type *const profile_types = types;

err_t
profile_type_find(const char *name, const struct profile_type **ret)
{
	const char *bare = name[0] == '#' ? name + 1 : name;
	const struct profile_type *near = NULL;
	size_t best = 16; /* a type of another platform still finds ours */

	for (const struct profile_type *t = types; t->name != NULL; t++) {
		size_t d;

		if (str_ieq_c(str_c(bare), t->name + 1)) {
			*ret = t;
			return OK;
		}
		d = text_distance(bare, t->name + 1, best);
		if (d < best) {
			best = d;
			near = t;
		}
	}
	if (near == NULL)
		FAIL(ERR_PROFILE_TYPE, "\"%.128s\"", name);
	FAIL(ERR_PROFILE_TYPE, "\"%.128s\"; did you mean \"%s\"?", name, near->name);
}

err_t
profile_settings(struct arena *a, const struct kind *k, const struct profile *p, void **ret)
{
	auto_json json *j = NULL;
	void *settings = arena_alloc(a, k->size);

	TRY(json_parse(str_c(p->settings), LIMIT_HTTP_BODY, &j));
	TRY(field_read(a, k->fields, k->nfields, j, FIELD_CREATE, NULL, settings));
	*ret = settings;
	return OK;
}
