/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one RSA-2048 key costs: as connector/keys makes it (key_make), against EVP_RSA_gen alone, in turns in the same
 * run; and what a take from a warm pool costs. Medians. RSA key generation is luck, so its medians want many keys:
 * about twelve seconds of them..
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/when.h"
#include "pki/keypool.h"

#define BUDGET_MS 12000
#define PAIRS_MAX 2000
#define POOL 32

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, compare);
	return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static double
time_ours(void)
{
	double from = now_us();
	struct key *k = NULL;
	double took;

	if (!err_ok(key_make(KEY_RSA, 2048, &k)))
		abort();
	took = now_us() - from;
	key_free(k);
	return took;
}

static double
time_floor(void)
{
	double from = now_us();
	EVP_PKEY *p = EVP_RSA_gen(2048);
	double took = now_us() - from;

	if (p == NULL)
		abort();
	EVP_PKEY_free(p);
	return took;
}

static void
bench_make(void)
{
	static double ours[PAIRS_MAX], least[PAIRS_MAX];
	int64_t until = when_mono_ms() + BUDGET_MS;
	double o, f;
	size_t n = 0;

	while (n < PAIRS_MAX && when_mono_ms() < until) {
		/* Who goes first changes, so that neither profits from the other's caches. */
		if (n % 2 == 0)
			ours[n] = time_ours();
		least[n] = time_floor();
		if (n % 2 == 1)
			ours[n] = time_ours();
		n++;
	}
	o = median(ours, n) / 1e3;
	f = median(least, n) / 1e3;
	printf(
	    "bench keygen-rsa2048 ours=%.1f ms floor=%.1f ratio=%.2f keys=%zu\n", o, f, o / f, n);
}

static void
bench_pool(void)
{
	double took[POOL];
	struct key *keys[POOL];
	struct keypool *p = NULL;
	int64_t until = when_mono_ms() + 30000;

	if (!err_ok(keypool_new(2, POOL, &p)) || !err_ok(keypool_want(p, KEY_RSA, 2048)))
		abort();
	while (keypool_ready(p, KEY_RSA, 2048) < POOL && when_mono_ms() < until)
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	for (size_t i = 0; i < POOL; i++) {
		double from = now_us();

		if (!err_ok(keypool_take(p, KEY_RSA, 2048, &keys[i])))
			abort();
		took[i] = now_us() - from;
	}
	printf("bench keypool-take-rsa2048 warm=%.2f us keys=%d\n", median(took, POOL), POOL);
	for (size_t i = 0; i < POOL; i++)
		key_free(keys[i]);
	keypool_free(p);
}

int
main(void)
{
	bench_make();
	bench_pool();
	return 0;
}
