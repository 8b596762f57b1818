/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/release.h"

#include "base/rd.h"
#include "base/text.h"
#include "codec/json.h"

#define MAGIC "CHRELSE1"
#define PRODUCT "chancery-connector"
#define SIGNATURE_MAX 1024u
#define NAME_MAX_BYTES 64u
#define VERSION_MAX_BYTES 32u
#define NUMBERS 4

err_t
release_frame_parse(struct str in, struct release_frame *ret)
{
	const struct str all = in;
	struct release_frame f = { 0 };
	struct str magic;

	if (in.n > LIMIT_RELEASE_BYTES)
		FAIL(ERR_TOO_LARGE, "a release has %u bytes at most", LIMIT_RELEASE_BYTES);
	TRY(rd_take(&in, sizeof(MAGIC) - 1, &magic));
	if (!str_eq(magic, LIT(MAGIC)))
		FAIL(ERR_MALFORMED, "this is no release of Chancery");
	TRY(rd_blob(&in, LIMIT_RELEASE_HEAD, &f.manifest));
	f.stated = str_of(all.p, all.n - in.n);
	TRY(rd_blob(&in, SIGNATURE_MAX, &f.signature));
	f.head = str_of(all.p, all.n - in.n);
	f.content = in;
	*ret = f;
	return OK;
}

static err_t
read_version(struct str text, uint16_t ret[NUMBERS])
{
	for (size_t i = 0; i < NUMBERS; i++) {
		struct str one = str_cut(&text, '.');
		int64_t v = 0;
		err_t e = text_i64(one, 0, UINT16_MAX, &v);

		if (!err_ok(e)) {
			err_forget(e);
			FAIL(ERR_MALFORMED, "a version is four numbers with dots between them");
		}
		ret[i] = (uint16_t)v;
	}
	if (text.n > 0)
		FAIL(ERR_MALFORMED, "a version is four numbers, not more");
	return OK;
}

err_t
release_compare(const char *a, const char *b, int *ret)
{
	uint16_t x[NUMBERS], y[NUMBERS];

	TRY(read_version(str_c(a), x));
	TRY(read_version(str_c(b), y));
	*ret = 0;
	for (size_t i = 0; i < NUMBERS && *ret == 0; i++)
		*ret = x[i] < y[i] ? -1 : x[i] > y[i] ? 1 : 0;
	return OK;
}

/* It becomes the name of a file. */
static bool
name_is_plain(const char *name)
{
	if (*name < 'a' || *name > 'z')
		return false;
	for (const char *c = name; *c != '\0'; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9') && *c != '-' &&
		    *c != '.')
			return false;
	return true;
}

static err_t
read_file(struct arena *a, const json *j, struct release_file *ret)
{
	const char *name, *hash;
	int64_t size;

	TRY(json_need_text(j, "name", NAME_MAX_BYTES, &name));
	if (!name_is_plain(name))
		FAIL(ERR_BAD_REQUEST, "\"name\": %s is no name for a file of a release",
		    text_safe(a, str_c(name)));
	TRY(json_need_int(j, "size", 1, LIMIT_RELEASE_BYTES, &size));
	TRY(json_need_text(j, "sha256", 64, &hash));
	TRY(text_unhex(a, str_c(hash), &ret->sha256));
	if (ret->sha256.n != 32)
		FAIL(ERR_BAD_REQUEST, "\"sha256\" must be 64 hexadecimal digits");
	ret->name = arena_strdup(a, name);
	ret->size = (size_t)size;
	return OK;
}

static err_t
read_files(struct arena *a, const json *list, struct release *ret)
{
	bool program = false;

	ret->files = arena_array(a, json_count(list) + 1, sizeof(*ret->files));
	for (size_t n = 0; n < json_count(list); n++) {
		TRY(read_file(a, json_at(list, n), &ret->files[n]));
		for (size_t i = 0; i < n; i++)
			if (strcmp(ret->files[i].name, ret->files[n].name) == 0)
				FAIL(ERR_BAD_REQUEST, "\"files\" has %s twice", ret->files[n].name);
		program |= strcmp(ret->files[n].name, RELEASE_PROGRAM) == 0;
		ret->nfiles = n + 1;
	}
	if (!program)
		FAIL(ERR_BAD_REQUEST, "\"files\" has no " RELEASE_PROGRAM);
	return OK;
}

err_t
release_parse(struct arena *a, struct str manifest, struct release *ret)
{
	auto_json json *j = NULL;
	struct release r = { 0 };
	const char *product, *version, *machine;
	uint16_t numbers[NUMBERS];
	json *list;

	TRY(json_parse(manifest, LIMIT_RELEASE_HEAD, &j));
	TRY(json_need_text(j, "product", LIMIT_TEXT, &product));
	if (strcmp(product, PRODUCT) != 0)
		FAIL(ERR_BAD_REQUEST, "\"product\" must be " PRODUCT);
	TRY(json_need_text(j, "version", VERSION_MAX_BYTES, &version));
	TRY(read_version(str_c(version), numbers));
	TRY(json_need_text(j, "machine", NAME_MAX_BYTES, &machine));
	TRY(json_need_array(j, "files", LIMIT_RELEASE_FILES, &list));
	TRY(read_files(a, list, &r));
	/* In one way of writing: it becomes the name of a folder. */
	r.version = arena_printf(a, "%u.%u.%u.%u", numbers[0], numbers[1], numbers[2], numbers[3]);
	r.machine = arena_strdup(a, machine);
	*ret = r;
	return OK;
}

const struct release_file *
release_program(const struct release *r)
{
	size_t i = 0;

	while (strcmp(r->files[i].name, RELEASE_PROGRAM) != 0)
		i++;
	return &r->files[i];
}
