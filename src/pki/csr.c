/* SPDX-License-Identifier: Apache-2.0 */
/* See csr.h. */
#include "pki/csr.h"

#include <openssl/x509v3.h>

#include "base/limits.h"
#include "codec/der.h"
#include "codec/ms_ext.h"
#include "codec/oid.h"
#include "pki/build.h"
#include "pki/key_int.h"

#define OID_SAN "2.5.29.17"
#define OID_EKU "2.5.29.37"

static err_t
make_extensions(const struct csr_spec *s, STACK_OF(X509_EXTENSION) * *list)
{
	TRY(build_key_usage(list, s->key_usage));
	TRY(build_ekus(list, s->ekus, s->nekus));
	if (s->san.n > 0)
		TRY(build_ext(list, OID_SAN, s->subject.n <= 2, s->san));
	return build_sid(list, s->sid);
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
	n = i2d_re_X509_REQ_tbs(req, &info);
	if (n <= 0)
		FAIL_SSL(ERR_CRYPTO, "building a request");
	return key_sign_tbs(a, k, str_of(info, (size_t)n), ret_der);
}

static err_t
check_proof(X509_REQ *req)
{
	int md = NID_undef;
	EVP_PKEY *key = X509_REQ_get0_pubkey(req);

	if (key == NULL)
		FAIL_SSL(ERR_KEY, "public key of the request");
	if (OBJ_find_sigid_algs(X509_REQ_get_signature_nid(req), &md, NULL) != 1 ||
	    (md != NID_sha256 && md != NID_sha384 && md != NID_sha512)) {
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
	return read_template(a, exts, &c->template);
}

static err_t
read_key(X509_REQ *req, struct csr *c)
{
	EVP_PKEY *p = X509_REQ_get_pubkey(req);

	if (p == NULL)
		FAIL_SSL(ERR_KEY, "public key of the request");
	TRY(key_adopt(p, false, &c->key));
	return key_spki_sha256(c->key, c->spki_sha256);
}

err_t
csr_parse(struct arena *a, struct str der, struct csr *ret)
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
	TRY(check_proof(req));
	TRY(read_fields(a, req, &c));
	*ret = c;
	c.key = NULL;
	return OK;
}

void
csr_free(struct csr *c)
{
	key_free(c->key);
	c->key = NULL;
}
