/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for the tests of this layer: made on the spot, at a time that stands still. */
#ifndef TESTS_UNIT_PKI_MADE_H
#define TESTS_UNIT_PKI_MADE_H

#include "expect.h"

#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "codec/oid.h"
#include "pki/issue.h"

#define MADE_NOW ((when_t)1767225600) /* 2026-01-01 */
#define MADE_DAY ((when_t)86400)

struct made {
	struct key *key;
	struct cert *cert;
};

/* CN=cn, O=Test */
static inline struct str
made_name(struct arena *a, const char *cn)
{
	struct dn_ava o = { "2.5.4.10", "Test" }, c = { "2.5.4.3", cn };
	struct dn_rdn rdns[] = { { &o, 1 }, { &c, 1 } };
	struct dn dn = { rdns, 2 };
	struct str der;

	expect_ok(dn_encode(a, &dn, &der));
	return der;
}

static inline struct issue_spec
made_spec(struct arena *a, const char *cn, struct key *key)
{
	static const char *const ekus[] = { OID_EKU_CLIENT_AUTH };
	struct issue_spec s = { .key = key,
		.subject = made_name(a, cn),
		.path_len = -1,
		.not_before = MADE_NOW - MADE_DAY,
		.not_after = MADE_NOW + 365 * MADE_DAY,
		.key_usage = 0xa0,
		.ekus = ekus,
		.nekus = 1 };

	issue_serial(s.serial);
	return s;
}

static inline struct issue_spec
made_ca_spec(struct arena *a, const char *cn, struct key *key)
{
	struct issue_spec s = made_spec(a, cn, key);

	s.ca = true;
	s.key_usage = 0x06;
	s.nekus = 0;
	s.not_before = MADE_NOW - 10 * MADE_DAY;
	s.not_after = MADE_NOW + 3650 * MADE_DAY;
	return s;
}

static inline struct cert *
made_cert(struct arena *a, const struct issue_spec *s, const struct key *signer)
{
	struct str tbs, der;
	struct cert *c = NULL;

	expect_ok(issue_tbs(a, s, signer, &tbs));
	expect_ok(issue_lint(tbs, s));
	expect_ok(issue_sign(a, tbs, signer, &der));
	expect_ok(cert_parse(der, &c));
	return c;
}

static inline struct made
made_root(struct arena *a, const char *cn, enum key_alg alg, unsigned bits)
{
	struct made m = { NULL, NULL };
	struct issue_spec s;

	expect_ok(key_make(alg, bits, &m.key));
	s = made_ca_spec(a, cn, m.key);
	m.cert = made_cert(a, &s, m.key);
	return m;
}

/* What ca signs by the spec; the key is handed over. */
static inline struct made
made_by(struct arena *a, const struct made *ca, struct issue_spec s, struct key *key)
{
	struct made m = { .key = key };

	s.issuer = ca->cert;
	m.cert = made_cert(a, &s, ca->key);
	return m;
}

static inline struct made
made_under(struct arena *a, const struct made *ca, const char *cn, enum key_alg alg, unsigned bits)
{
	struct key *key = NULL;

	expect_ok(key_make(alg, bits, &key));
	return made_by(a, ca, made_spec(a, cn, key), key);
}

/* The same, that may sign others. */
static inline struct made
made_ca_under(
    struct arena *a, const struct made *ca, const char *cn, enum key_alg alg, unsigned bits)
{
	struct key *key = NULL;

	expect_ok(key_make(alg, bits, &key));
	return made_by(a, ca, made_ca_spec(a, cn, key), key);
}

static inline void
made_free(struct made *m)
{
	cert_free(m->cert);
	key_free(m->key);
}
#define auto_made __attribute__((cleanup(made_free)))

/* A root on a curve, and a leaf with an RSA key below it. */
struct made_pair {
	struct made root, leaf;
};

static inline struct made_pair
made_pair(struct arena *a)
{
	struct made_pair p;

	p.root = made_root(a, "root", KEY_EC, 256);
	p.leaf = made_under(a, &p.root, "leaf", KEY_RSA, 2048);
	return p;
}

static inline void
made_pair_free(struct made_pair *p)
{
	made_free(&p->leaf);
	made_free(&p->root);
}
#define auto_made_pair __attribute__((cleanup(made_pair_free)))

/* A folder of its own under $TMPDIR or /tmp. */
static inline const char *
made_dir(struct arena *a)
{
	const char *base = getenv("TMPDIR");
	char *dir = arena_printf(a, "%s/chancery-pki-XXXXXX", base == NULL ? "/tmp" : base);

	assert_non_null(mkdtemp(dir));
	return dir;
}

static inline void
made_dir_free(struct arena *a, const char *dir)
{
	assert_int_equal(system(arena_printf(a, "rm -rf %s", dir)), 0);
}

static inline void
made_write(struct arena *a, const char *dir, const char *name, struct str data)
{
	expect_ok(file_write(arena_printf(a, "%s/%s", dir, name), data, 0600));
}

static inline void
made_pem(struct arena *a, const char *dir, const char *name, const struct cert *c)
{
	made_write(a, dir, name, str_c(text_pem(a, "CERTIFICATE", cert_der(c))));
}

static inline void
made_key(struct arena *a, const char *dir, const char *name, const struct key *k)
{
	auto_buf struct buf pem;

	buf_init(&pem, 16384);
	expect_ok(key_write(&pem, k, NULL));
	made_write(a, dir, name, buf_str(&pem));
}

/* Exit status 0 of a shell command run in dir. */
static inline bool
made_run(struct arena *a, const char *dir, const char *command)
{
	return system(arena_printf(a, "cd %s && { %s ; } >out 2>&1", dir, command)) == 0;
}

static inline void
made_says(struct arena *a, const char *dir, const char *text)
{
	struct str out;

	expect_ok(file_read(a, arena_printf(a, "%s/out", dir), 1 << 20, &out));
	if (memmem(out.p, out.n, text, strlen(text)) == NULL) {
		print_error("no \"%s\" in:\n%.*s\n", text, (int)out.n, (const char *)out.p);
		fail();
	}
}

#endif
