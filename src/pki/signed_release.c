/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/signed_release.h"

static err_t
check_signature(const struct release_frame *f, const struct release_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		err_t e = key_verify(keys->v[i], f->stated, f->signature);

		if (err_ok(e))
			return OK;
		err_forget(e);
	}
	FAIL(ERR_RELEASE_SIGNATURE, "tried with %zu keys", keys->n);
}

err_t
signed_release_file(const struct release_file *f, struct str bytes)
{
	uint8_t hash[32];

	if (bytes.n != f->size)
		FAIL(ERR_RELEASE_DAMAGED, "%s has %zu bytes, not %zu", f->name, bytes.n, f->size);
	hash_sha256(bytes, hash);
	if (!str_eq(STR(hash), f->sha256))
		FAIL(ERR_RELEASE_DAMAGED, "%s is not the file that was signed", f->name);
	return OK;
}

err_t
signed_release_open(
    struct arena *a, struct str bundle, const struct release_keys *keys, struct signed_release *ret)
{
	struct signed_release s = { 0 };
	struct release_frame f;
	struct str rest;

	TRY(release_frame_parse(bundle, &f));
	TRY(check_signature(&f, keys));
	TRY(release_parse(a, f.manifest, &s.release));
	s.head = f.head;
	s.contents = arena_array(a, s.release.nfiles, sizeof(*s.contents));
	rest = f.content;
	for (size_t i = 0; i < s.release.nfiles; i++) {
		const struct release_file *file = &s.release.files[i];

		if (file->size > rest.n)
			FAIL(ERR_RELEASE_DAMAGED, "it ends before %s does", file->name);
		s.contents[i] = str_of(rest.p, file->size);
		rest = str_of(rest.p + file->size, rest.n - file->size);
		TRY(signed_release_file(file, s.contents[i]));
	}
	if (rest.n > 0)
		FAIL(ERR_RELEASE_DAMAGED, "%zu bytes follow the last file", rest.n);
	*ret = s;
	return OK;
}

err_t
signed_release_head(
    struct arena *a, struct str head, const struct release_keys *keys, struct release *ret)
{
	struct release_frame f;

	TRY(release_frame_parse(head, &f));
	if (f.content.n > 0)
		FAIL(ERR_RELEASE_DAMAGED, "%zu bytes follow the signature", f.content.n);
	TRY(check_signature(&f, keys));
	return release_parse(a, f.manifest, ret);
}
