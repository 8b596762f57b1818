/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/prime.h"

#include "base/locked.h"
#include "base/secret.h"
#include "pki/prime_divide.h"
#include "pki/prime_draw.h"
#include "pki/prime_ifma.h"
#include "pki/prime_round.h"
#include "pki/ssl_err.h"

/* All of it is locked. The workspace of IFMA follows, aligned. */
struct secrets {
	struct prime_draw draw;
	uint64_t candidates[2 * PRIME_LANES][PRIME_WORDS_MAX];
	uint64_t bases[PRIME_LANES][PRIME_WORDS_MAX];
	uint64_t found[PRIME_BATCH_MAX][PRIME_WORDS_MAX];
};

struct prime_work {
	struct locked memory;
	struct secrets *s;
	struct prime_ifma *ifma; /* NULL: the portable way */
	BN_CTX *bn;              /* while a batch is made: a context keeps what its numbers were */
	unsigned bits, words, rounds, batch;
	unsigned found; /* primes that wait in s->found */
	unsigned drawn; /* candidates since the last prime */
	unsigned ready; /* of s->candidates: nothing small divides them */
};

unsigned
prime_rounds(unsigned bits)
{
	if (bits >= 1536)
		return 4;
	return bits >= 1024 ? 5 : 8;
}

static size_t
aligned(size_t n)
{
	return (n + 63) / 64 * 64;
}

static err_t
work_init(struct prime_work *w, bool ifma)
{
	size_t n = aligned(sizeof *w->s);

	locked_new(n + (ifma ? prime_ifma_size() : 0), &w->memory);
	w->s = w->memory.p;
	w->ifma = ifma ? (void *)((uint8_t *)w->memory.p + n) : NULL;
	return prime_draw_init(&w->s->draw, w->bits);
}

err_t
prime_work_new(unsigned bits, enum prime_way way, unsigned batch, struct prime_work **ret)
{
	struct prime_work *w;
	err_t e;

	if ((bits != 512 && bits != 1024 && bits != 1536 && bits != 2048) || batch == 0 ||
	    batch > PRIME_BATCH_MAX)
		FAIL(ERR_RANGE, "primes of %u bits, %u at a time", bits, batch);
	if (way == PRIME_IFMA && !prime_ifma_here())
		FAIL(ERR_RANGE, "this processor has no AVX-512 IFMA");
	w = calloc(1, sizeof *w);
	if (w == NULL)
		abort();
	w->bits = bits;
	w->words = bits / 64;
	w->rounds = prime_rounds(bits);
	w->batch = batch;
	e = work_init(w, way != PRIME_PORTABLE && prime_ifma_here());
	if (!err_ok(e)) {
		prime_work_free(w);
		return e;
	}
	*ret = w;
	return OK;
}

void
prime_work_free(struct prime_work *w)
{
	if (w == NULL)
		return;
	locked_free(&w->memory);
	free(w);
}

static err_t
draw(struct prime_work *w, uint64_t *ret)
{
	if (w->drawn++ >= 5 * 2 * w->bits)
		FAIL(ERR_CRYPTO, "no prime among %u candidates", w->drawn - 1);
	return prime_draw(&w->s->draw, ret);
}

/* What is more than the batch is dropped. */
static void
keep(struct prime_work *w, const uint64_t *prime)
{
	if (w->found == w->batch)
		return;
	memcpy(w->s->found[w->found++], prime, 8 * w->words);
	w->drawn = 0;
}

/* The first of the rounds, so that its base is random. */
static err_t
find_portable(struct prime_work *w)
{
	uint64_t *candidate = w->s->candidates[0];
	bool passed;

	do {
		TRY(draw(w, candidate));
	} while (prime_divides(candidate, w->words) || !prime_fits_f4(candidate, w->words));
	TRY(prime_draw_base(&w->s->draw, candidate, w->s->bases[0]));
	TRY(prime_round(w->bn, candidate, w->words, w->s->bases[0], &passed));
	if (passed)
		keep(w, candidate);
	secret_wipe(candidate, sizeof w->s->candidates[0]);
	return OK;
}

/* Eight more candidates, and those of them that stay. */
static err_t
draw_ifma(struct prime_work *w)
{
	uint64_t(*c)[PRIME_WORDS_MAX] = w->s->candidates;
	const uint64_t *n[PRIME_LANES];
	unsigned first = w->ready, divided;

	for (unsigned i = 0; i < PRIME_LANES; i++) {
		n[i] = c[first + i];
		TRY(draw(w, c[first + i]));
	}
	divided = prime_ifma_divides(w->ifma, w->bits, n);
	for (unsigned i = 0; i < PRIME_LANES; i++)
		if ((divided >> i & 1) == 0 && prime_fits_f4(n[i], w->words))
			memmove(c[w->ready++], n[i], 8 * w->words);
	secret_wipe(c[w->ready], (first + PRIME_LANES - w->ready) * sizeof c[0]);
	return OK;
}

static err_t
find_ifma(struct prime_work *w)
{
	const uint64_t *n[PRIME_LANES];
	unsigned passed;

	while (w->ready < PRIME_LANES)
		TRY(draw_ifma(w));
	w->ready -= PRIME_LANES;
	for (unsigned i = 0; i < PRIME_LANES; i++)
		n[i] = w->s->candidates[w->ready + i];
	passed = prime_ifma_round(w->ifma, w->bits, n, NULL);
	for (unsigned i = 0; i < PRIME_LANES; i++)
		if ((passed >> i & 1) != 0)
			keep(w, n[i]);
	secret_wipe(w->s->candidates[w->ready], PRIME_LANES * sizeof w->s->candidates[0]);
	return OK;
}

/* Round after round for each of what was found, eight of them at once; lanes that are left over do one round more. */
static err_t
confirm_ifma(struct prime_work *w, bool *good)
{
	const uint64_t *n[PRIME_LANES], *base[PRIME_LANES];
	unsigned todo = w->found * w->rounds, passed;

	for (unsigned at = 0; at < todo; at += PRIME_LANES) {
		for (unsigned i = 0; i < PRIME_LANES; i++) {
			n[i] = w->s->found[(at + i) % w->found];
			base[i] = w->s->bases[i];
			TRY(prime_draw_base(&w->s->draw, n[i], w->s->bases[i]));
		}
		passed = prime_ifma_round(w->ifma, w->bits, n, base);
		for (unsigned i = 0; i < PRIME_LANES; i++)
			good[(at + i) % w->found] &= (passed >> i & 1) != 0;
	}
	return OK;
}

static err_t
confirm_portable(struct prime_work *w, bool *good)
{
	for (unsigned i = 0; i < w->found; i++)
		for (unsigned k = 1; k < w->rounds && good[i]; k++) {
			TRY(prime_draw_base(&w->s->draw, w->s->found[i], w->s->bases[0]));
			TRY(prime_round(w->bn, w->s->found[i], w->words, w->s->bases[0], &good[i]));
		}
	return OK;
}

/* Finds a batch and leaves those that pass all rounds: all, but for events that nobody will see. */
static err_t
find_batch(struct prime_work *w)
{
	bool good[PRIME_BATCH_MAX];
	unsigned kept = 0;

	w->drawn = 0;
	while (w->found < w->batch)
		TRY(w->ifma != NULL ? find_ifma(w) : find_portable(w));
	for (unsigned i = 0; i < w->found; i++)
		good[i] = true;
	TRY(w->ifma != NULL ? confirm_ifma(w, good) : confirm_portable(w, good));
	for (unsigned i = 0; i < w->found; i++)
		if (good[i])
			memmove(w->s->found[kept++], w->s->found[i], 8 * w->words);
	w->found = kept;
	return OK;
}

/* What was worked with goes; what was found stays, if all went well. */
static err_t
fill(struct prime_work *w)
{
	err_t e;

	w->bn = BN_CTX_secure_new();
	if (w->bn == NULL)
		FAIL_SSL(ERR_CRYPTO, "big numbers");
	e = find_batch(w);
	if (!err_ok(e))
		w->found = 0; /* unconfirmed */
	secret_wipe(w->s->found[w->found], (PRIME_BATCH_MAX - w->found) * sizeof w->s->found[0]);
	if (w->ifma != NULL)
		secret_wipe(w->ifma, prime_ifma_size());
	BN_CTX_free(w->bn);
	w->bn = NULL;
	return e;
}

err_t
prime_take(struct prime_work *w, uint64_t *ret)
{
	while (w->found == 0)
		TRY(fill(w));
	w->found--;
	memcpy(ret, w->s->found[w->found], 8 * w->words);
	secret_wipe(w->s->found[w->found], sizeof w->s->found[0]);
	return OK;
}
