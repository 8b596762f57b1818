/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load of bench_issue.py: asks a CA for certificates over WSTEP or EST from several connections that are kept alive, and
 * says how many it got per second; or signs one prepared certificate over and over, which is the floor.
 *
 *   load_issue wstep|est URL TRUST CERT KEY TEMPLATE SECONDS THREADS
 *   load_issue floor p256|rsa SECONDS THREADS
 *
 * The requests are made beforehand: each thread asks again for the certificate of one key. The client is no more than a
 * TLS connection, so that what it takes of the cores is small beside what is measured. On standard error it says how much
 * of the processor it took for each certificate.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "base/when.h"
#include "codec/wstep_msg.h"
#include "pki/csr.h"
#include "pki/issue.h"

#define SOAP_ACTION "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RST/wstep"

enum { THREADS_MAX = 64, ANSWER_MAX = 1 << 16, WARM_MS = 300 };

struct load {
	SSL_CTX *tls;
	struct sockaddr_in to;
	const char *url, *host, *path, *template;
	bool est;
	struct key *floor;
	struct str tbs;
	atomic_bool stop;
	atomic_ullong done;
	atomic_int ready; /* threads that ask */
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

static void
fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static SSL *
connect_to(const struct load *l)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	SSL *c = SSL_new(l->tls);

	if (fd < 0 || c == NULL || connect(fd, (const struct sockaddr *)&l->to, sizeof(l->to)) != 0)
		fail("no connection");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (SSL_set_fd(c, fd) != 1 || SSL_connect(c) != 1)
		fail("no TLS");
	return c;
}

/* The whole of one answer is read; anything but 200 with a body ends the program. */
static void
read_answer(SSL *c)
{
	static const char length[] = "\r\nContent-Length: ";
	char in[ANSWER_MAX];
	const char *end = NULL, *at;
	struct str rest;
	int64_t body = 0;
	size_t n = 0;

	for (;;) {
		int k = SSL_read(c, in + n, (int)(sizeof(in) - n));

		if (k <= 0)
			fail("the connection ended");
		n += (size_t)k;
		if (end == NULL) {
			end = memmem(in, n, "\r\n\r\n", 4);
			at = end == NULL ? NULL : memmem(in, n, length, sizeof(length) - 1);
			if (end != NULL && (at == NULL || memcmp(in, "HTTP/1.1 200", 12) != 0)) {
				fprintf(stderr, "%.*s\n", (int)n, in);
				exit(1);
			}
			if (end == NULL)
				continue;
			rest = str_of(at + sizeof(length) - 1, n);
			must(text_i64(str_cut(&rest, '\r'), 1, ANSWER_MAX / 2, &body), "length");
		}
		if (n >= (size_t)(end + 4 - in) + (size_t)body)
			return;
	}
}

static struct str
whole_request(struct arena *a, const struct load *l, struct str csr)
{
	struct str body = l->est ? str_c(text_base64(a, csr)) : wstep_body(a, l, csr);
	const char *type = l->est ? "application/pkcs10\r\nContent-Transfer-Encoding: base64" :
				    "application/soap+xml; charset=utf-8; action=\"" SOAP_ACTION
				    "\"";
	struct buf out = { 0 };

	buf_init(&out, 1 << 20);
	must(buf_printf(&out,
		 "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
		 l->path, l->host, type, body.n),
	    "request");
	must(buf_put(&out, body), "request");
	return buf_str(&out);
}

static atomic_int nth;

static void *
asks(void *arg)
{
	struct load *l = arg;
	struct arena *a = arena_new();
	struct str request = whole_request(a, l, make_csr(a, atomic_fetch_add(&nth, 1)));
	SSL *c = connect_to(l);

	atomic_fetch_add(&l->ready, 1);
	while (!atomic_load(&l->stop)) {
		if (SSL_write(c, request.p, (int)request.n) != (int)request.n)
			fail("the connection ended");
		read_answer(c);
		atomic_fetch_add(&l->done, 1);
	}
	SSL_free(c);
	arena_free(a);
	return NULL;
}

static void *
signs(void *arg)
{
	struct load *l = arg;
	struct arena *a = arena_new();

	atomic_fetch_add(&l->ready, 1);
	while (!atomic_load(&l->stop)) {
		struct str sig;

		arena_reset(a);
		must(key_sign(a, l->floor, l->tbs, &sig), "signature");
		atomic_fetch_add(&l->done, 1);
	}
	arena_free(a);
	return NULL;
}

static double
processor_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void
run(struct load *l, void *(*main)(void *), int seconds, int threads)
{
	pthread_t t[THREADS_MAX];
	unsigned long long from, n;
	int64_t start, took;
	double used;

	for (int i = 0; i < threads; i++)
		if (pthread_create(&t[i], NULL, main, l) != 0)
			abort();
	while (atomic_load(&l->ready) < threads)
		poll(NULL, 0, 20);
	poll(NULL, 0, WARM_MS);
	used = processor_us();
	start = when_mono_ms();
	from = atomic_load(&l->done);
	poll(NULL, 0, seconds * 1000);
	n = atomic_load(&l->done) - from;
	took = when_mono_ms() - start;
	used = processor_us() - used;
	atomic_store(&l->stop, true);
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	printf("%.1f\n", (double)n * 1000.0 / (double)took);
	fprintf(stderr, "%.0f\n", n == 0 ? 0.0 : used / (double)n);
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
split_url(struct arena *a, struct load *l, const char *url)
{
	struct str rest = str_c(url + strlen("https://")), host = str_cut(&rest, '/'), port = host;
	const char *address = arena_cstr(a, str_cut(&port, ':'));
	int64_t number_of_port;

	l->url = url;
	l->host = arena_cstr(a, host);
	l->path = arena_printf(a, "/%.*s", (int)rest.n, (const char *)rest.p);
	must(text_i64(port, 1, 65535, &number_of_port), "port");
	l->to = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)number_of_port) };
	if (inet_pton(AF_INET, address, &l->to.sin_addr) != 1)
		fail("the address is none");
}

static void
prepare_load(struct arena *a, struct load *l, char **argv)
{
	l->est = strcmp(argv[1], "est") == 0;
	l->template = argv[6];
	split_url(a, l, argv[2]);
	l->tls = SSL_CTX_new(TLS_client_method());
	if (l->tls == NULL || SSL_CTX_load_verify_file(l->tls, argv[3]) != 1 ||
	    SSL_CTX_use_certificate_chain_file(l->tls, argv[4]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(l->tls, argv[5], SSL_FILETYPE_PEM) != 1)
		fail("certificates and key");
	SSL_CTX_set_verify(l->tls, SSL_VERIFY_PEER, NULL);
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
	SSL_CTX_free(l.tls);
	arena_free(a);
	return 0;
}
