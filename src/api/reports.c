/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/reports/exportJobs: reports as CSV or JSON, made beside everything else, a part at a time (Graph
 * deviceManagementExportJob). POST asks for one, GET says how far it is, and then where it lies: a ZIP archive of one
 * file, at an address that needs no token, because nobody can guess it, and that ends within hours.
 *
 * What changes while it is made may be in it as it was or as it is; no row comes twice. One part is in memory at a time, here
 * and where it is fetched (api/report_file.c); all that are kept share LIMIT_REPORTS_BYTES of the store.
 *
 * Each report takes the permission that reads the same data elsewhere. Who is limited by scope tags gets rows of the profiles
 * that have one of the tags that it had when it asked, and sees only what it asked for itself.
 */
#include "api/reach.h"
#include "api/report_row.h"
#include "base/secret.h"
#include "codec/zip.h"
#include "model/scope.h"
#include "store/report.h"
#include "store/slot_search.h"

#define JOBS "/deviceManagement/reports/exportJobs"
#define KEPT_S (6 * 3600)
#define ROWS 500u
#define PART_BYTES (4u << 20)

static const char *const states[] = { [REPORT_NOT_STARTED] = "notStarted",
	[REPORT_IN_PROGRESS] = "inProgress",
	[REPORT_COMPLETED] = "completed",
	[REPORT_FAILED] = "failed" };

static json *
job_json(const struct api *api, struct arena *a, const struct report_job *x)
{
	json *j = json_object_new(), *select = json_array_new();
	struct str rest = str_c(x->columns);
	bool done = x->state == REPORT_COMPLETED;

	while (rest.n > 0)
		json_add(select, json_str_new(str_cut(&rest, ',')));
	json_set_text(j, "id", x->id);
	json_set_text(j, "reportName", x->name);
	json_set_text(j, "filter", x->filter);
	json_set_text(j, "search", x->search);
	json_set(j, "select", select);
	json_set_text(j, "format", x->format);
	json_set_text(j, "snapshotId", NULL);
	json_set_text(j, "localizationType", "replaceLocalizableValues");
	json_set_text(j, "status", states[x->state]);
	json_set_text(j, "url",
	    done ? arena_printf(a, "%s/chancery/v1/reports/%s", api->base_url, x->token) : NULL);
	json_set_when(a, j, "requestDateTime", x->created);
	json_set_when(a, j, "expirationDateTime", x->expires);
	json_set_int(j, "@chancery.rows", x->rows);
	json_set_text(j, "@chancery.detail", *x->detail == '\0' ? NULL : x->detail);
	return j;
}

/* ---- asking ---- */

/* Whether the caller may have, and so see, a report of this kind. */
static bool
may_read(const struct caller *who, const struct report_kind *k)
{
	return k != NULL && ((who->perms | who->scoped) & k->perms) != 0;
}

/* To whom it is limited. */
static err_t
read_limits(
    struct arena *a, const struct caller *who, const struct report_kind *k, struct report_job *job)
{
	auto_json json *tags = NULL;
	struct str text;

	job->owner = id_text(a, who->id);
	job->tags = "";
	if ((who->perms & k->perms) != 0)
		return OK;
	tags = rights_own_tags(who, k->perms);
	TRY(json_print(a, tags, &text));
	return text_cstr(a, text, &job->tags);
}

/* Names of columns that the report has. */
static err_t
read_select(struct arena *a, const json *body, const struct report_kind *k, const char **ret)
{
	const char *out = "";
	json *list;

	TRY(json_want_array(body, "select", 256, &list));
	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_text(json_at(list, i)), *hit = NULL;

		for (const char *const *c = k->columns; *c != NULL; c++)
			if (str_ieq_c(str_c(name), *c))
				hit = *c;
		if (hit == NULL)
			FAIL(ERR_BAD_REQUEST, "select: the report has no column '%s'",
			    text_safe(a, str_c(name)));
		out = arena_printf(a, "%s%s%s", out, *out == '\0' ? "" : ",", hit);
	}
	*ret = out;
	return OK;
}

static err_t
read_format(struct arena *a, const json *body, const char **ret)
{
	const char *format;

	TRY(json_want_text(body, "format", 16, &format));
	if (format == NULL || *format == '\0' || str_ieq_c(str_c(format), "csv"))
		*ret = "csv";
	else if (str_ieq_c(str_c(format), "json"))
		*ret = "json";
	else
		FAIL(ERR_BAD_REQUEST, "format '%s' is not supported; csv and json are",
		    text_safe(a, str_c(format)));
	return OK;
}

static err_t
read_job(struct arena *a, const struct caller *who, const json *body, struct report_job *ret)
{
	const char *name, *filter, *search;
	const struct report_kind *k;
	struct odata_expr *unused;
	uint8_t token[32];

	TRY(json_need_text(body, "reportName", LIMIT_TEXT, &name));
	k = report_kind(name);
	if (k == NULL)
		FAIL(ERR_BAD_REQUEST,
		    "there is no report '%s'; there are AllDeviceCertificates, "
		    "CertificatesByRAPolicy and ChancerySlots",
		    text_safe(a, str_c(name)));
	if (!may_read(who, k))
		FAIL(ERR_FORBIDDEN, "%s needs %s for report %s", who->actor,
		    perm_describe(a, k->perms), k->name);
	TRY(json_want_text(body, "filter", 2000, &filter));
	TRY(json_want_text(body, "search", 100, &search));
	*ret = (struct report_job){ .name = k->name,
		.filter = filter == NULL ? "" : arena_strdup(a, filter),
		.search = search == NULL ? "" : arena_strdup(a, search),
		.detail = "",
		.state = REPORT_NOT_STARTED,
		.created = when_now(),
		.expires = when_now() + KEPT_S };
	if (*ret->filter != '\0')
		TRY(odata_filter_parse(a, ret->filter, &unused));
	TRY(read_select(a, body, k, &ret->columns));
	TRY(read_format(a, body, &ret->format));
	TRY(read_limits(a, who, k, ret));
	rand_bytes(token, sizeof(token));
	ret->token = text_hex(a, STR(token));
	ret->id = arena_printf(a, "%s_%s", k->name, id_text(a, id_new()));
	return OK;
}

struct asking {
	struct arena *a;
	const struct caller *who;
	struct report_job job;
	struct report_job *v;
	size_t n;
	const char *key; /* NULL: all */
};

static err_t
insert(struct tx *tx, void *arg)
{
	struct asking *x = arg;
	int64_t n;

	TRY(store_report_drop(tx, when_now()));
	TRY(store_report_count(tx, &n));
	if (n >= (int64_t)LIMIT_REPORTS)
		FAIL(ERR_THROTTLED, "%u reports are kept already; each goes after %d hours",
		    LIMIT_REPORTS, KEPT_S / 3600);
	TRY(store_report_insert(tx, &x->job));
	return store_audit_add(tx, x->who->actor, "report.export", x->job.id, "",
	    arena_printf(
		x->a, "{\"reportName\":\"%s\",\"format\":\"%s\"}", x->job.name, x->job.format));
}

static err_t
post(struct http_req *r)
{
	struct asking x = { .a = http_arena(r), .who = http_caller(r) };
	auto_json json *body = NULL;
	struct query q;

	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(body_object(r, &body));
	TRY(read_job(x.a, x.who, body, &x.job));
	TRY(store_write(api_of(r)->store, insert, &x));
	return reply_entity(r, 201, "deviceManagement/reports/exportJobs",
	    arena_printf(x.a, JOBS "('%s')", x.job.id), &q, job_json(api_of(r), x.a, &x.job));
}

static err_t
find(struct tx *tx, void *arg)
{
	struct asking *x = arg;

	return x->key == NULL ? store_report_list(tx, x->a, &x->v, &x->n) :
				store_report_get(tx, x->a, x->key, &x->job);
}

/* Whose it is, or who is not limited. */
static bool
is_shown(const struct asking *x, const struct report_job *job)
{
	const struct report_kind *k = report_kind(job->name);

	return may_read(x->who, k) &&
	    ((x->who->perms & k->perms) != 0 || strcmp(job->owner, id_text(x->a, x->who->id)) == 0);
}

static err_t
get(struct http_req *r)
{
	struct asking x = { .a = http_arena(r), .who = http_caller(r), .key = http_param(r, "id") };
	struct query q;

	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, find, &x));
	if (!is_shown(&x, &x.job))
		FAIL(ERR_NOT_FOUND, "no such report");
	return reply_entity(r, 200, "deviceManagement/reports/exportJobs", NULL, &q,
	    job_json(api_of(r), x.a, &x.job));
}

static err_t
list(struct http_req *r)
{
	struct asking x = { .a = http_arena(r), .who = http_caller(r) };
	auto_json json *out = json_object_new();
	json *value = json_array_new();
	struct query q;

	json_set_text(out, "@odata.context",
	    reply_context(r, "deviceManagement/reports/exportJobs", NULL, false));
	json_set(out, "value", value);
	TRY(query_read(r, QUERY_ENTITY, &q));
	if (q.o.nselect > 0)
		FAIL(ERR_BAD_REQUEST, "$select is not supported here");
	TRY(store_read(api_of(r)->store, find, &x));
	for (size_t i = 0; i < x.n; i++)
		if (is_shown(&x, &x.v[i]))
			json_add(value, job_json(api_of(r), x.a, &x.v[i]));
	return reply_json(r, 200, out);
}

/* ---- making ---- */

struct making {
	struct arena *a;
	struct report_job job;
	const struct report_kind *kind;
	struct id from;
	struct buf *out;
	bool found;
};

static const char *const *
columns_of(struct arena *a, const struct making *m)
{
	const char **v = arena_array(a, 257, sizeof(*v));
	struct str rest = str_c(m->job.columns);
	size_t n = 0;

	if (rest.n == 0)
		return m->kind->columns;
	while (rest.n > 0)
		v[n++] = arena_cstr(a, str_cut(&rest, ','));
	v[n] = NULL;
	return v;
}

static struct id
id_demanded(const struct odata_expr *filter, const char *name)
{
	const char *text = odata_demands(filter, name);
	struct id id = { 0 };

	if (text != NULL)
		err_forget(id_parse(str_c(text), &id));
	return id;
}

static err_t
put_row(struct making *m, json *row, const char *const *columns)
{
	struct str text;

	if (strcmp(m->job.format, "csv") == 0)
		return report_csv(m->out, row, columns);
	for (const char *const *c = m->kind->columns; *c != NULL; c++) {
		const char *const *hit = columns;

		while (*hit != NULL && strcmp(*hit, *c) != 0)
			hit++;
		if (*hit == NULL)
			json_del(row, *c);
	}
	TRY(json_print(m->a, row, &text));
	TRY(buf_puts(m->out, m->job.rows > 0 ? ",\n" : ""));
	return buf_put(m->out, text);
}

/* The profiles with one of the job's tags; *ret NULL: all. */
static err_t
limits(struct tx *tx, struct making *m, const struct slot_profiles **ret)
{
	struct field_texts tags;
	struct role_grant grant = { .perms = PERM_CONFIG_READ };
	struct caller who = { .scoped = PERM_CONFIG_READ, .grants = &grant, .ngrants = 1 };

	*ret = NULL;
	if (*m->job.tags == '\0')
		return OK;
	TRY(scope_read(m->a, m->job.tags, &tags));
	grant.tags = (const char *const *)tags.v;
	grant.ntags = tags.n;
	return reach_profiles(tx, m->a, &who, PERM_CONFIG_READ, ret);
}

static err_t
put_rows(struct tx *tx, struct making *m, const char *const *columns, bool *ret_more)
{
	static const char *const searched[] = { "SubjectName", "SerialNumber", "Thumbprint",
		"DeviceName", "UPN", NULL };
	struct odata o = { .search = *m->job.search == '\0' ? NULL : m->job.search };
	struct odata_expr *filter = NULL;
	struct slot_filter f = { .text = o.search };
	struct slot_hit *v;
	size_t n;

	if (*m->job.filter != '\0')
		TRY(odata_filter_parse(m->a, m->job.filter, &filter));
	f.profile = id_demanded(filter, "PolicyId");
	f.device = id_demanded(filter, "DeviceId");
	f.user = id_demanded(filter, "UserId");
	TRY(limits(tx, m, &f.only));
	TRY(store_slot_search(tx, m->a, &f, (struct page){ .after = m->from, .limit = ROWS }, 0, &v,
	    &n, &m->job.cursor, ret_more));
	for (size_t i = 0; i < n; i++) {
		auto_arena struct arena *a = arena_new();
		auto_json json *row = NULL;
		bool match = true, found = true;

		if (m->kind->certificates &&
		    (*v[i].slot.serial == '\0' || !kind_has_certificate(v[i].slot.kind)))
			continue;
		TRY(report_row(tx, a, m->kind, &v[i].slot, &row));
		TRY(odata_match(filter, row, &match));
		if (o.search != NULL)
			TRY(odata_found(&o, searched, row, &found));
		if (!match || !found)
			continue;
		TRY(put_row(m, row, columns));
		m->job.rows++;
	}
	return OK;
}

static err_t
make_part(struct tx *tx, void *arg)
{
	struct making *m = arg;
	bool is_csv, more = true;
	const char *const *columns;
	int64_t kept;
	err_t e = store_report_next(tx, m->a, &m->job);

	m->out->n = 0;
	m->found = err_ok(e);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	m->from = m->job.cursor;
	m->kind = report_kind(m->job.name);
	if (m->kind == NULL)
		FAIL(ERR_BAD_REQUEST, "there is no report %s any more", m->job.name);
	is_csv = strcmp(m->job.format, "csv") == 0;
	columns = columns_of(m->a, m);
	if (m->job.state == REPORT_NOT_STARTED)
		TRY(is_csv ? report_csv_head(m->out, columns) : buf_puts(m->out, "["));
	TRY(put_rows(tx, m, columns, &more));
	if (!more && !is_csv)
		TRY(buf_puts(m->out, "]\n"));
	m->job.state = more ? REPORT_IN_PROGRESS : REPORT_COMPLETED;
	m->job.size += (int64_t)m->out->n;
	m->job.crc = zip_crc(m->job.crc, buf_str(m->out));
	TRY(store_report_bytes(tx, &kept));
	if (kept + (int64_t)m->out->n > (int64_t)LIMIT_REPORTS_BYTES)
		FAIL(ERR_TOO_LARGE,
		    "the reports that are kept grow past %llu GiB together; narrow it with filter or select, or "
		    "ask again when older ones are gone",
		    LIMIT_REPORTS_BYTES >> 30);
	return OK;
}

static err_t
keep_part(struct tx *tx, void *arg)
{
	struct making *m = arg;

	return store_report_step(tx, &m->job, m->from, buf_str(m->out));
}

static err_t
drop_old(struct tx *tx, void *arg)
{
	(void)arg;
	return store_report_drop(tx, when_now());
}

/* Says at the job why nothing comes of it. */
static err_t
give_up(struct api *api, struct making *m, err_t e)
{
	struct err_report why;

	err_take(e, &why);
	m->out->n = 0;
	m->job.state = REPORT_FAILED;
	m->job.cursor = m->from;
	m->job.detail = arena_printf(
	    m->a, "%s: %s", err_info(why.code)->text, text_safe(m->a, str_c(why.detail)));
	return store_write(api->store, keep_part, m);
}

err_t
api_report_step(struct api *api, bool *ret)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf out = { 0 };
	struct making m = { .a = a, .out = &out };
	struct asking have = { .a = a };
	bool old = false;
	err_t e;

	buf_init(&out, PART_BYTES);
	TRY(store_read(api->store, find, &have));
	for (size_t i = 0; i < have.n; i++)
		old |= have.v[i].expires <= when_now();
	if (old)
		TRY(store_write(api->store, drop_old, NULL));
	e = store_read(api->store, make_part, &m);
	*ret = m.found || old;
	if (!err_ok(e))
		return m.found ? give_up(api, &m, e) : e;
	return m.found ? store_write(api->store, keep_part, &m) : OK;
}

static const struct http_route routes[] = {
	GRAPH(POST, JOBS, PERM_CONFIG_READ | PERM_SCOPED, post),
	GRAPH(GET, JOBS, PERM_CONFIG_READ | PERM_SCOPED, list),
	GRAPH(GET, JOBS "/{id}", PERM_CONFIG_READ | PERM_SCOPED, get),
	{ 0 },
};

const struct resource resource_reports = { "reports", routes };
