/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCSP answers per second of the issuer on two threads: request in, records looked up, answer signed (each with a
 * nonce of its own) or given again (without), against bare signing with the responder's key on as many threads, in
 * turns in the same run. Once with P-256 and once with RSA-2048.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/secret.h"
#include "ca/ocsp.h"
#include "ca/ocsp_signer.h"
#include "ca/state.h"
#include "must.h"
#include "pki/ocsp.h"

enum { THREADS = 2, CERTS = 10000, TURN_MS = 1000, TURNS = 3, SIGNED_BYTES = 300 };

#define CA_NAME "Bench Issuing CA"

struct run {
	struct issuer *is;
	struct ocsp_issuer names;
	EVP_PKEY *key;
	bool nonce;
	int64_t until;
	atomic_ullong done;
};

static char *
serial(struct arena *a, unsigned n)
{
	return arena_printf(a, "5a00112233445566778899aabbcc%012x", n);
}

static err_t
fill_tx(struct tx *tx, void *arg)
{
	auto_arena struct arena *a = arena_new();

	(void)arg;
	for (unsigned i = 0; i < CERTS; i++) {
		struct issued x = { .ca = CA_NAME,
			.template = "User",
			.requester = "bench",
			.state = i % 16 == 0 ? ISSUED_REVOKED : ISSUED_VALID,
			.serial = serial(a, i),
			.subject = "CN=bench",
			.san = "",
			.not_after = when_now() + 86400,
			.revoked = i % 16 == 0 ? when_now() : 0,
			.message = "" };

		TRY(store_issued_insert(tx, &x));
	}
	return OK;
}

static void *
answers(void *arg)
{
	struct run *r = arg;
	auto_arena struct arena *a = arena_new();

	for (unsigned long long n = 0; when_mono_ms() < r->until; n++) {
		uint8_t nonce[34] = { 4, 32 };
		struct ocsp_id id = { CERTID_SHA1, true, STR(r->names.name_sha1),
			STR(r->names.key_sha1), STR_EMPTY };
		struct ocsp_req q = { .ca = "", .v = &id, .n = 1 };
		struct ocsp_rep rep;
		unsigned which;

		arena_reset(a);
		rand_bytes(&which, sizeof(which));
		rand_bytes(nonce + 2, 32);
		must(text_unhex(a, str_c(serial(a, which % (r->nonce ? CERTS : 1000))), &id.serial),
		    "serial");
		if (r->nonce)
			q.nonce = STR(nonce);
		must(ocsp_serve(r->is, a, &q, &rep), "answer");
		atomic_fetch_add(&r->done, 1);
	}
	return NULL;
}

static void *
signatures(void *arg)
{
	struct run *r = arg;
	uint8_t data[SIGNED_BYTES] = { 1 }, sig[1024];

	while (when_mono_ms() < r->until) {
		EVP_MD_CTX *c = EVP_MD_CTX_new();
		size_t n = sizeof(sig);

		if (EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, r->key) != 1 ||
		    EVP_DigestSign(c, sig, &n, data, sizeof(data)) != 1)
			abort();
		EVP_MD_CTX_free(c);
		atomic_fetch_add(&r->done, 1);
	}
	return NULL;
}

static unsigned long long
turn(struct run *r, void *(*work)(void *))
{
	pthread_t t[THREADS];

	atomic_store(&r->done, 0);
	r->until = when_mono_ms() + TURN_MS;
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&t[i], NULL, work, r) != 0)
			abort();
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	return atomic_load(&r->done) * 1000 / TURN_MS;
}

static void
measure(struct run *r, const char *name)
{
	unsigned long long ours = 0, again = 0, least = 0;

	for (int i = 0; i < TURNS; i++) {
		r->nonce = true;
		ours += turn(r, answers);
		least += turn(r, signatures);
		r->nonce = false;
		again += turn(r, answers);
	}
	printf("bench ocsp-%s ours=%llu /s floor=%llu ratio=%.2f again=%llu /s threads=%d\n", name,
	    ours / TURNS, least / TURNS, (double)ours / (double)least, again / TURNS, THREADS);
	fflush(stdout);
}

static void
bench(const char *name, enum key_alg alg, unsigned bits)
{
	auto_arena struct arena *a = arena_new();
	char dir[] = "/tmp/chancery-bench-XXXXXX";
	const char *host = "localhost";
	struct hierarchy_spec spec = { .name = "Bench",
		.hosts = &host,
		.nhosts = 1,
		.http_url = "http://localhost",
		.token = "",
		.alg = alg,
		.bits = bits };
	struct issuer_conf conf = { .state_dir = dir };
	struct run r = { 0 };
	struct ocsp_signer by;
	const struct ca *ca;

	if (mkdtemp(dir) == NULL)
		abort();
	must(issuer_open(&conf, &r.is), "open");
	must(hierarchy_init(r.is, a, &spec), "init");
	must(hierarchy_find(issuer_hierarchy(r.is), CA_NAME, &ca), "CA");
	must(ocsp_issuer(ca->cert, &r.names), "names");
	must(ocsp_signer_get(r.is, ca, &by), "signer");
	must(store_write(r.is->store, fill_tx, NULL), "records");
	r.key = key_pkey(by.key);
	measure(&r, name);
	issuer_close(r.is);
	if (system(arena_printf(a, "rm -rf %s", dir)) != 0)
		abort();
}

int
main(void)
{
	bench("p256", KEY_EC, KEY_P256);
	bench("rsa2048", KEY_RSA, 0);
	return 0;
}
