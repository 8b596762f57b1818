/* SPDX-License-Identifier: Apache-2.0 */
/* Plans shown and carried out: see config_plan.h. */
#include "base/limits.h"
#include "cli/api.h"
#include "cli/config_plan.h"
#include "cli/out.h"

static const char *const words[] = {
	[CONFIG_CREATE] = "create", [CONFIG_CHANGE] = "change", [CONFIG_DELETE] = "delete"
};

json *
config_plan_json(struct cli *c, const struct config_plan *p)
{
	json *j = json_object_new(), *steps = json_array_new(), *effect = json_object_new();

	json_set(j, "steps", steps);
	for (size_t i = 0; i < p->n; i++) {
		const struct config_step *s = &p->v[i];
		json *x = json_object_new();

		json_add(steps, x);
		json_set_text(x, "action", words[s->action]);
		json_set_text(x, "kind", config_sets[s->kind].kind);
		json_set_text(x, "name", s->name);
		json_set_text(
		    x, "place", s->item == NULL ? NULL : config_place(c->arena, s->item, NULL));
		if (s->secret != NULL)
			json_set_text(x, "secret", s->secret);
		if (s->action == CONFIG_CHANGE)
			json_set(x, "properties", json_ref(s->diff));
	}
	json_set(j, "effect", effect);
	json_set_int(effect, "issue", p->issue);
	json_set_int(effect, "reissue", p->reissue);
	json_set_int(effect, "withdraw", p->withdraw);
	json_set_int(effect, "revoke", p->revoke);
	json_set_int(effect, "fault", p->fault);
	json_set_bool(effect, "complete", p->complete);
	return j;
}

/* A value as one line; long ones cut. */
static const char *
shown(struct arena *a, const json *value)
{
	auto_json json *one = json_array_new();
	struct str text;
	err_t e;

	json_add(one, json_is_null(value) ? json_null_new() : json_ref((json *)(uintptr_t)value));
	e = json_print(a, one, &text);
	if (!err_ok(e)) {
		err_forget(e);
		return "?";
	}
	text = str_of(text.p + 1, text.n - 2);
	if (text.n > 80)
		return arena_printf(a, "%s...", text_safe(a, str_of(text.p, 77)));
	return text_safe(a, text);
}

static void
print_step(struct cli *c, const struct config_step *s)
{
	static const char signs[] = {
		[CONFIG_CREATE] = '+', [CONFIG_CHANGE] = '~', [CONFIG_DELETE] = '-'
	};

	out_say(c, "%c %s \"%s\"%s%s%s", signs[s->action], config_sets[s->kind].kind,
	    text_safe(c->arena, str_c(s->name)), s->item == NULL ? "" : "  (",
	    s->item == NULL ? "" : config_place(c->arena, s->item, NULL),
	    s->item == NULL ? "" : ")");
	if (s->action != CONFIG_CHANGE)
		return;
	for (void *it = json_iter(s->diff); it != NULL; it = json_iter_next(s->diff, it))
		out_say(c, "    %s: %s -> %s", text_safe(c->arena, str_c(json_iter_key(it))),
		    shown(c->arena, json_get(json_iter_value(it), "before")),
		    shown(c->arena, json_get(json_iter_value(it), "after")));
}

void
config_plan_print(struct cli *c, const struct config_plan *p)
{
	size_t n[3] = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		print_step(c, &p->v[i]);
		n[p->v[i].action]++;
	}
	if (p->n == 0) {
		out_say(c, "nothing to do");
		return;
	}
	out_say(c, "%zu to create, %zu to change, %zu to delete", n[CONFIG_CREATE],
	    n[CONFIG_CHANGE], n[CONFIG_DELETE]);
	out_say(c,
	    "certificates: %lld would be issued, %lld issued again, %lld withdrawn, %lld revoked; %lld could not be made%s",
	    (long long)p->issue, (long long)p->reissue, (long long)p->withdraw,
	    (long long)p->revoke, (long long)p->fault,
	    p->complete ? "" : " (not all devices were looked at)");
}

static const char *
path_of(struct cli *c, const struct config_step *s, const char *tail)
{
	return arena_printf(c->arena, "%s/%s%s", config_sets[s->kind].path, s->id, tail);
}

/* Taken before the object is read: its targets are then those that were read, or the tag is not theirs any more. */
static err_t
tag_targets(struct cli *c, struct config_step *s)
{
	auto_json json *now = NULL;

	return s->kind == CONFIG_PROFILE ?
	    api_get_tagged(c, path_of(c, s, "/assignments"), &now, &s->targets) :
	    OK;
}

/* The object as it is now must be what the plan saw; its ETag guards the rest of the way. */
static err_t
unchanged(
    struct cli *c, const struct config_plan *p, const struct config_step *s, const char **ret_etag)
{
	auto_json json *now = NULL, *form = NULL;

	TRY(api_get_tagged(c,
	    path_of(c, s, s->kind == CONFIG_PROFILE ? "?$expand=assignments" : ""), &now,
	    ret_etag));
	TRY(config_to_file(c, &p->world, s->kind, now, &form));
	if (!json_equal(form, s->have))
		FAIL(ERR_PRECONDITION, "%s \"%s\" was changed since the plan was made",
		    config_sets[s->kind].kind, s->name);
	return OK;
}

static err_t
none_missing(const struct config_step *s, const json *missing)
{
	const json *x = json_at(missing, 0);

	if (x == NULL)
		return OK;
	FAIL(ERR_NOT_FOUND, "\"%s\" of %s \"%s\": there is no %s \"%s\"",
	    json_text(json_get(x, "property")), config_sets[s->kind].kind, s->name,
	    json_text(json_get(x, "kind")), json_text(json_get(x, "name")));
}

static err_t
create(struct cli *c, struct config_plan *p, struct config_step *s)
{
	auto_json json *missing = json_array_new(), *body = NULL, *answer = NULL;

	TRY(config_to_api(c, &p->world, s->kind, s->item->want, NULL, &body, missing));
	TRY(none_missing(s, missing));
	TRY(api_send(c, "POST",
	    s->kind == CONFIG_PROFILE ? "/chancery/v1/profiles" : config_sets[s->kind].path, body,
	    &answer));
	s->id = arena_strdup(c->arena, json_text(json_get(answer, "id")));
	config_made(&p->world, s->kind, s->name, s->id);
	if (*json_text(json_get(answer, "secret")) == '\0')
		return OK;
	s->secret = arena_strdup(c->arena, json_text(json_get(answer, "secret")));
	out_say(c, "secret of %s \"%s\", shown once: %s", config_sets[s->kind].kind, s->name,
	    s->secret);
	return OK;
}

/* References that are there and that the files do not have any more. */
static void
drop_references(struct cli *c, const struct config_step *s, json *body)
{
	const json *have = json_get(s->have, "references");

	for (void *it = json_iter(have); it != NULL && json_get(s->diff, "references") != NULL;
	     it = json_iter_next(have, it)) {
		const char *member = arena_printf(c->arena, "%s@odata.bind", json_iter_key(it));

		if (json_get(body, member) == NULL)
			json_set(body, member, json_null_new());
	}
}

static err_t
change(struct cli *c, struct config_plan *p, struct config_step *s, const json *terms)
{
	auto_json json *missing = json_array_new(), *body = NULL;
	const json *root = json_get(s->diff, "rootCertificate");
	const char *etag;

	TRY(tag_targets(c, s));
	TRY(unchanged(c, p, s, &etag));
	if (root != NULL && json_is_null(json_get(root, "after"))) {
		TRY(api_send(c, "DELETE", path_of(c, s, "/rootCertificate/$ref"), NULL, NULL));
		etag = "";
	}
	TRY(config_to_api(c, &p->world, s->kind, s->item->want, s->diff, &body, missing));
	drop_references(c, s, body);
	TRY(none_missing(s, missing));
	if (json_count(body) == 0)
		return OK;
	if (s->kind == CONFIG_PROFILE)
		json_set_text(
		    body, "@odata.type", json_text(json_get(s->item->want, "@odata.type")));
	if (s->kind == CONFIG_PROFILE && *json_text(json_get(body, "@odata.type")) == '\0')
		json_set_text(body, "@odata.type", json_text(json_get(s->have, "@odata.type")));
	if (s->kind == CONFIG_PROFILE && terms != NULL)
		json_set(body, "@chancery.rollout", json_ref((json *)(uintptr_t)terms));
	return api_send_if(c, "PATCH", path_of(c, s, ""), etag, body, NULL);
}

/* When all that targets may name is there. */
static err_t
assign(struct cli *c, const struct config_plan *p, const struct config_step *s, const json *terms)
{
	auto_json json *missing = json_array_new(), *body = NULL;
	const json *diff = json_get(s->diff, "assignments");

	if (s->action == CONFIG_DELETE || diff == NULL ||
	    (s->have == NULL && json_count(json_get(diff, "after")) == 0))
		return OK;
	TRY(config_assignments(c, &p->world, s->item->want, &body, missing));
	TRY(none_missing(s, missing));
	if (terms != NULL)
		json_set(body, "@chancery.rollout", json_ref((json *)(uintptr_t)terms));
	return api_send_if(
	    c, "POST", path_of(c, s, "/assign"), s->targets == NULL ? "" : s->targets, body, NULL);
}

static err_t delete (struct cli *c, const struct config_plan *p, const struct config_step *s)
{
	const char *etag;

	TRY(unchanged(c, p, s, &etag));
	return api_send_if(c, "DELETE", path_of(c, s, ""), etag, NULL, NULL);
}

static err_t
step_run(struct cli *c, struct config_plan *p, struct config_step *s, const json *terms)
{
	switch (s->action) {
	case CONFIG_CREATE:
		return create(c, p, s);
	case CONFIG_CHANGE:
		return change(c, p, s, terms);
	case CONFIG_DELETE:
		return delete (c, p, s);
	}
	return OK;
}

/* Deletions are the plan's last steps: assignments come before the first of them. */
err_t
config_plan_run(struct cli *c, struct config_plan *p, const json *terms)
{
	for (int pass = 0; pass < 3; pass++)
		for (size_t i = 0; i < p->n; i++) {
			struct config_step *s = &p->v[i];

			if (pass == 1)
				TRY_CTX(assign(c, p, s, terms), "assignments of \"%s\"", s->name);
			else if ((s->action == CONFIG_DELETE) == (pass == 2))
				TRY_CTX(step_run(c, p, s, terms), "%s %s \"%s\"", words[s->action],
				    config_sets[s->kind].kind, s->name);
		}
	return OK;
}
