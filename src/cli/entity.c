/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/entity.h"

#include "cli/api.h"
#include "cli/args.h"
#include "cli/url.h"

err_t
entity_path(struct cli *c, const struct entity *e, const char *tail, const char **ret)
{
	const char *id = c->args->operands[0];

	if (e->find != NULL)
		TRY(e->find(c, id, &id));
	*ret = arena_printf(c->arena, "%s/%s%s", e->set, url_encode(c->arena, id), tail);
	return OK;
}

err_t
entity_list(struct cli *c)
{
	const struct entity *e = c->args->verb->of;
	auto_json json *rows = NULL;

	TRY(api_list(c, e->listed == NULL ? e->set : e->listed, &rows));
	return out_rows(c, e->columns, rows);
}

err_t
entity_show(struct cli *c)
{
	auto_json json *answer = NULL;
	const char *path;

	TRY(entity_path(c, c->args->verb->of, "", &path));
	TRY(api_get(c, path, &answer));
	return out_object(c, answer);
}

err_t
entity_delete(struct cli *c)
{
	const struct entity *e = c->args->verb->of;
	const char *path;

	TRY(entity_path(c, e, "", &path));
	TRY(api_send(c, "DELETE", path, NULL, NULL));
	out_say(c, "%s", e->gone == NULL ? "deleted" : e->gone);
	return OK;
}

err_t
entity_create(struct cli *c, const struct entity *e, const json *body)
{
	auto_json json *answer = NULL;

	TRY(api_send(c, "POST", e->set, body, &answer));
	return out_object(c, answer);
}

err_t
entity_update(struct cli *c, const struct entity *e, const json *body)
{
	auto_json json *answer = NULL;
	const char *path;

	if (json_count(body) == 0)
		FAIL(ERR_USAGE, "nothing to change was given");
	TRY(entity_path(c, e, "", &path));
	TRY(api_send(c, "PATCH", path, body, &answer));
	return out_object(c, answer);
}
