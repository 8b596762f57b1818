/* SPDX-License-Identifier: Apache-2.0 */
/* Import keys of connector/keys, and files that are opened with them. */
#include "pki/made.h"

#include <sys/stat.h>

#include "codec/pfx_ipc.h"
#include "holder.h"
#include "pki/cms.h"
#include "pki/pfx.h"
#include "pki/seal.h"
#include "pki/wrap.h"

/* Made once for all tests: RSA keys take their time. */
struct lab {
	struct arena *a;
	struct made root, identity, other, device, foreign; /* foreign: of another identity CA */
	struct made second;                                 /* another device */
	struct made leaf;                                   /* what was imported */
	struct str pfx;                                     /* under "password", AES */
	struct key *far;                                    /* import key of another connector */
	struct key *service;                                /* seals orders */
};

static struct lab lab;

struct box {
	struct arena *a;
	const char *dir;
	struct connector_keys *keys;
	struct key *public; /* of the import key "main" */
	const char *id;
};

static int
make_lab(void **state)
{
	struct str chain[1];

	(void)state;
	when_set(MADE_NOW);
	lab.a = arena_new();
	lab.root = made_root(lab.a, "Root", KEY_EC, KEY_P256);
	lab.identity = made_ca_under(lab.a, &lab.root, "Identity CA", KEY_EC, KEY_P256);
	lab.other = made_ca_under(lab.a, &lab.root, "Other CA", KEY_EC, KEY_P256);
	lab.device = made_under(lab.a, &lab.identity, "device", KEY_RSA, KEY_RSA_2048);
	lab.second = made_under(lab.a, &lab.identity, "second", KEY_RSA, KEY_RSA_2048);
	lab.foreign = made_under(lab.a, &lab.other, "device", KEY_RSA, KEY_RSA_2048);
	lab.leaf = made_under(lab.a, &lab.other, "Ada", KEY_RSA, KEY_RSA_2048);
	chain[0] = cert_der(lab.root.cert);
	expect_ok(pfx_make(lab.a, PFX_AES, lab.leaf.key, cert_der(lab.leaf.cert), chain, 1,
	    "password", "n", &lab.pfx));
	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &lab.far));
	expect_ok(key_make(KEY_EC, KEY_P256, &lab.service));
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
	made_free(&lab.second);
	made_free(&lab.foreign);
	made_free(&lab.leaf);
	key_free(lab.far);
	key_free(lab.service);
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
	return holder_call(b->keys, b->a, type, in, ret);
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

static err_t
name_order_key(struct box *b, const struct key *k)
{
	auto_buf struct buf in;
	struct ckeys_order_req q;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(key_spki(b->a, k, &q.spki));
	expect_ok(ckeys_order_req_encode(&q, &in));
	return call(b, CKEYS_ORDER_KEY, &in, &out);
}

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));
	struct str spki;
	uint8_t hash[32];

	b->a = arena_new();
	b->dir = made_dir(b->a);
	box_open(b);
	expect_ok(holder_name_ca(
	    b->keys, b->a, text_pem(b->a, "CERTIFICATE", cert_der(lab.identity.cert))));
	expect_ok(name_order_key(b, lab.service));
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

/* As the service orders it. */
static struct order
order_of(struct box *b, enum order_kind kind)
{
	const struct buf none = { 0 };
	struct ckeys_maker_rep maker;
	struct str out;

	expect_ok(call(b, CKEYS_MAKER, &none, &out));
	expect_ok(ckeys_maker_rep_parse(b->a, out, &maker));
	return (struct order){ .kind = kind,
		.id = id_new(),
		.issued = MADE_NOW,
		.expires = MADE_NOW + 600,
		.ca = "",
		.template = "",
		.sid = "",
		.keep = "",
		.maker = maker.spki };
}

static struct order
import_order(struct box *b, const struct pfx_open_req *q)
{
	struct order o = order_of(b, ORDER_IMPORT);
	uint8_t *content = arena_alloc(b->a, 32), *device = arena_alloc(b->a, 32);

	hash_sha256(q->device_certificate, device);
	expect_ok(seal_import(
	    &(struct seal_import){ q->key, q->padding, q->wrapped, q->pfx, q->thumbprint },
	    content));
	o.recipient = str_of(device, 32);
	o.content = str_of(content, 32);
	return o;
}

static struct str
sealed(struct box *b, const struct key *k, const struct order *o)
{
	struct str s;

	expect_ok(seal_order(b->a, k, o, &s));
	return s;
}

/* Without an order of its own: with the one that the service would give. */
static err_t
open_it(struct box *b, const struct pfx_open_req *asked, struct pfx_open_rep *ret)
{
	struct pfx_open_req q = *asked;
	auto_buf struct buf in;
	struct order o;
	struct str out;

	if (q.order.n == 0) {
		o = import_order(b, &q);
		q.order = sealed(b, lab.service, &o);
	}
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(pfx_open_req_encode(&q, &in));
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

static struct order
rewrap_order(struct box *b)
{
	struct order o = order_of(b, ORDER_REWRAP);
	uint8_t *hash = arena_alloc(b->a, 32);

	expect_ok(key_spki_sha256(lab.far, hash));
	o.recipient = str_of(hash, 32);
	return o;
}

static err_t
rewrap_with(struct box *b, struct str order, struct str *ret)
{
	struct pfx_rewrap_req q = { .key = b->id, .padding = WRAP_OAEP_SHA512, .order = order };
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
rewrap(struct box *b, struct str *ret)
{
	struct order o = rewrap_order(b);

	return rewrap_with(b, sealed(b, lab.service, &o), ret);
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

static void
a_password_is_encrypted_again_only_to_the_key_that_the_service_ordered(void **state)
{
	struct box *b = *state;
	struct order o = rewrap_order(b);
	struct str spki, wrapped;
	uint8_t other[32] = { 1 };

	expect_ok(key_spki(b->a, lab.far, &spki));
	expect_ok(admit(b, spki)); /* whoever has the link can do that much */
	expect_err(ERR_ORDER, rewrap_with(b, STR_EMPTY, &wrapped));
	expect_err(ERR_ORDER_SIGNATURE, rewrap_with(b, sealed(b, lab.root.key, &o), &wrapped));
	o.recipient = STR(other);
	expect_err(ERR_ORDER_RECIPIENT, rewrap_with(b, sealed(b, lab.service, &o), &wrapped));
	o = rewrap_order(b);
	o.expires = MADE_NOW;
	o.issued = MADE_NOW - 600;
	expect_err(ERR_ORDER_EXPIRED, rewrap_with(b, sealed(b, lab.service, &o), &wrapped));
	o = rewrap_order(b);
	o.maker = LIT("another connector");
	expect_err(ERR_ORDER_HOLDER, rewrap_with(b, sealed(b, lab.service, &o), &wrapped));
	o = rewrap_order(b);
	o.kind = ORDER_IMPORT;
	o.content = STR(other);
	expect_err(ERR_ORDER_CA, rewrap_with(b, sealed(b, lab.service, &o), &wrapped));
}

static void
a_file_is_opened_only_for_the_device_that_the_service_ordered(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "password");
	struct order o = import_order(b, &q);
	struct pfx_open_rep rep;

	/* A device of this identity CA, of whoever has the link: what is ordered for one is for no other. */
	q.order = sealed(b, lab.service, &o);
	q.device_certificate = cert_der(lab.second.cert);
	expect_err(ERR_ORDER_RECIPIENT, open_it(b, &q, &rep));
	o = import_order(b, &q);
	q.order = sealed(b, lab.service, &o);
	expect_ok(open_it(b, &q, &rep));
}

static void
what_is_opened_is_what_was_ordered_in_every_part(void **state)
{
	struct box *b = *state;
	const struct pfx_open_req whole = request(b, "password"), another = request(b, "other");
	struct pfx_open_req q = whole;
	struct order o = import_order(b, &q);
	struct pfx_open_rep rep;

	q.order = sealed(b, lab.service, &o);
	q.wrapped = another.wrapped;
	expect_err(ERR_ORDER_CONTENT, open_it(b, &q, &rep));
	q.wrapped = whole.wrapped;
	q.pfx = LIT("another file");
	expect_err(ERR_ORDER_CONTENT, open_it(b, &q, &rep));
	q.pfx = whole.pfx;
	q.key = "name:main"; /* the same key, otherwise asked for */
	expect_err(ERR_ORDER_CONTENT, open_it(b, &q, &rep));
	q.key = whole.key;
	q.padding = WRAP_OAEP_SHA256;
	expect_err(ERR_ORDER_CONTENT, open_it(b, &q, &rep));
	q.padding = whole.padding;
	q.thumbprint = str_of(cert_sha256(lab.leaf.cert), 20);
	expect_err(ERR_ORDER_CONTENT, open_it(b, &q, &rep));
	q.thumbprint = whole.thumbprint;
	expect_ok(open_it(b, &q, &rep));
}

static void
an_order_of_somebody_else_or_for_something_else_opens_nothing(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "password");
	const struct order good = import_order(b, &q);
	struct pfx_open_rep rep;
	struct order o = good;

	q.order = LIT("no order");
	expect_err(ERR_ORDER, open_it(b, &q, &rep));
	q.order = sealed(b, lab.root.key, &o);
	expect_err(ERR_ORDER_SIGNATURE, open_it(b, &q, &rep));
	o.maker = LIT("another connector");
	q.order = sealed(b, lab.service, &o);
	expect_err(ERR_ORDER_HOLDER, open_it(b, &q, &rep));
	/* An order that the same service sealed for a certificate: the CA sees to that one. */
	o = good;
	o.kind = ORDER_ISSUE;
	o.content = STR_EMPTY;
	q.order = sealed(b, lab.service, &o);
	expect_err(ERR_ORDER_CA, open_it(b, &q, &rep));
	o = good;
	o.issued = MADE_NOW - 600;
	o.expires = MADE_NOW;
	q.order = sealed(b, lab.service, &o);
	expect_err(ERR_ORDER_EXPIRED, open_it(b, &q, &rep));
	o.issued = MADE_NOW + 301;
	o.expires = MADE_NOW + 600;
	q.order = sealed(b, lab.service, &o);
	expect_err(ERR_ORDER_EXPIRED, open_it(b, &q, &rep));
	o.issued = MADE_NOW + 300; /* clocks differ a little */
	q.order = sealed(b, lab.service, &o);
	expect_ok(open_it(b, &q, &rep));
}

static void
by_whom_orders_are_sealed_is_named_once_and_kept(void **state)
{
	struct box *b = *state;
	struct pfx_open_req q = request(b, "password");
	auto_key struct key *p384 = NULL;
	struct pfx_open_rep rep;

	expect_ok(name_order_key(b, lab.service));
	expect_err(ERR_JOINED, name_order_key(b, lab.root.key));
	expect_ok(key_make(KEY_EC, KEY_P384, &p384));
	expect_err(ERR_KEY, name_order_key(b, p384));
	expect_err(ERR_TOO_LARGE, name_order_key(b, lab.far)); /* RSA */
	connector_keys_close(b->keys);
	box_open(b);
	expect_err(ERR_JOINED, name_order_key(b, lab.root.key));
	expect_ok(open_it(b, &q, &rep));
	/* Only who may write there can have another one named; until then nothing is opened. */
	connector_keys_close(b->keys);
	assert_int_equal(unlink(arena_printf(b->a, "%s/order-key.pem", b->dir)), 0);
	box_open(b);
	expect_err(ERR_ORDER_UNNAMED, open_it(b, &q, &rep));
	expect_ok(name_order_key(b, lab.root.key));
	expect_err(ERR_ORDER_SIGNATURE, open_it(b, &q, &rep));
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
		cmocka_unit_test_setup_teardown(
		    a_password_is_encrypted_again_only_to_the_key_that_the_service_ordered, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_file_is_opened_only_for_the_device_that_the_service_ordered, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_opened_is_what_was_ordered_in_every_part, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_order_of_somebody_else_or_for_something_else_opens_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    by_whom_orders_are_sealed_is_named_once_and_kept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, make_lab, free_lab);
}
