/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An enrolled agent in a folder of its own, and deliveries for it as connector/keys packs them. Its identity key and the
 * delivered keys are made once for all tests of a program.
 */
#ifndef TESTS_UNIT_AGENT_BOX_H
#define TESTS_UNIT_AGENT_BOX_H

#include "pki/made.h"

#include <sys/stat.h>

#include "agent/agent.h"
#include "pki/cms.h"
#include "pki/keyprov.h"
#include "pki/pfx.h"

#define ALIAS "chancery-7b6f2c1e"
#define PASSWORD "correct-horse-battery"

struct box_keys {
	struct arena *a;
	struct made root, identity_ca, identity;
	struct made issuing, one, two; /* two leaves to be delivered */
};

static struct box_keys keys;

struct box {
	struct arena *a;
	const char *dir;
	struct agent_conf conf;
	struct agent *g;
};

static inline struct made
box_sub_ca(const char *cn)
{
	struct made m = { NULL, NULL };
	struct issue_spec s;

	expect_ok(key_make(KEY_EC, KEY_P256, &m.key));
	s = made_ca_spec(keys.a, cn, m.key);
	s.issuer = keys.root.cert;
	m.cert = made_cert(keys.a, &s, keys.root.key);
	return m;
}

static inline int
make_keys(void **state)
{
	(void)state;
	when_set(MADE_NOW);
	expect_ok(keyprov_init());
	keys.a = arena_new();
	keys.root = made_root(keys.a, "Root", KEY_EC, KEY_P256);
	keys.identity_ca = box_sub_ca("Identity CA");
	keys.issuing = box_sub_ca("Issuing CA");
	keys.identity = made_under(keys.a, &keys.identity_ca, "device", KEY_RSA, KEY_RSA_2048);
	keys.one = made_under(keys.a, &keys.issuing, "alice", KEY_RSA, KEY_RSA_2048);
	keys.two = made_under(keys.a, &keys.issuing, "alice", KEY_RSA, KEY_RSA_2048);
	return 0;
}

static inline int
free_keys(void **state)
{
	struct made *all[] = { &keys.root, &keys.identity_ca, &keys.identity, &keys.issuing,
		&keys.one, &keys.two };

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++)
		made_free(all[i]);
	arena_free(keys.a);
	when_set(0);
	return 0;
}

static inline const char *
box_path(struct box *b, const char *name)
{
	return arena_printf(b->a, "%s/%s", b->conf.state_dir, name);
}

static inline json *
base64_list(struct arena *a, const struct cert *c)
{
	json *list = json_array_new();

	json_add(list, json_text_new(text_base64(a, cert_der(c))));
	return list;
}

/* What the service answers to an enrolment of this key. */
static inline json *
enrolment(struct arena *a, const struct cert *identity)
{
	json *j = json_object_new();

	json_set_text(j, "device_id", "7b6f2c1e-0000-4000-8000-000000000001");
	json_set_base64(a, j, "certificate", cert_der(identity));
	json_set(j, "chain", base64_list(a, keys.identity_ca.cert));
	json_set(j, "roots", base64_list(a, keys.root.cert));
	json_set_int(j, "poll_seconds", 60);
	return j;
}

static inline void
box_enrol(struct box *b, const struct cert *identity)
{
	auto_json json *j = enrolment(b->a, identity);
	struct str text;

	expect_ok(json_print(b->a, j, &text));
	expect_ok(file_write(box_path(b, "enrolment.json"), text, 0600));
}

static inline struct box *
box_new(void)
{
	static const char *none_named[] = { NULL };
	struct box *b = calloc(1, sizeof(*b));

	b->a = arena_new();
	b->dir = made_dir(b->a);
	b->conf = (struct agent_conf){
		.url = "https://service.test:8444",
		.trust = "",
		.state_dir = arena_printf(b->a, "%s/state", b->dir),
		.trust_dir = arena_printf(b->a, "%s/trust", b->dir),
		.etc_dir = arena_printf(b->a, "%s/etc", b->dir),
		.device_name = "laptop-1",
		.token_module = "",
		.token_label = "",
		.token_pin_file = "",
		.nss_databases = none_named,
		.nss_password_file = "",
		.nm_connections = none_named,
		.nm_dir = arena_printf(b->a, "%s/nm", b->dir),
		.wpa_networks = none_named,
		.wpa_dir = arena_printf(b->a, "%s/wpa", b->dir),
		.wpa_interface = "",
		.wpa_file = arena_printf(b->a, "%s/chancery.conf", b->dir),
		.dot1x_ca = true,
		.hooks_dir = arena_printf(b->a, "%s/hooks", b->dir),
		.hooks_timeout = 10,
		.log_level = "info",
		.log_format = "kv",
	};
	expect_ok(dir_make(b->conf.state_dir, 0700));
	return b;
}

static inline void
box_free(struct box *b)
{
	agent_close(b->g);
	made_dir_free(b->a, b->dir);
	arena_free(b->a);
	free(b);
}

static inline void
box_reopen(struct box *b)
{
	agent_close(b->g);
	b->g = NULL;
	expect_ok(agent_open(&b->conf, &b->g));
}

static inline int
setup(void **state)
{
	struct box *b = box_new();

	made_key(b->a, b->conf.state_dir, "identity.pem", keys.identity.key);
	box_enrol(b, keys.identity.cert);
	expect_ok(agent_open(&b->conf, &b->g));
	*state = b;
	return 0;
}

static inline int
teardown(void **state)
{
	box_free(*state);
	return 0;
}

struct delivery {
	struct str pfx, password, sha256;
};

static inline struct delivery
pack_for(struct arena *a, const struct made *leaf, const struct cert *device)
{
	struct str chain = cert_der(keys.issuing.cert), pfx;
	struct delivery d;

	expect_ok(pfx_make(
	    a, PFX_AES, leaf->key, cert_der(leaf->cert), &chain, 1, PASSWORD, "Chancery", &pfx));
	expect_ok(cms_seal(a, device, pfx, &d.pfx));
	expect_ok(cms_seal(a, device, str_c(PASSWORD), &d.password));
	d.sha256 = str_of(cert_sha256(leaf->cert), 32);
	return d;
}

static inline struct delivery
pack(struct arena *a, const struct made *leaf)
{
	return pack_for(a, leaf, keys.identity.cert);
}

static inline err_t
deliver(struct box *b, const char *alias, const struct delivery *d)
{
	const struct sealed_pair sealed = { d->pfx, d->password, d->sha256 };

	return identity_install(b->g, b->a, alias, &sealed, "Wi-Fi");
}

static inline json *
identities(struct box *b)
{
	json *list = json_array_new();

	expect_ok(identity_inventory(b->g, b->a, list));
	return list;
}

/* Exactly this one is there, with or without its key. */
static inline void
expect_identity(struct box *b, const char *alias, const struct cert *c, bool has_key)
{
	auto_json json *list = identities(b);
	const json *item = json_at(list, 0);

	assert_int_equal(json_count(list), 1);
	assert_string_equal(json_text(json_get(item, "alias")), alias);
	assert_string_equal(json_text(json_get(item, "kind")), "identity");
	assert_string_equal(
	    json_text(json_get(item, "sha256")), text_hex(b->a, str_of(cert_sha256(c), 32)));
	assert_int_equal(json_true(json_get(item, "has_key")), has_key);
	assert_string_equal(
	    json_text(json_get(item, "not_after")), when_text(b->a, cert_not_after(c)));
}

static inline void
expect_none(struct box *b)
{
	auto_json json *list = identities(b);

	assert_int_equal(json_count(list), 0);
}

/* Entries of a folder below the state, hidden ones too. */
static inline size_t
entries(struct box *b, const char *name)
{
	struct str out;
	int64_t n;

	assert_true(
	    made_run(b->a, b->dir, arena_printf(b->a, "ls -A %s | wc -l", box_path(b, name))));
	expect_ok(file_read(b->a, arena_printf(b->a, "%s/out", b->dir), 64, &out));
	expect_ok(text_i64(str_trim(out), 0, 10000, &n));
	return (size_t)n;
}

static inline unsigned
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static inline struct str
content(struct box *b, const char *name)
{
	struct str s;

	expect_ok(file_read(b->a, box_path(b, name), 1 << 20, &s));
	return s;
}

static const char *const bad_aliases[] = { "", ".", "..", ".hidden", "../chancery-x",
	"chancery-x/../../y", "/chancery-x", "chancery-x/y", "chancery-\n", "chancery x",
	"chancery-\xc3\xbc", "chancery-*", "chancery-$(id)",
	/* longer than a file name may be */
	("chancery-0123456789012345678901234567890123456789012345678901234567890123456789"
	 "012345678901234567890123456789012345678901234567890123456789") };

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
