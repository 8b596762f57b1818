/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an RSA key costs: keys per second of one core's time, by our generator in each of its ways and with all that
 * belongs to a key (pki/rsa_gen.h), against EVP_RSA_gen and against GnuTLS (certtool) where it is installed. In turns
 * in the same run: a burden on the machine falls on all. And what a take from a warm pool costs.
 *
 * RSA key generation is luck: a key takes as long as its primes are hard to find, so these are means over many.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/when.h"
#include "pki/keypool.h"
#include "pki/prime_ifma.h"
#include "pki/rsa_gen.h"

#define POOL 32
#define TURN_S 0.4    /* of one way, at a time: less than a key may be one key */
#define BUDGET_S 10.0 /* of libcrypto, for each size */
#define CERTTOOL_KEYS \
	3 /* of GnuTLS, for each size: with the start of its program, which is some milliseconds */

struct way {
	const char *name;
	struct rsa_gen *gen; /* NULL: libcrypto */
	double seconds;
	unsigned keys;
};

static double
cpu(int who)
{
	struct rusage r;

	if (getrusage(who, &r) != 0)
		abort();
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void
make_one(struct way *w, unsigned bits)
{
	uint64_t numbers[RSA_NUMBERS_MAX];
	EVP_PKEY *p = NULL;

	if (w->gen == NULL)
		p = EVP_RSA_gen((unsigned)bits);
	else if (!err_ok(rsa_gen_next(w->gen, numbers)) ||
	    !err_ok(rsa_numbers_pkey(bits, numbers, &p)))
		abort();
	if (p == NULL)
		abort();
	EVP_PKEY_free(p);
}

static void
take_turn(struct way *w, unsigned bits)
{
	double from = cpu(RUSAGE_SELF), took;

	do {
		make_one(w, bits);
		w->keys++;
		took = cpu(RUSAGE_SELF) - from;
	} while (took < TURN_S);
	w->seconds += took;
}

static double
rate(const struct way *w)
{
	return w->keys / w->seconds;
}

static bool
way_new(struct way *w, unsigned bits, enum prime_way how, const char *name)
{
	*w = (struct way){ .name = name };
	if (how == PRIME_IFMA && !prime_ifma_here())
		return false;
	if (!err_ok(rsa_gen_new(bits, how, PRIME_BATCH_MAX, &w->gen)))
		abort();
	return true;
}

/* 0: there is no certtool. */
static double
gnutls_rate(unsigned bits)
{
	char command[160];
	double from = cpu(RUSAGE_CHILDREN);

	(void)snprintf(command, sizeof command,
	    "certtool --generate-privkey --key-type=rsa --bits=%u --no-text >/dev/null 2>&1", bits);
	for (int i = 0; i < CERTTOOL_KEYS; i++)
		if (system(command) != 0)
			return 0;
	return CERTTOOL_KEYS / (cpu(RUSAGE_CHILDREN) - from);
}

static void
bench_size(unsigned bits)
{
	struct way floor = { .name = "libcrypto" }, ways[2];
	double gnutls;
	size_t n = 0;

	if (way_new(&ways[n], bits, PRIME_IFMA, "-ifma"))
		n++;
	if (way_new(&ways[n], bits, PRIME_PORTABLE, "-portable"))
		n++;
	while (floor.seconds < BUDGET_S) {
		take_turn(&floor, bits);
		for (size_t i = 0; i < n; i++)
			take_turn(&ways[i], bits);
	}
	/* The way that is taken on this machine, first. */
	printf("bench rsa%u-keygen ours=%.2f keys/core-s floor=%.2f ratio=%.2f\n", bits,
	    rate(&ways[0]), rate(&floor), rate(&ways[0]) / rate(&floor));
	for (size_t i = 0; i < n; i++) {
		printf(
		    "bench rsa%u-keygen%s ours=%.2f keys/core-s floor=%.2f ratio=%.2f keys=%u/%u\n",
		    bits, ways[i].name, rate(&ways[i]), rate(&floor), rate(&ways[i]) / rate(&floor),
		    ways[i].keys, floor.keys);
		rsa_gen_free(ways[i].gen);
	}
	gnutls = gnutls_rate(bits);
	if (gnutls > 0)
		printf("bench rsa%u-keygen-gnutls ours=%.2f keys/core-s floor=%.2f ratio=%.2f\n",
		    bits, rate(&ways[0]), gnutls, rate(&ways[0]) / gnutls);
}

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

static void
bench_pool(void)
{
	double took[POOL];
	struct key *keys[POOL];
	struct keypool *p = NULL;
	int64_t until = when_mono_ms() + 60000;

	if (!err_ok(keypool_new(2, POOL, KEY_MAKER_CHANCERY, &p)) ||
	    !err_ok(keypool_want(p, KEY_RSA, 2048)))
		abort();
	while (keypool_ready(p, KEY_RSA, 2048) < POOL && when_mono_ms() < until)
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	for (size_t i = 0; i < POOL; i++) {
		double from = now_us();

		if (!err_ok(keypool_take(p, KEY_RSA, 2048, &keys[i])))
			abort();
		took[i] = now_us() - from;
	}
	qsort(took, POOL, sizeof *took, compare);
	printf("bench keypool-take-rsa2048 warm=%.1f us keys=%d\n", took[POOL / 2], POOL);
	for (size_t i = 0; i < POOL; i++)
		key_free(keys[i]);
	keypool_free(p);
}

int
main(void)
{
	bench_size(2048);
	bench_size(3072);
	bench_size(4096);
	bench_pool();
	return 0;
}
