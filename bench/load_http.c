/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load of bench_idle.py: one request with a body, over and over, from connections that are kept alive and show a client
 * certificate.
 *
 *   load_http METHOD URL TRUST CERT KEY BODY SECONDS THREADS
 *
 * BODY is a file. Says how many requests a second were answered, and on standard error what the client took of the
 * processor for each.
 */
#include "base/file.h"
#include "load.h"

struct http_load {
	struct load load;
	struct str request;
};

static void *
asks(void *arg)
{
	struct http_load *l = arg;

	ask_on(&l->load, l->request);
	return NULL;
}

int
main(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct http_load l = { 0 };
	struct buf out = { 0 };
	struct str body;

	if (argc != 9) {
		fprintf(stderr, "usage: see the head of the source\n");
		return 2;
	}
	split_url(a, &l.load, argv[2]);
	prepare_tls(&l.load, argv[3], argv[4], argv[5]);
	must(file_read(a, argv[6], ANSWER_MAX, &body), "body");
	buf_init(&out, 2 * ANSWER_MAX);
	must(
	    buf_printf(&out,
		"%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		argv[1], l.load.path, l.load.host, body.n),
	    "request");
	must(buf_put(&out, body), "request");
	l.request = buf_str(&out);
	run(&l.load, asks, &l, number(argv[7]), number(argv[8]));
	SSL_CTX_free(l.load.tls);
	buf_free(&out);
	arena_free(a);
	return 0;
}
