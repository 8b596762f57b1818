/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/crl_shard.h"

#include "base/limits.h"
#include "ca/setting.h"
#include "ca/state.h"

#define MOST "crl.shards.most"

uint32_t
crl_shard_of(const struct issuer *is, const uint8_t serial[20])
{
	uint32_t n = atomic_load(&is->crl_shards), draw = 0;

	for (int i = 16; i < 20; i++)
		draw = draw << 8 | serial[i];
	return n == 0 ? 0 : 1 + draw % n;
}

const char *
crl_shard_url(struct arena *a, const char *url, uint32_t shard)
{
	const char *dot = strrchr(url, '.');

	if (shard == 0 || dot == NULL)
		return url;
	return arena_printf(a, "%.*s~%u%s", (int)(dot - url), url, shard, dot);
}

static err_t
most(struct tx *tx, int64_t *ret)
{
	auto_arena struct arena *a = arena_new();
	struct str v = STR_EMPTY;
	err_t e = store_ca_setting_get(tx, a, MOST, &v);

	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	*ret = 0;
	return v.n == 0 ? OK : text_i64(v, 0, LIMIT_CRL_SHARDS, ret);
}

err_t
crl_shards_raise(struct tx *tx, uint32_t n)
{
	auto_arena struct arena *a = arena_new();
	int64_t was;

	TRY(most(tx, &was));
	if (n > LIMIT_CRL_SHARDS)
		FAIL(ERR_RANGE, "shard %u", n);
	if ((int64_t)n <= was)
		return OK;
	return store_ca_setting_put(tx, MOST, str_c(arena_printf(a, "%u", n)));
}

err_t
crl_shards_note(struct tx *tx)
{
	int64_t n;

	TRY(setting_get(tx, SETTING_CRL_SHARDS, &n));
	return crl_shards_raise(tx, (uint32_t)n);
}

err_t
crl_shard_check(struct tx *tx, uint32_t shard)
{
	int64_t n = 0;

	if (shard == 0)
		return OK;
	TRY(most(tx, &n));
	if ((int64_t)shard > n)
		FAIL(ERR_NOT_FOUND, "there is no shard %u of a revocation list", shard);
	return OK;
}

static err_t
load_tx(struct tx *tx, void *arg)
{
	return setting_get(tx, SETTING_CRL_SHARDS, arg);
}

err_t
crl_shards_load(struct issuer *is)
{
	int64_t n = 0;
	err_t e;

	/* One after the other, so that the last to read is the last to write. */
	pthread_mutex_lock(&is->crl_lock);
	e = store_read(is->store, load_tx, &n);
	if (err_ok(e))
		atomic_store(&is->crl_shards, (unsigned)n);
	pthread_mutex_unlock(&is->crl_lock);
	return e;
}
