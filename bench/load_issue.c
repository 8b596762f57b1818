/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load of bench_issue.py: asks a CA for certificates over WSTEP or EST from several connections that are kept alive, and
 * says how many it got per second; or signs one prepared certificate over and over, which is the floor.
 *
 *   load_issue wstep|est URL TRUST CERT KEY TEMPLATE SECONDS THREADS
 *   load_issue floor p256|rsa SECONDS THREADS
 *
 * The requests are made beforehand: each thread asks again for the certificate of one key.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/text.h"
#include "base/when.h"
#include "codec/wstep_msg.h"
#include "net/fetch.h"
#include "pki/csr.h"
#include "pki/issue.h"

#define SOAP_ACTION "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RST/wstep"

enum { THREADS_MAX = 64, TIMEOUT_MS = 20000 };

struct load {
	struct tls_client_conf tls;
	const char *url, *template;
	bool est;
	struct key *floor;
	struct str tbs;
	atomic_bool stop;
	atomic_ullong done;
};

static void
must(err_t e, const char *what)
{
	struct err_report rep;

	if (err_ok(e))
		return;
	err_take(e, &rep);
	fprintf(stderr, "%s: %s: %s\n", what, err_info(rep.code)->text, rep.detail);
	exit(1);
}

static int
number(const char *text)
{
	int64_t n = 0;

	must(text_i64(str_c(text), 1, 64, &n), "number");
	return (int)n;
}

static struct str
read_all(struct arena *a, const char *path)
{
	struct str s = STR_EMPTY;

	must(file_read(a, path, 1 << 20, &s), path);
	return s;
}

static struct str
make_csr(struct arena *a, int n)
{
	struct dn_ava ava = { "2.5.4.3", arena_printf(a, "load-%d.example.test", n) };
	struct dn_rdn rdn = { &ava, 1 };
	struct dn dn = { &rdn, 1 };
	struct san san = { SAN_DNS, ava.value };
	struct csr_spec spec = { 0 };
	struct key *k = NULL;
	struct str der = STR_EMPTY;

	must(key_make(KEY_RSA, 2048, &k), "key");
	must(dn_encode(a, &dn, &spec.subject), "subject");
	must(san_encode(a, &san, 1, &spec.san), "names");
	must(csr_make(a, k, &spec, &der), "request");
	key_free(k);
	return der;
}

static struct str
wstep_body(struct arena *a, const struct load *l, struct str csr)
{
	struct wstep_item item = { "CertificateTemplate", l->template };
	struct wstep_request r = { .type = WSTEP_ISSUE,
		.message_id = "urn:uuid:0b4f5c1e-6a0d-4a52-9a5e-000000000001",
		.to = l->url,
		.token = csr,
		.items = &item,
		.nitems = 1 };
	struct buf out = { 0 };

	buf_init(&out, 1 << 20);
	must(wstep_request_print(a, &r, &out), "message");
	return buf_str(&out);
}

static atomic_int nth;

static void *
asks(void *arg)
{
	static const char *const soap[] = {
		"Content-Type: application/soap+xml; charset=utf-8; action=\"" SOAP_ACTION "\"",
		NULL
	};
	static const char *const est[] = { "Content-Type: application/pkcs10",
		"Content-Transfer-Encoding: base64", NULL };
	struct load *l = arg;
	struct arena *a = arena_new(), *each = arena_new();
	struct str csr = make_csr(a, atomic_fetch_add(&nth, 1));
	struct str body = l->est ? str_c(text_base64(a, csr)) : wstep_body(a, l, csr);
	struct fetch *f = NULL;

	must(fetch_new(&l->tls, &f), "client");
	while (!atomic_load(&l->stop)) {
		struct fetch_reply rep;

		arena_reset(each);
		must(
		    fetch_run(f, each, "POST", l->url, l->est ? est : soap, body, TIMEOUT_MS, &rep),
		    "exchange");
		if (rep.status != 200) {
			fprintf(stderr, "status %d: %.*s\n", rep.status, (int)rep.body.n,
			    (const char *)rep.body.p);
			exit(1);
		}
		atomic_fetch_add(&l->done, 1);
	}
	fetch_free(f);
	arena_free(each);
	arena_free(a);
	return NULL;
}

static void *
signs(void *arg)
{
	struct load *l = arg;
	struct arena *a = arena_new();

	while (!atomic_load(&l->stop)) {
		struct str sig;

		arena_reset(a);
		must(key_sign(a, l->floor, l->tbs, &sig), "signature");
		atomic_fetch_add(&l->done, 1);
	}
	arena_free(a);
	return NULL;
}

static void
run(struct load *l, void *(*main)(void *), int seconds, int threads)
{
	pthread_t t[THREADS_MAX];
	unsigned long long from, n;
	int64_t start, took;

	for (int i = 0; i < threads; i++)
		if (pthread_create(&t[i], NULL, main, l) != 0)
			abort();
	while (atomic_load(&l->done) < (unsigned)threads * 2) /* warm: all are connected */
		poll(NULL, 0, 20);
	start = when_mono_ms();
	from = atomic_load(&l->done);
	poll(NULL, 0, seconds * 1000);
	n = atomic_load(&l->done) - from;
	took = when_mono_ms() - start;
	atomic_store(&l->stop, true);
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	printf("%.1f\n", (double)n * 1000.0 / (double)took);
}

/* To be signed: what the CA signs, of the same size. */
static void
prepare_floor(struct arena *a, struct load *l, bool ec)
{
	struct issue_spec s = { .not_before = when_now(), .not_after = when_now() + 86400 };
	struct dn_ava ava = { "2.5.4.3", "load.example.test" };
	struct dn_rdn rdn = { &ava, 1 };
	struct dn dn = { &rdn, 1 };
	struct key *leaf = NULL;

	must(key_make(ec ? KEY_EC : KEY_RSA, ec ? KEY_P256 : KEY_RSA_2048, &l->floor), "key");
	must(key_make(KEY_RSA, 2048, &leaf), "key");
	must(dn_encode(a, &dn, &s.subject), "subject");
	s.key = leaf;
	s.key_usage = 0xA0;
	issue_serial(s.serial);
	must(issue_tbs(a, &s, l->floor, &l->tbs), "certificate");
}

static void
prepare_load(struct arena *a, struct load *l, char **argv)
{
	struct str *anchors = arena_array(a, 8, sizeof(*anchors));
	struct str *chain = arena_array(a, 8, sizeof(*chain));

	l->est = strcmp(argv[1], "est") == 0;
	l->url = argv[2];
	l->template = argv[6];
	must(text_unpem(a, read_all(a, argv[3]), "CERTIFICATE", anchors, 8, &l->tls.nanchors),
	    "trust");
	must(text_unpem(a, read_all(a, argv[4]), "CERTIFICATE", chain, 8, &l->tls.nchain), "chain");
	must(key_read(read_all(a, argv[5]), NULL, &l->tls.key), "key");
	l->tls.anchors = anchors;
	l->tls.chain = chain;
}

int
main(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct load l = { 0 };

	if (argc == 5 && strcmp(argv[1], "floor") == 0) {
		prepare_floor(a, &l, strcmp(argv[2], "p256") == 0);
		run(&l, signs, number(argv[3]), number(argv[4]));
	} else if (argc == 9) {
		prepare_load(a, &l, argv);
		run(&l, asks, number(argv[7]), number(argv[8]));
	} else {
		fprintf(stderr, "usage: see the head of the source\n");
		return 2;
	}
	key_free(l.floor);
	key_free(l.tls.key);
	arena_free(a);
	return 0;
}
