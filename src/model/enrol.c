/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolment and leaving: see enrol.h.
 *
 * The id of what enrols is made from code and public key. So a repeat, after a lost answer or a
 * crash at any point, is the same id without anything remembered, and the code is bound to it by
 * being marked as used by that id. The order's fence grows with every repeat: the newest identity
 * certificate supersedes those before.
 */
#include "model/enrol.h"
#include "model/life.h"
#include "model/wipe.h"
#include "base/secret.h"
#include "codec/oid.h"
#include "model/diff.h"
#include "pki/cert_skim.h"
#include "pki/key.h"
#include "store/access.h"

enum { CODE_CHARS = 20, CODE_GROUP = 5, ORDER_LIFE = 600 };

/* Crockford's base 32: no I, L, O, U. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static const char *
code_make(struct arena *a)
{
	uint8_t random[CODE_CHARS];
	char *out = arena_alloc(a, CODE_CHARS + CODE_CHARS / CODE_GROUP);
	size_t n = 0;

	rand_bytes(random, sizeof(random));
	for (size_t i = 0; i < CODE_CHARS; i++) {
		if (i > 0 && i % CODE_GROUP == 0)
			out[n++] = '-';
		out[n++] = alphabet[random[i] % 32];
	}
	secret_wipe(random, sizeof(random));
	return out;
}

/* SHA-256 of the code as it would be written without separators; letters that look alike are
 * one. */
static err_t
code_hash(struct arena *a, const char *code, struct str *ret)
{
	uint8_t *hash = arena_alloc(a, 32);
	char plain[CODE_CHARS];
	size_t n = 0;

	for (const char *p = code; *p != '\0'; p++) {
		char c = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;

		if (c == '-' || c == ' ')
			continue;
		if (c == 'O')
			c = '0';
		if (c == 'I' || c == 'L')
			c = '1';
		if (n == CODE_CHARS || strchr(alphabet, c) == NULL)
			FAIL(ERR_CODE, "it is not written as a code");
		plain[n++] = c;
	}
	if (n != CODE_CHARS)
		FAIL(ERR_CODE, "it is not written as a code");
	hash_sha256(str_of(plain, n), hash);
	secret_wipe(plain, sizeof(plain));
	*ret = str_of(hash, 32);
	return OK;
}

struct making {
	const char *actor;
	struct arena *a;
	struct code code;
};

static const char *
code_json(struct arena *a, const struct code *c)
{
	return arena_printf(a, "{\"kind\":\"%s\",\"userId\":\"%s\",\"expires\":\"%s\"}",
	    c->kind == CODE_DEVICE ? "device" : "connector", id_text(a, c->user),
	    when_text(a, c->expires));
}

static err_t
make(struct tx *tx, void *arg)
{
	struct making *m = arg;
	struct user u;

	if (!id_is_zero(m->code.user))
		TRY_CTX(store_user_get(tx, m->a, m->code.user, &u), "user");
	TRY(store_code_insert(tx, &m->code));
	return store_audit_add(tx, m->actor, "enrolmentCode.create", id_text(m->a, m->code.id), "",
	    code_json(m->a, &m->code));
}

err_t
enrol_code_make(struct store *s, struct arena *a, const char *actor, enum code_kind kind,
    struct id user, int64_t valid_s, const char **ret_code, struct code *ret)
{
	struct making m = {
		.actor = actor,
		.a = a,
		.code = {
			.id = id_new(),
			.kind = kind,
			.user = user,
			.created = when_now(),
			.expires = when_now() + valid_s,
		},
	};
	const char *code = code_make(a);

	TRY(code_hash(a, code, &m.code.hash));
	TRY(store_write(s, make, &m));
	*ret_code = code;
	*ret = m.code;
	return OK;
}

struct looking {
	struct arena *a;
	enum code_kind kind;
	struct str hash;
	struct user user;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct looking *l = arg;
	struct code code;

	TRY(store_code_check(tx, l->a, l->kind, l->hash, (struct id){ 0 }, when_now(), &code));
	if (id_is_zero(code.user))
		return OK;
	TRY_CTX(store_user_get(tx, l->a, code.user, &l->user), "user of the code");
	if (!l->user.enabled)
		FAIL(ERR_USER_DISABLED, "%s", l->user.upn);
	return OK;
}

err_t
enrol_code_look(
    struct store *s, struct arena *a, enum code_kind kind, const char *code, struct user *ret_user)
{
	struct looking l = { .a = a, .kind = kind };

	TRY(code_hash(a, code, &l.hash));
	TRY(store_read(s, look, &l));
	*ret_user = l.user;
	return OK;
}

static struct id
derived_id(struct arena *a, struct str code, struct str spki)
{
	static const char label[] = "chancery-enrol-v1";
	uint8_t *in = arena_alloc(a, sizeof(label) + code.n + spki.n);
	uint8_t hash[32];
	struct id id;

	memcpy(in, label, sizeof(label));
	memcpy(in + sizeof(label), code.p, code.n);
	memcpy(in + sizeof(label) + code.n, spki.p, spki.n);
	hash_sha256(str_of(in, sizeof(label) + code.n + spki.n), hash);
	memcpy(id.b, hash, sizeof(id.b));
	/* Written as a GUID made from a name (RFC 9562 5.8). */
	id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x80);
	id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
	return id;
}

struct beginning {
	struct arena *a;
	enum code_kind kind;
	struct str hash;
	struct id id;
	struct code code;
	bool any_key; /* nothing but the code says who comes: only until a device came by it */
};

/* Whoever tries codes costs a look, and nobody a turn of the writer. */
static err_t
check_code(struct tx *tx, void *arg)
{
	struct beginning *b = arg;

	return store_code_check(tx, b->a, b->kind, b->hash, b->id, when_now(), &b->code);
}

static err_t
begin(struct tx *tx, void *arg)
{
	struct beginning *b = arg;
	struct device d;
	struct user u;
	err_t e;

	TRY(store_code_use(tx, b->a, b->kind, b->hash, b->id, when_now(), &b->code));
	if (b->kind == CODE_CONNECTOR)
		return OK;
	if (!id_is_zero(b->code.user)) {
		TRY_CTX(store_user_get(tx, b->a, b->code.user, &u), "user of the code");
		if (!u.enabled)
			FAIL(ERR_USER_DISABLED, "%s", u.upn);
	}
	/* Who left does not come back by an old code. */
	e = store_device_get(tx, b->a, b->id, &d);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	if (d.state != DEVICE_ACTIVE)
		FAIL(ERR_CODE, "the device of this code was retired");
	if (b->any_key)
		FAIL(ERR_CODE, "it was used");
	return OK;
}

static const char oid_ou[] = "2.5.4.11", of_connectors[] = "Chancery Connectors";

/* CN=<id>,OU=Chancery Devices */
static err_t
identity_subject(struct arena *a, enum code_kind kind, struct id id, struct str *ret)
{
	struct dn_ava ou = { oid_ou, kind == CODE_DEVICE ? "Chancery Devices" : of_connectors };
	struct dn_ava cn = { "2.5.4.3", id_text(a, id) };
	struct dn_rdn rdns[] = { { &ou, 1 }, { &cn, 1 } };
	struct dn dn = { rdns, COUNT(rdns) };

	return dn_encode(a, &dn, ret);
}

static err_t
read_subject(struct arena *a, struct str cert, struct dn *ret)
{
	struct cert_skim skim;

	TRY(cert_skim(cert, &skim));
	return dn_decode(a, skim.subject, ret);
}

enum code_kind
enrol_kind_of(struct arena *a, struct str cert)
{
	struct dn dn = { 0 };
	err_t e = read_subject(a, cert, &dn);

	err_forget(e);
	for (size_t i = 0; i < dn.n; i++)
		for (size_t k = 0; k < dn.rdn[i].n; k++)
			if (strcmp(dn.rdn[i].ava[k].oid, oid_ou) == 0 &&
			    strcmp(dn.rdn[i].ava[k].value, of_connectors) == 0)
				return CODE_CONNECTOR;
	return CODE_DEVICE;
}

err_t
enrol_order(struct arena *a, const struct enrol *e, struct str spki_sha256, struct str holder,
    const char *identity_ca, struct order *ret)
{
	struct order o = { 0 };

	o.kind = ORDER_ISSUE;
	o.id = e->id;
	if (e->kind == CODE_DEVICE)
		o.device = e->id;
	o.user = e->user;
	o.fence = (uint64_t)when_now_ms();
	o.issued = when_now();
	o.expires = when_now() + ORDER_LIFE;
	o.ca = identity_ca;
	o.template = e->kind == CODE_DEVICE ? "DeviceIdentity" : "ConnectorIdentity";
	TRY(identity_subject(a, e->kind, e->id, &o.subject));
	o.sid = "";
	o.ekus = arena_array(a, 1, sizeof(*o.ekus));
	o.ekus[o.nekus++] = OID_EKU_CLIENT_AUTH;
	/* Things are sealed to a device's key; a connector's only signs, with whatever
	 * algorithm. */
	o.key_usage = e->kind == CODE_DEVICE ? 0xa0 : 0;
	o.spki = spki_sha256;
	o.holder = holder;
	o.keep = "";
	*ret = o;
	return OK;
}

err_t
enrol_begin(struct store *s, struct arena *a, enum code_kind kind, const char *code,
    struct str spki_sha256, struct str holder, const char *identity_ca, struct enrol *ret)
{
	static const uint8_t no_key[32] = { 0 };
	struct beginning b = { .a = a, .kind = kind };
	struct enrol e = { .kind = kind };

	if (spki_sha256.n != 32)
		FAIL(ERR_BAD_REQUEST, "the hash of the public key has %zu bytes", spki_sha256.n);
	TRY(code_hash(a, code, &b.hash));
	b.any_key = str_eq(spki_sha256, STR(no_key));
	b.id = derived_id(a, b.hash, spki_sha256);
	TRY(store_read(s, check_code, &b));
	TRY(store_write(s, begin, &b));

	e.id = b.id;
	e.user = b.code.user;
	TRY(enrol_order(a, &e, spki_sha256, holder, identity_ca, &e.order));
	*ret = e;
	return OK;
}

struct ending {
	struct arena *a;
	struct device device;
	struct connector connector;
};

/* Of two that enrol at once with one code the later order supersedes the certificate of the earlier, whichever gets here
 * first; the record follows the later. */
static err_t
not_overtaken(uint64_t was, uint64_t now)
{
	if (was > now)
		FAIL(ERR_ENROL_OVERTAKEN, "%s", "");
	return OK;
}

static err_t
device_save(struct tx *tx, void *arg)
{
	struct ending *f = arg;
	struct device *d = &f->device, was;
	err_t e = store_device_get(tx, f->a, d->id, &was);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		d->enrolled = when_now();
		TRY(store_device_insert(tx, d));
	} else {
		TRY(e);
		if (was.state != DEVICE_ACTIVE)
			FAIL(ERR_CODE, "the device was retired meanwhile");
		TRY(not_overtaken(was.fence, d->fence));
		d->inventory = was.inventory;
		d->enrolled = was.enrolled;
		TRY(store_device_update(tx, d));
	}
	TRY(life_replace(tx, f->a, d));
	return store_audit_add(tx, "device", "device.enrol", id_text(f->a, d->id), "",
	    arena_printf(f->a, "{\"certificate\":\"%s\"}", text_hex(f->a, d->identity_sha256)));
}

err_t
enrol_finish_device(struct store *s, const struct enrol *e, const struct device *facts,
    struct str cert, struct str cert_sha256, when_t not_after)
{
	auto_arena struct arena *a = arena_new();
	struct ending f = { .a = a, .device = *facts };
	struct device *d = &f.device;

	d->id = e->id;
	d->user = e->user;
	d->state = DEVICE_ACTIVE;
	d->identity = cert;
	d->identity_sha256 = cert_sha256;
	d->identity_not_after = not_after;
	d->fence = e->order.fence;
	d->last_seen = when_now();
	return store_write(s, device_save, &f);
}

static err_t
connector_save(struct tx *tx, void *arg)
{
	struct ending *f = arg;
	struct connector *c = &f->connector, was;
	err_t e = store_connector_get(tx, f->a, c->id, &was);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		c->enrolled = when_now();
		TRY(store_connector_insert(tx, c));
	} else {
		TRY(e);
		if (!was.enabled)
			FAIL(ERR_CODE, "the connector was disabled meanwhile");
		TRY(not_overtaken(was.fence, c->fence));
		c->holder = was.holder;
		c->cas = was.cas;
		TRY(store_connector_update(tx, c));
	}
	return store_audit_add(tx, "connector", "connector.enrol", id_text(f->a, c->id), "",
	    arena_printf(f->a, "{\"certificate\":\"%s\"}", text_hex(f->a, c->identity_sha256)));
}

err_t
enrol_finish_connector(struct store *s, const struct enrol *e, const struct connector *facts,
    struct str cert, struct str cert_sha256)
{
	auto_arena struct arena *a = arena_new();
	struct ending f = { .a = a, .connector = *facts };
	struct connector *c = &f.connector;

	c->id = e->id;
	c->enabled = true;
	c->identity = cert;
	c->identity_sha256 = cert_sha256;
	c->fence = e->order.fence;
	c->last_contact = when_now();
	return store_write(s, connector_save, &f);
}

struct leaving {
	struct arena *a;
	const char *actor;
	struct id device;
	device_check check; /* NULL: none */
	void *ctx;
};

static err_t
leave(struct tx *tx, void *arg)
{
	struct leaving *l = arg;
	struct device d;

	TRY(store_device_get(tx, l->a, l->device, &d));
	if (l->check != NULL)
		TRY(l->check(l->ctx, &d));
	if (d.state != DEVICE_ACTIVE)
		return OK;
	d.state = DEVICE_RETIRED;
	TRY(wipe_forget(tx, l->a, d.id));
	TRY(store_device_update(tx, &d));
	TRY(diff_device(tx, l->a, &d));
	return store_audit_add(tx, l->actor, "device.retire", id_text(l->a, d.id),
	    "{\"state\":\"active\"}", "{\"state\":\"retired\"}");
}

err_t
device_retire_if(struct store *s, struct arena *a, const char *actor, struct id device,
    device_check check, void *ctx)
{
	struct leaving l = { .a = a, .actor = actor, .device = device, .check = check, .ctx = ctx };

	return store_write(s, leave, &l);
}

err_t
device_retire(struct store *s, struct arena *a, const char *actor, struct id device)
{
	return device_retire_if(s, a, actor, device, NULL, NULL);
}
