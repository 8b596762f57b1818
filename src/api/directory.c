/* SPDX-License-Identifier: Apache-2.0 */
/* What the resources of the directory have in common: see users.h. */
#include "api/users.h"

err_t
entity_text(struct arena *a, json *entity, const char **ret)
{
	auto_json json *own = entity;
	struct str text;

	TRY(json_print(a, own, &text));
	*ret = arena_cstr(a, text);
	return OK;
}

const char *
target_text(struct arena *a, const char *what, struct id id)
{
	return arena_printf(a, "%s %s", what, id_text(a, id));
}

err_t
check_sid(struct arena *a, const struct field *f, const void *at)
{
	const char *sid = *(const char *const *)at;
	size_t n = sid == NULL ? 0 : strlen(sid);

	(void)a;
	if (n == 0)
		return OK;
	if (n < 7 || strncmp(sid, "S-1-", 4) != 0 || strspn(sid + 2, "0123456789-") != n - 2 ||
	    strstr(sid, "--") != NULL || sid[n - 1] == '-')
		FAIL(ERR_MODEL_INVALID, "\"%s\" must have the form S-1-5-21-...", f->name);
	return OK;
}

err_t
owned_check(const char *source, const char *name)
{
	if (source != NULL && strcmp(source, SOURCE_DIRECTORY) == 0)
		FAIL(ERR_RECORD_OWNED, "%s", name);
	return OK;
}
