/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loads of measurements share: connections over TLS that are kept alive, one a thread, each of which sends the same
 * request over and over. The client is no more than that, so that what it takes of the cores is small beside what is
 * measured.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "base/when.h"
#include "clock.h"
#include "must.h"

enum { THREADS_MAX = 64, ANSWER_MAX = 1 << 16, WARM_MS = 300 };

struct load {
	SSL_CTX *tls;
	struct sockaddr_in to;
	const char *url, *host, *path;
	atomic_bool stop;
	atomic_ullong done;
	atomic_int ready; /* threads that ask */
};

static void
fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static int
number(const char *text)
{
	int64_t n = 0;

	must(text_i64(str_c(text), 1, 64, &n), "number");
	return (int)n;
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

/* Until it is told to stop. */
static void
ask_on(struct load *l, struct str request)
{
	SSL *c = connect_to(l);

	atomic_fetch_add(&l->ready, 1);
	while (!atomic_load(&l->stop)) {
		if (SSL_write(c, request.p, (int)request.n) != (int)request.n)
			fail("the connection ended");
		read_answer(c);
		atomic_fetch_add(&l->done, 1);
	}
	SSL_free(c);
}

/* Says on standard output how many a second were done, on standard error what the processor gave to each, in microseconds. */
static void
run(struct load *l, void *(*main)(void *), void *arg, int seconds, int threads)
{
	pthread_t t[THREADS_MAX];
	unsigned long long from, n;
	int64_t start, took;
	double used;

	for (int i = 0; i < threads; i++)
		if (pthread_create(&t[i], NULL, main, arg) != 0)
			abort();
	while (atomic_load(&l->ready) < threads)
		poll(NULL, 0, 20);
	poll(NULL, 0, WARM_MS);
	used = cpu_us();
	start = when_mono_ms();
	from = atomic_load(&l->done);
	poll(NULL, 0, seconds * 1000);
	n = atomic_load(&l->done) - from;
	took = when_mono_ms() - start;
	used = cpu_us() - used;
	atomic_store(&l->stop, true);
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	printf("%.1f\n", (double)n * 1000.0 / (double)took);
	fprintf(stderr, "%.0f\n", n == 0 ? 0.0 : used / (double)n);
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

/* Files: what the server is trusted by, and the client's certificate and key. */
static void
prepare_tls(struct load *l, const char *trust, const char *cert, const char *key)
{
	l->tls = SSL_CTX_new(TLS_client_method());
	if (l->tls == NULL || SSL_CTX_load_verify_file(l->tls, trust) != 1 ||
	    SSL_CTX_use_certificate_chain_file(l->tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(l->tls, key, SSL_FILETYPE_PEM) != 1)
		fail("certificates and key");
	SSL_CTX_set_verify(l->tls, SSL_VERIFY_PEER, NULL);
}

#endif
