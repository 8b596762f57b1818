/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/succession.h"

#include "ca/ca_key.h"
#include "ca/crl.h"
#include "ca/install.h"
#include "ca/make.h"
#include "ca/mint.h"
#include "ca/state.h"
#include "codec/der.h"
#include "codec/oid.h"

#define OID_CA_VERSION "1.3.6.1.4.1.311.21.1"
#define OID_PREVIOUS_HASH "1.3.6.1.4.1.311.21.2"
#define OID_COMMON_NAME "2.5.4.3"

enum { KEY_CERT_SIGN = 0x04, CRL_SIGN = 0x02 };

/* One step of a CA: a certificate that is about to become its newest. */
struct step {
	struct arena *a;
	const char *name, *key_file;
	bool new_key;
	const struct cert *cert;
	const char *issuer;         /* NULL: stays */
	struct install_above above; /* of an installed one */
	struct ca_row row;          /* as it was */
	struct ca_next_key next;
};

static err_t
find_row(struct tx *tx, struct step *st)
{
	err_t e = store_ca_get(tx, st->a, st->name, &st->row);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_CA_UNKNOWN, "%s", st->name);
	}
	return e;
}

static err_t
row_tx(struct tx *tx, void *arg)
{
	return find_row(tx, arg);
}

/* It becomes the newest certificate, in the transaction in which it becomes valid. */
static err_t
succeed(struct tx *tx, struct step *st, const struct cert *c)
{
	bool first;
	struct ca_cert_row now = {
		.key_file = st->key_file, .cert = cert_der(c), .created = when_now()
	};

	TRY(find_row(tx, st));
	first = st->row.cert.n == 0;
	now.ca = st->row.name;
	now.cert_index = first ? 0 : st->row.cert_index + 1;
	now.key_index = st->new_key && !first ? now.cert_index : st->row.key_index;
	TRY(store_ca_cert_insert(tx, &now));
	st->row.cert = now.cert;
	st->row.key_file = now.key_file;
	st->row.cert_index = now.cert_index;
	st->row.key_index = now.key_index;
	if (st->issuer != NULL)
		st->row.issuer = st->issuer;
	TRY(store_ca_update(tx, &st->row));
	TRY(store_ca_next_key_delete(tx, st->row.name));
	return store_journal_add(tx, "administrator", "ca-certificate",
	    arena_printf(st->a, "ca=%s certificate=%u key=%u sha256=%s", now.ca, now.cert_index,
		now.key_index, text_hex(st->a, str_of(cert_sha256(c), 32))));
}

static err_t
save_minted(struct tx *tx, struct arena *a, void *arg, const struct cert *c)
{
	(void)a;
	return succeed(tx, arg, c);
}

static err_t
save_installed(struct tx *tx, void *arg)
{
	struct step *st = arg;

	TRY(extra_cert_put_above(tx, st->a, st->row.name, st->above.v, st->above.n));
	return succeed(tx, st, st->cert);
}

/* Lists for the new key at once, and what leads from a root's old key to its new one. The certificate is good whether
 * or not they can be made now: the tick tries again. */
static err_t
go_on(struct issuer *is)
{
	TRY(issuer_reload(is));
	err_forget(extra_cert_cross(is));
	err_forget(crl_all(is, false));
	return OK;
}

err_t
succession_upkeep(struct issuer *is)
{
	err_t e;

	pthread_mutex_lock(&is->init_lock);
	e = extra_cert_cross(is);
	pthread_mutex_unlock(&is->init_lock);
	return e;
}

/* ---- what certificates say of themselves ---- */

static err_t
wrapped(struct arena *a, uint8_t tag, struct str content, struct str *ret)
{
	auto_buf struct buf b;

	buf_init(&b, 256);
	TRY(der_put(&b, tag, content));
	*ret = arena_str(a, buf_str(&b));
	return OK;
}

/* INTEGER key index << 16 | certificate index, minimal. */
static err_t
version_der(struct arena *a, uint32_t key_index, uint32_t cert_index, struct str *ret)
{
	uint32_t v = key_index << 16 | cert_index;
	uint8_t b[5] = { 0, (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
	size_t skip = 0;

	while (skip < 4 && b[skip] == 0 && (b[skip + 1] & 0x80) == 0)
		skip++;
	return wrapped(a, DER_INTEGER, str_of(b + skip, sizeof(b) - skip), ret);
}

static err_t
says(struct arena *a, const struct step *st, struct approval *ap)
{
	struct issue_ext *v = arena_array(a, 2, sizeof(*v));
	uint32_t cert_index = st->row.cert_index + 1;
	uint8_t sha1[20];

	v[0] = (struct issue_ext){ .oid = OID_CA_VERSION };
	v[1] = (struct issue_ext){ .oid = OID_PREVIOUS_HASH };
	TRY(version_der(a, st->new_key ? cert_index : st->row.key_index, cert_index, &v[0].value));
	hash_sha1(st->row.cert, sha1);
	TRY(wrapped(a, DER_OCTETS, STR(sha1), &v[1].value));
	policy_ca_says(ap, v, 2);
	return OK;
}

/* ---- making ---- */

/* The next file of a key: one name for one attempt, so that an attempt that was cut off goes on with its key. */
static const char *
next_file(struct arena *a, const struct ca_row *row)
{
	uint8_t hash[32];
	char *name = arena_strdup(a, row->name);

	for (char *p = name; *p != '\0'; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
	hash_sha256(str_c(name), hash);
	return arena_printf(a, "ca-%s-%u.key", text_hex(a, str_of(hash, 6)),
	    row->cert.n == 0 ? 0 : row->cert_index + 1);
}

/* The kind of a new key: as asked, else as the key before, else as the role has it. */
static void
kind_of(const struct succession_key *q, const struct ca *now, enum key_alg *alg, unsigned *bits)
{
	*alg = q->alg;
	*bits = q->bits;
	if (q->bits != 0)
		return;
	if (now != NULL) {
		*alg = key_algorithm(now->key);
		*bits = key_bits(now->key);
	} else {
		*alg = KEY_RSA;
		*bits = make_of(CA_ROLE_ISSUING)->rsa_bits;
	}
}

static err_t
new_key(struct issuer *is, struct step *st, const struct succession_key *q, const struct ca *now,
    struct key **ret)
{
	enum key_alg alg;
	unsigned bits;

	kind_of(q, now, &alg, &bits);
	st->key_file = q->key[0] != '\0' ? q->key : next_file(st->a, &st->row);
	if (now != NULL && str_eq_c(str_c(st->key_file), now->key_file))
		FAIL(ERR_CONFLICT, "%s is the present key", st->key_file);
	return ca_key_make(is, st->a, st->key_file, alg, bits, ret);
}

/* Below whom? A root signs itself. */
static err_t
signer_of(struct issuer *is, const struct step *st, struct ca *self, const struct ca **ret)
{
	err_t e;

	if (str_ieq_c(str_c(st->row.issuer), st->row.name)) {
		*ret = self;
		return OK;
	}
	e = hierarchy_find(issuer_hierarchy(is), st->row.issuer, ret);
	if (err_is(e, ERR_CA_UNKNOWN)) {
		err_forget(e);
		FAIL(ERR_CA_ABOVE, "%s is below %s", st->row.name, st->row.issuer);
	}
	return e;
}

static err_t
certify(struct issuer *is, struct step *st, struct key *k, int length)
{
	enum ca_role role = (enum ca_role)st->row.role;
	const struct make *m = make_of(role);
	struct ca self = { .name = st->row.name, .role = role, .issuer = st->row.name, .key = k };
	auto_approval struct approval *ap = NULL;
	const struct ca *signer;
	struct minted made;

	TRY(signer_of(is, st, &self, &signer));
	TRY(policy_ca(
	    is->store, signer, st->a, st->row.name, k, m->template, m->years, length, &ap));
	if (st->row.cert.n > 0)
		TRY(says(st->a, st, ap));
	TRY(mint(is, st->a, ap, save_minted, st, &made));
	return go_on(is);
}

static err_t
renew_locked(struct issuer *is, struct step *st, const struct succession_key *q)
{
	auto_key struct key *made = NULL;
	const struct ca *now;
	int length;

	TRY(hierarchy_find(issuer_hierarchy(is), st->name, &now));
	TRY(store_read(is->store, row_tx, st));
	TRY(hierarchy_path_len(st->a, now->cert, &length));
	st->key_file = now->key_file;
	if (st->new_key)
		TRY(new_key(is, st, q, now, &made));
	return certify(is, st, st->new_key ? made : now->key, length);
}

err_t
succession_renew(struct issuer *is, struct arena *a, const char *name, bool fresh,
    const struct succession_key *key)
{
	struct step st = { .a = a, .name = name, .new_key = fresh };
	err_t e;

	pthread_mutex_lock(&is->init_lock);
	e = renew_locked(is, &st, key);
	pthread_mutex_unlock(&is->init_lock);
	return e;
}

/* ---- requests and what comes back ---- */

static err_t
request_of(struct arena *a, const char *name, const struct key *k, struct str *ret)
{
	struct dn_ava ava = { OID_COMMON_NAME, name };
	struct dn_rdn rdn = { &ava, 1 };
	struct dn dn = { &rdn, 1 };
	struct csr_spec spec = { .key_usage = KEY_CERT_SIGN | CRL_SIGN };

	TRY(dn_encode(a, &dn, &spec.subject));
	return csr_make(a, k, &spec, ret);
}

static err_t
wait_tx(struct tx *tx, void *arg)
{
	struct step *st = arg;
	struct ca_next_key next = { .ca = st->row.name,
		.key_file = st->key_file,
		.new_key = st->new_key,
		.created = when_now() };

	TRY(store_ca_next_key_put(tx, &next));
	return store_journal_add(tx, "administrator", "ca-request",
	    arena_printf(st->a, "ca=%s new_key=%s", st->row.name, st->new_key ? "yes" : "no"));
}

static err_t
next_tx(struct tx *tx, void *arg)
{
	struct step *st = arg;
	err_t e;

	TRY(find_row(tx, st));
	e = store_ca_next_key_get(tx, st->a, st->row.name, &st->next);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_CA_NO_REQUEST, "%s", st->row.name);
	}
	return e;
}

static err_t
csr_locked(struct issuer *is, struct step *st, const struct succession_key *q, struct str *ret)
{
	auto_key struct key *made = NULL;
	const struct ca *now = NULL;

	TRY(store_read(is->store, row_tx, st));
	if (st->row.cert.n > 0)
		TRY(hierarchy_find(issuer_hierarchy(is), st->name, &now));
	else
		st->new_key = true;
	if (now != NULL && now->above != NULL)
		FAIL(ERR_CONFLICT, "%s is below %s, which is here: chancery ca renew", now->name,
		    now->issuer);
	if (st->new_key)
		TRY(new_key(is, st, q, now, &made));
	else
		st->key_file = now->key_file;
	TRY(request_of(st->a, st->row.name, st->new_key ? made : now->key, ret));
	return store_write(is->store, wait_tx, st);
}

err_t
succession_csr(struct issuer *is, struct arena *a, const char *name, bool fresh,
    const struct succession_key *key, struct str *ret_csr)
{
	struct step st = { .a = a, .name = name, .new_key = fresh };
	err_t e;

	pthread_mutex_lock(&is->init_lock);
	e = csr_locked(is, &st, key, ret_csr);
	pthread_mutex_unlock(&is->init_lock);
	return e;
}

/* Is it the one that this key waits for? */
static err_t
check_key(struct issuer *is, struct step *st, const struct cert *c)
{
	auto_key struct key *public = NULL, *own = NULL;

	TRY(cert_key(c, &public));
	if (!token_uri_is(st->next.key_file))
		return ca_key_open(is, st->a, st->next.key_file, c, &own);
	TRY(ca_key_make(
	    is, st->a, st->next.key_file, key_algorithm(public), key_bits(public), &own));
	if (!key_same_public(own, public))
		FAIL(ERR_KEY_MISMATCH, "%s", cert_subject(c));
	return OK;
}

static err_t
check_kind(struct step *st, const struct cert *c)
{
	struct dn_ava ava = { OID_COMMON_NAME, st->row.name };
	struct dn_rdn rdn = { &ava, 1 };
	struct dn dn = { &rdn, 1 };
	struct str subject;
	const char *want;

	TRY(dn_encode(st->a, &dn, &subject));
	TRY(dn_decode(st->a, subject, &dn));
	want = dn_print(st->a, &dn);
	if (!str_eq_c(str_c(cert_subject(c)), want))
		FAIL(ERR_CA_CERTIFICATE, "it is for %s, not for %s", cert_subject(c), want);
	if (!cert_is_ca(c))
		FAIL(ERR_CA_CERTIFICATE, "it is not one of a CA (basicConstraints)");
	if ((cert_key_usage(c) & (KEY_CERT_SIGN | CRL_SIGN)) != (KEY_CERT_SIGN | CRL_SIGN))
		FAIL(ERR_CA_CERTIFICATE, "its key may not sign certificates and CRLs");
	if (cert_self_issued(c))
		FAIL(ERR_CA_CERTIFICATE, "it signed itself");
	if (cert_not_after(c) <= when_now())
		FAIL(ERR_EXPIRED, "%s", cert_subject(c));
	return OK;
}

static err_t
install_locked(struct issuer *is, struct step *st, const struct str *v, size_t n)
{
	auto_cert struct cert *c = NULL;

	TRY(store_read(is->store, next_tx, st));
	TRY(cert_parse(v[0], &c));
	TRY(check_key(is, st, c));
	TRY(check_kind(st, c));
	TRY(install_path(is, st->a, c, v + 1, n - 1, &st->above));
	TRY(install_room(is, st->a, st->row.name, c, &st->above));
	st->cert = c;
	st->key_file = st->next.key_file;
	st->new_key = st->next.new_key;
	st->issuer = arena_strdup(st->a, cert_issuer(c));
	TRY(store_write(is->store, save_installed, st));
	return go_on(is);
}

err_t
succession_install(
    struct issuer *is, struct arena *a, const char *name, const struct str *v, size_t n)
{
	struct step st = { .a = a, .name = name };
	err_t e;

	pthread_mutex_lock(&is->init_lock);
	e = install_locked(is, &st, v, n);
	pthread_mutex_unlock(&is->init_lock);
	return e;
}

/* ---- more CAs ---- */

struct addition {
	struct arena *a;
	const struct succession_add *q;
	const char *http_url;
};

/* The address that the first CA's lists have. */
static err_t
base_url(struct arena *a, const struct hierarchy *h, const char **ret)
{
	const char *end;

	if (h->n == 0)
		FAIL(ERR_CA_NONE, "%s", "");
	end = strstr(h->v[0].crl_url, "/crl/");
	if (end == NULL)
		FAIL(ERR_INTERNAL, "address %s", h->v[0].crl_url);
	*ret = arena_cstr(a, str_of(h->v[0].crl_url, (size_t)(end - h->v[0].crl_url)));
	return OK;
}

static err_t
add_tx(struct tx *tx, void *arg)
{
	struct addition *d = arg;
	struct ca_row row = { .name = d->q->name,
		.key_file = "",
		.issuer = d->q->issuer,
		.crl_url = make_url(d->a, d->http_url, "crl", d->q->name, ".crl"),
		.ocsp_url = make_url(d->a, d->http_url, "ocsp", "", ""),
		.aia_url = make_url(d->a, d->http_url, "aia", d->q->name, ".crt"),
		.created = when_now(),
		.role = CA_ROLE_ISSUING };
	struct ca_row was;
	err_t e = store_ca_get(tx, d->a, d->q->name, &was);

	if (err_ok(e)) { /* an attempt that was cut off goes on */
		if (was.cert.n > 0 || !str_ieq_c(str_c(was.issuer), d->q->issuer))
			FAIL(ERR_CONFLICT, "there is a CA %s", was.name);
		return OK;
	}
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	TRY(store_ca_insert(tx, &row));
	return store_journal_add(tx, "administrator", "ca-added",
	    arena_printf(d->a, "ca=%s issuer=%s", d->q->name, d->q->issuer));
}

/* The CA above, if it may have one below it. Before anything is written. */
static err_t
find_room(struct arena *a, const struct hierarchy *h, const char *name, const struct ca **ret)
{
	const struct ca *up;
	int room;

	TRY(hierarchy_find(h, name, &up));
	TRY(hierarchy_room(a, h, up, &room));
	if (room == 0)
		FAIL(ERR_CA_CERTIFICATE, "no CA may be below %s (path length 0)", up->name);
	*ret = up;
	return OK;
}

static err_t
add_below(struct issuer *is, struct step *st, const struct succession_add *q)
{
	auto_key struct key *k = NULL;

	TRY(store_read(is->store, row_tx, st));
	TRY(new_key(is, st, &q->key, NULL, &k));
	return certify(is, st, k, make_of(CA_ROLE_ISSUING)->path_len);
}

static err_t
add_locked(struct issuer *is, struct arena *a, const struct succession_add *q, struct str *ret_csr)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	struct addition d = { .a = a, .q = q };
	struct step st = { .a = a, .name = q->name, .new_key = true };
	const struct ca *up = NULL;

	TRY(make_check_name(q->name));
	TRY(base_url(a, h, &d.http_url));
	if (q->issuer[0] != '\0')
		TRY(find_room(a, h, q->issuer, &up));
	TRY(store_write(is->store, add_tx, &d));
	if (up == NULL)
		return csr_locked(is, &st, &q->key, ret_csr);
	TRY(add_below(is, &st, q));
	*ret_csr = STR_EMPTY;
	return OK;
}

err_t
succession_add(
    struct issuer *is, struct arena *a, const struct succession_add *q, struct str *ret_csr)
{
	err_t e;

	pthread_mutex_lock(&is->init_lock);
	e = add_locked(is, a, q, ret_csr);
	pthread_mutex_unlock(&is->init_lock);
	return e;
}

/* ---- CAs elsewhere ---- */

err_t
succession_sign(
    struct issuer *is, struct arena *a, const struct succession_sign *q, struct str *ret)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	auto_approval struct approval *ap = NULL;
	const struct ca *ca;
	struct minted made;
	int room, length = q->path_len;

	if (q->ca[0] == '\0')
		TRY(hierarchy_by_role(h, CA_ROLE_ROOT, &ca));
	else
		TRY(hierarchy_find(h, q->ca, &ca));
	TRY(hierarchy_room(a, h, ca, &room));
	if (room == 0 || (room > 0 && length >= room))
		FAIL(ERR_CA_CERTIFICATE, "%s has path length %d", ca->name, room);
	if (room > 0 && length < 0)
		length = room - 1;
	TRY(policy_subordinate(is->store, ca, a, q->csr, q->years, length, &ap));
	TRY(mint(is, a, ap, NULL, NULL, &made));
	*ret = made.der;
	return OK;
}
