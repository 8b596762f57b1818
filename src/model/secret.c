/* SPDX-License-Identifier: Apache-2.0 */
#include "model/secret.h"

#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "codec/keys_ipc.h"
#include "pki/key.h"

/* Bytes of a text that is worth sealing; what is longer is refused by its row. */
enum { PLAIN_MAX = 512, MARK = 6 };
/* What a draft has in the place of a sealed secret. */
#define DRAFT "draft"

static err_t
ask(struct ipc_client *keys, struct arena *a, uint16_t type, const char *label, struct str bytes,
    struct str *ret)
{
	struct keys_hide_req req = { label, bytes };
	struct keys_hide_rep rep;
	auto_buf struct buf in = { 0 };
	struct str out;
	err_t e;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(keys_hide_req_encode(&req, &in));
	e = ipc_call(keys, a, type, true, buf_str(&in), &out);
	secret_wipe(in.p, in.n);
	TRY(e);
	TRY(keys_hide_rep_parse(a, out, &rep));
	*ret = rep.bytes;
	return OK;
}

err_t
secret_hide(struct ipc_client *keys, struct arena *a, const char *label, const char *plain,
    const char **ret)
{
	struct str sealed;

	TRY(ask(keys, a, KEYS_HIDE, label, str_c(plain), &sealed));
	*ret = text_base64(a, sealed);
	return OK;
}

/* What is not even base64 was not sealed by us either. */
static err_t
unbase64(struct arena *a, const char *sealed, struct str *ret)
{
	err_t e = text_unbase64(a, str_c(sealed), ret);

	if (err_ok(e))
		return OK;
	err_forget(e);
	FAIL(ERR_SECRET_LOST, "it is no sealed secret");
}

err_t
secret_show(struct ipc_client *keys, struct arena *a, const char *label, const char *sealed,
    const char **ret)
{
	struct str bytes, plain;

	TRY(unbase64(a, sealed, &bytes));
	TRY(ask(keys, a, KEYS_SHOW, label, bytes, &plain));
	return text_cstr(a, plain, ret);
}

/* Whether rows of any kind call it a secret. */
static bool
is_secret(const char *name)
{
	for (size_t i = 0; i < kind_count; i++)
		for (size_t k = 0; k < COUNT(kind_table[i]->rows) && kind_table[i]->rows[k] != NULL;
		     k++) {
			const struct rows_of *rows = kind_table[i]->rows[k];

			for (size_t j = 0; j < rows->n; j++)
				if ((rows->v[j].flags & FIELD_SECRET) != 0 &&
				    strcmp(rows->v[j].name, name) == 0)
					return true;
		}
	return false;
}

static const char *
label_of(struct arena *a, struct id profile, const char *name)
{
	return arena_printf(a, "profile %s %s", id_text(a, profile), name);
}

err_t
secrets_take(struct ipc_client *keys, struct arena *a, struct id profile, const json *body,
    struct secrets *ret)
{
	struct secrets s = { .profile = id_is_zero(profile) ? id_new() : profile };

	for (void *it = json_iter(body); it != NULL && s.n < SECRETS_MAX;
	     it = json_iter_next(body, it)) {
		const char *name = json_iter_key(it), *plain = json_text(json_iter_value(it));

		if (!is_secret(name) || plain[0] == '\0' || strlen(plain) > PLAIN_MAX)
			continue;
		s.v[s.n].name = arena_strdup(a, name);
		TRY(secret_hide(keys, a, label_of(a, s.profile, name), plain, &s.v[s.n].sealed));
		s.n++;
	}
	*ret = s;
	return OK;
}

err_t
secrets_open(struct ipc_client *keys, struct arena *a, struct id profile, const char *name,
    const char *sealed, const char **ret)
{
	TRY_CTX(secret_show(keys, a, label_of(a, profile, name), sealed, ret), "\"%s\"", name);
	return OK;
}

/* The text of a secret row. */
static const char **
text_at(const struct field *f, void *settings)
{
	return (const char **)(void *)((char *)settings + f->offset);
}

static const char *
text_of(const struct field *f, const void *settings)
{
	const char *text = *(const char *const *)(const void *)((const char *)settings + f->offset);

	return text == NULL ? "" : text;
}

void
secrets_load(struct arena *a, const struct field *f, size_t n, const json *stored, void *settings)
{
	for (size_t i = 0; i < n; i++) {
		const json *sealed = json_get(json_get(stored, SECRETS_STORED), f[i].name);

		if ((f[i].flags & FIELD_SECRET) != 0 && json_is_text(sealed))
			*text_at(&f[i], settings) = arena_strdup(a, json_text(sealed));
	}
}

static err_t
sealed_of(const struct secrets *sealed, const char *name, const char **ret)
{
	*ret = DRAFT;
	if (sealed == NULL)
		return OK;
	for (size_t i = 0; i < sealed->n; i++)
		if (strcmp(sealed->v[i].name, name) == 0) {
			*ret = sealed->v[i].sealed;
			return OK;
		}
	FAIL(ERR_INTERNAL, "\"%s\" was not sealed", name);
}

err_t
secrets_store(const struct field *f, size_t n, const void *settings, const json *body,
    const struct secrets *sealed, json *out)
{
	json *kept = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *text;
		bool named;

		if ((f[i].flags & FIELD_SECRET) == 0)
			continue;
		text = text_of(&f[i], settings);
		named = json_is_text(json_get(body, f[i].name));
		if (named && text[0] == '\0')
			FAIL(ERR_MODEL_INVALID, "\"%s\" does not go with the other settings",
			    f[i].name);
		if (text[0] == '\0')
			continue;
		if (kept == NULL) {
			kept = json_object_new();
			json_set(out, SECRETS_STORED, kept);
		}
		if (named)
			TRY(sealed_of(sealed, f[i].name, &text));
		json_set_text(kept, f[i].name, text);
	}
	return OK;
}

/* Of what is sealed, which says nothing of the secret to who has not the key. */
const char *
secrets_mark(struct arena *a, const char *sealed)
{
	uint8_t hash[32];

	hash_sha256(str_c(sealed), hash);
	return text_hex(a, str_of(hash, MARK));
}

void
secrets_show(struct arena *a, const struct field *f, size_t n, const void *settings, json *out)
{
	json *shown = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *text = (f[i].flags & FIELD_SECRET) == 0 ? "" : text_of(&f[i], settings);

		if (text[0] == '\0')
			continue;
		if (shown == NULL) {
			shown = json_object_new();
			json_set(out, SECRETS_SHOWN, shown);
		}
		json_set_text(shown, f[i].name, secrets_mark(a, text));
	}
}
