/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_report.h"

#include <assert.h>

#include "base/limits.h"
#include "codec/json.h"
#include "device/apple_declare.h"
#include "pki/key.h"

#define CERTIFICATES "security.certificate.list"

enum { ERRORS_MAX = 64, DECLARATIONS_MAX = 256, CODE_BYTES = 60 };

/* Names of status items are paths: "a.b.c" is member c of b of a. NULL: it is not there. */
static json *
item_at(const json *items, const char *path)
{
	struct str rest = str_c(path), part;
	const json *at = items;
	char name[64];

	while (at != NULL && rest.n > 0) {
		part = str_cut(&rest, '.');
		assert(part.n < sizeof(name));
		memcpy(name, part.p, part.n);
		name[part.n] = '\0';
		at = json_get(at, name);
	}
	return (json *)(uintptr_t)at;
}

/* Absent is false. */
static err_t
want_bool(const json *j, const char *key, bool *ret)
{
	const json *v = json_get(j, key);

	if (v != NULL && !json_is_bool(v))
		FAIL(ERR_BAD_REQUEST, "\"%s\" is neither true nor false", key);
	*ret = json_true(v);
	return OK;
}

static err_t
read_certificate(struct arena *a, const json *j, struct apple_told *ret)
{
	const char *id;
	uint8_t hash[32];
	struct str der;

	if (!json_is_object(j))
		FAIL(ERR_BAD_REQUEST, CERTIFICATES " has a member that is no object");
	TRY(json_need_text(j, "identifier", LIMIT_LONG_TEXT, &id));
	TRY(want_bool(j, "_removed", &ret->removed));
	hash_sha256(str_c(id), hash);
	memcpy(ret->id, hash, sizeof(ret->id));
	if (ret->removed)
		return OK;
	TRY(json_need_base64(a, j, "data", LIMIT_CERT_BYTES, &der));
	hash_sha256(der, hash);
	memcpy(ret->sha256, hash, sizeof(ret->sha256));
	return OK;
}

static err_t
read_certificates(struct arena *a, const json *items, struct apple_report *r)
{
	const json *list = item_at(items, CERTIFICATES);

	if (json_is_null(list))
		return OK;
	if (!json_is_array(list))
		FAIL(ERR_BAD_REQUEST, CERTIFICATES " is no list");
	if (json_count(list) > LIMIT_APPLE_TOLD)
		FAIL(ERR_TOO_LARGE, "%zu certificates in a report", json_count(list));
	r->lists = true;
	r->v = arena_array(a, json_count(list) + 1, sizeof(*r->v));
	for (; r->n < json_count(list); r->n++)
		TRY(read_certificate(a, json_at(list, r->n), &r->v[r->n]));
	return OK;
}

/* A device's own code, of letters to be shown and of a size to be kept: each byte may need four (LIMIT_TEXT). */
static const char *
code_of(struct arena *a, const json *reasons, const char *key)
{
	const char *code = json_text(json_get(json_at(reasons, 0), key));

	return code[0] == '\0' ? "refused" :
				 text_safe(a, str_c(arena_printf(a, "%.*s", CODE_BYTES, code)));
}

/* What became of our subscription. */
static err_t
read_declarations(struct arena *a, const json *items, struct apple_report *r)
{
	const json *list = item_at(items, "management.declarations.configurations");

	if (json_is_null(list))
		return OK;
	if (!json_is_array(list) || json_count(list) > DECLARATIONS_MAX)
		FAIL(ERR_BAD_REQUEST,
		    "management.declarations.configurations is no list of a size that is taken");
	for (size_t i = 0; i < json_count(list); i++) {
		const json *d = json_at(list, i);
		const char *valid = json_text(json_get(d, "valid"));

		if (strcmp(json_text(json_get(d, "identifier")), APPLE_SUBSCRIPTION) != 0)
			continue;
		r->accepted = strcmp(valid, "valid") == 0;
		if (strcmp(valid, "invalid") == 0)
			r->refused = code_of(a, json_get(d, "reasons"), "code");
	}
	return OK;
}

static err_t
read_errors(struct arena *a, const json *top, struct apple_report *r)
{
	json *list;

	TRY(json_want_array(top, "Errors", ERRORS_MAX, &list));
	for (size_t i = 0; i < json_count(list); i++) {
		const json *e = json_at(list, i);

		if (strcmp(json_text(json_get(e, "StatusItem")), CERTIFICATES) == 0)
			r->refused = code_of(a, json_get(e, "Reasons"), "Code");
	}
	return OK;
}

err_t
apple_report_read(struct arena *a, struct str in, struct apple_report *ret)
{
	struct apple_report r = { .os_version = "", .refused = "" };
	auto_json json *top = NULL;
	json *items, *version;

	TRY(json_parse(in, LIMIT_APPLE_REPORT, &top));
	TRY(json_need_object(top, "StatusItems", &items));
	TRY(want_bool(top, "FullReport", &r.full));
	TRY(read_certificates(a, items, &r));
	TRY(read_declarations(a, items, &r));
	TRY(read_errors(a, top, &r));
	version = item_at(items, "device.operating-system.version");
	if (!json_is_null(version) &&
	    (!json_is_text(version) || strlen(json_text(version)) > LIMIT_TEXT))
		FAIL(ERR_BAD_REQUEST,
		    "device.operating-system.version is no text of a size that is taken");
	r.os_version = arena_strdup(a, json_text(version));
	*ret = r;
	return OK;
}
