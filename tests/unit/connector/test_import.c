/* SPDX-License-Identifier: Apache-2.0 */
/* Import keys of connector/keys, and files that are opened with them. */
#include "pki/made.h"

#include <sys/stat.h>

#include "codec/ckeys_ipc.h"
#include "codec/pfx_ipc.h"
#include "connector/keys.h"
#include "pki/cms.h"
#include "pki/pfx.h"
#include "pki/wrap.h"

/* Made once for all tests: RSA keys take their time. */
struct lab {
	struct arena *a;
	struct made root, identity, other, device, foreign; /* foreign: of another identity CA */
	struct made leaf;                                   /* what was imported */
	struct str pfx;                                     /* under "password", AES */
	struct key *far;                                    /* import key of another connector */
};

static struct lab lab;

struct box {
	struct arena *a;
	const char *dir;
	struct connector_keys *keys;
	struct key *public; /* of the import key "main" */
	const char *id;
};

static struct made
under(const struct made *ca, const char *cn, bool is_ca, enum key_alg alg, unsigned bits)
{
	struct made m = { NULL, NULL };
	struct issue_spec s;

	expect_ok(key_make(alg, bits, &m.key));
	s = is_ca ? made_ca_spec(lab.a, cn, m.key) : made_spec(lab.a, cn, m.key);
	s.issuer = ca->cert;
	m.cert = made_cert(lab.a, &s, ca->key);
	return m;
}

static int
make_lab(void **state)
{
	struct str chain[1];

	(void)state;
	when_set(MADE_NOW);
	lab.a = arena_new();
	lab.root = made_root(lab.a, "Root", KEY_EC, KEY_P256);
	lab.identity = under(&lab.root, "Identity CA", true, KEY_EC, KEY_P256);
	lab.other = under(&lab.root, "Other CA", true, KEY_EC, KEY_P256);
	lab.device = under(&lab.identity, "device", false, KEY_RSA, KEY_RSA_2048);
	lab.foreign = under(&lab.other, "device", false, KEY_RSA, KEY_RSA_2048);
	lab.leaf = under(&lab.other, "Ada", false, KEY_RSA, KEY_RSA_2048);
	chain[0] = cert_der(lab.root.cert);
	expect_ok(pfx_make(lab.a, PFX_AES, lab.leaf.key, cert_der(lab.leaf.cert), chain, 1,
	    "password", "n", &lab.pfx));
	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &lab.far));
	return 0;
}

static int
free_lab(void **state)
{
	(void)state;
	made_free(&lab.root);
	made_free(&lab.identity);
	made_free(&lab.other);
	made_free(&lab.device);
	made_free(&lab.foreign);
	made_free(&lab.leaf);
	key_free(lab.far);
	arena_free(lab.a);
	when_set(0);
	return 0;
}

static void
box_open(struct box *b)
{
	const struct connector_keys_conf conf = { .dir = b->dir, .pool = 1 };

	expect_ok(connector_keys_open(&conf, &b->keys));
}

static err_t
call(struct box *b, uint16_t type, const struct buf *in, struct str *ret)
{
	auto_buf struct buf out;

	buf_init(&out, LIMIT_IPC_MESSAGE);
	for (const struct ipc_verb *v = connector_keys_verbs; v->handle != NULL; v++) {
		if (v->type != type)
			continue;
		TRY(v->handle(b->keys, b->a, buf_str(in), &out));
		*ret = arena_str(b->a, buf_str(&out));
		return OK;
	}
	FAIL(ERR_UNSUPPORTED, "type %u", type);
}

static err_t
make_key(struct box *b, const char *name, uint16_t bits, const char *uri, struct str *ret_spki)
{
	auto_buf struct buf in;
	struct pfx_key_rep rep;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(pfx_key_req_encode(&(struct pfx_key_req){ name, bits, uri }, &in));
	TRY(call(b, PFX_KEY_MAKE, &in, &out));
	TRY(pfx_key_rep_parse(b->a, out, &rep));
	*ret_spki = rep.spki;
	return OK;
}

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));
	auto_buf struct buf in;
	struct str out, spki;
	uint8_t hash[32];

	b->a = arena_new();
	b->dir = made_dir(b->a);
	box_open(b);
	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(ckeys_identity_req_encode(&(struct ckeys_identity_req){ text_pem(
						b->a, "CERTIFICATE", cert_der(lab.identity.cert)) },
	    &in));
	expect_ok(call(b, CKEYS_IDENTITY_CA, &in, &out));
	expect_ok(make_key(b, "main", 2048, "", &spki));
	expect_ok(key_from_spki(spki, &b->public));
	expect_ok(key_spki_sha256(b->public, hash));
	b->id = text_hex(b->a, STR(hash));
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct box *b = *state;

	key_free(b->public);
	connector_keys_close(b->keys);
	made_dir_free(b->a, b->dir);
	arena_free(b->a);
	free(b);
	return 0;
}

static struct pfx_open_req
request(struct box *b, const char *password)
{
	struct pfx_open_req q = { .key = b->id,
		.padding = WRAP_OAEP_SHA384,
		.pfx = lab.pfx,
		.pack = { .form = PACK_AGENT, .format = PFX_FORMAT_AES },
		.device_certificate = cert_der(lab.device.cert) };
	uint8_t *hash = arena_alloc(b->a, 20);

	hash_sha1(cert_der(lab.leaf.cert), hash);
	q.thumbprint = str_of(hash, 20);
	expect_ok(wrap_seal(b->a, b->public, q.padding, str_c(password), &q.wrapped));
	return q;
}

static err_t
open_it(struct box *b, const struct pfx_open_req *q, struct pfx_open_rep *ret)
{
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(pfx_open_req_encode(q, &in));
	TRY(call(b, PFX_OPEN, &in, &out));
	return pfx_open_rep_parse(b->a, out, ret);
}

/* As the device does. */
static void
receive(struct box *b, const struct pfx_open_rep *rep, struct str *ret_file,
    const char **ret_password, struct pfx *ret)
{
	struct str password;

	expect_ok(cms_open(b->a, lab.device.cert, lab.device.key, rep->pfx, ret_file));
	expect_ok(cms_open(b->a, lab.device.cert, lab.device.key, rep->password, &password));
	expect_ok(text_cstr(b->a, password, ret_password));
	expect_ok(pfx_open(b->a, *ret_file, *ret_password, ret));
}

static void
a_file_as_it_was_exported_is_packed_anew_under_a_fresh_password(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "password");
	auto_pfx struct pfx p = { 0 };
	struct pfx_open_rep rep;
	const char *password;
	struct str file;

	expect_ok(open_it(b, &q, &rep));
	assert_true(str_eq(rep.leaf, cert_der(lab.leaf.cert)));
	receive(b, &rep, &file, &password, &p);
	assert_true(key_same_public(p.key, lab.leaf.key));
	assert_true(key_is_private(p.key));
	assert_string_not_equal(password, "password");
	assert_int_equal(strlen(password), 24);
	assert_int_equal(p.nchain, 0); /* the root stays out */
}

static void
a_file_of_our_own_import_is_handed_on_as_it_is(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "password");
	auto_pfx struct pfx p = { 0 };
	struct pfx_open_rep rep;
	const char *password;
	struct str file;

	q.leaf = cert_der(lab.leaf.cert);
	expect_ok(open_it(b, &q, &rep));
	receive(b, &rep, &file, &password, &p);
	assert_true(str_eq(file, lab.pfx));
	assert_string_equal(password, "password");
}

static void
old_importers_get_3des(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "password");
	auto_pfx struct pfx p = { 0 };
	struct pfx_open_rep rep;
	const char *password, *dir = made_dir(b->a);
	struct str file;

	q.pack.format = PFX_FORMAT_3DES;
	expect_ok(open_it(b, &q, &rep));
	receive(b, &rep, &file, &password, &p);
	made_write(b->a, dir, "p12", file);
	assert_true(made_run(b->a, dir,
	    arena_printf(b->a, "openssl pkcs12 -in p12 -passin pass:%s -info -nodes", password)));
	made_says(b->a, dir, "pbeWithSHA1And3-KeyTripleDES-CBC");
	made_dir_free(b->a, dir);
}

static void
a_windows_device_gets_the_file_itself_and_its_password_sealed(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "password");
	auto_pfx struct pfx p = { 0 };
	struct pfx_open_rep rep;
	struct str password;
	const char *text;

	q.pack = (struct pack){ .form = PACK_WINDOWS, .format = PFX_FORMAT_AES };
	expect_ok(open_it(b, &q, &rep));
	expect_ok(cms_open(b->a, lab.device.cert, lab.device.key, rep.password, &password));
	expect_ok(text_cstr(b->a, password, &text));
	assert_int_equal(strlen(text), 24);
	expect_ok(pfx_open(b->a, rep.pfx, text, &p));
	assert_true(key_same_public(p.key, lab.leaf.key));
}

static void
an_apple_device_gets_one_envelope_around_the_frame_with_file_and_password_in_it(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "password");
	auto_pfx struct pfx p = { 0 };
	struct pfx_open_rep rep;
	struct str plist, file;
	const char *password;

	q.pack = (struct pack){ .form = PACK_APPLE,
		.format = PFX_FORMAT_3DES,
		.frame = LIT("<plist>" PACK_MARK_PFX "|" PACK_MARK_PASSWORD "|</plist>") };
	expect_ok(open_it(b, &q, &rep));
	assert_int_equal(rep.password.n, 0);
	expect_ok(cms_open(b->a, lab.device.cert, lab.device.key, rep.pfx, &plist));
	assert_true(plist.n > 15 && memcmp(plist.p, "<plist>", 7) == 0);
	plist.p += 7;
	plist.n -= 7;
	expect_ok(text_unbase64(b->a, str_cut(&plist, '|'), &file));
	expect_ok(text_cstr(b->a, str_cut(&plist, '|'), &password));
	assert_true(str_eq_c(plist, "</plist>"));
	expect_ok(pfx_open(b->a, file, password, &p));
	assert_true(key_same_public(p.key, lab.leaf.key));
}

static void
a_frame_that_has_no_place_for_the_file_is_refused(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "password");
	struct pfx_open_rep rep;

	q.pack = (struct pack){ PACK_APPLE, PFX_FORMAT_3DES, LIT("<plist/>") };
	expect_err(ERR_MALFORMED, open_it(b, &q, &rep));
}

static void
what_xml_would_read_in_a_password_is_escaped_within_a_frame(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "a<b>&\"c");
	struct pfx_open_rep rep;
	struct str plist;

	q.leaf = cert_der(lab.leaf.cert); /* handed on as it is, with its password */
	q.pack =
	    (struct pack){ PACK_APPLE, PFX_FORMAT_3DES, LIT(PACK_MARK_PASSWORD "|" PACK_MARK_PFX) };
	expect_ok(open_it(b, &q, &rep));
	expect_ok(cms_open(b->a, lab.device.cert, lab.device.key, rep.pfx, &plist));
	assert_true(str_eq_c(str_cut(&plist, '|'), "a&#60;b&#62;&#38;\"c"));
}

static void
a_key_is_found_by_its_name_and_by_its_hash_in_any_case(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "password");
	struct pfx_open_rep rep;

	q.key = "name:MAIN";
	expect_ok(open_it(b, &q, &rep));
	q.key = "name:other";
	expect_err(ERR_PFX_KEY_UNKNOWN, open_it(b, &q, &rep));
	q.key = "main";
	expect_err(ERR_PFX_KEY_UNKNOWN, open_it(b, &q, &rep));
	q.key = "";
	expect_err(ERR_PFX_KEY_UNKNOWN, open_it(b, &q, &rep));
}

static void
nothing_is_sealed_to_a_device_of_another_identity_ca(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "password");
	struct pfx_open_rep rep;

	q.device_certificate = cert_der(lab.foreign.cert);
	expect_err(ERR_CHAIN, open_it(b, &q, &rep));
	q.leaf = cert_der(lab.leaf.cert);
	expect_err(ERR_CHAIN, open_it(b, &q, &rep));
}

static void
what_does_not_open_is_said(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "passwort");
	struct pfx_open_rep rep;

	expect_err(ERR_PFX_PASSWORD, open_it(b, &q, &rep));
	q = request(b, "password");
	q.padding = WRAP_OAEP_SHA256;
	expect_err(ERR_PFX_UNWRAP, open_it(b, &q, &rep));
	q.padding = 1;
	expect_err(ERR_PFX_PADDING, open_it(b, &q, &rep));
	q = request(b, "password");
	q.pfx = LIT("hello");
	expect_err(ERR_PFX, open_it(b, &q, &rep));
	q = request(b, "password");
	q.thumbprint = str_of(cert_sha256(lab.leaf.cert), 20);
	expect_err(ERR_PFX, open_it(b, &q, &rep));
	q.leaf = cert_der(lab.leaf.cert);
	expect_err(ERR_PFX, open_it(b, &q, &rep));
}

static void
names_are_checked_and_taken_once(void **state)
{
	static const char *const bad[] = { "", ".hidden", "a/b", "a b", "a,b", "../x" };
	struct box *b = *state;
	struct str spki;

	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_PFX_KEY_NAME, make_key(b, bad[i], 2048, "", &spki));
	expect_err(ERR_CONFLICT, make_key(b, "main", 2048, "", &spki));
	expect_err(ERR_CONFLICT, make_key(b, "MAIN", 2048, "", &spki));
	expect_err(ERR_KEY_SIZE, make_key(b, "small", 1024, "", &spki));
	expect_err(ERR_TOKEN_URI, make_key(b, "token", 2048, "file:x", &spki));
}

static void
keys_are_there_after_a_restart_and_readable_by_nobody_else(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "password");
	struct pfx_open_rep rep;
	struct stat st;

	assert_int_equal(stat(arena_printf(b->a, "%s/import/main.pem", b->dir), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	connector_keys_close(b->keys);
	box_open(b);
	expect_ok(open_it(b, &q, &rep));
}

static err_t
rewrap(struct box *b, struct str *ret)
{
	struct pfx_rewrap_req q = { .key = b->id, .padding = WRAP_OAEP_SHA512 };
	struct pfx_rewrap_rep rep;
	auto_buf struct buf in;
	uint8_t hash[32];
	struct str out;

	expect_ok(key_spki_sha256(lab.far, hash));
	q.to = STR(hash);
	expect_ok(wrap_seal(b->a, b->public, q.padding, LIT("password"), &q.wrapped));
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(pfx_rewrap_req_encode(&q, &in));
	TRY(call(b, PFX_REWRAP, &in, &out));
	TRY(pfx_rewrap_rep_parse(b->a, out, &rep));
	*ret = rep.wrapped;
	return OK;
}

static err_t
admit(struct box *b, struct str spki)
{
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(pfx_admit_req_encode(&(struct pfx_admit_req){ spki }, &in));
	return call(b, PFX_KEY_ADMIT, &in, &out);
}

static void
a_password_is_encrypted_again_to_keys_that_were_admitted_only(void **state)
{
	struct box *b = *state;
	struct str spki, wrapped, opened;

	expect_err(ERR_PFX_KEY_UNKNOWN, rewrap(b, &wrapped));
	expect_ok(key_spki(b->a, lab.far, &spki));
	expect_ok(admit(b, spki));
	expect_ok(admit(b, spki));
	connector_keys_close(b->keys);
	box_open(b);
	expect_ok(rewrap(b, &wrapped));
	expect_ok(wrap_open(b->a, lab.far, WRAP_OAEP_SHA256, wrapped, &opened));
	assert_true(str_eq(opened, LIT("password")));
	expect_err(ERR_KEY, admit(b, LIT("hello")));
	expect_ok(key_spki(b->a, lab.root.key, &spki));
	expect_err(ERR_KEY, admit(b, spki));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_file_as_it_was_exported_is_packed_anew_under_a_fresh_password, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_file_of_our_own_import_is_handed_on_as_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(old_importers_get_3des, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_windows_device_gets_the_file_itself_and_its_password_sealed, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_apple_device_gets_one_envelope_around_the_frame_with_file_and_password_in_it,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_frame_that_has_no_place_for_the_file_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_xml_would_read_in_a_password_is_escaped_within_a_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_key_is_found_by_its_name_and_by_its_hash_in_any_case, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    nothing_is_sealed_to_a_device_of_another_identity_ca, setup, teardown),
		cmocka_unit_test_setup_teardown(what_does_not_open_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_checked_and_taken_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    keys_are_there_after_a_restart_and_readable_by_nobody_else, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_password_is_encrypted_again_to_keys_that_were_admitted_only, setup, teardown),
	};

	return cmocka_run_group_tests(tests, make_lab, free_lab);
}
