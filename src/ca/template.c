/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/template.h"

#include "base/secret.h"
#include "codec/ms_ext.h"
#include "codec/oid.h"

#define OID_ANY_EKU "2.5.29.37.0"
#define OID_SMARTCARD_LOGON "1.3.6.1.4.1.311.20.2.2"
#define OID_PKINIT_CLIENT "1.3.6.1.5.2.3.4"
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

/* Good for logging on somewhere? Those are the purposes that make ESC1. */
static bool
logon_capable(const struct template_row *t)
{
	return t->ekus[0] == '\0' || template_has_eku(t, OID_EKU_CLIENT_AUTH) ||
	    template_has_eku(t, OID_ANY_EKU) || template_has_eku(t, OID_SMARTCARD_LOGON) ||
	    template_has_eku(t, OID_PKINIT_CLIENT);
}

err_t
template_check(struct arena *a, const struct template_row *t)
{
	(void)a;
	if (t->flags & (TEMPLATE_IS_CA | TEMPLATE_CROSS_CA))
		FAIL(ERR_TEMPLATE_MANUAL, "template %s is of CA certificates", t->name);
	if (t->ekus[0] == '\0' || template_has_eku(t, OID_ANY_EKU))
		FAIL(ERR_TEMPLATE_EKUS, "template %s", t->name);
	if ((t->name_flags & TEMPLATE_SUPPLY_SUBJECT) && !t->order_required && logon_capable(t))
		FAIL(ERR_TEMPLATE_ESC1,
		    "template %s: the requester names the subject, for logging on, without an order",
		    t->name);
	return OK;
}

err_t
template_key(const struct template_row *t, const struct key *k, uint8_t *ret_usage)
{
	const uint8_t encipher = 0x20;
	unsigned bits = key_bits(k);

	if (key_algorithm(k) == KEY_RSA) {
		if (bits < (unsigned)t->min_key_bits)
			FAIL(ERR_KEY_SIZE, "the key is RSA %u bits; template %s demands %d", bits,
			    t->name, t->min_key_bits);
		*ret_usage = t->key_usage;
		return OK;
	}
	if (bits != KEY_P256 && bits != KEY_P384)
		FAIL(ERR_KEY_SIZE, "the key is EC %u bits; P-256 and P-384 are taken", bits);
	/* What is sealed to the holder is sealed with RSA; a TLS server signs only. */
	if ((t->key_usage & encipher) && !template_has_eku(t, OID_EKU_SERVER_AUTH))
		FAIL(ERR_KEY_SIZE, "the key is EC; template %s demands RSA of %d bits or more",
		    t->name, t->min_key_bits);
	*ret_usage = (uint8_t)(t->key_usage & ~encipher);
	return OK;
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

static err_t
eku_list(struct arena *a, const struct template_copy *c, const char **ret)
{
	const char *list = "";

	if (c->nekus > LIMIT_EKUS)
		FAIL(ERR_TOO_LARGE, "more than %u purposes", LIMIT_EKUS);
	for (size_t i = 0; i < c->nekus; i++) {
		if (!oid_valid(c->ekus[i]))
			FAIL(ERR_BAD_REQUEST, "purpose %zu is no OID", i + 1);
		list = arena_printf(a, "%s%s%s", list, i > 0 ? "," : "", c->ekus[i]);
	}
	*ret = list;
	return OK;
}

static err_t
copy_numbers(const struct template_copy *c, struct template_row *t)
{
	if (c->min_key_bits != 0) {
		if (c->min_key_bits < KEY_RSA_2048 || c->min_key_bits > 8192)
			FAIL(ERR_RANGE, "the key size must be 2048 to 8192 bits");
		t->min_key_bits = c->min_key_bits;
	}
	if (c->validity_days != 0) {
		if (c->validity_days < 1 || c->validity_days > 3650)
			FAIL(ERR_RANGE, "the validity must be 1 to 3650 days");
		t->validity = (int64_t)c->validity_days * DAY;
	}
	/* The renewal window stays within the validity: a fifth of it at most. */
	if (t->overlap > t->validity / 5)
		t->overlap = t->validity / 5;
	return OK;
}

err_t
template_duplicate(
    struct tx *tx, struct arena *a, const struct template_copy *c, struct template_row *ret)
{
	struct template_row t, same;
	const char *base;
	err_t e;

	TRY(name_check(c->name));
	e = store_template_get(tx, a, c->source, &t);
	if (err_is(e, ERR_NOT_FOUND))
		FAIL(ERR_TEMPLATE_UNKNOWN, "there is no template %s to duplicate", c->source);
	TRY(e);
	e = store_template_get(tx, a, c->name, &same);
	if (err_ok(e))
		FAIL(ERR_CONFLICT, "there is a template %s already", same.name);
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	TRY(oid_base(tx, a, &base));
	t.name = c->name;
	t.display_name = c->display_name[0] != '\0' ? c->display_name : c->name;
	t.oid = arena_printf(a, "%s.%u.%u", base, random_arc() + 1000, random_arc());
	t.schema = t.schema < 2 ? 2 : t.schema;
	t.major = 100;
	t.minor = 0;
	t.flags = (t.flags & ~(uint32_t)(TEMPLATE_IS_DEFAULT | 0x8)) | TEMPLATE_IS_MODIFIED;
	t.enrolment_flags &= ~(uint32_t)TEMPLATE_PUBLISH_TO_DS;
	if (c->supply_in_request) {
		t.name_flags = TEMPLATE_SUPPLY_SUBJECT;
		/* Nobody enrols by itself for what it must name in the request. */
		t.enrolment_flags &= ~(uint32_t)TEMPLATE_AUTO_ENROL;
	}
	t.order_required = c->order_required || t.order_required;
	if (c->nekus > 0)
		TRY(eku_list(a, c, &t.ekus));
	TRY(copy_numbers(c, &t));
	t.published = c->ca != NULL;
	t.cas = c->ca != NULL ? c->ca : "";
	t.created = t.modified = when_now();
	TRY(template_check(a, &t));
	TRY(store_template_put(tx, &t));
	*ret = t;
	return OK;
}
