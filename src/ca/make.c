/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/make.h"

#include "ca/ca_key.h"
#include "ca/crl.h"
#include "ca/mint.h"
#include "ca/own_cert.h"
#include "ca/state.h"

/* A CA ends before the one above it does. RSA everywhere by default: it is what every importer takes. */
const struct make makes[] = {
	{ CA_ROLE_ROOT, "Root CA", "root.key", KEY_RSA_3072, 20, -1, TEMPLATE_ROOT_CA },
	{ CA_ROLE_ISSUING, "Issuing CA", "issuing.key", KEY_RSA_2048, 10, 0, TEMPLATE_SUB_CA },
	{ CA_ROLE_IDENTITY, "Device Identity CA", "identity.key", KEY_RSA_2048, 10, 0,
	    TEMPLATE_SUB_CA },
};
const size_t nmakes = COUNT(makes);

enum { NAME_MAX_CHARS = 40, URL_MAX = 200, HOSTS_MAX = 16, TLS_RENEW = 30 * 86400 };

const struct make *
make_of(enum ca_role role)
{
	for (size_t i = 0; i < nmakes; i++) {
		if (makes[i].role == role)
			return &makes[i];
	}
	return NULL;
}

const char *
make_name(struct arena *a, const char *hierarchy, enum ca_role role)
{
	for (size_t i = 0; i < nmakes; i++) {
		if (makes[i].role == role)
			return arena_printf(a, "%s %s", hierarchy, makes[i].suffix);
	}
	return "";
}

struct san
make_host(struct arena *a, const char *host)
{
	struct san ip = { SAN_IP, host };
	struct str der;
	err_t e = san_encode(a, &ip, 1, &der);

	if (err_ok(e))
		return ip;
	err_forget(e);
	return (struct san){ SAN_DNS, host };
}

err_t
make_check_name(const char *name)
{
	size_t n = strlen(name);

	if (n < 1 || n > NAME_MAX_CHARS || name[0] == ' ' || name[n - 1] == ' ')
		FAIL(ERR_BAD_REQUEST, "name: 1 to %d characters, no blank at an end",
		    NAME_MAX_CHARS);
	for (size_t i = 0; i < n; i++) {
		char c = name[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == ' ' || c == '.' || c == '_' || c == '-';

		if (!good)
			FAIL(ERR_BAD_REQUEST,
			    "name: character %zu is none of letters, digits, blank, '.', '_', '-'",
			    i + 1);
	}
	return OK;
}

static err_t
check_spec(const struct hierarchy_spec *s)
{
	struct str url = str_c(s->http_url);

	TRY(make_check_name(s->name));
	if (!str_starts(url, LIT("http://")) || url.n <= 7 || url.n > URL_MAX ||
	    !text_printable_ascii(url))
		FAIL(ERR_BAD_REQUEST, "http_url: an http:// address of at most %d characters",
		    URL_MAX);
	if (s->token[0] != '\0' && !token_uri_is(s->token))
		FAIL(ERR_TOKEN_URI, "it begins with pkcs11:");
	if (s->nhosts < 1 || s->nhosts > HOSTS_MAX)
		FAIL(ERR_BAD_REQUEST, "host: 1 to %d names or addresses", HOSTS_MAX);
	return OK;
}

/* Of the name only the blank needs escaping (make_check_name). */
const char *
make_url(
    struct arena *a, const char *http_url, const char *folder, const char *name, const char *ext)
{
	size_t base = strlen(http_url);
	struct str rest = str_c(name);
	const char *file = "";

	if (http_url[base - 1] == '/')
		base--;
	while (rest.n > 0) {
		struct str word = str_cut(&rest, ' ');

		file = arena_printf(a, "%s%s%.*s", file, file[0] != '\0' ? "%20" : "", (int)word.n,
		    (const char *)word.p);
	}
	return arena_printf(
	    a, "%.*s/%s%s%s%s", (int)base, http_url, folder, file[0] != '\0' ? "/" : "", file, ext);
}

struct start {
	struct arena *a;
	const struct hierarchy_spec *spec;
};

/* The first step: whose hierarchy this is, for good. */
static err_t
start_tx(struct tx *tx, void *arg)
{
	struct start *st = arg;
	const char *name = st->spec->name;
	struct str was;
	err_t e = store_ca_setting_get(tx, st->a, SETTING_HIERARCHY, &was);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		TRY(store_ca_setting_put(tx, SETTING_HIERARCHY, str_c(name)));
		TRY(store_journal_add(
		    tx, "administrator", "init", arena_printf(st->a, "name=%s", name)));
	} else {
		TRY(e);
		if (!str_eq_c(was, name))
			FAIL(ERR_CONFLICT, "this issuer has the hierarchy %.*s", (int)was.n,
			    (const char *)was.p);
	}
	return template_seed(tx, st->a, make_name(st->a, name, CA_ROLE_ISSUING),
	    make_name(st->a, name, CA_ROLE_IDENTITY));
}

struct step {
	struct arena *a;
	const struct hierarchy_spec *spec;
	const struct make *make;
	const char *name, *issuer;
	const char *key_file; /* or the URI of the token's key */
	bool done;
};

static err_t
row_tx(struct tx *tx, void *arg)
{
	struct step *st = arg;
	struct ca_row row;
	err_t e = store_ca_get(tx, st->a, st->name, &row);

	if (err_ok(e)) { /* an attempt that was cut off goes on with its key */
		st->done = row.cert.n > 0;
		st->key_file = row.key_file;
		return OK;
	}
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	row = (struct ca_row){
		.name = st->name,
		.key_file = st->key_file,
		.issuer = st->issuer,
		.crl_url = make_url(st->a, st->spec->http_url, "crl", st->name, ".crl"),
		.ocsp_url = make_url(st->a, st->spec->http_url, "ocsp", "", ""),
		.aia_url = make_url(st->a, st->spec->http_url, "aia", st->name, ".crt"),
		.created = when_now(),
		.role = (int)st->make->role,
	};
	st->done = false;
	return store_ca_insert(tx, &row);
}

static err_t
save_cert(struct tx *tx, struct arena *a, void *arg, const struct cert *c)
{
	const struct step *st = arg;
	struct ca_row row;
	struct ca_cert_row first = {
		.key_file = st->key_file, .cert = cert_der(c), .created = when_now()
	};

	TRY(store_ca_get(tx, a, st->name, &row));
	row.cert = cert_der(c);
	first.ca = row.name;
	TRY(store_ca_cert_insert(tx, &first));
	return store_ca_update(tx, &row);
}

static err_t
key_of(struct issuer *is, struct arena *a, const struct hierarchy_spec *s, const char *file,
    unsigned rsa_bits, struct key **ret)
{
	return ca_key_make(is, a, file, s->alg, s->bits == 0 ? rsa_bits : s->bits, ret);
}

static err_t
make_ca(struct issuer *is, struct arena *a, const struct hierarchy_spec *s, const struct make *m)
{
	struct step st = { .a = a,
		.spec = s,
		.make = m,
		.name = make_name(a, s->name, m->role),
		.issuer = make_name(a, s->name, CA_ROLE_ROOT),
		.key_file = m->key_file };
	auto_approval struct approval *ap = NULL;
	auto_key struct key *k = NULL;
	struct ca self = { .name = st.name, .role = m->role, .issuer = st.issuer };
	const struct ca *signer = &self;
	struct minted made;

	if (s->token[0] != '\0')
		TRY(token_uri_object(a, s->token, st.name, &st.key_file));
	TRY(store_write(is->store, row_tx, &st));
	if (st.done)
		return OK;
	TRY(key_of(is, a, s, st.key_file, m->rsa_bits, &k));
	self.key = k;
	if (m->role != CA_ROLE_ROOT)
		TRY(hierarchy_by_role(issuer_hierarchy(is), CA_ROLE_ROOT, &signer));
	TRY(policy_ca(is->store, signer, a, st.name, k, m->template, m->years, m->path_len, &ap));
	TRY(mint(is, a, ap, save_cert, &st, &made));
	return issuer_reload(is);
}

static err_t
save_tls(struct tx *tx, struct arena *a, void *arg, const struct cert *c)
{
	const int64_t *lost = arg;

	(void)a;
	if (*lost > 0)
		TRY(own_keys_lost_put(tx, TLS_KEY, *lost));
	return store_ca_setting_put(tx, SETTING_TLS_CERT, cert_der(c));
}

/* sans[0] also becomes the common name. lost: the key is the one after so many; 0: the one in use. */
static err_t
issue_tls(struct issuer *is, struct arena *a, const struct key *k, int64_t lost,
    const struct san *sans, size_t n)
{
	auto_approval struct approval *ap = NULL;
	struct policy_admin q = { .template = TEMPLATE_WEB_SERVER,
		.key = k,
		.common_name = sans[0].value,
		.sans = sans,
		.nsans = n };
	const struct ca *ca;
	struct minted made;

	TRY(hierarchy_by_role(issuer_hierarchy(is), CA_ROLE_ISSUING, &ca));
	TRY(policy_admin(is->store, ca, a, &q, &ap));
	TRY(mint(is, a, ap, save_tls, &lost, &made));
	return issuer_reload(is);
}

static err_t
make_tls(struct issuer *is, struct arena *a, const struct hierarchy_spec *s)
{
	struct san *sans = arena_array(a, s->nhosts, sizeof(*sans));
	auto_key struct key *k = NULL;

	for (size_t i = 0; i < s->nhosts; i++)
		sans[i] = make_host(a, s->hosts[i]);
	TRY(key_of(is, a, s, TLS_KEY_FILE, KEY_RSA_2048, &k));
	return issue_tls(is, a, k, 0, sans, s->nhosts);
}

struct tls_state {
	const struct cert *cert;
	bool revoked;
	int64_t lost;
};

static err_t
tls_state_tx(struct tx *tx, void *arg)
{
	struct tls_state *t = arg;

	TRY(own_keys_lost(tx, TLS_KEY, &t->lost));
	return own_cert_revoked(tx, t->cert, &t->revoked);
}

/* Of the kind that the old one is. */
static err_t
tls_with_new_key(struct issuer *is, struct arena *a, const struct key *old, int64_t lost,
    const struct san *sans, size_t n)
{
	auto_key struct key *k = NULL;

	TRY(ca_key_make(
	    is, a, own_key_file(a, TLS_KEY_FILE, lost), key_algorithm(old), key_bits(old), &k));
	return issue_tls(is, a, k, lost, sans, n);
}

err_t
hierarchy_renew_tls(struct issuer *is)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	auto_arena struct arena *a = arena_new();
	struct tls_state t = { .cert = h->tls_cert };
	struct san *sans;
	size_t n;
	err_t e;

	if (h->tls_cert == NULL)
		return OK;
	TRY(store_read(is->store, tls_state_tx, &t));
	if (!t.revoked && cert_not_after(h->tls_cert) - when_now() > TLS_RENEW)
		return OK;
	TRY(san_decode(a, cert_san_der(h->tls_cert), &sans, &n));
	if (n == 0)
		FAIL(ERR_INTERNAL, "the TLS certificate has no names");
	e = issue_tls(is, a, h->tls_key, 0, sans, n);
	if (!err_is(e, ERR_KEY_COMPROMISED))
		return e;
	err_forget(e);
	return tls_with_new_key(is, a, h->tls_key, t.lost + 1, sans, n);
}

static err_t
init_locked(struct issuer *is, struct arena *a, const struct hierarchy_spec *s)
{
	struct start st = { a, s };

	TRY(store_write(is->store, start_tx, &st));
	for (size_t i = 0; i < nmakes; i++)
		TRY_CTX(make_ca(is, a, s, &makes[i]), "%s", makes[i].suffix);
	if (issuer_hierarchy(is)->tls_cert == NULL)
		TRY_CTX(make_tls(is, a, s), "TLS certificate");
	return crl_all(is, false);
}

err_t
hierarchy_init(struct issuer *is, struct arena *a, const struct hierarchy_spec *spec)
{
	err_t e;

	TRY(check_spec(spec));
	pthread_mutex_lock(&is->init_lock);
	e = init_locked(is, a, spec);
	pthread_mutex_unlock(&is->init_lock);
	return e;
}
