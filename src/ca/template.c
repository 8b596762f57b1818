/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/template.h"

#include "base/secret.h"
#include "ca/lint.h"
#include "ca/template_field.h"
#include "codec/ms_ext.h"
#include "codec/oid.h"

#define OID_BASIC_CONSTRAINTS "2.5.29.19"
#define OID_OCSP_NOCHECK "1.3.6.1.5.5.7.48.1.5"
#define SETTING_OID_BASE "template.oid.base"

enum { DAY = 86400, NAME_MAX_CHARS = 64 };

/* 0 to 2^24 - 1, an arc as MS-CRTD's unique OIDs have them. */
static unsigned
random_arc(void)
{
	uint8_t b[3];

	rand_bytes(b, sizeof(b));
	return (unsigned)b[0] << 16 | (unsigned)b[1] << 8 | b[2];
}

/* 1.3.6.1.4.1.311.21.8.<six arcs of this installation> */
static err_t
oid_base(struct tx *tx, struct arena *a, const char **ret)
{
	struct str v;
	err_t e = store_ca_setting_get(tx, a, SETTING_OID_BASE, &v);

	if (err_ok(e) && v.n > 0)
		return text_cstr(a, v, ret);
	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	*ret = arena_printf(a, "1.3.6.1.4.1.311.21.8.%u.%u.%u.%u.%u.%u", random_arc(), random_arc(),
	    random_arc(), random_arc(), random_arc(), random_arc());
	return store_ca_setting_put(tx, SETTING_OID_BASE, str_c(*ret));
}

static err_t
seed_one(struct tx *tx, struct arena *a, const struct template_builtin *b, const char *base,
    const char *cas)
{
	struct template_row t;
	err_t e = store_template_get(tx, a, b->name, &t);

	if (err_ok(e))
		return OK;
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	t = (struct template_row){
		.name = b->name,
		.display_name = b->display_name,
		.oid = arena_printf(a, "%s.1.%d", base, b->number),
		.schema = b->schema,
		.major = b->major,
		.minor = b->minor,
		.flags = b->flags,
		.name_flags = b->name_flags,
		.enrolment_flags = b->enrolment_flags,
		.private_key_flags = b->private_key_flags,
		.key_usage = b->key_usage,
		.min_key_bits = KEY_RSA_2048,
		.validity = (int64_t)b->validity_days * DAY,
		.overlap = (int64_t)b->overlap_days * DAY,
		.ekus = b->ekus,
		.order_required = b->order_required,
		.published = b->where != TEMPLATE_NOT_PUBLISHED,
		.cas = cas,
		.created = when_now(),
		.modified = when_now(),
		.algorithms = "",
		.overrides = "",
	};
	return store_template_put(tx, &t);
}

err_t
template_seed(struct tx *tx, struct arena *a, const char *issuing_ca, const char *identity_ca)
{
	const char *const cas[] = {
		[TEMPLATE_NOT_PUBLISHED] = "",
		[TEMPLATE_ON_ISSUING] = issuing_ca,
		[TEMPLATE_ON_IDENTITY] = identity_ca,
	};
	const char *base;

	TRY(oid_base(tx, a, &base));
	for (size_t i = 0; i < template_nbuiltins; i++)
		TRY(seed_one(tx, a, &template_builtins[i], base, cas[template_builtins[i].where]));
	return OK;
}

err_t
template_ekus(struct arena *a, const struct template_row *t, const char *const **ret, size_t *retn)
{
	struct str rest = str_c(t->ekus);
	const char **v = arena_array(a, LIMIT_EKUS, sizeof(*v));
	size_t n = 0;

	while (rest.n > 0) {
		if (n == LIMIT_EKUS)
			FAIL(ERR_TOO_LARGE, "template %s has more than %u purposes", t->name,
			    LIMIT_EKUS);
		v[n++] = arena_cstr(a, str_cut(&rest, ','));
	}
	*ret = v;
	*retn = n;
	return OK;
}

bool
template_has_eku(const struct template_row *t, const char *oid)
{
	struct str rest = str_c(t->ekus);

	while (rest.n > 0) {
		if (str_eq_c(str_cut(&rest, ','), oid))
			return true;
	}
	return false;
}

bool
template_on(const struct template_row *t, const char *ca)
{
	struct str rest = str_c(t->cas);

	if (!t->published)
		return false;
	while (rest.n > 0) {
		if (str_ieq_c(str_trim(str_cut(&rest, ',')), ca))
			return true;
	}
	return false;
}

static const char *
algorithm_name(const struct key *k)
{
	if (key_algorithm(k) == KEY_RSA)
		return "rsa";
	return key_bits(k) == KEY_P256 ? "p256" : "p384";
}

static bool
allows(const struct template_row *t, const char *algorithm)
{
	struct str rest = str_c(t->algorithms);

	while (rest.n > 0) {
		if (str_ieq_c(str_cut(&rest, ','), algorithm))
			return true;
	}
	return false;
}

err_t
template_key(const struct template_row *t, const struct key *k, uint8_t *ret_usage)
{
	const uint8_t encipher = 0x20;
	unsigned bits = key_bits(k);
	bool rsa = key_algorithm(k) == KEY_RSA;

	if (rsa && bits < (unsigned)t->min_key_bits)
		FAIL(ERR_KEY_SIZE, "the key is RSA %u bits; template %s demands %d", bits, t->name,
		    t->min_key_bits);
	if (!rsa && bits != KEY_P256 && bits != KEY_P384)
		FAIL(ERR_KEY_SIZE, "the key is EC %u bits; P-256 and P-384 are taken", bits);
	if (t->algorithms[0] != '\0' && !allows(t, algorithm_name(k)))
		FAIL(ERR_KEY_SIZE, "the key is %s %u bits; template %s takes %s",
		    rsa ? "RSA" : "EC", bits, t->name, t->algorithms);
	/* What is sealed to the holder is sealed with RSA; a TLS server signs only. */
	if (!rsa && t->algorithms[0] == '\0' && (t->key_usage & encipher) &&
	    !template_has_eku(t, OID_EKU_SERVER_AUTH))
		FAIL(ERR_KEY_SIZE, "the key is EC; template %s demands RSA of %d bits or more",
		    t->name, t->min_key_bits);
	*ret_usage = (uint8_t)(rsa ? t->key_usage : t->key_usage & ~encipher);
	return OK;
}

bool
template_takes(const struct template_row *t, enum key_alg alg, unsigned bits)
{
	const uint8_t encipher = 0x20;
	const char *name = alg == KEY_RSA ? "rsa" : bits == KEY_P256 ? "p256" : "p384";

	if (alg == KEY_RSA && bits < (unsigned)t->min_key_bits)
		return false;
	if (alg != KEY_RSA && bits != KEY_P256 && bits != KEY_P384)
		return false;
	if (t->algorithms[0] != '\0')
		return allows(t, name);
	return alg == KEY_RSA || !(t->key_usage & encipher) ||
	    template_has_eku(t, OID_EKU_SERVER_AUTH);
}

bool
template_revocation_info(const struct template_row *t)
{
	return !(t->enrolment_flags & (TEMPLATE_NO_REVOCATION_INFO | TEMPLATE_OCSP_NOCHECK));
}

err_t
template_extensions(
    struct arena *a, const struct template_row *t, struct issue_ext **ret, size_t *retn)
{
	struct issue_ext *v = arena_array(a, 4, sizeof(*v));
	const char *const *ekus;
	size_t n = 0, nekus;

	TRY(template_ekus(a, t, &ekus, &nekus));
	if (t->schema < 2 && (t->flags & TEMPLATE_ADD_TEMPLATE_NAME)) {
		v[n].oid = OID_TEMPLATE_NAME;
		TRY(ms_template_name_encode(a, t->name, &v[n++].value));
	}
	if (t->schema >= 2) {
		struct ms_template_info info = { t->oid, (uint32_t)t->major, (uint32_t)t->minor };

		v[n].oid = OID_TEMPLATE_INFO;
		TRY(ms_template_info_encode(a, &info, &v[n++].value));
	}
	if (t->schema >= 2 && nekus > 0) {
		v[n].oid = OID_APP_POLICIES;
		TRY(ms_app_policies_encode(a, ekus, nekus, &v[n++].value));
	}
	if (t->enrolment_flags & TEMPLATE_OCSP_NOCHECK) /* RFC 6960 4.2.2.2.1: NULL */
		v[n++] = (struct issue_ext){ .oid = OID_OCSP_NOCHECK, .value = LIT("\x05\x00") };
	else if (t->enrolment_flags & TEMPLATE_EMPTY_BASIC_CONSTRAINTS)
		v[n++] =
		    (struct issue_ext){ .oid = OID_BASIC_CONSTRAINTS, .value = LIT("\x30\x00") };
	*ret = v;
	*retn = n;
	return OK;
}

/* The cn: what profiles and requests name it by. Narrower than what a directory would take, so that it needs no
 * quoting anywhere. */
static err_t
name_check(const char *name)
{
	size_t n = strlen(name);

	if (n < 1 || n > NAME_MAX_CHARS)
		FAIL(ERR_TEMPLATE_NAME, "the name has %zu characters", n);
	for (size_t i = 0; i < n; i++) {
		char c = name[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || (i > 0 && (c == '-' || c == '_' || c == '.'));

		if (!good)
			FAIL(ERR_TEMPLATE_NAME, "character %zu of the name", i + 1);
	}
	return OK;
}

/* Compatibility that a copy starts with: CA 2008 R2, clients from Windows 7 on. */
static uint32_t
with_levels(uint32_t private_key_flags)
{
	const uint32_t levels = 0x0F0F0000, start = 0x03030000;

	return private_key_flags & levels ? private_key_flags : private_key_flags | start;
}

static err_t
fetch(struct tx *tx, struct arena *a, const char *name, struct template_row *ret)
{
	err_t e = store_template_get(tx, a, name, ret);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_TEMPLATE_UNKNOWN, "there is no template %s", name);
	}
	return e;
}

static err_t
must_be_free(struct tx *tx, struct arena *a, const char *name)
{
	struct template_row same;
	err_t e = store_template_get(tx, a, name, &same);

	if (err_ok(e))
		FAIL(ERR_CONFLICT, "there is a template %s already", same.name);
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	return OK;
}

err_t
template_duplicate(
    struct tx *tx, struct arena *a, const struct template_copy *c, struct template_row *ret)
{
	struct template_row t;
	const char *base, *changed;

	TRY(name_check(c->name));
	TRY(fetch(tx, a, c->source, &t));
	TRY(must_be_free(tx, a, c->name));
	TRY(oid_base(tx, a, &base));
	t.name = t.display_name = c->name;
	t.oid = arena_printf(a, "%s.%u.%u", base, random_arc() + 1000, random_arc());
	t.schema = t.schema < 2 ? 2 : t.schema;
	t.major = 100;
	t.minor = 0;
	t.flags = (t.flags & ~(uint32_t)(TEMPLATE_IS_DEFAULT | 0x8)) | TEMPLATE_IS_MODIFIED;
	t.enrolment_flags &= ~(uint32_t)TEMPLATE_PUBLISH_TO_DS;
	t.private_key_flags = with_levels(t.private_key_flags);
	t.overrides = "";
	TRY(template_fields_set(a, c->settings, &t, &changed));
	TRY(lint_override(a, &t, c->overrides, c->noverrides));
	t.published = c->ca != NULL;
	t.cas = c->ca != NULL ? c->ca : "";
	t.created = t.modified = when_now();
	TRY(lint_saved(tx, a, &t));
	TRY(store_template_put(tx, &t));
	*ret = t;
	return OK;
}

static err_t
fetch_own(struct tx *tx, struct arena *a, const char *name, struct template_row *ret)
{
	struct template_row t;

	TRY(fetch(tx, a, name, &t));
	if (t.flags & TEMPLATE_IS_DEFAULT)
		FAIL(ERR_TEMPLATE_BUILTIN, "template %s", t.name);
	*ret = t;
	return OK;
}

err_t
template_edit(struct tx *tx, struct arena *a, const struct template_change *c,
    struct template_row *ret, const char **ret_changed)
{
	struct template_row t;
	const char *changed;

	TRY(fetch_own(tx, a, c->name, &t));
	TRY(template_fields_set(a, c->settings, &t, &changed));
	TRY(lint_override(a, &t, c->overrides, c->noverrides));
	if (changed[0] == '\0' && c->noverrides == 0 && !c->reenrol)
		FAIL(ERR_BAD_REQUEST, "there is nothing to change");
	/* Holders of an older major revision enrol anew. */
	t.major += c->reenrol ? 1 : 0;
	t.minor = c->reenrol ? 0 : t.minor + 1;
	t.modified = when_now();
	TRY(lint_saved(tx, a, &t));
	TRY(store_template_put(tx, &t));
	*ret = t;
	*ret_changed = changed;
	return OK;
}

err_t
template_delete(struct tx *tx, struct arena *a, const char *name)
{
	struct template_row t;

	TRY(fetch_own(tx, a, name, &t));
	if (t.published)
		FAIL(ERR_TEMPLATE_IN_USE, "template %s is published on %s", t.name, t.cas);
	return store_template_delete(tx, t.name);
}

/* The list without this CA, whatever its case. */
static const char *
without(struct arena *a, const char *cas, const char *ca)
{
	struct str rest = str_c(cas);
	const char *out = "";

	while (rest.n > 0) {
		struct str one = str_trim(str_cut(&rest, ','));

		if (one.n > 0 && !str_ieq_c(one, ca))
			out = arena_printf(a, "%s%s%.*s", out, out[0] != '\0' ? "," : "",
			    (int)one.n, (const char *)one.p);
	}
	return out;
}

err_t
template_publish(struct tx *tx, struct arena *a, const char *name, const char *ca, bool publish,
    struct template_row *ret)
{
	struct template_row t;

	TRY(fetch(tx, a, name, &t));
	if (publish && (t.flags & (TEMPLATE_IS_CA | TEMPLATE_CROSS_CA)))
		FAIL(ERR_TEMPLATE_MANUAL, "template %s is of CA certificates", t.name);
	t.cas = without(a, t.cas, ca);
	if (publish)
		t.cas = arena_printf(a, "%s%s%s", t.cas, t.cas[0] != '\0' ? "," : "", ca);
	t.published = t.cas[0] != '\0';
	t.modified = when_now();
	TRY(store_template_put(tx, &t));
	*ret = t;
	return OK;
}
