/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load of bench_issue.py: asks a CA for certificates over WSTEP or EST from several connections that are kept alive, and
 * says how many it got per second; or signs one prepared certificate over and over, which is the floor.
 *
 *   load_issue wstep|est URL TRUST CERT KEY TEMPLATE SECONDS THREADS
 *   load_issue floor p256|rsa SECONDS THREADS
 *
 * The requests are made beforehand: each thread asks again for the certificate of one key. On
 * standard error it says how much of the processor it took for each certificate.
 */
#include "codec/wstep_msg.h"
#include "load.h"
#include "pki/csr.h"
#include "pki/issue.h"

#define SOAP_ACTION "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RST/wstep"

struct issue_load {
	struct load load;
	const char *template;
	bool est;
	struct key *floor;
	struct str tbs;
};

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
wstep_body(struct arena *a, const struct issue_load *l, struct str csr)
{
	struct wstep_item item = { "CertificateTemplate", l->template };
	struct wstep_request r = { .type = WSTEP_ISSUE,
		.message_id = "urn:uuid:0b4f5c1e-6a0d-4a52-9a5e-000000000001",
		.to = l->load.url,
		.token = csr,
		.items = &item,
		.nitems = 1 };
	struct buf out = { 0 };

	buf_init(&out, 1 << 20);
	must(wstep_request_print(a, &r, &out), "message");
	return buf_str(&out);
}

static struct str
whole_request(struct arena *a, const struct issue_load *l, struct str csr)
{
	struct str body = l->est ? str_c(text_base64(a, csr)) : wstep_body(a, l, csr);
	const char *type = l->est ? "application/pkcs10\r\nContent-Transfer-Encoding: base64" :
				    "application/soap+xml; charset=utf-8; action=\"" SOAP_ACTION
				    "\"";
	struct buf out = { 0 };

	buf_init(&out, 1 << 20);
	must(buf_printf(&out,
		 "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
		 l->load.path, l->load.host, type, body.n),
	    "request");
	must(buf_put(&out, body), "request");
	return buf_str(&out);
}

static atomic_int nth;

static void *
asks(void *arg)
{
	struct issue_load *l = arg;
	struct arena *a = arena_new();
	struct str request = whole_request(a, l, make_csr(a, atomic_fetch_add(&nth, 1)));

	ask_on(&l->load, request);
	arena_free(a);
	return NULL;
}

static void *
signs(void *arg)
{
	struct issue_load *l = arg;
	struct arena *a = arena_new();

	atomic_fetch_add(&l->load.ready, 1);
	while (!atomic_load(&l->load.stop)) {
		struct str sig;

		arena_reset(a);
		must(key_sign(a, l->floor, l->tbs, &sig), "signature");
		atomic_fetch_add(&l->load.done, 1);
	}
	arena_free(a);
	return NULL;
}

/* To be signed: what the CA signs, of the same size. */
static void
prepare_floor(struct arena *a, struct issue_load *l, bool ec)
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
prepare_load(struct arena *a, struct issue_load *l, char **argv)
{
	l->est = strcmp(argv[1], "est") == 0;
	l->template = argv[6];
	split_url(a, &l->load, argv[2]);
	prepare_tls(&l->load, argv[3], argv[4], argv[5]);
}

int
main(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct issue_load l = { 0 };

	if (argc == 5 && strcmp(argv[1], "floor") == 0) {
		prepare_floor(a, &l, strcmp(argv[2], "p256") == 0);
		run(&l.load, signs, &l, number(argv[3]), number(argv[4]));
	} else if (argc == 9) {
		prepare_load(a, &l, argv);
		run(&l.load, asks, &l, number(argv[7]), number(argv[8]));
	} else {
		fprintf(stderr, "usage: see the head of the source\n");
		return 2;
	}
	key_free(l.floor);
	SSL_CTX_free(l.load.tls);
	arena_free(a);
	return 0;
}
