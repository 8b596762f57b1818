/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last look before the signature: reads the to-be-signed bytes with a reader of its own and compares them with the
 * statement, so that a slip in the builder, or a statement that RFC 5280 forbids, ends here.
 *
 * Every refusal is ERR_LINT with "rule: what". An extension that the statement does not call for is refused.
 */
#include "pki/issue.h"

#include <openssl/asn1.h>

#include "base/limits.h"
#include "codec/der.h"
#include "codec/ms_ext.h"
#include "codec/oid.h"
#include "pki/key_int.h"

#define KEY_CERT_SIGN 0x04
#define SERIAL_BITS 64

struct ext {
	const char *oid;
	bool critical;
	struct str value;
	bool seen;
};

struct tbs {
	struct str serial, sigalg, issuer, validity, subject, spki;
	struct ext ext[LIMIT_EXTENSIONS];
	size_t nexts;
};

#define LINT(rule, ...) FAIL(ERR_LINT, rule ": " __VA_ARGS__)

/* A whole element, tag and length with it. */
static err_t
take_whole(struct str *in, uint8_t tag, struct str *ret)
{
	const uint8_t *start = in->p;
	struct str content;

	TRY(der_take(in, tag, &content));
	*ret = str_of(start, (size_t)(in->p - start));
	return OK;
}

static err_t
read_ext(struct arena *a, struct str in, struct ext *ret)
{
	struct str oid, flag;

	TRY(der_take(&in, DER_OID, &oid));
	TRY(oid_text(a, oid, &ret->oid));
	if (in.n > 0 && in.p[0] == DER_BOOLEAN) {
		TRY(der_take(&in, DER_BOOLEAN, &flag));
		if (flag.n != 1 ||
		    flag.p[0] != 0xff) /* FALSE is the default and not written in DER */
			LINT("der", "critical flag of %s", ret->oid);
		ret->critical = true;
	}
	TRY(der_take(&in, DER_OCTETS, &ret->value));
	if (in.n > 0)
		LINT("der", "bytes after extension %s", ret->oid);
	return OK;
}

static err_t
read_exts(struct arena *a, struct str in, struct tbs *t)
{
	struct str wrapper, list, one;

	TRY(der_take(&in, DER_CONTEXT(3), &wrapper));
	TRY(der_take(&wrapper, DER_SEQUENCE, &list));
	if (in.n > 0 || wrapper.n > 0)
		LINT("der", "bytes after the extensions");
	while (list.n > 0) {
		if (t->nexts == LIMIT_EXTENSIONS)
			LINT("extensions", "more than %u", LIMIT_EXTENSIONS);
		TRY(der_take(&list, DER_SEQUENCE, &one));
		TRY(read_ext(a, one, &t->ext[t->nexts]));
		for (size_t i = 0; i < t->nexts; i++)
			if (strcmp(t->ext[i].oid, t->ext[t->nexts].oid) == 0)
				LINT("extensions", "%s stands there twice", t->ext[i].oid);
		t->nexts++;
	}
	return OK;
}

static err_t
read_tbs(struct arena *a, struct str in, struct tbs *t)
{
	static const uint8_t version3[] = { DER_INTEGER, 1, 2 };
	struct str body, version;

	TRY(der_take(&in, DER_SEQUENCE, &body));
	if (in.n > 0)
		LINT("der", "bytes after the certificate");
	TRY(der_take(&body, DER_CONTEXT(0), &version));
	if (!str_eq(version, STR(version3)))
		LINT("version", "not 3");
	TRY(der_take(&body, DER_INTEGER, &t->serial));
	TRY(take_whole(&body, DER_SEQUENCE, &t->sigalg));
	TRY(take_whole(&body, DER_SEQUENCE, &t->issuer));
	TRY(der_take(&body, DER_SEQUENCE, &t->validity));
	TRY(take_whole(&body, DER_SEQUENCE, &t->subject));
	TRY(take_whole(&body, DER_SEQUENCE, &t->spki));
	return read_exts(a, body, t);
}

static err_t
check_serial(const struct tbs *t, const struct issue_spec *s)
{
	size_t bits;

	if (t->serial.n == 0 || t->serial.n > 20 || (t->serial.p[0] & 0x80) != 0)
		LINT("serial", "not positive or longer than 20 bytes");
	/* The top byte is zero only before a byte with its top bit set. */
	if (t->serial.n > 1 && t->serial.p[0] == 0 && (t->serial.p[1] & 0x80) == 0)
		LINT("serial", "zeros in front");
	bits = (t->serial.n - 1) * 8;
	if (t->serial.p[0] != 0)
		bits += 32u - (size_t)__builtin_clz(t->serial.p[0]);
	if (bits < SERIAL_BITS)
		LINT("serial", "%zu bits", bits);
	if (!str_eq(t->serial, STR(s->serial)))
		LINT("serial", "not the one of the statement");
	return OK;
}

static err_t
check_algorithm(const struct tbs *t, const struct issue_spec *s)
{
	EVP_PKEY *key =
	    s->issuer == NULL ? key_pkey(s->key) : X509_get0_pubkey(cert_x509(s->issuer));

	if (key == NULL || !str_eq(t->sigalg, key_sigalg_of(key)))
		LINT("signature-algorithm", "does not fit the issuer's key");
	return OK;
}

static int
two_digits(const uint8_t *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return (p[0] - '0') * 10 + (p[1] - '0');
}

/* RFC 5280 4.1.2.5: seconds, Z, UTCTime through 2049 and only then GeneralizedTime. */
static err_t
read_time(struct str *in, when_t *ret)
{
	struct tm tm = { 0 };
	int field[6], century = 0;
	struct str text;
	uint8_t tag;

	TRY(der_next(in, &tag, &text));
	if (tag == V_ASN1_GENERALIZEDTIME && text.n == 15) {
		century = two_digits(text.p);
		text = str_of(text.p + 2, text.n - 2);
	} else if (tag != V_ASN1_UTCTIME || text.n != 13) {
		LINT("validity", "form of a time");
	}
	for (size_t i = 0; i < 6; i++) {
		field[i] = two_digits(text.p + 2 * i);
		if (field[i] < 0)
			LINT("validity", "digits of a time");
	}
	if (text.p[12] != 'Z' || century < 0)
		LINT("validity", "zone of a time");
	if (tag == V_ASN1_UTCTIME)
		century = field[0] >= 50 ? 19 : 20;
	else if (century * 100 + field[0] < 2050)
		LINT("validity", "GeneralizedTime before 2050");
	tm.tm_year = century * 100 + field[0] - 1900;
	tm.tm_mon = field[1] - 1;
	tm.tm_mday = field[2];
	tm.tm_hour = field[3];
	tm.tm_min = field[4];
	tm.tm_sec = field[5];
	*ret = timegm(&tm);
	return OK;
}

static err_t
check_validity(const struct tbs *t, const struct issue_spec *s)
{
	struct str in = t->validity;
	when_t from, to;

	TRY(read_time(&in, &from));
	TRY(read_time(&in, &to));
	if (in.n > 0)
		LINT("der", "bytes after the validity");
	if (from >= to)
		LINT("validity", "ends before it begins");
	if (from != s->not_before || to != s->not_after)
		LINT("validity", "not the one of the statement");
	if (s->issuer != NULL && from < cert_not_before(s->issuer))
		LINT("validity", "begins before the issuer's");
	if (s->issuer != NULL && to > cert_not_after(s->issuer))
		LINT("validity", "ends after the issuer's");
	return OK;
}

static err_t
check_names(const struct tbs *t, const struct issue_spec *s)
{
	static const uint8_t none[] = { DER_SEQUENCE, 0 };
	struct str subject = s->subject.n == 0 ? STR(none) : s->subject;

	if (!str_eq(t->subject, subject))
		LINT("subject", "not the one of the statement");
	if (!str_eq(t->issuer, s->issuer == NULL ? subject : cert_subject_der(s->issuer)))
		LINT("issuer", "not the issuer's name");
	if (t->issuer.n <= 2)
		LINT("issuer", "empty");
	if (t->subject.n <= 2 && (s->ca || s->san.n == 0))
		LINT("subject", "empty without a name elsewhere");
	return OK;
}

/* RSA exponents: odd, 65537 or more, and not beyond what consumers compute with. */
static err_t
check_rsa(struct str bits)
{
	struct str pair, modulus, e;
	uint64_t v = 0;

	if (bits.n < 1 || bits.p[0] != 0)
		LINT("key", "unused bits");
	bits = str_of(bits.p + 1, bits.n - 1);
	TRY(der_take(&bits, DER_SEQUENCE, &pair));
	TRY(der_take(&pair, DER_INTEGER, &modulus));
	TRY(der_take(&pair, DER_INTEGER, &e));
	if (modulus.n < 2048 / 8 + 1)
		LINT("key", "RSA modulus of less than 2048 bits");
	if (e.n == 0 || e.n > 8)
		LINT("key", "RSA exponent of %zu bytes", e.n);
	for (size_t i = 0; i < e.n; i++)
		v = v << 8 | e.p[i];
	if (v < 65537 || v % 2 == 0)
		LINT("key", "RSA exponent");
	return OK;
}

static err_t
check_key(struct arena *a, const struct tbs *t, const struct issue_spec *s)
{
	struct str want, in = t->spki, body, alg, bits;

	TRY(key_spki(a, s->key, &want));
	if (!str_eq(t->spki, want))
		LINT("key", "not the one of the statement");
	if (key_algorithm(s->key) == KEY_EC) {
		if (key_bits(s->key) != KEY_P256 && key_bits(s->key) != KEY_P384)
			LINT("key", "curve");
		return OK;
	}
	TRY(der_take(&in, DER_SEQUENCE, &body));
	TRY(der_take(&body, DER_SEQUENCE, &alg));
	TRY(der_take(&body, DER_BITSTRING, &bits));
	return check_rsa(bits);
}

/* The extension if it is there; marks it as called for. */
static struct ext *
find(struct tbs *t, const char *oid)
{
	for (size_t i = 0; i < t->nexts; i++)
		if (strcmp(t->ext[i].oid, oid) == 0) {
			t->ext[i].seen = true;
			return &t->ext[i];
		}
	return NULL;
}

static err_t
check_usage(struct tbs *t, const struct issue_spec *s)
{
	struct ext *e = find(t, "2.5.29.15");
	struct str in, bits = STR_EMPTY;
	uint8_t usage = 0;

	if (e != NULL) {
		in = e->value;
		TRY(der_take(&in, DER_BITSTRING, &bits));
		if (bits.n != 2 || bits.p[0] > 7 || in.n > 0)
			LINT("key-usage", "form");
		usage = bits.p[1];
	}
	if (usage != s->key_usage || (e != NULL) != (s->key_usage != 0))
		LINT("key-usage", "not the one of the statement");
	if (e != NULL && !e->critical)
		LINT("key-usage", "not critical");
	if (((usage & KEY_CERT_SIGN) != 0) != s->ca)
		LINT("key-usage", "keyCertSign belongs to a CA and only there");
	return OK;
}

static err_t
check_ekus(struct arena *a, struct tbs *t, const struct issue_spec *s)
{
	struct ext *e = find(t, "2.5.29.37");
	struct str in, list = STR_EMPTY, oid;
	const char *text;
	size_t n = 0;

	if ((e != NULL) != (s->nekus > 0))
		LINT("extended-key-usage", "not as in the statement");
	if (e == NULL)
		return OK;
	in = e->value;
	TRY(der_take(&in, DER_SEQUENCE, &list));
	for (; list.n > 0; n++) {
		TRY(der_take(&list, DER_OID, &oid));
		TRY(oid_text(a, oid, &text));
		if (n >= s->nekus || strcmp(text, s->ekus[n]) != 0)
			LINT("extended-key-usage", "%s is not in the statement", text);
	}
	if (n != s->nekus || in.n > 0)
		LINT("extended-key-usage", "not as in the statement");
	return OK;
}

static err_t
check_san(struct tbs *t, const struct issue_spec *s)
{
	struct ext *e = find(t, "2.5.29.17");

	if (!str_eq(e == NULL ? STR_EMPTY : e->value, s->san))
		LINT("alternative-names", "not those of the statement");
	if (e != NULL && e->critical != (t->subject.n <= 2))
		LINT("alternative-names", "critical exactly when the subject is empty");
	return OK;
}

static err_t
check_constraints(struct tbs *t, const struct issue_spec *s)
{
	struct ext *e = find(t, "2.5.29.19");
	struct str in, body, flag, length;
	int path_len = -1;

	if (e == NULL && s->ca)
		LINT("basic-constraints", "a CA without them");
	if (e == NULL)
		return OK;
	if (!s->ca)
		LINT("basic-constraints", "on a certificate that is no CA");
	in = e->value;
	TRY(der_take(&in, DER_SEQUENCE, &body));
	TRY(der_take(&body, DER_BOOLEAN, &flag));
	if (body.n > 0) {
		TRY(der_take(&body, DER_INTEGER, &length));
		path_len = length.n == 1 && length.p[0] < 0x80 ? length.p[0] : -2;
	}
	if (!e->critical || flag.n != 1 || flag.p[0] != 0xff || body.n > 0 || in.n > 0 ||
	    path_len != s->path_len)
		LINT("basic-constraints", "not as in the statement");
	return OK;
}

static err_t
check_key_ids(struct tbs *t)
{
	struct ext *e = find(t, "2.5.29.14");
	struct str in, body, alg, bits, id;
	uint8_t want[20];

	if (e == NULL)
		LINT("key-identifier", "missing");
	in = t->spki;
	TRY(der_take(&in, DER_SEQUENCE, &body));
	TRY(der_take(&body, DER_SEQUENCE, &alg));
	TRY(der_take(&body, DER_BITSTRING, &bits));
	hash_sha1(str_of(bits.p + 1, bits.n - 1), want);
	in = e->value;
	TRY(der_take(&in, DER_OCTETS, &id));
	if (e->critical || !str_eq(id, STR(want)))
		LINT("key-identifier", "not that of the key");
	e = find(t, "2.5.29.35");
	if (e == NULL || e->critical)
		LINT("authority-key-identifier", "missing or critical");
	return OK;
}

static err_t
check_url(struct tbs *t, const char *oid, const char *url, const char *other)
{
	struct ext *e = find(t, oid);
	const char *want[] = { url, other };

	if ((e != NULL) != (url != NULL || other != NULL))
		LINT("addresses", "%s not as in the statement", oid);
	for (size_t i = 0; e != NULL && i < COUNT(want); i++)
		if (want[i] != NULL &&
		    memmem(e->value.p, e->value.n, want[i], strlen(want[i])) == NULL)
			LINT("addresses", "%s not as in the statement", oid);
	return OK;
}

static err_t
check_sid(struct arena *a, struct tbs *t, const struct issue_spec *s)
{
	struct ext *e = find(t, OID_NTDS_SECURITY);
	const char *want = s->sid == NULL ? "" : s->sid, *sid = "";

	if (e != NULL)
		TRY(ms_sid_parse(a, e->value, &sid));
	if (strcmp(sid, want) != 0 || (e != NULL && e->critical))
		LINT("sid", "not the one of the statement");
	return OK;
}

static err_t
check_more(struct tbs *t, const struct issue_spec *s)
{
	for (size_t i = 0; i < s->nmore; i++) {
		const struct issue_ext *m = &s->more[i];
		struct ext *e = find(t, m->oid);

		if (e == NULL || e->critical != m->critical || !str_eq(e->value, m->value))
			LINT("extensions", "%s not as in the statement", m->oid);
	}
	for (size_t i = 0; i < t->nexts; i++)
		if (!t->ext[i].seen)
			LINT("extensions", "%s is not in the statement", t->ext[i].oid);
	return OK;
}

err_t
issue_lint(struct str tbs, const struct issue_spec *s)
{
	auto_arena struct arena *a = arena_new();
	struct tbs *t = ARENA_NEW(a, struct tbs);
	err_t e = read_tbs(a, tbs, t);

	if (!err_ok(e) && !err_is(e, ERR_LINT)) {
		err_forget(e);
		LINT("der", "the bytes are no certificate");
	}
	TRY(e);
	TRY(check_serial(t, s));
	TRY(check_algorithm(t, s));
	TRY(check_validity(t, s));
	TRY(check_names(t, s));
	TRY(check_key(a, t, s));
	TRY(check_usage(t, s));
	TRY(check_ekus(a, t, s));
	TRY(check_san(t, s));
	TRY(check_constraints(t, s));
	TRY(check_key_ids(t));
	TRY(check_url(t, "2.5.29.31", s->crl_url, NULL));
	TRY(check_url(t, "1.3.6.1.5.5.7.1.1", s->aia_url, s->ocsp_url));
	TRY(check_sid(a, t, s));
	return check_more(t, s);
}
