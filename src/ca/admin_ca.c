/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about the CAs themselves: making them, showing them, admitting a management service, CRLs. */
#include "ca/admin.h"

#include "ca/crl.h"
#include "ca/make.h"
#include "ca/state.h"

enum { HOSTS_MAX = 16 };

/* How keys are asked for: key_alg. */
static const struct {
	const char *name;
	enum key_alg alg;
	unsigned bits; /* 0: as the role has it */
} key_algs[] = {
	{ "", KEY_RSA, 0 },
	{ "rsa", KEY_RSA, 0 },
	{ "rsa2048", KEY_RSA, KEY_RSA_2048 },
	{ "rsa3072", KEY_RSA, KEY_RSA_3072 },
	{ "rsa4096", KEY_RSA, KEY_RSA_4096 },
	{ "p256", KEY_EC, KEY_P256 },
	{ "p384", KEY_EC, KEY_P384 },
};

err_t
admin_key_alg(const char *name, enum key_alg *ret_alg, unsigned *ret_bits)
{
	for (size_t i = 0; i < COUNT(key_algs); i++) {
		if (str_eq_c(str_c(name != NULL ? name : ""), key_algs[i].name)) {
			*ret_alg = key_algs[i].alg;
			*ret_bits = key_algs[i].bits;
			return OK;
		}
	}
	FAIL(ERR_BAD_REQUEST, "key_alg is one of rsa, rsa2048, rsa3072, rsa4096, p256, p384");
}

/* "host" and the members of "hosts", in this order. */
static err_t
take_hosts(struct arena *a, const json *args, const char *const **ret, size_t *retn)
{
	const char *const *more;
	const char **v, *first;
	size_t nmore, n = 0;

	TRY(json_want_text(args, "host", LIMIT_TEXT, &first));
	TRY(admin_texts(a, args, "hosts", HOSTS_MAX - 1, &more, &nmore));
	v = arena_array(a, nmore + 1, sizeof(*v));
	if (first != NULL && first[0] != '\0')
		v[n++] = first;
	for (size_t i = 0; i < nmore; i++)
		v[n++] = more[i];
	*ret = v;
	*retn = n;
	return OK;
}

void
admin_show_ca(struct arena *a, json *o, const struct ca *ca)
{
	json_set_text(o, "name", ca->name);
	json_set_text(o, "role", ca_role_name(ca->role));
	json_set_text(o, "subject", cert_subject(ca->cert));
	json_set_text(o, "issuer", ca->issuer);
	json_set_text(o, "serial", cert_serial(ca->cert));
	json_set_text(o, "sha256", text_hex(a, str_of(cert_sha256(ca->cert), 32)));
	json_set_when(a, o, "not_before", cert_not_before(ca->cert));
	json_set_when(a, o, "not_after", cert_not_after(ca->cert));
	json_set_text(o, "key",
	    arena_printf(
		a, "%s %u", key_algorithm(ca->key) == KEY_RSA ? "RSA" : "EC", key_bits(ca->key)));
	json_set_text(o, "crl_url", ca->crl_url);
	json_set_text(o, "aia_url", ca->aia_url);
	json_set_text(o, "ocsp_url", ca->ocsp_url);
	json_set_text(o, "version", arena_printf(a, "V%u.%u", ca->cert_index, ca->key_index));
	json_set_text(o, "state", ca->retired ? "older key" : "current");
	json_set_text(o, "key_place", token_uri_is(ca->key_file) ? "token" : "file");
	admin_set_cert(a, o, "certificate", cert_der(ca->cert));
}

static err_t
ca_show(struct issuer *is, struct arena *a, const json *args, json *out)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	json *list = json_array_new();

	(void)args;
	json_set(out, "cas", list);
	for (size_t i = 0; i < h->n; i++) {
		json *o = json_object_new();

		admin_show_ca(a, o, &h->v[i]);
		json_add(list, o);
	}
	json_set_when(
	    a, out, "tls_not_after", h->tls_cert != NULL ? cert_not_after(h->tls_cert) : 0);
	return OK;
}

static err_t
ca_init(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct hierarchy_spec s = { 0 };
	const char *alg;

	TRY(json_need_text(args, "name", LIMIT_TEXT, &s.name));
	TRY(json_need_text(args, "http_url", LIMIT_TEXT, &s.http_url));
	TRY(json_want_text(args, "key_alg", LIMIT_TEXT, &alg));
	TRY(admin_key_alg(alg, &s.alg, &s.bits));
	TRY(json_want_text(args, "key", LIMIT_LONG_TEXT, &s.token));
	if (s.token == NULL)
		s.token = "";
	TRY(take_hosts(a, args, &s.hosts, &s.nhosts));
	TRY(hierarchy_init(is, a, &s));
	return ca_show(is, a, args, out);
}

/* ---- admitting a management service; the answer is what the service's own verb takes, but for our address ---- */

struct admit {
	struct arena *a;
	const char *name;
	struct str order_spki;
};

static err_t
admit_tx(struct tx *tx, void *arg)
{
	struct admit *m = arg;
	uint8_t sha256[32];

	TRY(store_order_key_put(tx, m->name, m->order_spki));
	TRY(admin_allow(
	    tx, m->a, TEMPLATE_DEVICE_IDENTITY, m->name, TEMPLATE_READ | TEMPLATE_ENROL));
	TRY(admin_allow(
	    tx, m->a, TEMPLATE_CONNECTOR_IDENTITY, m->name, TEMPLATE_READ | TEMPLATE_ENROL));
	hash_sha256(m->order_spki, sha256);
	return store_journal_add(tx, "administrator", "service-admitted",
	    arena_printf(m->a, "service=%s order_key=%s", m->name, text_hex(m->a, STR(sha256))));
}

static err_t
admit_tls(
    struct issuer *is, struct arena *a, const json *args, const struct ca *ca, struct minted *ret)
{
	auto_approval struct approval *ap = NULL;
	struct policy_admin q = { .template = TEMPLATE_WEB_SERVER };
	const char *text;
	const char *const *hosts;
	struct san *sans;

	TRY(json_need_text(args, "csr_tls", LIMIT_CSR_BYTES * 2, &text));
	TRY_CTX(admin_der(a, text, "CERTIFICATE REQUEST", LIMIT_CSR_BYTES, &q.csr), "csr_tls");
	TRY(admin_texts(a, args, "hosts", HOSTS_MAX, &hosts, &q.nsans));
	if (q.nsans == 0)
		FAIL(ERR_BAD_REQUEST, "hosts: name at least one");
	sans = arena_array(a, q.nsans, sizeof(*sans));
	for (size_t i = 0; i < q.nsans; i++)
		sans[i] = make_host(a, hosts[i]);
	q.sans = sans;
	q.common_name = hosts[0];
	TRY(policy_admin(is->store, ca, a, &q, &ap));
	return mint(is, a, ap, NULL, NULL, ret);
}

static err_t
take_order_key(struct arena *a, const json *args, struct str *ret)
{
	auto_key struct key *k = NULL;
	const char *text;

	TRY(json_need_text(args, "order_key", LIMIT_LONG_TEXT, &text));
	TRY_CTX(admin_der(a, text, "PUBLIC KEY", LIMIT_LONG_TEXT, ret), "order_key");
	TRY_CTX(key_from_spki(*ret, &k), "order_key");
	if (key_algorithm(k) != KEY_EC || key_bits(k) != KEY_P256)
		FAIL(ERR_BAD_REQUEST, "order_key: orders are sealed with P-256");
	return key_spki(a, k, ret); /* as everybody writes it: orders name it by its hash */
}

static err_t
service_admit(struct issuer *is, struct arena *a, const json *args, json *out)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	const struct ca *root, *issuing, *identity;
	struct admit m = { .a = a };
	struct minted tls, ra;
	const char *text;
	struct str csr;

	TRY(hierarchy_by_role(h, CA_ROLE_ROOT, &root));
	TRY(hierarchy_by_role(h, CA_ROLE_ISSUING, &issuing));
	TRY(hierarchy_by_role(h, CA_ROLE_IDENTITY, &identity));
	TRY(json_need_text(args, "name", LIMIT_TEXT, &m.name));
	TRY(take_order_key(a, args, &m.order_spki));
	TRY(json_need_text(args, "csr_ra", LIMIT_CSR_BYTES * 2, &text));
	TRY_CTX(admin_der(a, text, "CERTIFICATE REQUEST", LIMIT_CSR_BYTES, &csr), "csr_ra");
	TRY(admit_tls(is, a, args, issuing, &tls));
	TRY(admin_principal(is, a, m.name, csr, CA_RIGHT_REQUEST | CA_RIGHT_OFFICER, &ra));
	TRY(store_write(is->store, admit_tx, &m));
	admin_set_chain(is, a, out, "tls_certificate", tls.der, issuing);
	admin_set_chain(is, a, out, "ra_certificate", ra.der, issuing);
	admin_set_cert(a, out, "root_certificate", cert_der(root->cert));
	admin_set_cert(a, out, "issuing_certificate", cert_der(issuing->cert));
	admin_set_cert(a, out, "identity_certificate", cert_der(identity->cert));
	json_set_text(out, "issuing_ca", issuing->name);
	json_set_text(out, "identity_ca", identity->name);
	return OK;
}

const struct ca_verb admin_ca_verbs[] = {
	{ "ca.init", ca_init, ADMIN_ARGS("name", "host", "hosts", "http_url", "key_alg", "key"),
	    "Make the root, the issuing and the device-identity CA. Can be repeated after an interruption." },
	{ "ca.show", ca_show, ADMIN_NO_ARGS, "The CAs with their certificates." },
	{ "service.admit", service_admit,
	    ADMIN_ARGS("name", "csr_tls", "hosts", "csr_ra", "order_key"),
	    "Admit a management service: its TLS and client certificates, and the key that seals its orders." },
	{ NULL, NULL, NULL, NULL },
};
