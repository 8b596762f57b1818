/* SPDX-License-Identifier: Apache-2.0 */
/* chancery report: reports as files. */
#include <poll.h>

#include "cli/api.h"
#include "cli/args.h"
#include "cli/download.h"
#include "cli/entity.h"
#include "cli/out.h"
#include "cli/url.h"

#define JOBS "/v1.0/deviceManagement/reports/exportJobs"
#define LOOK_MS 500

static const struct column columns[] = {
	{ .head = "REPORT", .key = "reportName" },
	{ .head = "FORMAT", .key = "format" },
	{ .head = "STATUS", .key = "status", .state = true },
	{ .head = "ROWS", .key = "@chancery.rows" },
	{ .head = "REQUESTED", .key = "requestDateTime" },
	{ .head = "EXPIRES", .key = "expirationDateTime" },
	{ .head = "ADDRESS", .key = "url" },
	{ .head = "ID", .key = "id" },
	{ 0 },
};

static const struct entity jobs = { JOBS, .columns = columns };

static bool
is_over(const json *job)
{
	const char *status = json_text(json_get(job, "status"));

	return strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0;
}

/* Until it is made; what it looked like last goes to *ret. */
static err_t
wait_for(struct cli *c, const char *id, int64_t timeout_s, json **ret)
{
	int64_t end = when_mono_ms() + timeout_s * 1000;

	for (;;) {
		auto_json json *job = NULL;

		TRY(api_get(c, arena_printf(c->arena, JOBS "/%s", url_encode(c->arena, id)), &job));
		if (is_over(job) || when_mono_ms() >= end) {
			out_progress(c, "");
			*ret = steal(job);
			return OK;
		}
		out_progress(c,
		    arena_printf(c->arena, "%lld rows",
			(long long)json_int(json_get(job, "@chancery.rows"))));
		poll(NULL, 0, LOOK_MS);
	}
}

/* The archive; what is said of the job gets its name and size. */
static err_t
save(struct cli *c, json *job, const char *file)
{
	const char *path = url_path(json_text(json_get(job, "url")));
	int64_t size;

	if (*path == '\0')
		FAIL(ERR_NOT_FOUND, "a file of the report, which is %s%s%s",
		    json_text(json_get(job, "status")),
		    *json_text(json_get(job, "@chancery.detail")) == '\0' ? "" : ": ",
		    json_text(json_get(job, "@chancery.detail")));
	TRY(download(c, path, file, &size));
	json_set_text(job, "file", file);
	json_set_int(job, "bytes", size);
	return OK;
}

static err_t export(struct cli *c)
{
	auto_json json *body = json_object_new(), *job = NULL, *done = NULL;
	const char **names;
	json *select = json_array_new();
	int64_t timeout;
	size_t n;

	json_set(body, "select", select);
	TRY(args_int(c->args, "timeout", 0, 86400, 600, &timeout));
	json_set_text(body, "reportName", c->args->operands[0]);
	json_set_text(
	    body, "format", args_has(c->args, "format") ? args_text(c->args, "format") : "csv");
	json_set_text(
	    body, "filter", args_has(c->args, "filter") ? args_text(c->args, "filter") : "");
	json_set_text(
	    body, "search", args_has(c->args, "search") ? args_text(c->args, "search") : "");
	n = args_list(c->arena, c->args, "select", &names);
	for (size_t i = 0; i < n; i++)
		json_add(select, json_text_new(names[i]));
	TRY(api_send(c, "POST", JOBS, body, &job));
	TRY(wait_for(c, json_text(json_get(job, "id")), timeout, &done));
	if (args_has(c->args, "output"))
		TRY(save(c, done, args_text(c->args, "output")));
	return out_object(c, done);
}

static err_t
fetch(struct cli *c)
{
	auto_json json *job = NULL;
	const char *id = url_encode(c->arena, c->args->operands[0]);

	TRY(api_get(c, arena_printf(c->arena, JOBS "/%s", id), &job));
	TRY(save(c, job, c->args->operands[1]));
	return out_object(c, job);
}

static const struct opt export_opts[] = {
	{ .name = "format", .value = "csv|json", .help = "The file's format; else csv." },
	{ .name = "select", .value = "COLUMNS", .many = true, .help = "These columns only." },
	{ .name = "filter", .value = "FILTER", .help = "Rows that match: \"State eq 'failed'\"." },
	{ .name = "search", .value = "TEXT", .help = "Rows with this in a name or number." },
	{ .name = "output", .value = "FILE", .help = "Fetch it when it is made: a ZIP archive." },
	{ .name = "timeout", .value = "SECONDS", .help = "Wait so long at most; else 600." },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "export", "Have a report made; tells the address where it can be fetched, for hours.",
	    "REPORT", export_opts, export },
	{ "fetch",
	    "Fetch a report that was made, as a ZIP archive; what breaks off is gone on with.",
	    "ID FILE", NULL, fetch },
	{ "list", "Reports that are kept.", NULL, NULL, entity_list, &jobs },
	{ 0 },
};

const struct command command_report = { "report",
	"Reports as files: AllDeviceCertificates, CertificatesByRAPolicy, ChancerySlots.", verbs };
