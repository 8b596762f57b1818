/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issuer.h"

#include "base/file.h"
#include "ca/backup.h"
#include "ca/crl.h"
#include "ca/crl_shard.h"
#include "ca/mint.h"
#include "ca/ocsp.h"
#include "ca/ocsp_signer.h"
#include "ca/scep_ra.h"
#include "ca/state.h"
#include "ca/succession.h"
#include "ca/text_index.h"
#include "pki/keyprov.h"

/* A thread that signs for this long has gone wrong: its intent is closed and its answer will be a refusal. */
enum { INTENT_AGE = 120 };

const struct hierarchy *
issuer_hierarchy(struct issuer *is)
{
	const struct hierarchy *h;

	pthread_mutex_lock(&is->lock);
	h = is->now;
	pthread_mutex_unlock(&is->lock);
	return h;
}

err_t
issuer_reload(struct issuer *is)
{
	struct hierarchy *h;

	TRY(hierarchy_load(is, &h));
	pthread_mutex_lock(&is->lock);
	h->older = is->now;
	is->now = h;
	pthread_mutex_unlock(&is->lock);
	return OK;
}

void
issuer_close(struct issuer *is)
{
	if (is == NULL)
		return;
	hierarchy_free(is->now);
	if (is->store != NULL)
		store_close(is->store);
	pthread_mutex_destroy(&is->lock);
	pthread_mutex_destroy(&is->crl_lock);
	pthread_mutex_destroy(&is->init_lock);
	signon_free(is->signon);
	own_certs_free(is->ocsp_signers);
	ocsp_answers_free(is->ocsp);
	pace_free(is->pace);
	scep_ras_free(is->scep_ras);
	token_pool_free(is->tokens);
	vault_free(is->vault);
	free(is->keys_dir);
	free(is);
}

static void
issuer_cleanup(struct issuer **is)
{
	issuer_close(*is);
}

static struct issuer *
issuer_new(const char *keys_dir)
{
	struct issuer *is = calloc(1, sizeof(*is));

	if (is == NULL)
		abort();
	is->signon = signon_new();
	is->ocsp_signers = ocsp_signers_new();
	is->ocsp = ocsp_answers_new();
	is->pace = pace_new();
	is->scep_ras = scep_ras_new();
	is->tokens = token_pool_new();
	is->keys_dir = strdup(keys_dir);
	if (is->keys_dir == NULL)
		abort();
	pthread_mutex_init(&is->lock, NULL);
	pthread_mutex_init(&is->crl_lock, NULL);
	pthread_mutex_init(&is->init_lock, NULL);
	return is;
}

err_t
issuer_open(const struct issuer_conf *conf, struct issuer **ret)
{
	auto_arena struct arena *a = arena_new();
	const char *keys_dir = arena_printf(a, "%s/keys", conf->state_dir);
	__attribute__((cleanup(issuer_cleanup))) struct issuer *is = issuer_new(keys_dir);
	struct store_conf sc = {
		.path = arena_printf(a, "%s/ca.db", conf->state_dir),
		.schema = STORE_CA,
		.metrics = conf->metrics,
		.cache = conf->cache,
	};

	TRY(dir_make(keys_dir, 0700));
	TRY(backup_restore(conf->state_dir));
	TRY(vault_open(keys_dir, conf->passphrase, &is->vault));
	TRY(keyprov_init());
	TRY(dir_sweep(keys_dir));
	TRY(store_open(&sc, &is->store));
	TRY(issuer_reload(is));
	TRY(crl_shards_load(is));
	TRY(mint_close_left_over(is, 0));
	/* A CA whose list cannot be made must not keep the others from work; the tick says what is wrong. */
	err_forget(crl_all(is, false));
	*ret = steal(is);
	return OK;
}

static err_t
close_left_over(struct issuer *is)
{
	return mint_close_left_over(is, INTENT_AGE);
}

static err_t
renew_crls(struct issuer *is)
{
	return crl_all(is, false);
}

err_t
issuer_tick(struct issuer *is)
{
	err_t (*const chores[])(struct issuer *) = { close_left_over, renew_crls,
		hierarchy_renew_tls, succession_upkeep, scep_upkeep, ocsp_signers_upkeep,
		text_index_upkeep };
	struct err_report first = { .code = ERR_NONE };

	for (size_t i = 0; i < COUNT(chores); i++) {
		err_t e = chores[i](is);

		if (!err_ok(e) && first.code == ERR_NONE)
			err_take(e, &first);
		else
			err_forget(e);
	}
	return first.code == ERR_NONE ? OK : err_raise(&first);
}
