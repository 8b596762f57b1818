/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/made.h"

#include <sys/stat.h>

#include "codec/jws.h"
#include "codec/keys_ipc.h"
#include "daemon/service_keys.h"
#include "pki/csr.h"
#include "pki/seal.h"

#define DAY 86400

struct box {
	struct arena *a;
	const char *dir;
	struct service_keys *keys;
};

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	when_set(MADE_NOW);
	b->a = arena_new();
	b->dir = made_dir(b->a);
	expect_ok(service_keys_open(arena_printf(b->a, "%s/keys", b->dir), &b->keys));
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct box *b = *state;

	service_keys_close(b->keys);
	made_dir_free(b->a, b->dir);
	arena_free(b->a);
	free(b);
	when_set(0);
	return 0;
}

static err_t
call(struct box *b, uint16_t type, struct str in, struct str *ret)
{
	auto_buf struct buf out;

	buf_init(&out, LIMIT_IPC_MESSAGE);
	for (const struct ipc_verb *v = service_keys_verbs; v->handle != NULL; v++) {
		if (v->type != type)
			continue;
		TRY(v->handle(b->keys, b->a, in, &out));
		*ret = arena_str(b->a, buf_str(&out));
		return OK;
	}
	FAIL(ERR_UNSUPPORTED, "type %u", type);
}

static struct keys_public_rep
publics(struct box *b)
{
	struct keys_public_rep rep;
	struct str out;

	expect_ok(call(b, KEYS_PUBLIC, STR_EMPTY, &out));
	expect_ok(keys_public_rep_parse(b->a, out, &rep));
	return rep;
}

static struct key *
order_key(struct box *b)
{
	struct keys_public_rep rep = publics(b);
	struct key *k = NULL;
	struct str der;
	size_t n;

	expect_ok(text_unpem(b->a, str_c(rep.order_key), "PUBLIC KEY", &der, 1, &n));
	expect_ok(key_from_spki(der, &k));
	return k;
}

static const uint8_t some_hash[32] = { 9 };

static struct order
an_order(struct box *b)
{
	return (struct order){ .kind = ORDER_ISSUE,
		.id = id_new(),
		.slot = id_new(),
		.device = id_new(),
		.profile = id_new(),
		.profile_version = 1,
		.fence = 7,
		.issued = MADE_NOW,
		.expires = MADE_NOW + 3600,
		.ca = "Corp Issuing CA",
		.template = "ChanceryUser",
		.subject = made_name(b->a, "Alice"),
		.sid = "",
		.holder = STR(some_hash),
		.keep = "" };
}

static err_t
seal_bytes(struct box *b, struct str bytes, struct keys_seal_rep *ret)
{
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(keys_seal_req_encode(&(struct keys_seal_req){ bytes }, &in));
	TRY(call(b, KEYS_SEAL_ORDER, buf_str(&in), &out));
	return keys_seal_rep_parse(b->a, out, ret);
}

static err_t
seal(struct box *b, const struct order *o, struct keys_seal_rep *ret)
{
	auto_buf struct buf bytes;

	buf_init(&bytes, LIMIT_ORDER_BYTES);
	TRY(order_encode(o, &bytes));
	return seal_bytes(b, buf_str(&bytes), ret);
}

static err_t
sign(struct box *b, uint8_t which, struct str digest, struct sign_rep *ret)
{
	struct sign_req req = { which, SIGN_ECDSA_SHA256, digest };
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(sign_req_encode(&req, &in));
	TRY(call(b, KEYS_SIGN, buf_str(&in), &out));
	return sign_rep_parse(b->a, out, ret);
}

static err_t
make_csr(struct box *b, unsigned which, const char *cn, const char **hosts, size_t n,
    struct keys_csr_rep *ret)
{
	struct keys_csr_req req = { (enum keys_which)which, cn, { hosts, n } };
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(keys_csr_req_encode(&req, &in));
	TRY(call(b, KEYS_CSR, buf_str(&in), &out));
	return keys_csr_rep_parse(b->a, out, ret);
}

static err_t
make_token(struct box *b, const char *claims, struct keys_token_rep *ret)
{
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(keys_token_req_encode(&(struct keys_token_req){ claims }, &in));
	TRY(call(b, KEYS_SIGN_TOKEN, buf_str(&in), &out));
	return keys_token_rep_parse(b->a, out, ret);
}

static void
an_order_is_sealed_and_opens_with_the_public_key(void **state)
{
	struct box *b = *state;
	auto_key struct key *k = order_key(b);
	struct order o = an_order(b), back;
	struct keys_seal_rep rep;

	expect_ok(seal(b, &o, &rep));
	expect_ok(seal_open(b->a, (const struct key *const[]){ k }, 1, rep.sealed, &back));
	assert_true(id_eq(back.id, o.id));
	assert_int_equal(back.fence, 7);
	assert_string_equal(back.template, "ChanceryUser");
}

static void
an_order_that_is_over_is_not_sealed(void **state)
{
	struct box *b = *state;
	struct order o = an_order(b);
	struct keys_seal_rep rep;

	o.expires = MADE_NOW;
	expect_err(ERR_ORDER, seal(b, &o, &rep));
	o.expires = MADE_NOW + 1;
	expect_ok(seal(b, &o, &rep));
}

static void
an_order_that_anybody_could_use_is_not_sealed(void **state)
{
	struct box *b = *state;
	struct order o = an_order(b);
	struct keys_seal_rep rep;

	o.holder = STR_EMPTY;
	expect_err(ERR_ORDER, seal(b, &o, &rep));
	o.challenge = STR(some_hash);
	expect_ok(seal(b, &o, &rep));
	o.challenge = STR_EMPTY;
	o.spki = STR(some_hash);
	expect_ok(seal(b, &o, &rep));
}

static void
an_order_for_more_than_a_day_is_not_sealed(void **state)
{
	struct box *b = *state;
	struct order o = an_order(b);
	struct keys_seal_rep rep;

	o.expires = MADE_NOW + DAY + 1;
	expect_err(ERR_ORDER, seal(b, &o, &rep));
	o.expires = INT64_MAX;
	expect_err(ERR_ORDER, seal(b, &o, &rep));
	o.expires = MADE_NOW + DAY;
	expect_ok(seal(b, &o, &rep));
}

static void
bytes_that_are_no_order_are_not_sealed(void **state)
{
	struct box *b = *state;
	auto_buf struct buf bytes;
	struct order o = an_order(b);
	struct keys_seal_rep rep;
	err_t e;

	buf_init(&bytes, LIMIT_ORDER_BYTES);
	expect_ok(order_encode(&o, &bytes));
	for (size_t n = 0; n < bytes.n; n++) {
		e = seal_bytes(b, str_of(bytes.p, n), &rep);
		assert_false(err_ok(e));
		err_forget(e);
	}
	expect_ok(seal_bytes(b, buf_str(&bytes), &rep));
	expect_ok(buf_putc(&bytes, 0));
	e = seal_bytes(b, buf_str(&bytes), &rep);
	assert_false(err_ok(e));
	err_forget(e);
}

static bool
taken(err_t e)
{
	bool ok = err_ok(e);

	err_forget(e);
	return ok;
}

static void
only_keys_that_are_lent_sign_digests(void **state)
{
	struct box *b = *state;
	const uint8_t digest[32] = { 1 };
	struct sign_rep rep;

	for (unsigned which = 0; which < 256; which++) {
		bool rsa = which == KEYS_PROFILE || which == KEYS_PUSH;

		if (which == KEYS_TLS || which == KEYS_RA)
			expect_ok(sign(b, (uint8_t)which, STR(digest), &rep));
		else if (!rsa)
			expect_err(ERR_BAD_REQUEST, sign(b, (uint8_t)which, STR(digest), &rep));
		else
			assert_false(taken(
			    sign(b, (uint8_t)which, STR(digest), &rep))); /* no ECDSA by them */
	}
}

static void
a_lent_signature_is_no_seal_of_an_order(void **state)
{
	static const uint8_t prefix[] = "chancery-order-v1";
	struct box *b = *state;
	auto_key struct key *k = order_key(b);
	auto_buf struct buf bytes, message, out;
	struct order o = an_order(b), back;
	struct sealed sealed = { 0 };
	uint8_t digest[32], id[32];
	struct sign_rep rep;

	buf_init(&bytes, LIMIT_ORDER_BYTES);
	buf_init(&message, LIMIT_ORDER_BYTES);
	buf_init(&out, LIMIT_ORDER_BYTES);
	expect_ok(order_encode(&o, &bytes));
	expect_ok(buf_put(&message, STR(prefix)));
	expect_ok(buf_put(&message, buf_str(&bytes)));
	hash_sha256(buf_str(&message), digest);
	expect_ok(key_spki_sha256(k, id));
	for (uint8_t which = KEYS_TLS; which <= KEYS_RA; which++) {
		buf_reset(&out);
		expect_ok(sign(b, which, STR(digest), &rep));
		sealed = (struct sealed){ buf_str(&bytes), rep.signature, STR(id) };
		expect_ok(sealed_encode(&sealed, &out));
		expect_err(ERR_ORDER_SIGNATURE,
		    seal_open(b->a, (const struct key *const[]){ k }, 1, buf_str(&out), &back));
	}
}

static void
requests_have_the_name_and_the_hosts_and_each_key_is_its_own(void **state)
{
	struct box *b = *state;
	const char *hosts[] = { "service.test", "192.0.2.1", "2001:db8::1" };
	auto_csr struct csr tls = { 0 };
	auto_csr struct csr ra = { 0 };
	auto_key struct key *order = order_key(b);
	struct keys_csr_rep rep;
	struct san *sans;
	size_t n;

	expect_ok(make_csr(b, KEYS_TLS, "service.test", hosts, COUNT(hosts), &rep));
	expect_ok(csr_parse(b->a, rep.csr, &tls));
	expect_ok(san_decode(b->a, tls.san, &sans, &n));
	assert_int_equal(n, 3);
	assert_int_equal(sans[0].type, SAN_DNS);
	assert_int_equal(sans[1].type, SAN_IP);
	assert_int_equal(sans[2].type, SAN_IP);
	expect_ok(make_csr(b, KEYS_RA, "Chancery service", NULL, 0, &rep));
	expect_ok(csr_parse(b->a, rep.csr, &ra));
	assert_int_equal(ra.san.n, 0);
	assert_false(key_same_public(tls.key, ra.key));
	assert_false(key_same_public(tls.key, order));
	assert_false(key_same_public(ra.key, order));
}

static void
no_request_is_made_for_the_other_keys(void **state)
{
	struct box *b = *state;
	/* u8 which | text cn | list of hosts */
	static const uint8_t other[] = { KEYS_PUSH + 1, 0, 0, 0, 1, 'x', 0, 0 };
	struct str out;
	err_t e = call(b, KEYS_CSR, STR(other), &out);

	assert_false(err_ok(e));
	err_forget(e);
}

static void
tokens_verify_with_the_public_keys(void **state)
{
	struct box *b = *state;
	struct keys_public_rep rep = publics(b);
	auto_json json *set = NULL;
	auto_json json *claims = NULL;
	struct jws_key *k = NULL;
	struct keys_token_rep token;
	const json *jwk;
	struct str text;

	expect_ok(json_parse(str_c(rep.jwks), LIMIT_JWT_BYTES, &set));
	assert_int_equal(json_count(json_get(set, "keys")), 1);
	jwk = json_at(json_get(set, "keys"), 0);
	expect_ok(json_print(b->a, jwk, &text));
	expect_ok(jws_key_parse(text, &k));
	expect_ok(make_token(b, "{\"sub\":\"app\",\"exp\":1767229200}", &token));
	expect_ok(
	    jws_verify(b->a, (const struct jws_key *const[]){ k }, 1, str_c(token.token), &claims));
	assert_string_equal(json_text(json_get(claims, "sub")), "app");
	jws_key_free(k);
}

static void
the_public_set_has_no_private_part(void **state)
{
	static const char *const parts[] = { "d", "p", "q", "dp", "dq", "qi", "k" };
	struct box *b = *state;
	struct keys_public_rep rep = publics(b);
	auto_json json *set = NULL;
	const json *jwk;

	expect_ok(json_parse(str_c(rep.jwks), LIMIT_JWT_BYTES, &set));
	jwk = json_at(json_get(set, "keys"), 0);
	for (size_t i = 0; i < COUNT(parts); i++)
		assert_null(json_get(jwk, parts[i]));
	assert_null(strstr(rep.order_key, "PRIVATE"));
}

static void
claims_that_are_no_object_are_not_signed(void **state)
{
	static const char *const bad[] = { "", "x", "[]", "7", "\"text\"", "{\"a\":1}{}",
		"{\"a\":1,\"a\":2}" };
	struct box *b = *state;
	struct keys_token_rep rep;

	for (size_t i = 0; i < COUNT(bad); i++) {
		err_t e = make_token(b, bad[i], &rep);

		assert_false(err_ok(e));
		err_forget(e);
	}
}

static void
keys_are_for_their_owner_only_and_the_same_after_a_restart(void **state)
{
	static const char *const files[] = { "order.pem", "tls.pem", "ra.pem", "token.jwk" };
	struct box *b = *state;
	struct keys_public_rep one = publics(b), two;
	struct stat st;

	assert_int_equal(stat(arena_printf(b->a, "%s/keys", b->dir), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	for (size_t i = 0; i < COUNT(files); i++) {
		assert_int_equal(stat(arena_printf(b->a, "%s/keys/%s", b->dir, files[i]), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	service_keys_close(steal(b->keys));
	expect_ok(service_keys_open(arena_printf(b->a, "%s/keys", b->dir), &b->keys));
	two = publics(b);
	assert_string_equal(one.order_key, two.order_key);
	assert_string_equal(one.jwks, two.jwks);
}

static void
a_damaged_key_file_stops_the_start_and_is_not_replaced(void **state)
{
	static const char *const files[] = { "order.pem", "token.jwk" };
	struct box *b = *state;
	const char *dir = arena_printf(b->a, "%s/keys", b->dir);

	service_keys_close(steal(b->keys));
	for (size_t i = 0; i < COUNT(files); i++) {
		struct service_keys *k = NULL;
		struct str kept, now;
		err_t e;

		expect_ok(
		    file_read(b->a, arena_printf(b->a, "%s/%s", dir, files[i]), 16384, &kept));
		made_write(b->a, dir, files[i], LIT("damaged"));
		e = service_keys_open(dir, &k);
		assert_false(err_ok(e));
		err_forget(e);
		assert_null(k);
		expect_ok(file_read(b->a, arena_printf(b->a, "%s/%s", dir, files[i]), 16384, &now));
		assert_true(str_eq(now, LIT("damaged")));
		made_write(b->a, dir, files[i], kept);
	}
	expect_ok(service_keys_open(dir, &b->keys));
}

static void
messages_with_something_behind_them_are_refused(void **state)
{
	struct box *b = *state;
	struct str out;

	expect_err(ERR_TRAILING, call(b, KEYS_PUBLIC, LIT("x"), &out));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static err_t
secret_call(struct box *b, uint16_t type, const char *label, struct str bytes, struct str *ret)
{
	auto_buf struct buf in;
	struct keys_hide_rep rep;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(keys_hide_req_encode(&(struct keys_hide_req){ label, bytes }, &in));
	TRY(call(b, type, buf_str(&in), &out));
	TRY(keys_hide_rep_parse(b->a, out, &rep));
	*ret = rep.bytes;
	return OK;
}

static void
a_secret_is_opened_under_its_label_also_after_a_restart(void **state)
{
	struct box *b = *state;
	struct str sealed, opened;

	expect_ok(secret_call(b, KEYS_HIDE, "profile 1", LIT("correct horse"), &sealed));
	assert_false(str_eq(sealed, LIT("correct horse")));
	service_keys_close(b->keys);
	expect_ok(service_keys_open(arena_printf(b->a, "%s/keys", b->dir), &b->keys));
	expect_ok(secret_call(b, KEYS_SHOW, "profile 1", sealed, &opened));
	assert_true(str_eq(opened, LIT("correct horse")));
	expect_err(ERR_SECRET_LOST, secret_call(b, KEYS_SHOW, "profile 2", sealed, &opened));
	expect_err(ERR_SECRET_LOST, secret_call(b, KEYS_SHOW, "profile 1", LIT("x"), &opened));
}

static void
other_keys_do_not_open_a_secret(void **state)
{
	struct box *b = *state;
	struct str sealed, opened;

	expect_ok(secret_call(b, KEYS_HIDE, "profile 1", LIT("correct horse"), &sealed));
	service_keys_close(b->keys);
	expect_ok(service_keys_open(arena_printf(b->a, "%s/others", b->dir), &b->keys));
	expect_err(ERR_SECRET_LOST, secret_call(b, KEYS_SHOW, "profile 1", sealed, &opened));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_order_is_sealed_and_opens_with_the_public_key),
		CASE(a_secret_is_opened_under_its_label_also_after_a_restart),
		CASE(other_keys_do_not_open_a_secret),
		CASE(an_order_that_is_over_is_not_sealed),
		CASE(an_order_that_anybody_could_use_is_not_sealed),
		CASE(an_order_for_more_than_a_day_is_not_sealed),
		CASE(bytes_that_are_no_order_are_not_sealed),
		CASE(only_keys_that_are_lent_sign_digests),
		CASE(a_lent_signature_is_no_seal_of_an_order),
		CASE(requests_have_the_name_and_the_hosts_and_each_key_is_its_own),
		CASE(no_request_is_made_for_the_other_keys),
		CASE(tokens_verify_with_the_public_keys),
		CASE(the_public_set_has_no_private_part),
		CASE(claims_that_are_no_object_are_not_signed),
		CASE(keys_are_for_their_owner_only_and_the_same_after_a_restart),
		CASE(a_damaged_key_file_stops_the_start_and_is_not_replaced),
		CASE(messages_with_something_behind_them_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
