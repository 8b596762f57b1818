/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An issuer in a temporary folder, with a hierarchy, an admitted service, a connector and a template that demands an
 * order: what the tests of the CA start from. Keys are EC where it does not matter, for speed.
 */
#ifndef TESTS_UNIT_CA_LAB_H
#define TESTS_UNIT_CA_LAB_H

#include "expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "ca/issuer.h"
#include "ca/state.h"
#include "codec/admin_ipc.h"
#include "codec/ca_ipc.h"
#include "codec/json.h"
#include "codec/oid.h"
#include "codec/order.h"
#include "codec/status_ipc.h"
#include "pki/csr.h"
#include "pki/seal.h"

#define ISSUING "Test Issuing CA"
#define IDENTITY "Test Device Identity CA"
#define TEMPLATE "Wifi"

struct lab {
	char dir[64];
	struct arena *a;
	struct issuer *is;
	struct key *order_key, *caller_key, *leaf_key, *other_key;
	struct str caller, ra; /* client certificates, DER: of "connector" and of "service" */
};

/* What one test asks for; lab_want() gives what is issued. */
struct want {
	struct order order;
	struct csr_spec csr;
	const struct key *key, *sealer;
	struct str caller;
	const char *ca, *template;
	struct str token; /* instead of one made from csr and key */
	bool no_order;
};

static inline err_t
lab_admin(struct lab *l, const char *verb, json *args, json **ret)
{
	auto_json json *mine = args;
	auto_buf struct buf in, out;
	struct admin_req q = { .verb = verb };
	struct admin_rep rep;
	struct str text;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	buf_init(&out, LIMIT_IPC_MESSAGE);
	TRY(json_print(l->a, mine, &text));
	q.arguments = arena_cstr(l->a, text);
	TRY(admin_req_encode(&q, &in));
	TRY(issuer_admin_verbs()[0].handle(l->is, l->a, buf_str(&in), &out));
	TRY(admin_rep_parse(l->a, arena_str(l->a, buf_str(&out)), &rep));
	return json_parse(str_c(rep.answer), LIMIT_IPC_MESSAGE, ret);
}

/* Text members: name, value, ..., NULL. */
static inline json *
lab_args(const char *name, ...)
{
	json *o = json_object_new();
	va_list ap;

	va_start(ap, name);
	while (name != NULL) {
		json_set_text(o, name, va_arg(ap, const char *));
		name = va_arg(ap, const char *);
	}
	va_end(ap);
	return o;
}

static inline void
lab_do(struct lab *l, const char *verb, json *args)
{
	auto_json json *answer = NULL;

	expect_ok(lab_admin(l, verb, args, &answer));
}

static inline err_t
lab_call(struct lab *l, uint16_t type, const struct buf *in, struct str *ret)
{
	auto_buf struct buf out;

	buf_init(&out, LIMIT_IPC_MESSAGE);
	for (const struct ipc_verb *v = issuer_verbs(); v->handle != NULL; v++) {
		if (v->type != type)
			continue;
		TRY(v->handle(l->is, l->a, buf_str(in), &out));
		*ret = arena_str(l->a, buf_str(&out));
		return OK;
	}
	FAIL(ERR_UNSUPPORTED, "type %u", type);
}

static inline struct str
lab_pem_der(struct lab *l, const json *o, const char *key)
{
	struct str der[LIMIT_CHAIN_CERTS];
	size_t n;

	expect_ok(text_unpem(
	    l->a, str_c(json_text(json_get(o, key))), "CERTIFICATE", der, LIMIT_CHAIN_CERTS, &n));
	assert_true(n >= 1);
	return arena_str(l->a, der[0]);
}

static inline char *
lab_csr_pem(struct lab *l, const struct key *k)
{
	struct csr_spec spec = { 0 };
	struct str der;

	expect_ok(csr_make(l->a, k, &spec, &der));
	return text_pem(l->a, "CERTIFICATE REQUEST", der);
}

static inline struct str
lab_principal(struct lab *l, const char *name, const struct key *k)
{
	auto_json json *answer = NULL;

	expect_ok(lab_admin(
	    l, "principal.add", lab_args("name", name, "csr", lab_csr_pem(l, k), NULL), &answer));
	return lab_pem_der(l, answer, "certificate");
}

static inline json *
lab_list(const char *one, const char *two)
{
	json *v = json_array_new();

	json_add(v, json_text_new(one));
	if (two != NULL)
		json_add(v, json_text_new(two));
	return v;
}

static inline void
lab_grant(struct lab *l, const char *template, const char *principal, const char *right)
{
	json *args = lab_args("template", template, "principal", principal, NULL);

	json_set(args, "rights", lab_list("read", right));
	lab_do(l, "template.grant", args);
}

static inline void
lab_service(struct lab *l)
{
	auto_json json *answer = NULL;
	auto_key struct key *tls = NULL;
	struct str spki;
	json *args;

	expect_ok(key_make(KEY_EC, KEY_P256, &tls));
	expect_ok(key_spki(l->a, l->order_key, &spki));
	args = lab_args("name", "service", "csr_tls", lab_csr_pem(l, tls), "csr_ra",
	    lab_csr_pem(l, l->other_key), "order_key", text_pem(l->a, "PUBLIC KEY", spki), NULL);
	json_set(args, "hosts", lab_list("service.example.test", "127.0.0.1"));
	expect_ok(lab_admin(l, "service.admit", args, &answer));
	l->ra = lab_pem_der(l, answer, "ra_certificate");
}

static inline json *
lab_copy(const char *source, const char *name)
{
	json *args = lab_args("source", source, "name", name, NULL);

	json_set_bool(args, "supply_in_request", true);
	json_set_bool(args, "order_required", true);
	return args;
}

static inline void
lab_open(struct lab *l)
{
	struct issuer_conf conf = { .state_dir = l->dir };

	expect_ok(issuer_open(&conf, &l->is));
}

static inline void
lab_close(struct lab *l)
{
	issuer_close(l->is);
	l->is = NULL;
}

static inline void
lab_init(struct lab *l, const char *key_alg)
{
	lab_do(l, "ca.init",
	    lab_args("name", "Test", "host", "127.0.0.1", "http_url", "http://ca.example.test:8080",
		"key_alg", key_alg, NULL));
}

static inline int
lab_setup(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));
	json *args;

	memcpy(l->dir, "/tmp/chancery-ca-XXXXXX", 24);
	assert_non_null(mkdtemp(l->dir));
	l->a = arena_new();
	lab_open(l);
	lab_init(l, "p256");
	expect_ok(key_make(KEY_EC, KEY_P256, &l->order_key));
	expect_ok(key_make(KEY_EC, KEY_P256, &l->caller_key));
	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &l->leaf_key));
	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &l->other_key));
	lab_service(l);
	l->caller = lab_principal(l, "connector", l->caller_key);
	args = lab_args("principal", "connector", NULL);
	json_set(args, "rights", lab_list("request", "officer"));
	lab_do(l, "ca.grant", args);
	lab_do(l, "template.duplicate", lab_copy("User", TEMPLATE));
	lab_grant(l, TEMPLATE, "connector", "enrol");
	*state = l;
	return 0;
}

static inline int
lab_teardown(void **state)
{
	struct lab *l = *state;
	char *cmd = arena_printf(l->a, "rm -rf %s", l->dir);

	lab_close(l);
	assert_int_equal(system(cmd), 0);
	key_free(l->order_key);
	key_free(l->caller_key);
	key_free(l->leaf_key);
	key_free(l->other_key);
	arena_free(l->a);
	free(l);
	return 0;
}

static inline struct str
lab_hash(struct lab *l, struct str in)
{
	uint8_t h[32];

	hash_sha256(in, h);
	return arena_str(l->a, STR(h));
}

static inline struct str
lab_name(struct lab *l, const char *cn)
{
	struct dn_ava ava[] = { { "2.5.4.10", "Acme" }, { "2.5.4.3", cn } };
	struct dn_rdn rdn[] = { { &ava[0], 1 }, { &ava[1], 1 } };
	struct dn dn = { rdn, 2 };
	struct str der;

	expect_ok(dn_encode(l->a, &dn, &der));
	return der;
}

static inline struct str
lab_san(struct lab *l, const char *mail)
{
	struct san sans[] = { { SAN_UPN, mail }, { SAN_EMAIL, mail } };
	struct str der;

	expect_ok(san_encode(l->a, sans, 2, &der));
	return der;
}

static inline struct want
lab_want(struct lab *l)
{
	static const char *ekus[] = { OID_EKU_EFS, OID_EKU_EMAIL, OID_EKU_CLIENT_AUTH };
	struct want w = { .key = l->leaf_key,
		.sealer = l->order_key,
		.caller = l->caller,
		.ca = ISSUING,
		.template = TEMPLATE };
	uint8_t spki[32];

	expect_ok(key_spki_sha256(l->leaf_key, spki));
	w.order = (struct order){ .kind = ORDER_ISSUE,
		.id = id_new(),
		.slot = id_new(),
		.device = id_new(),
		.user = id_new(),
		.profile = id_new(),
		.profile_version = 1,
		.fence = 1,
		.issued = when_now(),
		.expires = when_now() + 600,
		.ca = ISSUING,
		.template = TEMPLATE,
		.subject = lab_name(l, "jane"),
		.san = lab_san(l, "jane@example.test"),
		.sid = "S-1-5-21-1-2-3-1104",
		.ekus = ekus,
		.nekus = 3,
		.key_usage = 0xA0,
		.spki = arena_str(l->a, STR(spki)),
		.holder = lab_hash(l, l->caller),
		.keep = "" };
	w.csr = (struct csr_spec){ .subject = w.order.subject,
		.san = w.order.san,
		.sid = w.order.sid,
		.ekus = ekus,
		.nekus = 3,
		.key_usage = 0xA0 };
	return w;
}

static inline struct str
lab_seal(struct lab *l, const struct key *k, const struct order *o)
{
	struct str sealed;

	expect_ok(seal_order(l->a, k, o, &sealed));
	return sealed;
}

/* The issuer may not be able to say anything. */
static inline err_t
lab_try(struct lab *l, struct want w, struct ca_submit_rep *ret)
{
	struct ca_attribute attrs[] = { { "CertificateTemplate", w.template },
		{ "ChanceryOrder", "" } };
	struct ca_submit_req q = { .ca = w.ca,
		.caller = w.caller,
		.token = w.token,
		.attributes = attrs,
		.nattributes = w.no_order ? 1 : 2 };
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	if (q.token.n == 0)
		TRY(csr_make(l->a, w.key, &w.csr, &q.token));
	attrs[1].value = text_base64(l->a, lab_seal(l, w.sealer, &w.order));
	TRY(ca_submit_req_encode(&q, &in));
	TRY(lab_call(l, CA_SUBMIT, &in, &answer));
	return ca_submit_rep_parse(l->a, answer, ret);
}

static inline struct ca_submit_rep
lab_submit(struct lab *l, struct want w)
{
	struct ca_submit_rep rep = { 0 };

	expect_ok(lab_try(l, w, &rep));
	return rep;
}

static inline size_t
lab_in_state(struct lab *l, const char *state)
{
	auto_json json *answer = NULL;

	expect_ok(lab_admin(l, "cert.list", lab_args("state", state, NULL), &answer));
	return json_count(json_get(answer, "certificates"));
}

static inline struct cert *
lab_issued(struct lab *l, struct want w)
{
	struct ca_submit_rep rep = lab_submit(l, w);
	struct cert *c = NULL;

	if (rep.disposition != CA_ISSUED)
		print_error("denied: %s\n", rep.message);
	assert_int_equal(rep.disposition, CA_ISSUED);
	expect_ok(cert_parse(rep.leaf, &c));
	return c;
}

static inline void
lab_denied(struct lab *l, struct want w, enum err_code why)
{
	struct ca_submit_rep rep = lab_submit(l, w);

	assert_int_equal(rep.disposition, CA_DENIED);
	if (strstr(rep.message, arena_printf(l->a, "(%s)", err_info(why)->id)) == NULL)
		print_error("expected %s: %s\n", err_info(why)->id, rep.message);
	assert_non_null(strstr(rep.message, arena_printf(l->a, "(%s)", err_info(why)->id)));
	assert_int_equal(rep.hresult, err_info(why)->hresult);
	assert_int_equal(rep.leaf.n, 0);
}

/* Another key in place of one that was revoked as compromised, for the tests that follow. */
static inline void
lab_new_key(struct key **k)
{
	key_free(steal(*k));
	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, k));
}

/* The standard output of a command in the lab's folder. */
static inline char *
lab_run(struct lab *l, const char *cmd)
{
	FILE *f = popen(arena_printf(l->a, "cd %s && %s 2>&1", l->dir, cmd), "r");
	char *out = arena_alloc(l->a, 65536);
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, 65535, f);
	out[n] = '\0';
	(void)pclose(f);
	return out;
}

static inline void
lab_write(struct lab *l, const char *name, struct str data)
{
	expect_ok(file_write(arena_printf(l->a, "%s/%s", l->dir, name), data, 0600));
}

/* The newest CRL of a CA as the front fetches it; one piece is enough here. */
static inline struct crl_part_rep
lab_crl(struct lab *l, const char *ca, bool delta)
{
	struct crl_part_req q = { .ca = ca, .delta = delta };
	struct crl_part_rep rep;
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(crl_part_req_encode(&q, &in));
	expect_ok(lab_call(l, CA_CRL, &in, &answer));
	expect_ok(crl_part_rep_parse(l->a, answer, &rep));
	assert_int_equal(rep.part.n, rep.total);
	return rep;
}

/* Is this serial on the CA's CRL, in OpenSSL's reading? */
static inline bool
lab_on_crl(struct lab *l, const char *ca, const char *serial)
{
	char *text, *upper = arena_strdup(l->a, serial);

	lab_write(l, "x.crl", lab_crl(l, ca, false).part);
	for (char *p = upper; *p != '\0'; p++)
		*p = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
	text = lab_run(l, "openssl crl -inform DER -in x.crl -noout -text");
	assert_non_null(strstr(text, "CRL Number"));
	return strstr(text, upper) != NULL;
}

#define LAB_MAIN(tests) \
	int main(void) \
	{ \
		return cmocka_run_group_tests(tests, lab_setup, lab_teardown); \
	}

#endif
