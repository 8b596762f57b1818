/* SPDX-License-Identifier: Apache-2.0 */
/* See csr.h. */
#include "pki/csr.h"

#include <openssl/x509v3.h>

#include "base/limits.h"
#include "base/rd.h"
#include "base/text.h"
#include "codec/der.h"
#include "codec/dn.h"
#include "codec/dn_key.h"
#include "codec/ms_ext.h"
#include "codec/oid.h"
#include "pki/build.h"
#include "pki/key_int.h"
#include "pki/sigalg.h"

#define OID_SAN "2.5.29.17"

/* Identifiers as their bytes, for what is read. */
#define OID_BYTES(text) \
	{ \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

static const struct str oid_san = OID_BYTES("\x55\x1d\x11"), oid_eku = OID_BYTES("\x55\x1d\x25"),
			oid_key_usage = OID_BYTES("\x55\x1d\x0f"),
			oid_constraints = OID_BYTES("\x55\x1d\x13");
static const struct str oid_template_name = OID_BYTES("\x2b\x06\x01\x04\x01\x82\x37\x14\x02");
static const struct str oid_template_info = OID_BYTES("\x2b\x06\x01\x04\x01\x82\x37\x15\x07");
static const struct str oid_sid = OID_BYTES("\x2b\x06\x01\x04\x01\x82\x37\x19\x02");
static const struct str oid_policies = OID_BYTES("\x2b\x06\x01\x04\x01\x82\x37\x15\x0a");
static const struct str oid_ms_extensions = OID_BYTES("\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0e");
static const struct str oid_extensions = OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e");
static const struct str oid_challenge = OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07");
/* RFC 2985 5.4.2: unstructuredName, text of no fixed meaning. What begins with our word is ours. */
static const struct str oid_unstructured = OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x02");
#define ATTEST_WORD "chancery-attest-v1 "

/* RFC 7030 4.4.1.1, 4.4.1.2 */
static const struct str oid_decrypt_key = OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x25");
static const struct str oid_asymmetric_decrypt_key =
    OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x36");

static err_t
make_extensions(const struct csr_spec *s, STACK_OF(X509_EXTENSION) * *list)
{
	TRY(build_key_usage(list, s->key_usage));
	TRY(build_ekus(list, s->ekus, s->nekus));
	if (s->san.n > 0)
		TRY(build_ext(list, OID_SAN, s->subject.n <= 2, s->san));
	return build_sid(list, s->sid);
}

static err_t
attribute(struct arena *a, struct str oid, uint8_t tag, struct str value, struct str *ret)
{
	struct str parts[2];

	TRY(build_wrap(a, DER_OID, oid, &parts[0]));
	if (tag != 0)
		TRY(build_wrap(a, tag, value, &value));
	TRY(build_wrap(a, DER_SET, value, &parts[1]));
	return build_wrap(a, DER_SEQUENCE, build_join(a, parts, COUNT(parts)), ret);
}

static void
in_order(struct str *one, struct str *two)
{
	struct str was = *one;

	if (str_cmp(*one, *two) <= 0)
		return;
	*one = *two;
	*two = was;
}

/* RFC 2986 4.1, in the order that DER wants. */
static err_t
make_attributes(struct arena *a, const struct csr_spec *s, struct str *ret)
{
	auto_exts STACK_OF(X509_EXTENSION) *exts = NULL;
	auto_ossl_bytes unsigned char *der = NULL;
	const char *challenge = s->challenge == NULL ? "" : s->challenge;
	struct str parts[3] = { STR_EMPTY, STR_EMPTY, STR_EMPTY };
	int n;

	TRY(make_extensions(s, &exts));
	if (exts != NULL) {
		n = i2d_X509_EXTENSIONS(exts, &der);
		if (n <= 0)
			FAIL_SSL(ERR_CRYPTO, "building a request");
		TRY(attribute(a, oid_extensions, 0, str_of(der, (size_t)n), &parts[0]));
	}
	/* PrintableString when it fits, else UTF8String: RFC 2985 5.4.1. */
	if (*challenge != '\0')
		TRY(attribute(a, oid_challenge, dn_printable(challenge) ? DER_PRINTABLE : DER_UTF8,
		    str_c(challenge), &parts[1]));
	if (s->attest.n > 0)
		TRY(attribute(a, oid_unstructured, DER_IA5,
		    str_c(arena_printf(a, ATTEST_WORD "%s", text_base64(a, s->attest))),
		    &parts[2]));
	in_order(&parts[0], &parts[1]);
	in_order(&parts[1], &parts[2]);
	in_order(&parts[0], &parts[1]);
	return build_wrap(a, DER_CONTEXT(0), build_join(a, parts, COUNT(parts)), ret);
}

/* RFC 2986 4.1. Written directly: OpenSSL's objects read and write the key several times. */
err_t
csr_make(struct arena *a, const struct key *k, const struct csr_spec *spec, struct str *ret_der)
{
	static const uint8_t version[] = { DER_INTEGER, 1, 0 };
	struct str parts[4] = { STR(version) };
	auto_x509_name X509_NAME *name = NULL;
	const unsigned char *subject;
	size_t n;
	struct str info;

	TRY(build_name(spec->subject, &name));
	if (X509_NAME_get0_der(name, &subject, &n) != 1)
		FAIL_SSL(ERR_CRYPTO, "building a request");
	parts[1] = str_of(subject, n);
	TRY(key_spki(a, k, &parts[2]));
	TRY(make_attributes(a, spec, &parts[3]));
	TRY(build_wrap(a, DER_SEQUENCE, build_join(a, parts, COUNT(parts)), &info));
	return key_sign_tbs(a, k, info, ret_der);
}

/* What a request's proof of possession must be. */
enum proof { PROOF_SHA2, PROOF_SHA1_TOO, PROOF_NONE };

/* A request taken apart (RFC 2986 4.2); all borrowed. */
struct parts {
	struct str info;          /* what is signed, whole */
	struct str subject, spki; /* whole */
	struct str attributes;    /* one after the other */
	struct str algorithm;     /* OID of the signature */
	struct str signature;
};

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
read_info(struct str info, struct parts *p)
{
	struct str body, version;

	TRY(der_take(&info, DER_SEQUENCE, &body));
	TRY(der_take(&body, DER_INTEGER, &version));
	if (version.n != 1 || version.p[0] != 0)
		FAIL(ERR_CSR, "it is not of version 1");
	TRY(take_whole(&body, DER_SEQUENCE, &p->subject));
	TRY(take_whole(&body, DER_SEQUENCE, &p->spki));
	/* Not optional in RFC 2986, and left out by some. */
	if (body.n > 0)
		TRY(der_take(&body, DER_CONTEXT(0), &p->attributes));
	return rd_end(&body);
}

static err_t
read_parts(struct str der, struct parts *p)
{
	struct str body, algorithm, bits;

	TRY(der_take(&der, DER_SEQUENCE, &body));
	TRY(rd_end(&der));
	TRY(take_whole(&body, DER_SEQUENCE, &p->info));
	TRY(der_take(&body, DER_SEQUENCE, &algorithm));
	TRY(der_take(&body, DER_BITSTRING, &bits));
	TRY(rd_end(&body));
	TRY(der_take(&algorithm, DER_OID, &p->algorithm));
	if (bits.n == 0 || bits.p[0] != 0)
		FAIL(ERR_CSR, "unused bits in the signature");
	p->signature = str_of(bits.p + 1, bits.n - 1);
	return read_info(p->info, p);
}

/* ---- the proof ---- */

static err_t
check_proof(struct arena *a, const struct parts *p, const struct key *k, enum proof proof)
{
	const struct sigalg *s = sigalg_find(p->algorithm);
	const char *name;
	err_t e;

	if (s == NULL || (s->sha1 && proof != PROOF_SHA1_TOO)) {
		TRY(oid_text(a, p->algorithm, &name));
		FAIL(ERR_CSR_SIGNATURE, "signature algorithm %s is not taken", name);
	}
	if (s->alg != key_algorithm(k))
		FAIL(ERR_CSR_SIGNATURE, "the signature is not of the kind of the key");
	e = key_verify_with(k, s->md, p->info, p->signature);
	if (!err_is(e, ERR_SIGNATURE))
		return e;
	err_forget(e);
	FAIL(ERR_CSR_SIGNATURE, "%s", "");
}

/* ---- attributes and extensions ---- */

struct attribute {
	struct str oid, values;
};

static err_t
next_attribute(struct str *in, struct attribute *ret)
{
	struct str one;

	TRY(der_take(in, DER_SEQUENCE, &one));
	TRY(der_take(&one, DER_OID, &ret->oid));
	TRY(der_take(&one, DER_SET, &ret->values));
	return rd_end(&one);
}

struct ext {
	struct str oid, value;
};

struct exts {
	struct ext v[LIMIT_EXTENSIONS];
	size_t n;
};

static err_t
read_extension(struct str in, struct exts *ret)
{
	struct ext x;
	struct str critical;

	TRY(der_take(&in, DER_OID, &x.oid));
	if (in.n > 0 && in.p[0] == DER_BOOLEAN)
		TRY(der_take(&in, DER_BOOLEAN, &critical));
	TRY(der_take(&in, DER_OCTETS, &x.value));
	TRY(rd_end(&in));
	for (size_t i = 0; i < ret->n; i++)
		if (str_eq(ret->v[i].oid, x.oid))
			FAIL(ERR_CSR, "an extension stands there twice");
	if (ret->n == LIMIT_EXTENSIONS)
		FAIL(ERR_CSR, "more than %u extensions", LIMIT_EXTENSIONS);
	ret->v[ret->n++] = x;
	return OK;
}

static err_t
read_extensions(struct str values, struct exts *ret)
{
	struct str list, one;

	TRY(der_take(&values, DER_SEQUENCE, &list));
	if (values.n > 0)
		FAIL(ERR_CSR, "extensions are asked for more than once");
	while (list.n > 0) {
		TRY(der_take(&list, DER_SEQUENCE, &one));
		TRY(read_extension(one, ret));
	}
	return OK;
}

/* Empty when there is no such extension. */
static struct str
ext_value(struct arena *a, const struct exts *exts, struct str oid)
{
	for (size_t i = 0; i < exts->n; i++)
		if (str_eq(exts->v[i].oid, oid))
			return arena_str(a, exts->v[i].value);
	return STR_EMPTY;
}

static err_t
read_ekus(struct arena *a, struct str der, struct csr *c)
{
	struct str list, oid;

	if (der.n == 0)
		return OK;
	TRY(der_take(&der, DER_SEQUENCE, &list));
	if (der.n > 0)
		FAIL(ERR_CSR, "bytes after the extended key usages");
	c->ekus = arena_array(a, LIMIT_EKUS, sizeof *c->ekus);
	while (list.n > 0) {
		if (c->nekus == LIMIT_EKUS)
			FAIL(ERR_CSR, "too many extended key usages");
		TRY(der_take(&list, DER_OID, &oid));
		TRY(oid_text(a, oid, &c->ekus[c->nekus]));
		c->nekus++;
	}
	return OK;
}

/* RFC 5280 4.2.1.3; bits past the first byte (decipherOnly) nobody asks for. */
static err_t
read_key_usage(struct str der, struct csr *c)
{
	struct str bits;

	if (der.n == 0)
		return OK;
	TRY(der_take(&der, DER_BITSTRING, &bits));
	if (der.n > 0 || bits.n < 1 || bits.n > 3 || bits.p[0] > 7)
		FAIL(ERR_CSR, "the key usage is no bit string");
	c->key_usage = bits.n > 1 ? bits.p[1] : 0;
	return OK;
}

/* RFC 5280 4.2.1.9; cA is FALSE where it is left out, and anything but zero is TRUE in BER. */
static err_t
read_constraints(struct str der, struct csr *c)
{
	struct str body, ca;

	if (der.n == 0)
		return OK;
	TRY(der_take(&der, DER_SEQUENCE, &body));
	TRY(rd_end(&der));
	if (body.n == 0 || body.p[0] != DER_BOOLEAN)
		return OK;
	TRY(der_take(&body, DER_BOOLEAN, &ca));
	c->ca = ca.n != 1 || ca.p[0] != 0;
	return OK;
}

static err_t
read_template(struct arena *a, const struct exts *exts, const char **ret)
{
	struct str name = ext_value(a, exts, oid_template_name);
	struct str info = ext_value(a, exts, oid_template_info);
	struct ms_template_info t;

	*ret = "";
	if (info.n > 0) {
		TRY(ms_template_info_parse(a, info, &t));
		*ret = t.oid;
	} else if (name.n > 0) {
		TRY(ms_template_name_parse(a, name, ret));
	}
	return OK;
}

/* RFC 2985 5.4.1 says DirectoryString; IA5String is seen as well. */
static err_t
read_challenge(struct arena *a, struct str values, const char **ret)
{
	auto_ossl_bytes unsigned char *utf8 = NULL;
	auto_octets ASN1_STRING *text = NULL;
	struct str content;
	uint8_t tag;
	int n;

	TRY(der_next(&values, &tag, &content));
	if (values.n > 0)
		FAIL(ERR_CSR, "more than one challenge password");
	if (tag != DER_PRINTABLE && tag != DER_UTF8 && tag != DER_IA5 && tag != DER_T61 &&
	    tag != DER_BMP)
		FAIL(ERR_CSR, "the challenge password is no text");
	text = ASN1_STRING_type_new(tag);
	if (text == NULL || ASN1_STRING_set(text, content.p, (int)content.n) != 1)
		FAIL_SSL(ERR_CSR, "challenge password");
	n = ASN1_STRING_to_UTF8(&utf8, text);
	if (n < 0)
		FAIL_SSL(ERR_CSR, "challenge password");
	return text_cstr(a, str_of(utf8, (size_t)n), ret);
}

static err_t
read_attest(struct arena *a, struct str values, struct str *ret)
{
	struct str text;
	uint8_t tag;

	TRY(der_next(&values, &tag, &text));
	if ((tag != DER_IA5 && tag != DER_UTF8) || !str_starts(text, LIT(ATTEST_WORD)))
		return OK;
	if (ret->n > 0 || values.n > 0)
		FAIL(ERR_CSR, "more than one word of the maker of the key");
	text = str_of(text.p + sizeof(ATTEST_WORD) - 1, text.n - (sizeof(ATTEST_WORD) - 1));
	TRY_CTX(text_unbase64(a, text, ret), "word of the maker of the key");
	return OK;
}

/* Extensions stand at one place at most: RFC 2985 5.4.2, or Microsoft's own. */
static err_t
read_attributes(struct arena *a, struct str in, struct exts *exts, struct csr *c)
{
	bool challenged = false, extended = false;

	while (in.n > 0) {
		struct attribute at;

		TRY(next_attribute(&in, &at));
		if (str_eq(at.oid, oid_challenge)) {
			if (challenged)
				FAIL(ERR_CSR, "more than one challenge password");
			challenged = true;
			TRY(read_challenge(a, at.values, &c->challenge));
		} else if (str_eq(at.oid, oid_extensions) || str_eq(at.oid, oid_ms_extensions)) {
			if (extended)
				FAIL(ERR_CSR, "extensions are asked for more than once");
			extended = true;
			TRY_CTX(read_extensions(at.values, exts), "extensions");
		} else if (str_eq(at.oid, oid_unstructured)) {
			TRY(read_attest(a, at.values, &c->attest));
		} else if (str_eq(at.oid, oid_decrypt_key) ||
		    str_eq(at.oid, oid_asymmetric_decrypt_key)) {
			c->sealed_key = true;
		}
	}
	return OK;
}

static err_t
read_fields(struct arena *a, const struct parts *p, struct csr *c)
{
	struct exts *exts = ARENA_NEW(a, struct exts);
	struct str sid, policies;

	c->challenge = "";
	TRY(read_attributes(a, p->attributes, exts, c));
	c->subject = arena_str(a, p->subject);
	c->san = ext_value(a, exts, oid_san);
	TRY_CTX(read_ekus(a, ext_value(a, exts, oid_eku), c), "extended key usage");
	TRY_CTX(read_key_usage(ext_value(a, exts, oid_key_usage), c), "key usage");
	TRY_CTX(read_constraints(ext_value(a, exts, oid_constraints), c), "basic constraints");
	c->sid = "";
	sid = ext_value(a, exts, oid_sid);
	if (sid.n > 0)
		TRY_CTX(ms_sid_parse(a, sid, &c->sid), "SID extension");
	policies = ext_value(a, exts, oid_policies);
	if (policies.n > 0)
		TRY_CTX(ms_app_policies_parse(a, policies, &c->policies, &c->npolicies),
		    "application policies");
	return read_template(a, exts, &c->template);
}

/* What is not built as a request is one error, whatever the place. */
static err_t
as_request(err_t e)
{
	struct err_report rep;

	if (!err_is(e, ERR_DER) && !err_is(e, ERR_TRUNCATED) && !err_is(e, ERR_TRAILING))
		return e;
	err_take(e, &rep);
	FAIL(ERR_CSR, "%s", rep.detail);
}

static err_t
parse(struct arena *a, struct str der, enum proof proof, struct csr *ret)
{
	auto_csr struct csr c = { 0 };
	struct parts p = { 0 };

	if (der.n == 0 || der.n > LIMIT_CSR_BYTES)
		FAIL(ERR_CSR, "%zu bytes", der.n);
	TRY(as_request(read_parts(der, &p)));
	TRY(key_from_spki(p.spki, &c.key));
	TRY(key_spki_sha256(c.key, c.spki_sha256));
	if (proof != PROOF_NONE)
		TRY(check_proof(a, &p, c.key, proof));
	TRY(as_request(read_fields(a, &p, &c)));
	*ret = c;
	c.key = NULL;
	return OK;
}

err_t
csr_parse(struct arena *a, struct str der, struct csr *ret)
{
	return parse(a, der, PROOF_SHA2, ret);
}

err_t
csr_parse_sha1(struct arena *a, struct str der, struct csr *ret)
{
	return parse(a, der, PROOF_SHA1_TOO, ret);
}

err_t
csr_parse_unproven(struct arena *a, struct str der, struct csr *ret)
{
	return parse(a, der, PROOF_NONE, ret);
}

void
csr_free(struct csr *c)
{
	key_free(c->key);
	c->key = NULL;
}

err_t
csr_names(struct arena *a, const struct csr *csr, struct str ordered)
{
	struct dn want, got;

	TRY_CTX(dn_decode(a, csr->subject, &got), "subject of the request");
	if (got.n == 0)
		return OK;
	TRY_CTX(dn_decode(a, ordered, &want), "subject of the order");
	if (!dn_same_parts(&want, &got))
		FAIL(ERR_ORDER_SUBJECT, "requested %s, ordered %s", dn_print(a, &got),
		    dn_print(a, &want));
	return OK;
}
