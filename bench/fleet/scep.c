/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "base/secret.h"
#include "fleet.h"
#include "pki/cms.h"
#include "pki/issue.h"
#include "pki/scep.h"

enum { NONCE = 16, DAY = 86400 };
#define DIGITAL_SIGNATURE 0x80
#define KEY_ENCIPHERMENT 0x20

struct exchange {
	struct link *l;
	struct fiber *f;
	struct arena *a;
	const struct scep_order *o;
	const char *transaction;
	uint8_t nonce[NONCE];
	struct cert *to; /* whom the request is sealed to */
};

static err_t
ask(struct exchange *x, const char *method, const char *query, struct str body,
    struct link_got *ret)
{
	struct link_ask q = {
		.method = method,
		.url = arena_printf(x->a, "%s?operation=%s", x->o->url, query),
		.headers = body.n == 0 ? NULL : "Content-Type: application/x-pki-message\r\n",
		.body = body,
	};

	TRY(link_exchange(x->l, x->f, x->a, &q, ret));
	return expect_status(x->a, ret, 200, query);
}

static bool
is_named(struct arena *a, struct str der, const char *sha1)
{
	uint8_t hash[20];

	hash_sha1(der, hash);
	return str_ieq_c(str_c(text_hex(a, STR(hash))), sha1);
}

/* RFC 8894 4.2.1. An RA for sealing goes before a CA. */
static err_t
get_certs(struct exchange *x)
{
	struct link_got got;
	struct str one, *v = &one;
	size_t n = 1;
	bool named = x->o->ca_sha1 == NULL;

	TRY(ask(x, "GET", "GetCACert&message=ca", STR_EMPTY, &got));
	one = got.body;
	if (strcmp(got.content_type, "application/x-x509-ca-cert") != 0)
		TRY(cms_certs_parse(x->a, got.body, &v, &n));
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;
		uint8_t usage;

		TRY(cert_parse(v[i], &c));
		usage = cert_key_usage(c);
		named |= x->o->ca_sha1 != NULL && is_named(x->a, v[i], x->o->ca_sha1);
		if ((usage != 0 && (usage & KEY_ENCIPHERMENT) == 0) ||
		    (x->to != NULL && cert_is_ca(c)))
			continue;
		cert_free(x->to);
		x->to = steal(c);
	}
	if (!named)
		FAIL(ERR_DEVICE_SCEP_CA, "GetCACert does not bring the CA that was named");
	if (x->to == NULL)
		FAIL(ERR_RECIPIENT, "no certificate of the server is for sealing to");
	return OK;
}

/* RFC 8894 2.3: a first request is signed by what the client made for itself. */
static err_t
own_cert(struct exchange *x, struct cert **ret)
{
	struct dn_ava cn = { "2.5.4.3", x->transaction };
	struct dn_rdn name = { &cn, 1 };
	struct issue_spec spec = {
		.key = x->o->key,
		.not_before = when_now() - DAY,
		.not_after = when_now() + DAY,
		.path_len = -1,
		.key_usage = DIGITAL_SIGNATURE | KEY_ENCIPHERMENT,
	};
	struct str tbs, der;

	TRY(dn_encode(x->a, &(struct dn){ &name, 1 }, &spec.subject));
	issue_serial(spec.serial);
	TRY(issue_tbs(x->a, &spec, x->o->key, &tbs));
	TRY(issue_sign(x->a, tbs, x->o->key, &der));
	return cert_parse(der, ret);
}

static err_t
make_request(struct exchange *x, struct str *ret)
{
	auto_cert struct cert *own = NULL;
	struct scep_spec spec = {
		.head = { .type = SCEP_PKCS_REQ,
		    .transaction = x->transaction,
		    .sender_nonce = STR(x->nonce),
		    .status = -1,
		    .fail_info = -1 },
		.key = x->o->key,
		.digest = SCEP_SHA256,
	};

	TRY(own_cert(x, &own));
	TRY(scep_seal(x->a, x->to, SCEP_AES128, x->o->csr, &spec.content));
	spec.signer = own;
	return scep_make(x->a, &spec, ret);
}

static err_t
find_leaf(struct exchange *x, struct str envelope, struct str *ret)
{
	struct str bag, *v;
	size_t n;

	TRY(scep_open(x->a, x->o->key, envelope, &bag));
	TRY(cms_certs_parse(x->a, bag, &v, &n));
	for (size_t i = 0; i < n; i++) {
		err_t e = cert_for_key(v[i], x->o->key);

		if (err_ok(e)) {
			*ret = v[i];
			return OK;
		}
		err_forget(e);
	}
	FAIL(ERR_KEY_MISMATCH, "no certificate in the answer is for the key of the request");
}

static err_t
read_answer(struct exchange *x, struct str body, struct str *ret)
{
	auto_cert struct cert *signer = NULL;
	struct scep_head head;
	struct scep_msg m;

	TRY(scep_parse(x->a, body, &m));
	TRY(scep_verify(x->a, &m, false, &head, &signer));
	if (head.type != SCEP_CERT_REP || !str_eq_c(str_c(head.transaction), x->transaction) ||
	    !str_eq(head.recipient_nonce, STR(x->nonce)))
		FAIL(ERR_SCEP_ANSWER, "it is not the answer to our request");
	if (head.status != SCEP_SUCCESS)
		FAIL(ERR_SCEP_FAILED, "status %d, failInfo %d: %s", head.status, head.fail_info,
		    head.fail_text);
	return find_leaf(x, m.content, ret);
}

/* The keys of a fleet repeat: what makes a transaction one of its own is the request. */
static err_t
run(struct exchange *x, struct str *ret)
{
	struct link_got got;
	struct str message;
	uint8_t hash[32];

	hash_sha256(x->o->csr, hash);
	x->transaction = text_hex(x->a, STR(hash));
	rand_bytes(x->nonce, sizeof(x->nonce));
	TRY(ask(x, "GET", "GetCACaps&message=ca", STR_EMPTY, &got));
	TRY(get_certs(x));
	TRY(make_request(x, &message));
	TRY(ask(x, "POST", "PKIOperation", message, &got));
	return read_answer(x, got.body, ret);
}

err_t
scep_order(struct device *d, struct fiber *f, struct arena *a, const struct scep_order *o,
    struct str *ret_leaf)
{
	for (int tried = 1;; tried++) {
		struct exchange x = { .l = &d->link, .f = f, .a = a, .o = o };
		err_t e = run(&x, ret_leaf);

		cert_free(x.to);
		if (err_ok(e) || !fleet_again(d, f, e, tried))
			return e;
	}
}
