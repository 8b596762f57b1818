/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/keygen.h"

#include "base/secret.h"
#include "ca/policy.h"
#include "ca/state.h"
#include "ca/submit.h"

static err_t
may_make(const struct template_row *t, const struct csr *csr)
{
	if (csr->sealed_key)
		FAIL(ERR_UNSUPPORTED, "keys are returned within TLS only, not sealed once more");
	if (!(t->private_key_flags & TEMPLATE_EXPORTABLE_KEY))
		FAIL(ERR_KEYGEN_EXPORT, "template %s", t->name);
	if (t->enrolment_flags & TEMPLATE_PEND_ALL)
		FAIL(ERR_TEMPLATE_MANUAL, "template %s waits for approval, and a key cannot wait",
		    t->name);
	return OK;
}

/* The least that the template takes, RSA where it has the choice: it suits every use of a key. */
static err_t
make_key(const struct template_row *t, struct key **ret)
{
	if (template_takes(t, KEY_RSA, (unsigned)t->min_key_bits))
		return key_make(KEY_RSA, (unsigned)t->min_key_bits, ret);
	return key_make(KEY_EC, template_takes(t, KEY_EC, KEY_P256) ? KEY_P256 : KEY_P384, ret);
}

/* A request as the client would have made it with this key. */
static err_t
own_request(struct arena *a, const struct csr *csr, const struct key *k, struct str *ret)
{
	struct csr_spec spec = { .subject = csr->subject,
		.san = csr->san,
		.sid = csr->sid,
		.ekus = csr->ekus,
		.nekus = csr->nekus };

	return csr_make(a, k, &spec, ret);
}

static err_t
key_der(struct arena *a, const struct key *k, struct str *ret)
{
	auto_buf struct buf pem;
	size_t n;

	buf_init(&pem, LIMIT_KEY_BYTES);
	TRY(key_write(&pem, k, NULL));
	TRY(text_unpem(a, buf_str(&pem), "PRIVATE KEY", ret, 1, &n));
	if (n != 1)
		FAIL(ERR_INTERNAL, "a key was not written as PKCS#8");
	return OK;
}

/* The template that the CSR names becomes an attribute, as the new request names none. */
static struct ca_submit_req
with_template(struct arena *a, const struct ca_submit_req *q, const struct csr *csr)
{
	struct ca_submit_req r = *q;

	if (csr->template[0] == '\0' || q->nattributes >= LIMIT_CA_ATTRIBUTES)
		return r;
	r.attributes = arena_array(a, q->nattributes + 1, sizeof(*r.attributes));
	for (size_t i = 0; i < q->nattributes; i++)
		r.attributes[i] = q->attributes[i];
	r.attributes[r.nattributes++] =
	    (struct ca_attribute){ "CertificateTemplate", csr->template };
	return r;
}

static err_t
prepare(struct issuer *is, struct arena *a, const struct ca_submit_req *q, const struct csr *csr,
    const struct proof *who, struct key **ret)
{
	struct template_row t;

	TRY(policy_gates(is->store, issuer_hierarchy(is), a, q, csr, who, &t));
	TRY(may_make(&t, csr));
	return make_key(&t, ret);
}

static err_t
certify(struct issuer *is, struct arena *a, const struct ca_submit_req *q, const struct csr *csr,
    const struct key *k, struct ca_keygen_rep *ret)
{
	struct ca_submit_req r = with_template(a, q, csr);
	struct ca_keygen_rep rep = { .key = STR_EMPTY };

	TRY(own_request(a, csr, k, &r.token));
	TRY(submit(is, a, &r, &rep.answer));
	if (rep.answer.disposition == CA_ISSUED)
		TRY(key_der(a, k, &rep.key));
	*ret = rep;
	return OK;
}

err_t
keygen(struct issuer *is, struct arena *a, const struct ca_submit_req *q, struct ca_keygen_rep *ret)
{
	struct caller_claim claim = submit_claim(q);
	struct ca_keygen_rep rep = { .key = STR_EMPTY };
	auto_csr struct csr csr = { 0 };
	auto_key struct key *k = NULL;
	bool proven = false;
	struct proof who;
	err_t e;

	e = caller_prove(is, a, &claim, &who);
	proven = err_ok(e);
	if (err_ok(e))
		e = csr_parse_unproven(a, q->token, &csr);
	if (err_ok(e))
		e = prepare(is, a, q, &csr, &who, &k);
	if (err_ok(e))
		return certify(is, a, q, &csr, k, ret);
	TRY(submit_deny(is, a, q, proven ? &who : NULL, e, &rep.answer));
	*ret = rep;
	return OK;
}
