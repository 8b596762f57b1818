/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/token_uri.h"

#include <p11-kit/uri.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/when.h"
#include "pki/keyprov.h"
#include "pki/token_int.h"

#define FILE_SCHEME "file:"

enum { PIN_MAX = 256 };

/* One token. */
struct place {
	struct place *next;
	char *module, *label, *pin_file;
	pthread_mutex_t lock; /* guards what follows */
	struct token *token;  /* NULL: not open */
	unsigned opened;      /* how often: entries of an earlier time mean nothing */
	uint8_t salt[16];
	bool refused; /* this PIN was, and is not tried again: tokens lock themselves after a few */
	uint8_t refused_pin[32];
};

/* One key. */
struct entry {
	struct entry *next;
	struct place *at;
	char *uri, *object;
	enum key_alg alg;
	unsigned bits;
	unsigned opened;       /* of `own` */
	struct key *own;       /* the token's key of that time */
	struct token_key *key; /* the same, as token_ops.c takes it */
};

struct token_pool {
	pthread_mutex_t lock; /* guards the lists */
	struct place *places;
	struct entry *entries;
};

struct parts {
	const char *module, *token, *object, *pin_file;
};

bool
token_uri_is(const char *where)
{
	return str_starts(str_c(where), LIT("pkcs11:"));
}

struct token_pool *
token_pool_new(void)
{
	struct token_pool *p = calloc(1, sizeof *p);

	if (p == NULL)
		abort();
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

static void
place_close(struct place *at)
{
	token_close(at->token);
	at->token = NULL;
}

void
token_pool_free(struct token_pool *p)
{
	if (p == NULL)
		return;
	while (p->entries != NULL) {
		struct entry *e = p->entries;

		p->entries = e->next;
		key_free(e->own);
		free(e->uri);
		free(e->object);
		free(e);
	}
	while (p->places != NULL) {
		struct place *at = p->places;

		p->places = at->next;
		place_close(at);
		pthread_mutex_destroy(&at->lock);
		free(at->module);
		free(at->label);
		free(at->pin_file);
		free(at);
	}
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* ---- the URI ---- */

static void
uri_cleanup(P11KitUri **u)
{
	p11_kit_uri_free(*u);
}
#define auto_uri __attribute__((cleanup(uri_cleanup)))

static err_t
object_label(struct arena *a, P11KitUri *u, const char **ret)
{
	CK_ATTRIBUTE *at = p11_kit_uri_get_attribute(u, CKA_LABEL);

	if (at == NULL || at->ulValueLen == 0)
		FAIL(ERR_TOKEN_URI, "it names no object");
	*ret = arena_cstr(a, str_of(at->pValue, at->ulValueLen));
	return OK;
}

static err_t
token_label(struct arena *a, P11KitUri *u, const char **ret)
{
	CK_TOKEN_INFO *info = p11_kit_uri_get_token_info(u);
	struct str label = str_of(info->label, strnlen((const char *)info->label, 32));

	while (label.n > 0 && (label.p[label.n - 1] == ' ' || label.p[label.n - 1] == 0xff))
		label.n--;
	if (label.n == 0)
		FAIL(ERR_TOKEN_URI, "it names no token");
	*ret = arena_cstr(a, label);
	return OK;
}

static err_t
pin_file(struct arena *a, P11KitUri *u, const char **ret)
{
	const char *source = p11_kit_uri_get_pin_source(u);

	if (p11_kit_uri_get_pin_value(u) != NULL)
		FAIL(ERR_TOKEN_URI, "a PIN does not belong into it: use pin-source=file:PATH");
	if (source == NULL)
		FAIL(ERR_TOKEN_URI, "it lacks pin-source=file:PATH");
	if (str_starts(str_c(source), LIT(FILE_SCHEME)))
		source += strlen(FILE_SCHEME);
	if (source[0] != '/')
		FAIL(ERR_TOKEN_URI, "pin-source is no file with its whole path");
	*ret = arena_strdup(a, source);
	return OK;
}

static err_t
parts_of(struct arena *a, const char *text, struct parts *ret)
{
	auto_uri P11KitUri *u = p11_kit_uri_new();
	const char *module;
	struct parts p;

	if (u == NULL)
		abort();
	if (strlen(text) > LIMIT_LONG_TEXT ||
	    p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, u) != P11_KIT_URI_OK ||
	    p11_kit_uri_any_unrecognized(u))
		FAIL(ERR_TOKEN_URI, "it does not read as one");
	module = p11_kit_uri_get_module_path(u);
	if (module == NULL || module[0] != '/')
		FAIL(ERR_TOKEN_URI, "it lacks module-path=/...");
	p.module = arena_strdup(a, module);
	TRY(object_label(a, u, &p.object));
	TRY(token_label(a, u, &p.token));
	TRY(pin_file(a, u, &p.pin_file));
	*ret = p;
	return OK;
}

err_t
token_uri_object(struct arena *a, const char *token, const char *object, const char **ret)
{
	const char *query = strchr(token, '?'), *name = "", *whole;
	struct str rest = str_c(object);
	struct parts p;

	if (!token_uri_is(token) || query == NULL)
		FAIL(ERR_TOKEN_URI, "it does not read as one");
	if (memmem(token, (size_t)(query - token), "object=", 7) != NULL)
		FAIL(ERR_TOKEN_URI, "leave the object out: there is a key for each CA");
	while (rest.n > 0) {
		struct str word = str_cut(&rest, ' ');

		name = arena_printf(a, "%s%s%.*s", name, name[0] != '\0' ? "%20" : "", (int)word.n,
		    (const char *)word.p);
	}
	whole = arena_printf(a, "%.*s;object=%s%s", (int)(query - token), token, name, query);
	TRY(parts_of(a, whole, &p));
	*ret = whole;
	return OK;
}

/* ---- tokens and keys that are known ---- */

static char *
copy(const char *s)
{
	char *d = strdup(s);

	if (d == NULL)
		abort();
	return d;
}

static struct place *
place_of(struct token_pool *p, const struct parts *u)
{
	struct place *at;

	for (at = p->places; at != NULL; at = at->next) {
		if (strcmp(at->module, u->module) == 0 && strcmp(at->label, u->token) == 0)
			return at;
	}
	at = calloc(1, sizeof *at);
	if (at == NULL)
		abort();
	at->module = copy(u->module);
	at->label = copy(u->token);
	at->pin_file = copy(u->pin_file);
	rand_bytes(at->salt, sizeof(at->salt));
	pthread_mutex_init(&at->lock, NULL);
	at->next = p->places;
	p->places = at;
	return at;
}

static struct entry *
entry_of(
    struct token_pool *p, const char *uri, const struct parts *u, enum key_alg alg, unsigned bits)
{
	struct entry *e;

	pthread_mutex_lock(&p->lock);
	for (e = p->entries; e != NULL && strcmp(e->uri, uri) != 0; e = e->next)
		;
	if (e == NULL) {
		e = calloc(1, sizeof *e);
		if (e == NULL)
			abort();
		e->at = place_of(p, u);
		e->uri = copy(uri);
		e->object = copy(u->object);
		e->alg = alg;
		e->bits = bits;
		e->next = p->entries;
		p->entries = e;
	}
	pthread_mutex_unlock(&p->lock);
	return e;
}

/* ---- use; with the lock of the place held ---- */

static void
pin_hash(const struct place *at, const char *pin, uint8_t ret[32])
{
	auto_buf struct buf b;

	buf_init(&b, sizeof(at->salt) + PIN_MAX);
	err_forget(buf_put(&b, STR(at->salt)));
	err_forget(buf_puts(&b, pin));
	hash_sha256(buf_str(&b), ret);
	secret_wipe(b.p, b.n);
}

static err_t
place_log_on(struct place *at, const char *pin)
{
	uint8_t hash[32];
	err_t e;

	pin_hash(at, pin, hash);
	if (at->refused && memcmp(hash, at->refused_pin, sizeof(hash)) == 0)
		FAIL(ERR_TOKEN_PIN,
		    "token %s: refused before, and not tried again until %s has another one",
		    at->label, at->pin_file);
	e = token_open(at->module, at->label, pin, &at->token);
	if (err_is(e, ERR_TOKEN_PIN)) {
		memcpy(at->refused_pin, hash, sizeof(hash));
		at->refused = true;
	}
	if (err_ok(e)) {
		at->refused = false;
		at->opened++;
	}
	return e;
}

static err_t
place_open(struct place *at, struct arena *a)
{
	struct str text;
	char *pin;
	err_t e;

	if (at->token != NULL)
		return OK;
	TRY(file_read(a, at->pin_file, PIN_MAX, &text));
	pin = arena_cstr(a, str_trim(text));
	secret_wipe((void *)(uintptr_t)text.p, text.n);
	e = place_log_on(at, pin);
	secret_wipe(pin, strlen(pin));
	return e;
}

/* The open token may have refused its PIN when its session was renewed: that PIN is not tried again either. */
static void
place_refused(struct place *at)
{
	pin_hash(at, token_pin(at->token), at->refused_pin);
	at->refused = true;
	place_close(at);
}

static err_t
entry_open(struct entry *e, struct arena *a, bool make)
{
	struct key *k;

	TRY(place_open(e->at, a));
	if (e->own != NULL && e->opened == e->at->opened)
		return OK;
	key_free(e->own);
	e->own = NULL;
	TRY(token_pair(e->at->token, e->object, e->alg, make ? e->bits : 0, &k));
	e->own = k;
	e->key = e->at->token->keys;
	e->opened = e->at->opened;
	return OK;
}

/* What is to be done with the key. */
struct op {
	bool decrypts;
	unsigned how; /* enum sign_scheme, or enum far_padding */
	struct str in;
};

static err_t
run_once(struct entry *e, struct arena *a, const struct op *op, struct str *ret)
{
	TRY(entry_open(e, a, false));
	if (op->decrypts)
		return token_decrypt(e->key, a, op->how, op->in, ret);
	return token_sign(e->key, a, (uint8_t)op->how, op->in, ret);
}

/* Nothing that another session would change: the scheme, or what was to be decrypted. */
static bool
is_callers(err_t r)
{
	return err_is(r, ERR_KEY) || err_is(r, ERR_CRYPTO) || err_is(r, ERR_UNSUPPORTED);
}

/* What failed is opened anew, once: the token may have been away and be back. */
static err_t
run_locked(struct entry *e, struct arena *a, const struct op *op, struct str *ret)
{
	bool was_open = e->at->token != NULL;
	err_t r = run_once(e, a, op, ret);

	if (err_ok(r))
		return OK;
	if (err_is(r, ERR_TOKEN_PIN)) {
		if (e->at->token != NULL)
			place_refused(e->at);
		return r;
	}
	if (was_open && !is_callers(r)) {
		err_forget(r);
		place_close(e->at);
		r = run_once(e, a, op, ret);
	}
	if (!err_ok(r) && !is_callers(r))
		place_close(e->at);
	return r;
}

static err_t
run(struct entry *e, struct arena *a, const struct op *op, struct str *ret)
{
	err_t r;

	pthread_mutex_lock(&e->at->lock);
	r = run_locked(e, a, op, ret);
	pthread_mutex_unlock(&e->at->lock);
	return r;
}

static err_t
far_sign(void *ctx, struct arena *a, uint8_t scheme, struct str digest, struct str *ret)
{
	return run(ctx, a, &(struct op){ .how = scheme, .in = digest }, ret);
}

static err_t
far_decrypt(void *ctx, struct arena *a, unsigned padding, struct str in, struct str *ret)
{
	return run(ctx, a, &(struct op){ .decrypts = true, .how = padding, .in = in }, ret);
}

static err_t
far_key(struct entry *e, struct arena *a, const struct key *public, struct key **ret)
{
	struct far_key far = { .ctx = e, .sign = far_sign, .decrypt = far_decrypt };
	struct str spki;

	TRY(key_spki(a, public, &spki));
	return keyprov_key(&far, spki, ret);
}

err_t
token_uri_key(struct token_pool *p, const char *uri, const struct key *public, struct key **ret)
{
	auto_arena struct arena *a = arena_new();
	struct parts u;

	TRY(parts_of(a, uri, &u));
	return far_key(
	    entry_of(p, uri, &u, key_algorithm(public), key_bits(public)), a, public, ret);
}

err_t
token_uri_make(struct token_pool *p, struct arena *a, const char *uri, enum key_alg alg,
    unsigned bits, struct key **ret)
{
	struct parts u;
	struct entry *e;
	err_t r;

	TRY(parts_of(a, uri, &u));
	e = entry_of(p, uri, &u, alg, bits);
	pthread_mutex_lock(&e->at->lock);
	r = entry_open(e, a, true);
	if (err_is(r, ERR_TOKEN_PIN) && e->at->token != NULL)
		place_refused(e->at);
	else if (!err_ok(r) && !err_is(r, ERR_KEY_SIZE))
		place_close(e->at);
	pthread_mutex_unlock(&e->at->lock);
	TRY(r);
	if (key_algorithm(e->own) != alg || key_bits(e->own) != bits)
		FAIL(ERR_CONFLICT, "the token has a key %s already, of another kind or size",
		    e->object);
	return far_key(e, a, e->own, ret);
}
