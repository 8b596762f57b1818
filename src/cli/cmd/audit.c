/* SPDX-License-Identifier: Apache-2.0 */
/* chancery audit: who changed what. */
#include "base/limits.h"
#include "cli/api.h"
#include "cli/args.h"
#include "cli/out.h"
#include "pki/line_hash.h"

#include <errno.h>

static const struct column columns[] = {
	{ .head = "NO", .key = "sequence" },
	{ .head = "TIME", .key = "dateTime" },
	{ .head = "ACTOR", .key = "actor" },
	{ .head = "ACTION", .key = "action" },
	{ .head = "TARGET", .key = "target", .wrap = true },
	{ 0 },
};

static err_t
list(struct cli *c)
{
	auto_json json *page = NULL, *rows = NULL;
	int64_t after, limit;

	TRY(args_int(c->args, "after", 0, INT64_MAX, -1, &after));
	TRY(args_int(c->args, "limit", 1, LIMIT_PAGE, LIMIT_PAGE, &limit));
	if (after < 0 && !args_has(c->args, "limit")) {
		TRY(api_list(c, "/chancery/v1/audit?$top=1000", &rows));
		return out_rows(c, columns, rows);
	}
	TRY(api_get(c,
	    arena_printf(c->arena, "/chancery/v1/audit?after=%lld&$top=%lld",
		(long long)(after < 0 ? 0 : after), (long long)limit),
	    &page));
	return out_rows(c, columns, json_get(page, "value"));
}

/* Page after page, a line each; the number of the last one. */
static err_t
export_to(struct cli *c, FILE *to, int64_t *last)
{
	for (;;) {
		auto_json json *page = NULL;
		const json *value;

		TRY(api_get(c,
		    arena_printf(
			c->arena, "/chancery/v1/audit/export?after=%lld", (long long)*last),
		    &page));
		value = json_get(page, "value");
		if (json_count(value) == 0)
			return OK;
		for (size_t i = 0; i < json_count(value); i++) {
			struct str line;
			int64_t seq = json_int(json_get(json_at(value, i), "seq"));

			if (seq <= *last)
				FAIL(ERR_AUDIT_BROKEN, "line %lld follows line %lld",
				    (long long)seq, (long long)*last);
			TRY(json_print(c->arena, json_at(value, i), &line));
			if (fwrite(line.p, 1, line.n, to) != line.n || fputc('\n', to) == EOF)
				FAIL(ERR_FILE, "the file cannot be written");
			*last = seq;
		}
	}
}

static err_t export(struct cli *c)
{
	const char *path = args_text(c->args, "output");
	int64_t last, first;
	FILE *to = stdout;
	err_t e;

	TRY(args_int(c->args, "after", 0, INT64_MAX, 0, &last));
	first = last;
	if (path != NULL && (to = fopen(path, "wxe")) == NULL)
		FAIL(ERR_FILE, "%s: %s", path, strerror(errno));
	e = export_to(c, to, &last);
	if (fflush(to) != 0 && err_ok(e))
		e = ERROR(ERR_FILE, "the file cannot be written");
	if (path != NULL) {
		fclose(to);
		if (err_ok(e))
			out_say(c, "lines %lld to %lld are in %s", (long long)first + 1,
			    (long long)last, path);
	}
	return e;
}

struct chain {
	int64_t first, last;
	uint8_t hash[32]; /* of the line before */
};

static err_t
hash_of(struct arena *a, const json *j, const char *name, uint8_t ret[32])
{
	const char *text;
	struct str hash;

	TRY(json_need_text(j, name, 64, &text));
	TRY(text_unhex(a, str_c(text), &hash));
	if (hash.n != 32)
		FAIL(ERR_BAD_REQUEST, "\"%s\" must have 32 bytes", name);
	memcpy(ret, hash.p, 32);
	return OK;
}

/* One line of an export; what the first says of the line before it is taken as it stands. */
static err_t
check_line(struct arena *a, struct str text, struct chain *c)
{
	static const char *const names[] = { "actor", "action", "target", "before", "after" };
	const char *texts[COUNT(names)];
	uint8_t before[32], hash[32], is[32];
	auto_json json *j = NULL;
	int64_t seq, at;

	TRY(json_parse(text, LIMIT_HTTP_REPLY, &j));
	TRY(json_need_int(j, "seq", 1, INT64_MAX, &seq));
	TRY(json_need_int(j, "at", 0, INT64_MAX, &at));
	for (size_t i = 0; i < COUNT(names); i++)
		texts[i] = json_text(json_get(j, names[i]));
	TRY(hash_of(a, j, "previous", before));
	TRY(hash_of(a, j, "hash", is));
	if (c->first == 0) {
		c->first = seq;
		if (seq > 1) /* before line 1 are zeros */
			memcpy(c->hash, before, sizeof(before));
	} else if (seq != c->last + 1) {
		FAIL(ERR_AUDIT_BROKEN, "line %lld follows line %lld", (long long)seq,
		    (long long)c->last);
	}
	TRY(line_hash(c->hash, seq, at, texts, COUNT(texts), hash));
	if (memcmp(before, c->hash, sizeof(before)) != 0 || memcmp(hash, is, sizeof(hash)) != 0)
		FAIL(ERR_AUDIT_BROKEN, "line %lld", (long long)seq);
	memcpy(c->hash, hash, sizeof(hash));
	c->last = seq;
	return OK;
}

static err_t
check_file(FILE *f, struct chain *chain)
{
	auto_free char *line = NULL;
	size_t cap = 0, row = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, f)) > 0) {
		auto_arena struct arena *a = arena_new();

		row++;
		TRY_CTX(check_line(a, str_of(line, (size_t)n), chain), "row %zu", row);
	}
	if (row == 0)
		FAIL(ERR_AUDIT_BROKEN, "the file has no line");
	return OK;
}

/* An export, without the service. */
static err_t
verify_file(struct cli *c, const char *path)
{
	auto_json json *answer = json_object_new();
	struct chain chain = { .first = 0 };
	FILE *f = fopen(path, "re");
	err_t e;

	if (f == NULL)
		FAIL(ERR_FILE_MISSING, "%s: %s", path, strerror(errno));
	e = check_file(f, &chain);
	fclose(f);
	TRY_CTX(e, "%s", path);
	json_set_bool(answer, "whole", true);
	json_set_int(answer, "first", chain.first);
	json_set_int(answer, "last", chain.last);
	json_set_text(answer, "hash", text_hex(c->arena, STR(chain.hash)));
	return out_object(c, answer);
}

static err_t
verify(struct cli *c)
{
	auto_json json *answer = NULL;

	if (c->args->noperands > 0)
		return verify_file(c, c->args->operands[0]);
	TRY(api_get(c, "/chancery/v1/audit/verify", &answer));
	TRY(out_object(c, answer));
	if (!json_true(json_get(answer, "whole")))
		FAIL(ERR_AUDIT_BROKEN, "line %lld",
		    (long long)json_int(json_get(answer, "firstBadSequence")));
	return OK;
}

static const struct opt list_opts[] = {
	{ .name = "after", .value = "NO", .help = "Only what follows this number." },
	{ .name = "limit", .value = "N", .help = "At most so many; else all." },
	{ 0 },
};

static const struct opt export_opts[] = {
	{ .name = "after", .value = "NO", .help = "Only what follows this number." },
	{ .name = "output",
	    .value = "FILE",
	    .help = "Write there, never over a file; else to standard output." },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "Every change, oldest first.", NULL, list_opts, list },
	{ "export", "Every line to the letter, as JSON lines, with the chain.", NULL, export_opts,
	    export },
	{ "verify",
	    "Whether a line was removed or changed: at the service, or in an export (without it).",
	    "[FILE]", NULL, verify },
	{ 0 },
};

const struct command command_audit = { "audit", "Who changed what.", verbs };
