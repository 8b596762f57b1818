/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connector_update.h"

#include "base/file.h"
#include "base/limits.h"
#include "cli/api.h"
#include "cli/args.h"
#include "cli/entity.h"
#include "cli/find.h"
#include "cli/out.h"
#include "cli/sock.h"
#include "pki/key.h"

#define RELEASES "/chancery/v1/connectorReleases"
#define PART (512u << 10)

static const struct column columns[] = {
	{ .head = "VERSION", .key = "version" },
	{ .head = "MACHINE", .key = "machine" },
	{ .head = "STATE", .key = "state", .state = true },
	{ .head = "SIZE", .key = "size" },
	{ .head = "SHA-256", .key = "sha256", .wrap = true },
	{ .head = "UPLOADED", .key = "createdDateTime" },
	{ .head = "ID", .key = "id" },
	{ 0 },
};

/* One exchange of either way; path or verb is its own. */
typedef err_t send_fn(struct cli *c, const char *where, json *args, json **ret);

static err_t
to_socket(struct cli *c, const char *where, json *args, json **ret)
{
	return sock_connector(c, where, args, ret);
}

static err_t
to_service(struct cli *c, const char *where, json *args, json **ret)
{
	return api_send(c, "POST", where, args, ret);
}

static err_t
read_bundle(struct cli *c, const char *path, struct str *ret, json *begin)
{
	uint8_t hash[32];

	TRY_CTX(file_read(c->arena, path, LIMIT_RELEASE_BYTES, ret), "%s", path);
	hash_sha256(*ret, hash);
	json_set_int(begin, "size", (int64_t)ret->n);
	json_set_text(begin, "sha256", text_hex(c->arena, STR(hash)));
	return OK;
}

/* What was there before stays; ret: the last answer. */
static err_t
send_parts(
    struct cli *c, send_fn *send, const char *where, struct str bundle, size_t at, json **ret)
{
	while (at < bundle.n) {
		auto_arena struct arena *a = arena_new();
		auto_json json *args = json_object_new();
		size_t n = bundle.n - at < PART ? bundle.n - at : PART;

		json_free(steal(*ret));
		json_set_int(args, "offset", (int64_t)at);
		json_set_base64(a, args, "data", str_of(bundle.p + at, n));
		TRY(send(c, where, args, ret));
		at += n;
		out_progress(c, arena_printf(c->arena, "%zu of %zu bytes", at, bundle.n));
	}
	out_progress(c, "");
	return OK;
}

static err_t
hand_over(struct cli *c, const char *path)
{
	auto_json json *begin = json_object_new(), *none = json_object_new();
	auto_json json *begun = NULL, *sent = NULL, *answer = NULL;
	struct str bundle;
	int64_t at;

	TRY(read_bundle(c, path, &bundle, begin));
	TRY(to_socket(c, "connector.update.begin", begin, &begun));
	TRY(json_need_int(begun, "offset", 0, (int64_t)bundle.n, &at));
	TRY(send_parts(c, to_socket, "connector.update.part", bundle, (size_t)at, &sent));
	TRY(to_socket(c, "connector.update.finish", none, &answer));
	return out_object(c, answer);
}

err_t
connector_update(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	if (args_has(c->args, "file"))
		return hand_over(c, args_text(c->args, "file"));
	TRY(to_socket(c, "connector.update.show", args, &answer));
	return out_object(c, answer);
}

err_t
connector_upload(struct cli *c)
{
	auto_json json *begin = json_object_new(), *answer = NULL;
	const char *path;
	struct str bundle;

	TRY(read_bundle(c, c->args->operands[0], &bundle, begin));
	TRY(to_service(c, RELEASES, begin, &answer));
	path = arena_printf(c->arena, RELEASES "/%s/parts", json_text(json_get(answer, "id")));
	TRY(send_parts(c, to_service, path, bundle, 0, &answer));
	return out_object(c, answer);
}

/* By version or identifier. */
static err_t
find_release(struct cli *c, const char *name, const char **ret)
{
	auto_json json *rows = NULL;
	size_t hits = 0;

	TRY(api_list(c, RELEASES, &rows));
	for (size_t i = 0; i < json_count(rows); i++) {
		const json *one = json_at(rows, i);
		const char *id = json_text(json_get(one, "id"));

		if (strcmp(id, name) != 0 && strcmp(json_text(json_get(one, "version")), name) != 0)
			continue;
		*ret = arena_strdup(c->arena, id);
		hits++;
	}
	if (hits == 0)
		FAIL(ERR_NOT_FOUND, "no release %s", name);
	if (hits > 1)
		FAIL(ERR_AMBIGUOUS, "%zu releases are %s", hits, name);
	return OK;
}

const struct entity connector_release_set = { RELEASES, .columns = columns, .find = find_release };

err_t
connector_act(struct cli *c)
{
	auto_json json *body = json_object_new(), *names = NULL, *answer = NULL;
	json *ids = json_array_new();
	const char *id;

	json_set(body, "connectors", ids);
	names = args_json_list(c->arena, c->args, "connector");
	for (size_t i = 0; i < json_count(names); i++) {
		const char *one;

		TRY(find_connector(c, json_text(json_at(names, i)), &one));
		json_add(ids, json_text_new(one));
	}
	if (args_has(c->args, "all") == (json_count(ids) > 0))
		FAIL(ERR_USAGE, "give either --connector or --all");
	json_set_bool(body, "all", args_has(c->args, "all"));
	TRY(find_release(c, c->args->operands[0], &id));
	TRY(api_send(c, "POST", arena_printf(c->arena, RELEASES "/%s/%s", id, c->args->verb->name),
	    body, &answer));
	return out_object(c, answer);
}
