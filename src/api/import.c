/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/{users,groups,devices,userPfxCertificates}/import: many records of the directory at once, from a file.
 *
 *   {"dryRun": bool, "reissue": bool, "rows": [{"line": 2, "userPrincipalName": ..., ...}]}
 *   -> {"dryRun", "applied", "created", "updated", "unchanged", "reissue", "errors": [{"line", "code", "message"}]}
 *
 * One transaction: either every row is in, or none is. Rows are found again by their key (users by onPremisesImmutableId or
 * userPrincipalName, groups by SID or name, devices by serial number), so the same file again changes nothing. A dry run does
 * all of it and takes it back. With errors nothing is applied and the answer is 400, unless it was a dry run.
 *
 * People and devices whose attributes change get certificates anew or lose them: "reissue" says how many, and past the threshold of roll-outs nothing
 * is applied (409) unless the request says that it is meant.
 */
#include "api/user_pfx.h"
#include "model/regroup.h"

#define ROWS_MAX 100000u
#define ERRORS_MAX 200u

struct import {
	struct arena *a;
	const struct caller *who;
	const json *rows;
	bool dry;
	err_t (*one)(struct tx *tx, struct arena *a, const struct caller *who, const json *row,
	    enum import_outcome *ret, int64_t *again);
	size_t count[IMPORT_UNCHANGED + 1];
	size_t bad;
	int64_t reissue; /* certificates that are issued again for it */
	bool meant;      /* whatever that makes */
	struct bad {
		int64_t line;
		const char *code, *message;
	} v[ERRORS_MAX];
};

static void
put_error(struct import *m, const json *row, err_t e)
{
	struct err_report rep;
	const struct err_info *info;

	err_take(e, &rep);
	if (m->bad++ >= ERRORS_MAX)
		return;
	info = err_info(rep.code);
	m->v[m->bad - 1] = (struct bad){ .line = json_int(json_get(row, "line")),
		.code = info->id,
		.message = rep.detail[0] == '\0' ?
		    info->text :
		    arena_printf(m->a, "%s: %s", info->text, text_safe(m->a, str_c(rep.detail))) };
}

static size_t
shown(const struct import *m, size_t max)
{
	size_t n = m->bad < ERRORS_MAX ? m->bad : ERRORS_MAX;

	return n < max ? n : max;
}

/* Many are made anew only for who says so. */
static err_t
check_again(struct tx *tx, const struct import *m)
{
	bool full;

	if (m->meant || m->reissue == 0)
		return OK;
	TRY(regroup_hour(tx, m->a, m->reissue, &full));
	if (full)
		FAIL(ERR_IMPORT_LARGE, "%lld certificates", (long long)m->reissue);
	return OK;
}

/* Failures of our own side end the import; those of a row are its line's. */
static err_t
import_row(struct tx *tx, struct import *m, const json *row)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *fields = json_object_new();
	enum import_outcome outcome;
	err_t e;

	for (void *it = json_iter(row); it != NULL; it = json_iter_next(row, it))
		if (strcmp(json_iter_key(it), "line") != 0)
			json_set(fields, json_iter_key(it), json_ref(json_iter_value(it)));
	e = m->one(tx, a, m->who, fields, &outcome, &m->reissue);
	if (err_ok(e))
		m->count[outcome]++;
	else if (err_info(e.code)->http >= 500)
		return e;
	else
		put_error(m, row, e);
	return OK;
}

static err_t
import_all(struct tx *tx, void *arg)
{
	struct import *m = arg;

	memset(m->count, 0, sizeof(m->count));
	m->bad = 0;
	m->reissue = 0;
	for (size_t i = 0; i < json_count(m->rows); i++)
		TRY(import_row(tx, m, json_at(m->rows, i)));
	if (m->bad > 0 || m->dry)
		FAIL(ERR_IMPORT, "%zu lines", m->bad);
	return check_again(tx, m);
}

static err_t
reply_import(struct http_req *r, const struct import *m, bool applied)
{
	auto_json json *out = json_object_new();
	json *errors = json_array_new();

	json_set_bool(out, "dryRun", m->dry);
	json_set_bool(out, "applied", applied);
	json_set_int(out, "created", (int64_t)m->count[IMPORT_CREATED]);
	json_set_int(out, "updated", (int64_t)m->count[IMPORT_UPDATED]);
	json_set_int(out, "unchanged", (int64_t)m->count[IMPORT_UNCHANGED]);
	json_set_int(out, "errorCount", (int64_t)m->bad);
	json_set_int(out, "reissue", m->reissue);
	json_set(out, "errors", errors);
	for (size_t i = 0; i < shown(m, ERRORS_MAX); i++) {
		json *x = json_object_new();

		json_add(errors, x);
		json_set_int(x, "line", m->v[i].line);
		json_set_text(x, "code", m->v[i].code);
		json_set_text(x, "message", m->v[i].message);
	}
	return reply_json(r, 200, out);
}

static err_t
rows_check(const json *rows)
{
	for (size_t i = 0; i < json_count(rows); i++)
		if (!json_is_object(json_at(rows, i)))
			FAIL(ERR_BAD_REQUEST, "\"rows\"[%zu] must be an object", i);
	return OK;
}

/* The first lines that are wrong, for who reads only the message. */
static const char *
first_errors(const struct import *m)
{
	const char *out = "";

	for (size_t i = 0; i < shown(m, 3); i++)
		out = arena_printf(m->a, "%s%sline %lld: %.200s", out, i == 0 ? "" : "; ",
		    (long long)m->v[i].line, m->v[i].message);
	return out;
}

static err_t
run(struct http_req *r,
    err_t (*one)(struct tx *tx, struct arena *a, const struct caller *who, const json *row,
	enum import_outcome *ret, int64_t *again))
{
	const struct caller *who = http_caller(r);
	auto_json json *body = NULL;
	struct import m = { .a = http_arena(r), .who = who, .one = one };
	json *rows;
	err_t e;

	TRY(json_parse(http_body(r), LIMIT_HTTP_BODY, &body));
	TRY(json_need_array(body, "rows", ROWS_MAX, &rows));
	TRY(rows_check(rows));
	m.rows = rows;
	m.dry = json_true(json_get(body, "dryRun"));
	m.meant = json_true(json_get(body, "reissue"));
	e = store_write(api_of(r)->store, import_all, &m);
	if (err_is(e, ERR_IMPORT) && !m.dry)
		FAIL(ERR_IMPORT, "%s", first_errors(&m));
	if (!err_is(e, ERR_IMPORT))
		TRY(e);
	else
		err_forget(e);
	return reply_import(r, &m, !m.dry);
}

static err_t
users(struct http_req *r)
{
	return run(r, user_import);
}

static err_t
groups(struct http_req *r)
{
	return run(r, group_import);
}

static err_t
devices(struct http_req *r)
{
	return run(r, device_import);
}

static err_t
pfxs(struct http_req *r)
{
	return run(r, pfx_import);
}

static const struct http_route routes[] = {
	ROUTE(POST, "/chancery/v1/users/import", PERM_USERS_WRITE, users),
	ROUTE(POST, "/chancery/v1/groups/import", PERM_GROUPS_WRITE, groups),
	ROUTE(POST, "/chancery/v1/devices/import", PERM_DEVICES_WRITE | PERM_SCOPED, devices),
	ROUTE(
	    POST, "/chancery/v1/userPfxCertificates/import", PERM_CONFIG_WRITE | PERM_SCOPED, pfxs),
	{ 0 },
};

const struct resource resource_import = { "import", routes };
