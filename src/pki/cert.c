/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: reading. Trust is cert_verify.c. */
#include "pki/cert.h"

#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>

#include <openssl/provider.h>
#include <openssl/x509v3.h>

#include "base/limits.h"
#include "pki/cert_skim.h"
#include "pki/key_int.h"
#include "pki/ssl_err.h"

struct extension {
	struct str oid, value; /* the identifier's bytes; extnValue content */
};

struct cert {
	atomic_uint holders;
	_Atomic(X509 *) x509; /* NULL: nobody asked for it yet */
	struct arena *arena;
	struct str der, subject_der, issuer_der, san, spki;
	struct extension *extensions;
	size_t nextensions;
	uint8_t sha256[32], spki_sha256[32];
	const char *serial, *subject, *issuer;
	when_t not_before, not_after;
	uint32_t flags;
	uint8_t key_usage;
};

static err_t
read_time(const ASN1_TIME *t, when_t *ret)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		FAIL_SSL(ERR_CERTIFICATE, "validity");
	*ret = timegm(&tm);
	return OK;
}

static err_t
read_serial(struct arena *a, const ASN1_INTEGER *i, bool odd, const char **ret)
{
	auto_bn BIGNUM *bn = ASN1_INTEGER_to_BN(i, NULL);
	char *hex, *copy;

	/* RFC 5280 4.1.2.2: positive, 20 octets at most; zero is seen in old roots. */
	if (bn == NULL || (!odd && (BN_is_negative(bn) || BN_num_bytes(bn) > 20)))
		FAIL_SSL(ERR_CERTIFICATE, "serial number");
	hex = BN_bn2hex(bn);
	if (hex == NULL)
		FAIL_SSL(ERR_CRYPTO, "serial number");
	copy = arena_strdup(a, hex);
	OPENSSL_free(hex);
	for (char *p = copy; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	*ret = copy;
	return OK;
}

static err_t
read_name(struct arena *a, const X509_NAME *name, struct str *ret_der, const char **ret)
{
	auto_bio BIO *bio = NULL;
	const unsigned char *der;
	struct dn dn;
	size_t n;
	char *text;
	err_t e;

	if (X509_NAME_get0_der(name, &der, &n) != 1)
		FAIL_SSL(ERR_CERTIFICATE, "name");
	*ret_der = arena_str(a, str_of(der, n));
	e = dn_decode(a, *ret_der, &dn);
	if (err_ok(e)) {
		*ret = dn_print(a, &dn);
		return OK;
	}
	/* Some CA's name that ours are stricter than: OpenSSL's text will do for people. */
	err_forget(e);
	bio = BIO_new(BIO_s_mem());
	if (bio == NULL || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0)
		FAIL_SSL(ERR_CERTIFICATE, "name");
	n = (size_t)BIO_get_mem_data(bio, &text);
	*ret = arena_cstr(a, str_of(text, n));
	return OK;
}

static struct str
object_bytes(const ASN1_OBJECT *o)
{
	return o == NULL ? STR_EMPTY : str_of(OBJ_get0_data(o), OBJ_length(o));
}

/* NULL: there is none. */
static const struct extension *
extension_find(const struct cert *c, const ASN1_OBJECT *o)
{
	struct str oid = object_bytes(o);

	for (size_t i = 0; i < c->nextensions; i++)
		if (oid.n > 0 && str_eq(c->extensions[i].oid, oid))
			return &c->extensions[i];
	return NULL;
}

/* RFC 5280 4.2: no extension twice. */
static err_t
read_extensions(struct cert *c, const X509 *x)
{
	int n = X509_get_ext_count(x);

	if (n > (int)LIMIT_EXTENSIONS)
		FAIL(ERR_CERTIFICATE, "%d extensions", n);
	c->extensions = arena_array(c->arena, (size_t)(n < 0 ? 0 : n) + 1, sizeof(*c->extensions));
	for (int i = 0; i < n; i++) {
		X509_EXTENSION *e = X509_get_ext(x, i);
		const ASN1_OBJECT *o = X509_EXTENSION_get_object(e);
		const ASN1_OCTET_STRING *v = X509_EXTENSION_get_data(e);

		if (extension_find(c, o) != NULL)
			FAIL(ERR_CERTIFICATE, "an extension stands there twice");
		c->extensions[c->nextensions++] =
		    (struct extension){ arena_str(c->arena, object_bytes(o)),
			    arena_str(c->arena,
				str_of(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v))) };
	}
	return OK;
}

static struct str
extension_value(const struct cert *c, int nid)
{
	const struct extension *e = extension_find(c, OBJ_nid2obj(nid));

	return e == NULL ? STR_EMPTY : e->value;
}

static err_t
read_facts(struct cert *c, X509 *x)
{
	const ASN1_BIT_STRING *usage;
	auto_ossl_bytes unsigned char *spki = NULL;
	int n;

	/* Fills the cache of extension flags; there is nothing to make its fingerprint with. */
	(void)X509_check_purpose(x, -1, 0);
	c->flags = X509_get_extension_flags(x);
	if ((c->flags & EXFLAG_INVALID) != 0)
		FAIL_SSL(ERR_CERTIFICATE, "extensions");
	ssl_forget();
	if ((c->flags & EXFLAG_KUSAGE) != 0) {
		usage = X509_get_ext_d2i(x, NID_key_usage, NULL, NULL);
		if (usage == NULL)
			FAIL_SSL(ERR_CERTIFICATE, "key usage");
		if (ASN1_STRING_length(usage) > 0)
			c->key_usage = ASN1_STRING_get0_data(usage)[0];
		ASN1_BIT_STRING_free((ASN1_BIT_STRING *)(uintptr_t)usage);
	}
	c->san = extension_value(c, NID_subject_alt_name);
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
	if (n <= 0)
		FAIL_SSL(ERR_CERTIFICATE, "public key");
	c->spki = arena_str(c->arena, str_of(spki, (size_t)n));
	hash_sha256(c->spki, c->spki_sha256);
	return OK;
}

/*
 * A context without any provider. It is made once and never changes: a new one learns the names of all that OpenSSL knows when it
 * is first used, which takes longer than reading a certificate.
 */
static pthread_once_t none_once = PTHREAD_ONCE_INIT;
static OSSL_LIB_CTX *none;

/* One in which no provider was ever loaded would load the default one by itself. */
static void
none_make(void)
{
	OSSL_LIB_CTX *made = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *null = made == NULL ? NULL : OSSL_PROVIDER_load(made, "null");

	if (null == NULL) {
		OSSL_LIB_CTX_free(made);
		return;
	}
	OSSL_PROVIDER_unload(null);
	none = made;
}

static err_t
read_all(struct cert *c, bool odd)
{
	const unsigned char *p = c->der.p;
	X509 *made = X509_new_ex(none, NULL);
	auto_x509 X509 *x =
	    d2i_X509(&made, &p, (long)c->der.n); /* frees what was made when it fails */

	if (x == NULL)
		FAIL_SSL(ERR_CERTIFICATE, "%s", "");
	if (p != c->der.p + c->der.n)
		FAIL(ERR_CERTIFICATE, "bytes after the certificate");
	TRY(read_extensions(c, x));
	TRY(read_facts(c, x));
	TRY(read_serial(c->arena, X509_get0_serialNumber(x), odd, &c->serial));
	TRY(read_name(c->arena, X509_get_subject_name(x), &c->subject_der, &c->subject));
	TRY(read_name(c->arena, X509_get_issuer_name(x), &c->issuer_der, &c->issuer));
	TRY(read_time(X509_get0_notBefore(x), &c->not_before));
	TRY(read_time(X509_get0_notAfter(x), &c->not_after));
	hash_sha256(c->der, c->sha256);
	return OK;
}

/* With OpenSSL's own context it would look for who could read the key, which takes eight times as long as all the rest. */
static err_t
parse(struct cert *c, struct str der, bool odd)
{
	c->der = arena_str(c->arena, der);
	if (pthread_once(&none_once, none_make) != 0 || none == NULL)
		FAIL_SSL(ERR_CRYPTO, "certificate");
	return read_all(c, odd);
}

static err_t
parse_new(struct str der, bool odd, struct cert **ret)
{
	auto_cert struct cert *c = NULL;

	if (der.n == 0 || der.n > LIMIT_CERT_BYTES)
		FAIL(ERR_CERTIFICATE, "%zu bytes", der.n);
	c = calloc(1, sizeof *c);
	if (c == NULL)
		abort();
	atomic_init(&c->holders, 1);
	c->arena = arena_new();
	TRY(parse(c, der, odd));
	*ret = steal(c);
	return OK;
}

err_t
cert_parse(struct str der, struct cert **ret)
{
	return parse_new(der, false, ret);
}

err_t
cert_parse_odd(struct str der, struct cert **ret)
{
	return parse_new(der, true, ret);
}

struct cert *
cert_share(struct cert *c)
{
	atomic_fetch_add(&c->holders, 1);
	return c;
}

void
cert_free(struct cert *c)
{
	if (c == NULL || atomic_fetch_sub(&c->holders, 1) > 1)
		return;
	X509_free(c->x509);
	arena_free(c->arena);
	free(c);
}

struct str
cert_der(const struct cert *c)
{
	return c->der;
}

const uint8_t *
cert_sha256(const struct cert *c)
{
	return c->sha256;
}

const uint8_t *
cert_spki_sha256(const struct cert *c)
{
	return c->spki_sha256;
}

const char *
cert_serial(const struct cert *c)
{
	return c->serial;
}

const char *
cert_subject(const struct cert *c)
{
	return c->subject;
}

const char *
cert_issuer(const struct cert *c)
{
	return c->issuer;
}

struct str
cert_subject_der(const struct cert *c)
{
	return c->subject_der;
}

struct str
cert_issuer_der(const struct cert *c)
{
	return c->issuer_der;
}

struct str
cert_san_der(const struct cert *c)
{
	return c->san;
}

when_t
cert_not_before(const struct cert *c)
{
	return c->not_before;
}

when_t
cert_not_after(const struct cert *c)
{
	return c->not_after;
}

bool
cert_is_ca(const struct cert *c)
{
	return (c->flags & EXFLAG_CA) != 0;
}

bool
cert_self_issued(const struct cert *c)
{
	return str_eq(c->subject_der, c->issuer_der);
}

bool
cert_has_ekus(const struct cert *c)
{
	return extension_value(c, NID_ext_key_usage).n > 0;
}

bool
cert_has_eku(const struct cert *c, const char *oid)
{
	struct str value = extension_value(c, NID_ext_key_usage);
	const unsigned char *p = value.p;
	EXTENDED_KEY_USAGE *eku =
	    value.n == 0 ? NULL : d2i_EXTENDED_KEY_USAGE(NULL, &p, (long)value.n);
	auto_object ASN1_OBJECT *want = OBJ_txt2obj(oid, 1);
	bool found = false;

	for (int i = 0; want != NULL && i < sk_ASN1_OBJECT_num(eku); i++)
		found |= OBJ_cmp(sk_ASN1_OBJECT_value(eku, i), want) == 0;
	EXTENDED_KEY_USAGE_free(eku);
	ssl_forget();
	return found;
}

uint8_t
cert_key_usage(const struct cert *c)
{
	return c->key_usage;
}

err_t
cert_key(const struct cert *c, struct key **ret)
{
	return key_from_spki(c->spki, ret);
}

err_t
cert_for_key(struct str der, const struct key *k)
{
	auto_arena struct arena *a = arena_new();
	auto_cert struct cert *c = NULL;
	auto_key struct key *certified = NULL;
	struct cert_skim skimmed;
	struct str spki;

	TRY(cert_skim(der, &skimmed));
	TRY(key_spki(a, k, &spki));
	if (str_eq(skimmed.spki, spki))
		return OK;
	TRY(cert_parse(der, &c));
	TRY(cert_key(c, &certified));
	if (!key_same_public(k, certified))
		FAIL(ERR_KEY_MISMATCH, "serial %s", cert_serial(c));
	return OK;
}

err_t
cert_extension(struct arena *a, const struct cert *c, const char *oid, struct str *ret)
{
	auto_object ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	const struct extension *e = extension_find(c, o);

	ssl_forget();
	if (e == NULL)
		FAIL(ERR_NOT_FOUND, "no extension %s", oid);
	*ret = arena_str(a, e->value);
	return OK;
}

/* One whose key OpenSSL stumbles over is as none at all: empty, so that nothing can be done with it. */
static X509 *
read_whole(const struct cert *c)
{
	const unsigned char *p = c->der.p;
	X509 *x = d2i_X509(NULL, &p, (long)c->der.n);

	if (x == NULL)
		x = X509_new();
	if (x == NULL)
		abort();
	(void)X509_check_purpose(x, -1, 0); /* fills the cache of extension flags */
	ssl_forget();
	return x;
}

void *
cert_x509(const struct cert *c)
{
	_Atomic(X509 *) *at = (_Atomic(X509 *) *)(uintptr_t)&c->x509;
	X509 *have = atomic_load(at), *mine;

	if (have != NULL)
		return have;
	mine = read_whole(c);
	if (atomic_compare_exchange_strong(at, &have, mine))
		return mine;
	X509_free(mine);
	return have;
}
