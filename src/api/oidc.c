/* SPDX-License-Identifier: Apache-2.0 */
#include "api/oidc.h"

#include <pthread.h>

#include "api/token.h"
#include "base/limits.h"
#include "net/fetch.h"

#define FRESH_MS (3600 * INT64_C(1000))      /* keys are fetched again after it */
#define STALE_MS (24 * 3600 * INT64_C(1000)) /* and not used any more after it */
#define PAUSE_MS (30 * INT64_C(1000))        /* between two tries */
#define FETCH_MS 10000
#define WAIT_S 3 /* for another thread that is fetching */

struct keys {
	unsigned refs;
	struct jws_key **v;
	size_t n;
};

struct oidc {
	struct arena *arena;
	struct oidc_conf conf;
	struct fetch *fetch;      /* of who holds `fetching` */
	pthread_mutex_t fetching; /* one asks the issuer at a time */
	pthread_mutex_t lock;     /* what follows */
	struct keys *keys;        /* NULL: none yet */
	int64_t fetched, tried;   /* when_mono_ms(); 0: never */
	struct metric good, bad, refused;
};

static struct metric
counter(const char *labels)
{
	return (struct metric){
		.kind = METRIC_COUNTER,
		.name = "chancery_oidc_total",
		.labels = labels,
		.help =
		    "What came of asking the outside issuer for keys, and tokens of it that were refused."
	};
}

err_t
oidc_new(const struct oidc_conf *conf, struct oidc **ret)
{
	struct oidc *o;
	struct fetch *fetch;
	size_t n = 0;

	if (!fetch_address_good(conf->issuer))
		FAIL(ERR_CONF, "[oidc] issuer: must begin with https://");
	if (*conf->audience == '\0')
		FAIL(ERR_CONF, "[oidc] audience: must be given with an issuer");
	TRY(fetch_new(&conf->tls, &fetch));
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		abort();
	o->arena = arena_new();
	o->fetch = fetch;
	o->conf = *conf;
	o->conf.issuer = arena_strdup(o->arena, conf->issuer);
	o->conf.audience = arena_strdup(o->arena, conf->audience);
	o->conf.client = arena_strdup(o->arena, conf->client);
	o->conf.scope = arena_strdup(o->arena, conf->scope);
	o->conf.name_claim = arena_strdup(o->arena, conf->name_claim);
	o->conf.groups_claim = arena_strdup(o->arena, conf->groups_claim);
	while (conf->clients != NULL && conf->clients[n] != NULL)
		n++;

	const char **clients = arena_array(o->arena, n + 1, sizeof(*clients));

	for (size_t i = 0; i < n; i++)
		clients[i] = arena_strdup(o->arena, conf->clients[i]);
	o->conf.clients = clients;
	pthread_mutex_init(&o->fetching, NULL);
	pthread_mutex_init(&o->lock, NULL);
	o->good = counter("result=\"keys\"");
	o->bad = counter("result=\"unreachable\"");
	o->refused = counter("result=\"token-refused\"");
	if (conf->metrics != NULL) {
		metrics_add(conf->metrics, &o->good);
		metrics_add(conf->metrics, &o->bad);
		metrics_add(conf->metrics, &o->refused);
	}
	*ret = o;
	return OK;
}

static void
keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->n; i++)
		jws_key_free(k->v[i]);
	free(k->v);
	free(k);
}

void
oidc_free(struct oidc *o)
{
	if (o == NULL)
		return;
	keys_free(o->keys);
	fetch_free(o->fetch);
	pthread_mutex_destroy(&o->fetching);
	pthread_mutex_destroy(&o->lock);
	arena_free(o->arena);
	free(o);
}

const struct oidc_conf *
oidc_settings(const struct oidc *o)
{
	return &o->conf;
}

static struct keys *
keys_take(struct oidc *o)
{
	struct keys *k;

	pthread_mutex_lock(&o->lock);
	k = o->keys;
	if (k != NULL)
		k->refs++;
	pthread_mutex_unlock(&o->lock);
	return k;
}

static void
keys_give(struct oidc *o, struct keys *k)
{
	bool last;

	if (k == NULL)
		return;
	pthread_mutex_lock(&o->lock);
	last = --k->refs == 0;
	pthread_mutex_unlock(&o->lock);
	if (last)
		keys_free(k);
}

err_t
oidc_discovery(const char *issuer, struct str text, json **ret)
{
	auto_json json *d = NULL;

	if (!err_ok(json_parse(text, LIMIT_JWKS_BYTES, &d)) || !json_is_object(d))
		FAIL(ERR_ISSUER, "the discovery document is no JSON object");
	/* Discovery 4.3: to the byte. */
	if (strcmp(json_text(json_get(d, "issuer")), issuer) != 0)
		FAIL(ERR_ISSUER, "the discovery document is of another issuer, \"%.128s\"",
		    json_text(json_get(d, "issuer")));
	*ret = steal(d);
	return OK;
}

static err_t
get(struct oidc *o, struct arena *a, const char *url, struct str *ret)
{
	static const char *const headers[] = { "Accept: application/json", NULL };
	struct fetch_reply rep;

	TRY(fetch_run(o->fetch, a, "GET", url, headers, STR_EMPTY, FETCH_MS, &rep));
	if (rep.status != 200)
		FAIL(ERR_ISSUER, "%s answered %d", url, rep.status);
	*ret = rep.body;
	return OK;
}

/* A key that signs, of a kind that we take, with the algorithm that its kind has here. */
static bool
key_wanted(const json *jwk, const struct jws_key *k)
{
	const json *use = json_get(jwk, "use"), *alg = json_get(jwk, "alg");

	return (use == NULL || strcmp(json_text(use), "sig") == 0) &&
	    (alg == NULL || strcmp(json_text(alg), jws_key_alg(k)) == 0);
}

/* RFC 7517 5: keys that are not understood are passed over. */
static err_t
keys_parse(struct arena *a, struct str text, struct keys **ret)
{
	auto_json json *set = NULL;
	const json *list;
	struct keys *k;

	TRY(json_parse(text, LIMIT_JWKS_BYTES, &set));
	list = json_get(set, "keys");
	if (!json_is_array(list) || json_count(list) > LIMIT_JWKS)
		FAIL(ERR_ISSUER, "the key set has no list of at most %u keys", LIMIT_JWKS);
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		abort();
	k->refs = 1;
	k->v = calloc(json_count(list) + 1, sizeof(*k->v));
	if (k->v == NULL)
		abort();
	for (size_t i = 0; i < json_count(list); i++) {
		struct jws_key *one = NULL;
		struct str jwk = STR_EMPTY;
		err_t e = json_print(a, json_at(list, i), &jwk);

		if (err_ok(e))
			e = jws_key_parse(jwk, &one);
		if (err_ok(e) && key_wanted(json_at(list, i), one))
			k->v[k->n++] = steal(one);
		jws_key_free(one);
		err_forget(e);
	}
	if (k->n == 0) {
		keys_free(k);
		FAIL(ERR_ISSUER, "the key set has no key for RS256 or ES256");
	}
	*ret = k;
	return OK;
}

static err_t
fetch_keys(struct oidc *o, struct keys **ret)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *doc = NULL;
	struct str text;
	const char *base = o->conf.issuer, *jwks;
	size_t n = strlen(base);

	while (n > 0 && base[n - 1] == '/') /* Discovery 4.1 */
		n--;
	TRY(get(
	    o, a, arena_printf(a, "%.*s/.well-known/openid-configuration", (int)n, base), &text));
	TRY(oidc_discovery(base, text, &doc));
	jwks = json_text(json_get(doc, "jwks_uri"));
	if (!fetch_address_good(jwks))
		FAIL(ERR_ISSUER, "jwks_uri is no HTTPS address");
	TRY(get(o, a, jwks, &text));
	return keys_parse(a, text, ret);
}

/* The one that holds `fetching`. */
static err_t
refresh(struct oidc *o)
{
	struct keys *new = NULL, *old = NULL;
	struct err_report why;
	err_t e;

	pthread_mutex_lock(&o->lock);
	o->tried = when_mono_ms();
	pthread_mutex_unlock(&o->lock);
	e = fetch_keys(o, &new);
	metric_inc(err_ok(e) ? &o->good : &o->bad, 1);
	if (!err_ok(e)) {
		err_take(e, &why);
		FAIL(ERR_ISSUER, "%s", why.detail);
	}
	pthread_mutex_lock(&o->lock);
	old = o->keys;
	o->keys = new;
	o->fetched = when_mono_ms();
	pthread_mutex_unlock(&o->lock);
	keys_give(o, old);
	return OK;
}

/* May the issuer be asked now? Keys too old to use are dropped. */
static bool
due(struct oidc *o, bool missing)
{
	struct keys *old = NULL;
	int64_t now = when_mono_ms();
	bool yes;

	pthread_mutex_lock(&o->lock);
	if (o->keys != NULL && now - o->fetched > STALE_MS) {
		old = o->keys;
		o->keys = NULL;
	}
	yes = missing || o->keys == NULL || now - o->fetched > FRESH_MS;
	if (o->tried != 0 && now - o->tried < PAUSE_MS)
		yes = false;
	pthread_mutex_unlock(&o->lock);
	keys_give(o, old);
	return yes;
}

/* Looks whether the keys are to be fetched, and does so; what goes wrong matters only to who has none. */
static void
look_after(struct oidc *o, bool missing)
{
	struct timespec until;

	if (!due(o, missing))
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	if (pthread_mutex_timedlock(&o->fetching, &until) != 0)
		return;
	if (due(o, missing))
		err_forget(refresh(o));
	pthread_mutex_unlock(&o->fetching);
}

static bool
has_key(const struct keys *k, const char *kid)
{
	for (size_t i = 0; k != NULL && i < k->n; i++)
		if (strcmp(jws_key_kid(k->v[i]), kid) == 0)
			return true;
	return false;
}

/* aud: one text, or a list of which one is ours. */
static bool
audience_good(const json *aud, const char *ours)
{
	if (json_is_text(aud))
		return strcmp(json_text(aud), ours) == 0;
	for (size_t i = 0; json_is_array(aud) && i < json_count(aud); i++)
		if (strcmp(json_text(json_at(aud, i)), ours) == 0)
			return true;
	return false;
}

/* Issuers call the client azp, client_id or appid. */
static const char *
client_of(const json *claims)
{
	static const char *const names[] = { "azp", "client_id", "appid" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (json_is_text(json_get(claims, names[i])))
			return json_text(json_get(claims, names[i]));
	return "";
}

static bool
client_good(const struct oidc_conf *conf, const char *client)
{
	if (strcmp(client, conf->client) == 0)
		return true;
	for (size_t i = 0; conf->clients != NULL && conf->clients[i] != NULL; i++)
		if (strcmp(client, conf->clients[i]) == 0)
			return true;
	return false;
}

static err_t
check_times(struct arena *a, const json *c, when_t now)
{
	const json *exp = json_get(c, "exp"), *nbf = json_get(c, "nbf"), *iat = json_get(c, "iat");

	if (!json_is_int(exp))
		FAIL(ERR_TOKEN, "the token has no time of expiry");
	if (now >= json_int(exp))
		FAIL(ERR_TOKEN, "the token expired at %s", when_text(a, json_int(exp)));
	if (nbf != NULL && (!json_is_int(nbf) || now + TOKEN_GRACE_S < json_int(nbf)))
		FAIL(ERR_TOKEN, "the token is not valid yet");
	if (iat != NULL && (!json_is_int(iat) || now + TOKEN_GRACE_S < json_int(iat)))
		FAIL(ERR_TOKEN, "the token was made in the future");
	return OK;
}

static err_t
check_party(const struct oidc_conf *conf, const json *c, const char *client)
{
	const json *aud = json_get(c, "aud");

	if (strcmp(json_text(json_get(c, "iss")), conf->issuer) != 0)
		FAIL(ERR_TOKEN, "the token is of another issuer");
	if (!audience_good(aud, conf->audience))
		FAIL(ERR_TOKEN, "the token is for another audience");
	if (*client == '\0' && json_is_array(aud) && json_count(aud) > 1)
		FAIL(ERR_TOKEN, "the token is for many and names no client");
	if (*client != '\0' && !client_good(conf, client))
		FAIL(ERR_TOKEN, "the token was given to another client");
	return OK;
}

/* One text, or a list of texts. */
static err_t
read_groups(struct arena *a, const json *claim, struct oidc_person *p)
{
	bool one = json_is_text(claim);
	size_t n = one ? 1 : json_is_array(claim) ? json_count(claim) : 0;

	if (n > LIMIT_CLAIM_GROUPS)
		FAIL(ERR_TOKEN, "the token names more than %u groups", LIMIT_CLAIM_GROUPS);
	p->groups = arena_array(a, n + 1, sizeof(*p->groups));
	for (size_t i = 0; i < n; i++) {
		const char *name = json_text(one ? claim : json_at(claim, i));

		if (*name != '\0' && strlen(name) <= LIMIT_TEXT)
			p->groups[p->ngroups++] = arena_strdup(a, name);
	}
	return OK;
}

err_t
oidc_claims(const struct oidc_conf *conf, struct arena *a, const json *claims, when_t now,
    struct oidc_person *ret)
{
	struct oidc_person p = { .client = arena_strdup(a, client_of(claims)) };
	const json *verified = json_get(claims, "email_verified");

	TRY(check_party(conf, claims, p.client));
	TRY(check_times(a, claims, now));
	p.subject = arena_strdup(a, json_text(json_get(claims, "sub")));
	p.name = arena_strdup(a, json_text(json_get(claims, conf->name_claim)));
	if (*p.subject == '\0' || strlen(p.subject) > LIMIT_TEXT)
		FAIL(ERR_TOKEN, "the token names no subject");
	if (*p.name == '\0' || strlen(p.name) > LIMIT_TEXT)
		FAIL(ERR_TOKEN, "the token has no claim '%s' with a name", conf->name_claim);
	if (strcmp(conf->name_claim, "email") == 0 && verified != NULL && !json_true(verified))
		FAIL(ERR_TOKEN, "the issuer did not verify the address");
	TRY(read_groups(a, json_get(claims, conf->groups_claim), &p));
	*ret = p;
	return OK;
}

err_t
oidc_read(struct oidc *o, struct arena *a, struct str compact, struct oidc_person *ret)
{
	auto_json json *claims = NULL;
	struct keys *k;
	const char *kid;
	err_t e;

	TRY(jws_kid(a, compact, &kid));
	look_after(o, false);
	k = keys_take(o);
	if (!has_key(k, kid)) {
		keys_give(o, k);
		look_after(o, true);
		k = keys_take(o);
	}
	if (k == NULL)
		FAIL(ERR_ISSUER, "%s", o->conf.issuer);
	e = jws_verify(a, (const struct jws_key *const *)k->v, k->n, compact, &claims);
	keys_give(o, k);
	if (err_ok(e))
		e = oidc_claims(&o->conf, a, claims, when_now(), ret);
	if (!err_ok(e))
		metric_inc(&o->refused, 1);
	return e;
}
