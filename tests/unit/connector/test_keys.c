/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/made.h"

#include <poll.h>
#include <sys/stat.h>

#include <openssl/core_names.h>

#include "holder.h"
#include "pki/attest.h"
#include "pki/cms.h"
#include "pki/csr.h"
#include "pki/pfx.h"
#include "pki/ssl_err.h"

#define SID "S-1-5-21-1-2-3-1104"
#define HANDLES 256

/* Made once for all tests: RSA keys take their time. */
struct lab {
	struct arena *a;
	struct made root, identity, other, device; /* other: an identity CA that nobody named */
	struct made issuing;                       /* of the leaves, under root */
};

static struct lab lab;

struct box {
	struct arena *a;
	const char *dir;
	struct connector_keys *keys;
};

static int
make_lab(void **state)
{
	(void)state;
	when_set(MADE_NOW);
	lab.a = arena_new();
	lab.root = made_root(lab.a, "Root", KEY_EC, KEY_P256);
	lab.identity = made_ca_under(lab.a, &lab.root, "Identity CA", KEY_EC, KEY_P256);
	lab.other = made_ca_under(lab.a, &lab.root, "Issuing CA", KEY_EC, KEY_P256);
	lab.issuing = made_ca_under(lab.a, &lab.root, "Leaf CA", KEY_EC, KEY_P256);
	lab.device = made_under(lab.a, &lab.identity, "device", KEY_RSA, KEY_RSA_2048);
	return 0;
}

static int
free_lab(void **state)
{
	(void)state;
	made_free(&lab.root);
	made_free(&lab.identity);
	made_free(&lab.other);
	made_free(&lab.issuing);
	made_free(&lab.device);
	arena_free(lab.a);
	when_set(0);
	return 0;
}

static void
box_open(struct box *b, int64_t life_ms)
{
	const struct connector_keys_conf conf = { .dir = b->dir, .pool = 1, .life_ms = life_ms };

	expect_ok(connector_keys_open(&conf, &b->keys));
}

static void
box_life(struct box *b, int64_t life_ms)
{
	connector_keys_close(b->keys);
	box_open(b, life_ms);
}

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	b->a = arena_new();
	b->dir = made_dir(b->a);
	box_open(b, 0);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct box *b = *state;

	connector_keys_close(b->keys);
	made_dir_free(b->a, b->dir);
	arena_free(b->a);
	free(b);
	return 0;
}

static err_t
call(struct box *b, uint16_t type, const struct buf *in, struct str *ret)
{
	return holder_call(b->keys, b->a, type, in, ret);
}

static err_t
name_ca(struct box *b, const char *pem)
{
	return holder_name_ca(b->keys, b->a, pem);
}

static const char *
pem_of(struct box *b, const struct cert *c)
{
	return text_pem(b->a, "CERTIFICATE", cert_der(c));
}

static void
join(struct box *b)
{
	expect_ok(name_ca(b, pem_of(b, lab.identity.cert)));
}

static const uint8_t some_order[32] = { 5 };

static err_t
begin_for(struct box *b, struct str device, enum ckeys_alg alg, uint16_t bits,
    struct ckeys_begin_rep *ret)
{
	static const char *ekus[] = { OID_EKU_CLIENT_AUTH, OID_EKU_EMAIL };
	const struct san san = { SAN_UPN, "alice@example.test" };
	struct ckeys_begin_req req = { .alg = alg,
		.bits = bits,
		.sid = SID,
		.ekus = { ekus, COUNT(ekus) },
		.device_certificate = device,
		.order = STR(some_order) };
	auto_buf struct buf in;
	struct str out;

	req.subject = made_name(b->a, "Alice");
	expect_ok(san_encode(b->a, &san, 1, &req.san));
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ckeys_begin_req_encode(&req, &in));
	TRY(call(b, CKEYS_BEGIN, &in, &out));
	return ckeys_begin_rep_parse(b->a, out, ret);
}

static err_t
begin(struct box *b, enum ckeys_alg alg, uint16_t bits, struct ckeys_begin_rep *ret)
{
	join(b);
	return begin_for(b, cert_der(lab.device.cert), alg, bits, ret);
}

/* A key pair under way and the certificate that the CA issued for it. EC: nothing here asks for more, and it is fast. */
struct way {
	struct ckeys_begin_rep rep;
	struct cert *leaf;
	struct ckeys_finish_rep done;
};

static void
way_free(struct way *w)
{
	cert_free(w->leaf);
}
#define auto_way __attribute__((cleanup(way_free)))

static struct way
set_out_for(struct box *b, struct str device, enum ckeys_alg alg, uint16_t bits)
{
	struct way w = { 0 };
	auto_csr struct csr csr = { 0 };
	struct issue_spec s;

	join(b);
	expect_ok(begin_for(b, device, alg, bits, &w.rep));
	expect_ok(csr_parse(b->a, w.rep.csr, &csr));
	s = made_spec(b->a, "Alice", csr.key);
	s.issuer = lab.issuing.cert;
	w.leaf = made_cert(b->a, &s, lab.issuing.key);
	return w;
}

static struct way
set_out(struct box *b, enum ckeys_alg alg, uint16_t bits)
{
	return set_out_for(b, cert_der(lab.device.cert), alg, bits);
}

static err_t
finish_with(struct box *b, struct way *w, struct str leaf, struct str device)
{
	struct str chain[] = { cert_der(lab.issuing.cert), cert_der(lab.root.cert) };
	struct ckeys_finish_req req = { w->rep.handle, leaf, { chain, COUNT(chain) }, device,
		{ PACK_AGENT, PFX_FORMAT_AES, STR_EMPTY } };
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ckeys_finish_req_encode(&req, &in));
	TRY(call(b, CKEYS_FINISH, &in, &out));
	return ckeys_finish_rep_parse(b->a, out, &w->done);
}

static err_t
finish(struct box *b, struct way *w)
{
	return finish_with(b, w, cert_der(w->leaf), cert_der(lab.device.cert));
}

static err_t
drop(struct box *b, uint64_t handle)
{
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ckeys_drop_req_encode(&(struct ckeys_drop_req){ handle }, &in));
	return call(b, CKEYS_DROP, &in, &out);
}

static void
the_request_has_the_names_and_uses_that_were_asked_for(void **state)
{
	struct box *b = *state;
	struct ckeys_begin_rep rep;
	auto_csr struct csr csr = { 0 };
	struct san *sans;
	struct str name = made_name(b->a, "Alice");
	size_t n;

	expect_ok(begin(b, CKEYS_RSA, 2048, &rep));
	expect_ok(csr_parse(b->a, rep.csr, &csr));
	assert_true(str_eq(csr.subject, name));
	expect_ok(san_decode(b->a, csr.san, &sans, &n));
	assert_int_equal(n, 1);
	assert_int_equal(sans[0].type, SAN_UPN);
	assert_string_equal(sans[0].value, "alice@example.test");
	assert_string_equal(csr.sid, SID);
	assert_int_equal(csr.nekus, 2);
	assert_string_equal(csr.ekus[0], OID_EKU_CLIENT_AUTH);
	assert_string_equal(csr.ekus[1], OID_EKU_EMAIL);
	assert_string_equal(csr.template, "");
	assert_int_equal(key_algorithm(csr.key), KEY_RSA);
	assert_int_equal(key_bits(csr.key), 2048);
}

static void
the_request_says_for_which_order_and_device_the_key_was_made(void **state)
{
	struct box *b = *state;
	struct ckeys_begin_rep rep;
	struct ckeys_maker_rep maker;
	auto_csr struct csr csr = { 0 };
	auto_buf struct buf none = { 0 };
	struct attest w = { .order = STR(some_order) };
	struct str out;

	expect_ok(begin(b, CKEYS_EC, 256, &rep));
	box_life(b, 0); /* the key of the maker is a file */
	expect_ok(call(b, CKEYS_MAKER, &none, &out));
	expect_ok(ckeys_maker_rep_parse(b->a, out, &maker));
	expect_ok(csr_parse(b->a, rep.csr, &csr));
	w.spki = STR(csr.spki_sha256);
	w.recipient = str_of(cert_sha256(lab.device.cert), 32);
	expect_ok(attest_check(b->a, maker.spki, &w, csr.attest));
	w.recipient = str_of(cert_sha256(lab.root.cert), 32);
	expect_err(ERR_ORDER_KEY, attest_check(b->a, maker.spki, &w, csr.attest));
}

static void
a_key_on_a_curve_is_asked_for_to_sign_only(void **state)
{
	struct box *b = *state;
	struct ckeys_begin_rep rep;
	auto_csr struct csr p256 = { 0 };
	auto_csr struct csr p384 = { 0 };
	auto_csr struct csr rsa = { 0 };

	expect_ok(begin(b, CKEYS_EC, 256, &rep));
	expect_ok(csr_parse(b->a, rep.csr, &p256));
	assert_int_equal(key_algorithm(p256.key), KEY_EC);
	assert_int_equal(key_bits(p256.key), KEY_P256);
	assert_int_equal(p256.key_usage, 0x80);
	expect_ok(begin(b, CKEYS_EC, 384, &rep));
	expect_ok(csr_parse(b->a, rep.csr, &p384));
	assert_int_equal(key_bits(p384.key), KEY_P384);
	assert_int_equal(p384.key_usage, 0x80);
	expect_ok(begin(b, CKEYS_RSA, 2048, &rep));
	expect_ok(csr_parse(b->a, rep.csr, &rsa));
	assert_int_equal(rsa.key_usage, 0xA0);
}

static void
a_key_goes_to_no_other_device_than_it_was_made_for(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };
	struct made second;

	join(b);
	second = made_under(b->a, &lab.identity, "second", KEY_RSA, KEY_RSA_2048);
	w = set_out(b, CKEYS_EC, 256);
	expect_err(ERR_HANDLE, finish_with(b, &w, cert_der(w.leaf), cert_der(second.cert)));
	/* Who tried has nothing any more. */
	expect_err(ERR_HANDLE, finish(b, &w));
	made_free(&second);
}

static void
every_request_has_a_key_of_its_own(void **state)
{
	struct box *b = *state;
	struct ckeys_begin_rep one, two;
	auto_csr struct csr c1 = { 0 };
	auto_csr struct csr c2 = { 0 };

	expect_ok(begin(b, CKEYS_EC, 256, &one));
	expect_ok(begin(b, CKEYS_EC, 256, &two));
	assert_true(one.handle != two.handle);
	expect_ok(csr_parse(b->a, one.csr, &c1));
	expect_ok(csr_parse(b->a, two.csr, &c2));
	assert_false(key_same_public(c1.key, c2.key));
}

static void
the_device_key_opens_what_was_packed_and_finds_key_leaf_and_chain_without_the_root(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };
	auto_pfx struct pfx p = { 0 };
	auto_key struct key *certified = NULL;
	struct str pfx, password;
	const char *text;

	join(b);
	w = set_out(b, CKEYS_RSA, 2048);
	expect_ok(finish(b, &w));
	expect_ok(cms_open(b->a, lab.device.cert, lab.device.key, w.done.pfx, &pfx));
	expect_ok(cms_open(b->a, lab.device.cert, lab.device.key, w.done.password, &password));
	assert_int_equal(password.n, 24);
	assert_true(text_printable_ascii(password));
	expect_ok(text_cstr(b->a, password, &text));
	expect_err(ERR_PFX_PASSWORD, pfx_open(b->a, pfx, "wrong", &p));
	expect_ok(pfx_open(b->a, pfx, text, &p));
	assert_true(str_eq(p.leaf, cert_der(w.leaf)));
	expect_ok(cert_key(w.leaf, &certified));
	assert_true(key_is_private(p.key));
	assert_true(key_same_public(p.key, certified));
	assert_int_equal(p.nchain, 1);
	assert_true(str_eq(p.chain[0], cert_der(lab.issuing.cert)));
}

static void
two_deliveries_have_different_passwords(void **state)
{
	struct box *b = *state;
	auto_way struct way one = { 0 };
	auto_way struct way two = { 0 };
	struct str p1, p2;

	join(b);
	one = set_out(b, CKEYS_EC, 256);
	two = set_out(b, CKEYS_EC, 256);
	expect_ok(finish(b, &one));
	expect_ok(finish(b, &two));
	expect_ok(cms_open(b->a, lab.device.cert, lab.device.key, one.done.password, &p1));
	expect_ok(cms_open(b->a, lab.device.cert, lab.device.key, two.done.password, &p2));
	assert_false(str_eq(p1, p2));
}

static bool
holds(struct str hay, struct str needle)
{
	return memmem(hay.p, hay.n, needle.p, needle.n) != NULL;
}

static void
nothing_of_the_key_leaves_in_clear(void **state)
{
	static const char *const numbers[] = { OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1,
		OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_EXPONENT1,
		OSSL_PKEY_PARAM_RSA_COEFFICIENT1 };
	struct box *b = *state;
	auto_way struct way w = { 0 };
	auto_pfx struct pfx p = { 0 };
	struct str pfx, password;
	const char *text;

	join(b);
	w = set_out(b, CKEYS_RSA, 2048);
	expect_ok(finish(b, &w));
	expect_ok(cms_open(b->a, lab.device.cert, lab.device.key, w.done.pfx, &pfx));
	expect_ok(cms_open(b->a, lab.device.cert, lab.device.key, w.done.password, &password));
	expect_ok(text_cstr(b->a, password, &text));
	expect_ok(pfx_open(b->a, pfx, text, &p));
	for (size_t i = 0; i < COUNT(numbers); i++) {
		auto_bn BIGNUM *bn = NULL;
		uint8_t bytes[512];
		struct str number;

		assert_int_equal(EVP_PKEY_get_bn_param(key_pkey(p.key), numbers[i], &bn), 1);
		number = str_of(bytes + 8, (size_t)BN_bn2bin(bn, bytes) - 16);
		assert_false(holds(w.done.pfx, number));
		assert_false(holds(w.done.password, number));
		assert_false(holds(pfx, number));
		assert_false(holds(w.rep.csr, number));
	}
	assert_false(holds(w.done.pfx, password));
	assert_false(holds(w.done.password, password));
}

static void
nothing_of_a_key_is_on_disk(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };
	char **names;
	size_t n;

	join(b);
	w = set_out(b, CKEYS_EC, 256);
	expect_ok(dir_list(b->a, b->dir, 16, &names, &n));
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++)
		assert_true(strcmp(names[i], "identity-ca.pem") == 0 ||
		    strcmp(names[i], "maker.pem") ==
			0); /* which says what was made, and opens nothing */
}

static void
before_a_ca_was_named_nothing_is_sealed(void **state)
{
	struct box *b = *state;
	struct ckeys_begin_rep rep;

	expect_err(ERR_NOT_JOINED, begin_for(b, cert_der(lab.device.cert), CKEYS_EC, 256, &rep));
}

static void
a_device_of_another_ca_is_refused(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };
	auto_made struct made device =
	    made_under(b->a, &lab.other, "device", KEY_RSA, KEY_RSA_2048);

	join(b);
	expect_err(ERR_CHAIN, begin_for(b, cert_der(device.cert), CKEYS_EC, 256, &w.rep));
	w = set_out(b, CKEYS_EC, 256);
	expect_err(ERR_CHAIN, finish_with(b, &w, cert_der(w.leaf), cert_der(device.cert)));
}

static void
what_the_root_above_the_named_ca_issued_is_no_device(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };
	struct issue_spec s = made_spec(b->a, "device", lab.device.key);
	auto_cert struct cert *device = NULL;

	s.issuer = lab.root.cert;
	device = made_cert(b->a, &s, lab.root.key);
	expect_ok(name_ca(
	    b, arena_printf(b->a, "%s%s", pem_of(b, lab.identity.cert), pem_of(b, lab.root.cert))));
	w = set_out(b, CKEYS_EC, 256);
	expect_err(ERR_CHAIN, finish_with(b, &w, cert_der(w.leaf), cert_der(device)));
}

static struct cert *
device_with(struct box *b, struct key *key, uint8_t key_usage, when_t not_after,
    const char *const *ekus, size_t nekus)
{
	struct issue_spec s = made_spec(b->a, "device", key);

	s.issuer = lab.identity.cert;
	s.key_usage = key_usage;
	s.not_after = not_after;
	s.ekus = ekus;
	s.nekus = nekus;
	return made_cert(b->a, &s, lab.identity.key);
}

static const char *const client_auth[] = { OID_EKU_CLIENT_AUTH };
static const char *const mail_only[] = { OID_EKU_EMAIL };

static void
an_expired_device_certificate_is_refused(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };
	auto_cert struct cert *device =
	    device_with(b, lab.device.key, 0xa0, MADE_NOW - 60, client_auth, COUNT(client_auth));

	join(b);
	expect_err(ERR_EXPIRED, begin_for(b, cert_der(device), CKEYS_EC, 256, &w.rep));
	w = set_out(b, CKEYS_EC, 256);
	expect_err(ERR_EXPIRED, finish_with(b, &w, cert_der(w.leaf), cert_der(device)));
}

static void
a_device_certificate_without_key_encipherment_is_refused(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };
	auto_cert struct cert *device = device_with(
	    b, lab.device.key, 0x80, MADE_NOW + MADE_DAY, client_auth, COUNT(client_auth));

	join(b);
	w = set_out_for(b, cert_der(device), CKEYS_EC, 256);
	expect_err(ERR_RECIPIENT, finish_with(b, &w, cert_der(w.leaf), cert_der(device)));
}

static void
a_device_certificate_for_another_purpose_is_refused(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };
	auto_cert struct cert *device =
	    device_with(b, lab.device.key, 0xa0, MADE_NOW + MADE_DAY, mail_only, COUNT(mail_only));

	join(b);
	w = set_out(b, CKEYS_EC, 256);
	expect_err(ERR_CHAIN, finish_with(b, &w, cert_der(w.leaf), cert_der(device)));
}

static void
a_device_certificate_with_an_ec_key_is_refused(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };
	auto_key struct key *ec = NULL;
	auto_cert struct cert *device = NULL;

	expect_ok(key_make(KEY_EC, KEY_P256, &ec));
	device = device_with(b, ec, 0x80, MADE_NOW + MADE_DAY, client_auth, COUNT(client_auth));
	join(b);
	w = set_out_for(b, cert_der(device), CKEYS_EC, 256);
	expect_err(ERR_RECIPIENT, finish_with(b, &w, cert_der(w.leaf), cert_der(device)));
}

static void
bytes_that_are_no_certificate_are_refused(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };

	join(b);
	expect_err(ERR_CERTIFICATE, begin_for(b, LIT("device"), CKEYS_EC, 256, &w.rep));
	w = set_out(b, CKEYS_EC, 256);
	expect_err(ERR_CERTIFICATE, finish_with(b, &w, cert_der(w.leaf), LIT("device")));
	cert_free(w.leaf);
	w = set_out(b, CKEYS_EC, 256);
	expect_err(ERR_CERTIFICATE, finish_with(b, &w, LIT("leaf"), cert_der(lab.device.cert)));
}

static void
a_leaf_for_another_key_is_refused(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };
	auto_way struct way other = { 0 };

	join(b);
	w = set_out(b, CKEYS_EC, 256);
	other = set_out(b, CKEYS_EC, 256);
	expect_err(
	    ERR_KEY_MISMATCH, finish_with(b, &w, cert_der(other.leaf), cert_der(lab.device.cert)));
}

static void
a_handle_is_good_once(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };

	join(b);
	w = set_out(b, CKEYS_EC, 256);
	expect_ok(finish(b, &w));
	expect_err(ERR_HANDLE, finish(b, &w));
}

static void
a_refused_delivery_ends_its_handle_too(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };

	join(b);
	w = set_out(b, CKEYS_EC, 256);
	expect_err(ERR_CERTIFICATE, finish_with(b, &w, cert_der(w.leaf), LIT("device")));
	expect_err(ERR_HANDLE, finish(b, &w));
}

static void
a_handle_that_was_never_given_is_refused(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };

	join(b);
	w = set_out(b, CKEYS_EC, 256);
	w.rep.handle = 0;
	expect_err(ERR_HANDLE, finish(b, &w));
	w.rep.handle = 1;
	expect_err(ERR_HANDLE, finish(b, &w));
}

static void
what_was_dropped_is_gone_and_dropping_again_is_harmless(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };

	join(b);
	w = set_out(b, CKEYS_EC, 256);
	expect_ok(drop(b, w.rep.handle));
	expect_err(ERR_HANDLE, finish(b, &w));
	expect_ok(drop(b, w.rep.handle));
}

static void
a_key_pair_whose_time_is_over_is_gone(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };

	box_life(b, 1);
	join(b);
	w = set_out(b, CKEYS_EC, 256);
	poll(NULL, 0, 5);
	expect_err(ERR_HANDLE, finish(b, &w));
}

static void
more_than_the_maximum_are_refused_until_one_is_done(void **state)
{
	struct box *b = *state;
	struct ckeys_begin_rep rep, last;

	for (int i = 0; i < HANDLES; i++)
		expect_ok(begin(b, CKEYS_EC, 256, &last));
	expect_err(ERR_BUSY, begin(b, CKEYS_EC, 256, &rep));
	expect_ok(drop(b, last.handle));
	expect_ok(begin(b, CKEYS_EC, 256, &rep));
	expect_err(ERR_BUSY, begin(b, CKEYS_EC, 256, &rep));
}

static void
keys_whose_time_is_over_make_room(void **state)
{
	struct box *b = *state;
	struct ckeys_begin_rep rep;

	box_life(b, 1);
	for (int i = 0; i < HANDLES + 10; i++)
		expect_ok(begin(b, CKEYS_EC, 256, &rep));
}

static void
a_key_of_a_kind_that_is_not_made_is_refused(void **state)
{
	static const uint8_t small[] = { CKEYS_RSA, 4, 0 };
	struct box *b = *state;
	struct ckeys_begin_rep rep;
	auto_buf struct buf in;
	struct str out;

	expect_err(ERR_UNSUPPORTED, begin(b, CKEYS_RSA, 1024, &rep));
	buf_init(&in, 64);
	expect_ok(buf_put(&in, STR(small)));
	expect_err(ERR_UNSUPPORTED, call(b, CKEYS_BEGIN, &in, &out));
}

static void
the_identity_ca_must_be_a_ca(void **state)
{
	struct box *b = *state;

	expect_err(ERR_CERTIFICATE, name_ca(b, pem_of(b, lab.device.cert)));
	expect_err(ERR_CERTIFICATE, name_ca(b, "no certificate"));
	expect_err(ERR_MALFORMED, name_ca(b, ""));
	assert_false(file_exists(arena_printf(b->a, "%s/identity-ca.pem", b->dir)));
}

static void
the_identity_ca_is_named_once(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };

	join(b);
	join(b);
	expect_err(ERR_JOINED, name_ca(b, pem_of(b, lab.other.cert)));
	w = set_out(b, CKEYS_EC, 256);
	expect_ok(finish(b, &w));
}

static void
the_named_ca_is_known_after_a_restart(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };
	struct stat st;

	join(b);
	box_life(b, 0);
	w = set_out(b, CKEYS_EC, 256);
	expect_ok(finish(b, &w));
	assert_int_equal(stat(arena_printf(b->a, "%s/identity-ca.pem", b->dir), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	expect_err(ERR_JOINED, name_ca(b, pem_of(b, lab.other.cert)));
}

static void
a_damaged_file_of_the_named_ca_stops_the_start(void **state)
{
	struct box *b = *state;
	struct connector_keys_conf conf = { .dir = b->dir, .pool = 1 };
	struct connector_keys *k = NULL;

	made_write(b->a, b->dir, "identity-ca.pem", LIT("damaged"));
	expect_err(ERR_CERTIFICATE, connector_keys_open(&conf, &k));
	assert_null(k);
}

static void
a_device_certificate_that_ends_between_two_steps_is_refused(void **state)
{
	struct box *b = *state;
	auto_way struct way w = { 0 };

	w = set_out(b, CKEYS_EC, 256);
	when_set(cert_not_after(lab.device.cert) + 1);
	expect_err(ERR_EXPIRED, finish(b, &w));
	when_set(MADE_NOW);
}

static void
it_says_how_many_keys_of_which_size_there_are(void **state)
{
	struct box *b = *state;
	struct ckeys_begin_rep rep;
	struct ckeys_pool_rep pool;
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(call(b, CKEYS_POOL, &in, &out));
	expect_ok(ckeys_pool_rep_parse(b->a, out, &pool));
	assert_int_equal(pool.n, 0);
	expect_ok(begin(b, CKEYS_RSA, 2048, &rep));
	expect_ok(call(b, CKEYS_POOL, &in, &out));
	expect_ok(ckeys_pool_rep_parse(b->a, out, &pool));
	assert_int_equal(pool.n, 1);
	assert_int_equal(pool.v[0].bits, 2048);
	assert_int_equal(pool.v[0].room, 1);
	assert_int_equal(pool.v[0].taken, 1);
	assert_int_equal(pool.v[0].waited, 1);
	expect_ok(buf_putc(&in, 0));
	expect_err(ERR_TRAILING, call(b, CKEYS_POOL, &in, &out));
}

static void
sizes_that_were_named_are_wanted_from_the_start(void **state)
{
	struct box *b = *state;
	struct connector_keys_conf conf = {
		.dir = b->dir, .pool = 2, .sizes = { 2048, 3072 }, .nsizes = 2
	};
	struct connector_keys *k = NULL;

	expect_ok(connector_keys_open(&conf, &k));
	assert_int_equal(connector_keys_room(k, 2048), 2);
	assert_int_equal(connector_keys_room(k, 3072), 2);
	assert_int_equal(connector_keys_room(k, 4096), 0);
	connector_keys_close(k);
	k = NULL;
	conf.sizes[1] = 1024;
	expect_err(ERR_KEY_SIZE, connector_keys_open(&conf, &k));
	assert_null(k);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_request_has_the_names_and_uses_that_were_asked_for),
		CASE(the_request_says_for_which_order_and_device_the_key_was_made),
		CASE(a_key_on_a_curve_is_asked_for_to_sign_only),
		CASE(a_key_goes_to_no_other_device_than_it_was_made_for),
		CASE(every_request_has_a_key_of_its_own),
		CASE(
		    the_device_key_opens_what_was_packed_and_finds_key_leaf_and_chain_without_the_root),
		CASE(two_deliveries_have_different_passwords),
		CASE(nothing_of_the_key_leaves_in_clear),
		CASE(nothing_of_a_key_is_on_disk),
		CASE(before_a_ca_was_named_nothing_is_sealed),
		CASE(a_device_of_another_ca_is_refused),
		CASE(what_the_root_above_the_named_ca_issued_is_no_device),
		CASE(an_expired_device_certificate_is_refused),
		CASE(a_device_certificate_without_key_encipherment_is_refused),
		CASE(a_device_certificate_for_another_purpose_is_refused),
		CASE(a_device_certificate_with_an_ec_key_is_refused),
		CASE(bytes_that_are_no_certificate_are_refused),
		CASE(a_leaf_for_another_key_is_refused),
		CASE(a_handle_is_good_once),
		CASE(a_refused_delivery_ends_its_handle_too),
		CASE(a_handle_that_was_never_given_is_refused),
		CASE(what_was_dropped_is_gone_and_dropping_again_is_harmless),
		CASE(a_key_pair_whose_time_is_over_is_gone),
		CASE(more_than_the_maximum_are_refused_until_one_is_done),
		CASE(keys_whose_time_is_over_make_room),
		CASE(a_key_of_a_kind_that_is_not_made_is_refused),
		CASE(the_identity_ca_must_be_a_ca),
		CASE(the_identity_ca_is_named_once),
		CASE(the_named_ca_is_known_after_a_restart),
		CASE(a_damaged_file_of_the_named_ca_stops_the_start),
		CASE(a_device_certificate_that_ends_between_two_steps_is_refused),
		CASE(it_says_how_many_keys_of_which_size_there_are),
		CASE(sizes_that_were_named_are_wanted_from_the_start),
	};

	return cmocka_run_group_tests(tests, make_lab, free_lab);
}
