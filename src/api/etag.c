/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ETags and If-Match (RFC 9110 8.8.3, 13.1.1): who changes what somebody else changed meanwhile is told so. Compared
 * without regard to weakness, as proxies make strong ones weak.
 */
#include "api/reply.h"
#include "pki/key.h"

/* Members that change without anybody's doing, or that only some answers have. */
static const char *const fleeting[] = { "@odata.context", "@odata.type", "@chancery.warnings",
	"assignments", "assignments@odata.context", "groupAssignments", "members",
	"lastSyncDateTime", "approximateLastSignInDateTime" };

err_t
etag_of(struct arena *a, const json *entity, const char **ret)
{
	auto_json json *kept = json_object_new();
	struct str text;
	uint8_t hash[32];

	for (void *it = json_iter(entity); it != NULL; it = json_iter_next(entity, it)) {
		bool keep = true;

		for (size_t i = 0; i < COUNT(fleeting) && keep; i++)
			keep = strcmp(json_iter_key(it), fleeting[i]) != 0;
		if (keep)
			json_set(kept, json_iter_key(it), json_ref(json_iter_value(it)));
	}
	TRY(json_print(a, kept, &text));
	hash_sha256(text, hash);
	*ret = arena_printf(a, "W/\"%s\"", text_hex(a, str_of(hash, 12)));
	return OK;
}

static struct str
opaque(struct str tag)
{
	tag = str_trim(tag);
	if (str_starts(tag, LIT("W/")))
		tag = str_of(tag.p + 2, tag.n - 2);
	return tag;
}

err_t
etag_check(struct arena *a, const char *if_match, const json *entity)
{
	struct str list = str_c(if_match);
	const char *etag;

	if (if_match == NULL || str_eq_c(str_trim(list), "*"))
		return OK;
	TRY(etag_of(a, entity, &etag));
	while (list.n > 0)
		if (str_eq(opaque(str_cut(&list, ',')), opaque(str_c(etag))))
			return OK;
	FAIL(ERR_PRECONDITION, "its ETag is %s now", etag);
}
