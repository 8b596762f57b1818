/* SPDX-License-Identifier: Apache-2.0 */
/* See csr.h. */
#include "pki/csr.h"

#include <openssl/x509v3.h>

#include "base/limits.h"
#include "base/text.h"
#include "codec/der.h"
#include "codec/dn_key.h"
#include "codec/ms_ext.h"
#include "codec/oid.h"
#include "pki/build.h"
#include "pki/key_int.h"

#define OID_SAN "2.5.29.17"
#define OID_EKU "2.5.29.37"
/* RFC 7030 4.4.1.1, 4.4.1.2 */
#define OID_DECRYPT_KEY "1.2.840.113549.1.9.16.2.37"
#define OID_ASYMMETRIC_DECRYPT_KEY "1.2.840.113549.1.9.16.2.54"

static err_t
make_extensions(const struct csr_spec *s, STACK_OF(X509_EXTENSION) * *list)
{
	TRY(build_key_usage(list, s->key_usage));
	TRY(build_ekus(list, s->ekus, s->nekus));
	if (s->san.n > 0)
		TRY(build_ext(list, OID_SAN, s->subject.n <= 2, s->san));
	return build_sid(list, s->sid);
}

/* PrintableString when it fits, else UTF8String: RFC 2985 5.4.1. */
static err_t
put_challenge(X509_REQ *req, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return OK;
	if (X509_REQ_add1_attr_by_NID(req, NID_pkcs9_challengePassword,
		dn_printable(text) ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING,
		(const unsigned char *)text, (int)strlen(text)) != 1)
		FAIL_SSL(ERR_CRYPTO, "building a request");
	return OK;
}

err_t
csr_make(struct arena *a, const struct key *k, const struct csr_spec *spec, struct str *ret_der)
{
	auto_x509_req X509_REQ *req = X509_REQ_new();
	auto_x509_name X509_NAME *name = NULL;
	auto_exts STACK_OF(X509_EXTENSION) *exts = NULL;
	auto_pkey EVP_PKEY *pub = NULL;
	auto_ossl_bytes unsigned char *info = NULL;
	int n;

	TRY(build_name(spec->subject, &name));
	TRY(make_extensions(spec, &exts));
	TRY(key_public(k, &pub));
	if (req == NULL || X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_subject_name(req, name) != 1 || X509_REQ_set_pubkey(req, pub) != 1)
		FAIL_SSL(ERR_CRYPTO, "building a request");
	if (exts != NULL && X509_REQ_add_extensions(req, exts) != 1)
		FAIL_SSL(ERR_CRYPTO, "building a request");
	TRY(put_challenge(req, spec->challenge));
	n = i2d_re_X509_REQ_tbs(req, &info);
	if (n <= 0)
		FAIL_SSL(ERR_CRYPTO, "building a request");
	return key_sign_tbs(a, k, str_of(info, (size_t)n), ret_der);
}

/* What a request's proof of possession must be. */
enum proof { PROOF_SHA2, PROOF_SHA1_TOO, PROOF_NONE };

static err_t
check_proof(X509_REQ *req, enum proof proof)
{
	int md = NID_undef;
	EVP_PKEY *key = X509_REQ_get0_pubkey(req);

	if (key == NULL)
		FAIL_SSL(ERR_KEY, "public key of the request");
	if (OBJ_find_sigid_algs(X509_REQ_get_signature_nid(req), &md, NULL) != 1 ||
	    (md != NID_sha256 && md != NID_sha384 && md != NID_sha512 &&
		!(proof == PROOF_SHA1_TOO && md == NID_sha1))) {
		ssl_forget();
		FAIL(ERR_CSR_SIGNATURE, "signature algorithm %s is not taken",
		    OBJ_nid2sn(X509_REQ_get_signature_nid(req)));
	}
	if (X509_REQ_verify(req, key) != 1) {
		ssl_forget();
		FAIL(ERR_CSR_SIGNATURE, "%s", "");
	}
	return OK;
}

/* Where extensions stand (RFC 2985 5.4.2, or Microsoft's own), at one place at most and none twice. */
static err_t
read_extensions(X509_REQ *req, STACK_OF(X509_EXTENSION) * *ret)
{
	auto_exts STACK_OF(X509_EXTENSION) *exts = NULL;
	int n = 0;

	for (int i = 0; i < X509_REQ_get_attr_count(req); i++) {
		X509_ATTRIBUTE *at = X509_REQ_get_attr(req, i);
		int nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object(at));

		if (nid != NID_ext_req && nid != NID_ms_ext_req)
			continue;
		if (++n > 1 || X509_ATTRIBUTE_count(at) != 1)
			FAIL(ERR_CSR, "extensions are asked for more than once");
	}
	if (n == 0)
		return OK;
	exts = X509_REQ_get_extensions(req);
	if (exts == NULL)
		FAIL_SSL(ERR_CSR, "extensions");
	if (sk_X509_EXTENSION_num(exts) > (int)LIMIT_EXTENSIONS)
		FAIL(ERR_CSR, "%d extensions", sk_X509_EXTENSION_num(exts));
	for (int i = 0; i < sk_X509_EXTENSION_num(exts); i++) {
		X509_EXTENSION *e = sk_X509_EXTENSION_value(exts, i);

		if (X509v3_get_ext_by_OBJ(exts, X509_EXTENSION_get_object(e), i) >= 0)
			FAIL(ERR_CSR, "an extension stands there twice");
	}
	*ret = steal(exts);
	return OK;
}

/* Empty when there is no such extension. */
static struct str
ext_value(struct arena *a, const STACK_OF(X509_EXTENSION) * exts, const char *oid)
{
	auto_object ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	int at = exts == NULL || o == NULL ? -1 : X509v3_get_ext_by_OBJ(exts, o, -1);
	const ASN1_OCTET_STRING *v;

	if (at < 0)
		return STR_EMPTY;
	v = X509_EXTENSION_get_data(X509v3_get_ext(exts, at));
	return arena_str(a, str_of(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v)));
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

static err_t
read_template(struct arena *a, const STACK_OF(X509_EXTENSION) * exts, const char **ret)
{
	struct str name = ext_value(a, exts, OID_TEMPLATE_NAME);
	struct str info = ext_value(a, exts, OID_TEMPLATE_INFO);
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
read_challenge(struct arena *a, X509_REQ *req, const char **ret)
{
	int at = X509_REQ_get_attr_by_NID(req, NID_pkcs9_challengePassword, -1);
	auto_ossl_bytes unsigned char *utf8 = NULL;
	const ASN1_TYPE *v;
	int n;

	*ret = "";
	if (at < 0)
		return OK;
	if (X509_REQ_get_attr_by_NID(req, NID_pkcs9_challengePassword, at) >= 0 ||
	    X509_ATTRIBUTE_count(X509_REQ_get_attr(req, at)) != 1)
		FAIL(ERR_CSR, "more than one challenge password");
	v = X509_ATTRIBUTE_get0_type(X509_REQ_get_attr(req, at), 0);
	if (v == NULL ||
	    (v->type != V_ASN1_PRINTABLESTRING && v->type != V_ASN1_UTF8STRING &&
		v->type != V_ASN1_IA5STRING && v->type != V_ASN1_T61STRING &&
		v->type != V_ASN1_BMPSTRING))
		FAIL(ERR_CSR, "the challenge password is no text");
	n = ASN1_STRING_to_UTF8(&utf8, v->value.asn1_string);
	if (n < 0)
		FAIL_SSL(ERR_CSR, "challenge password");
	return text_cstr(a, str_of(utf8, (size_t)n), ret);
}

static bool
has_attribute(X509_REQ *req, const char *oid)
{
	auto_object ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);

	return o != NULL && X509_REQ_get_attr_by_OBJ(req, o, -1) >= 0;
}

static err_t
read_fields(struct arena *a, X509_REQ *req, struct csr *c)
{
	auto_exts STACK_OF(X509_EXTENSION) *exts = NULL;
	const unsigned char *subject;
	struct str sid;
	size_t n;

	TRY(read_extensions(req, &exts));
	if (X509_NAME_get0_der(X509_REQ_get_subject_name(req), &subject, &n) != 1)
		FAIL_SSL(ERR_CSR, "subject");
	c->subject = arena_str(a, str_of(subject, n));
	c->san = ext_value(a, exts, OID_SAN);
	TRY_CTX(read_ekus(a, ext_value(a, exts, OID_EKU), c), "extended key usage");
	c->sid = "";
	sid = ext_value(a, exts, OID_NTDS_SECURITY);
	if (sid.n > 0)
		TRY_CTX(ms_sid_parse(a, sid, &c->sid), "SID extension");
	c->sealed_key =
	    has_attribute(req, OID_DECRYPT_KEY) || has_attribute(req, OID_ASYMMETRIC_DECRYPT_KEY);
	TRY(read_challenge(a, req, &c->challenge));
	return read_template(a, exts, &c->template);
}

static err_t
read_key(X509_REQ *req, struct csr *c)
{
	EVP_PKEY *p = X509_REQ_get_pubkey(req);

	if (p == NULL)
		FAIL_SSL(ERR_KEY, "public key of the request");
	TRY(key_adopt_request(p, X509_REQ_get_X509_PUBKEY(req), &c->key));
	return key_spki_sha256(c->key, c->spki_sha256);
}

static err_t
parse(struct arena *a, struct str der, enum proof proof, struct csr *ret)
{
	const unsigned char *p = der.p;
	auto_x509_req X509_REQ *req = NULL;
	auto_csr struct csr c = { 0 };

	if (der.n == 0 || der.n > LIMIT_CSR_BYTES)
		FAIL(ERR_CSR, "%zu bytes", der.n);
	req = d2i_X509_REQ(NULL, &p, (long)der.n);
	if (req == NULL)
		FAIL_SSL(ERR_CSR, "%s", "");
	if (p != der.p + der.n)
		FAIL(ERR_CSR, "bytes after the request");
	if (X509_REQ_get_version(req) != X509_REQ_VERSION_1)
		FAIL(ERR_CSR, "version %ld", X509_REQ_get_version(req) + 1);
	TRY(read_key(req, &c));
	if (proof != PROOF_NONE)
		TRY(check_proof(req, proof));
	TRY(read_fields(a, req, &c));
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
