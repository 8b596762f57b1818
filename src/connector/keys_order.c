/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders that connector/keys looks at itself: those about imported certificates, which no CA sees.
 *
 * The service's key is named once, while the connector joins, and kept beside the keys of this process: the link cannot
 * write there. Whoever has the link later shows orders of that key, for this connector, in their time, or nothing is opened.
 */
#include "connector/keys_int.h"

#include "base/file.h"
#include "base/text.h"
#include "base/when.h"

#include <pthread.h>

#define CLOCK_SKEW 300 /* seconds that the service may be ahead */

struct keys_order {
	char *path;
	pthread_mutex_t lock;
	struct key *key; /* NULL: none was named. Set once. */
};

static err_t
read_key(struct str spki, struct key **ret)
{
	auto_key struct key *k = NULL;

	TRY(key_from_spki(spki, &k));
	if (key_algorithm(k) != KEY_EC || key_bits(k) != KEY_P256)
		FAIL(ERR_KEY, "orders are sealed with P-256");
	*ret = steal(k);
	return OK;
}

static err_t
load(struct keys_order *k)
{
	auto_arena struct arena *a = arena_new();
	struct str pem, spki;
	size_t n;

	if (!file_exists(k->path))
		return OK;
	TRY(file_read(a, k->path, LIMIT_LONG_TEXT, &pem));
	TRY_CTX(text_unpem(a, pem, "PUBLIC KEY", &spki, 1, &n), "%s", k->path);
	if (n != 1)
		FAIL(ERR_KEY, "%s holds no public key", k->path);
	TRY_CTX(read_key(spki, &k->key), "%s", k->path);
	return OK;
}

err_t
keys_order_open(const char *path, struct keys_order **ret)
{
	struct keys_order *k = calloc(1, sizeof(*k));
	err_t e;

	if (k == NULL || (k->path = strdup(path)) == NULL)
		abort();
	pthread_mutex_init(&k->lock, NULL);
	e = load(k);
	if (!err_ok(e)) {
		keys_order_close(k);
		return e;
	}
	*ret = k;
	return OK;
}

void
keys_order_close(struct keys_order *k)
{
	if (k == NULL)
		return;
	key_free(k->key);
	pthread_mutex_destroy(&k->lock);
	free(k->path);
	free(k);
}

/* Called with the lock held. */
static err_t
name_locked(struct keys_order *k, struct arena *a, struct str spki, struct key **key)
{
	if (k->key != NULL && key_same_public(k->key, *key))
		return OK;
	if (k->key != NULL)
		FAIL(ERR_JOINED, "another key of orders was named before: %s", k->path);
	TRY(file_write(k->path, str_c(text_pem(a, "PUBLIC KEY", spki)), 0600));
	k->key = steal(*key);
	return OK;
}

err_t
keys_order_name(struct keys_order *k, struct arena *a, struct str spki)
{
	auto_key struct key *key = NULL;
	err_t e;

	TRY(read_key(spki, &key));
	pthread_mutex_lock(&k->lock);
	e = name_locked(k, a, spki, &key);
	pthread_mutex_unlock(&k->lock);
	return e;
}

static const struct key *
named(struct keys_order *k)
{
	const struct key *key;

	pthread_mutex_lock(&k->lock);
	key = k->key;
	pthread_mutex_unlock(&k->lock);
	return key;
}

err_t
keys_order_look(struct keys_order *k, struct arena *a, enum order_kind kind,
    const struct key *maker, struct str sealed, struct order *ret)
{
	const struct key *key = named(k);
	when_t now = when_now();
	struct order o;
	struct str ours;

	if (key == NULL)
		FAIL(ERR_ORDER_UNNAMED, "%s is not there", k->path);
	TRY(seal_open(a, &key, 1, sealed, &o));
	if (o.kind != kind)
		FAIL(ERR_ORDER_CA, "it is of kind %d, not %d", (int)o.kind, (int)kind);
	if (o.expires <= now)
		FAIL(ERR_ORDER_EXPIRED, "it expired at %s", when_text(a, o.expires));
	if (o.issued > now + CLOCK_SKEW)
		FAIL(ERR_ORDER_EXPIRED, "it was made at %s, which is yet to come",
		    when_text(a, o.issued));
	TRY(key_spki(a, maker, &ours));
	if (!str_eq(o.maker, ours))
		FAIL(ERR_ORDER_HOLDER, "order %s", id_text(a, o.id));
	*ret = o;
	return OK;
}
