/* SPDX-License-Identifier: Apache-2.0 */
#include "device/windows_tell.h"

#include "base/text.h"
#include "codec/san.h"
#include "device/windows_error.h"
#include "device/windows_wifi.h"
#include "model/wipe.h"
#include "pki/cert.h"
#include "pki/key.h"

enum { BITS_OF_CHIPS = 2048, CLOSING = 64, RETRY_COUNT = 3, RETRY_MINUTES = 1 };
/* KeyLocation and KeyProtection, in the order of enum key_store */
static const int places[] = { 2, 1, 4, 3 };
enum { PLACE_CHIP = 1, PLACE_CHIP_OR_SOFTWARE = 2, PLACE_SOFTWARE = 3, PLACE_HELLO = 4 };

static const char *
scope(bool user)
{
	return user ? "./User" : "./Device";
}

/* ---- parts of a command ---- */

static err_t
put(struct windows_telling *t, const char *verb, const char *uri, const char *format,
    const char *data)
{
	return syncml_put(t->b, ++t->id, verb, uri, format, data);
}

static err_t
child(struct windows_telling *t, const char *parent, const char *name, const char *format,
    const char *data)
{
	return put(t, "Add", arena_printf(t->a, "%s/%s", parent, name), format, data);
}

static err_t
number(struct windows_telling *t, const char *parent, const char *name, int64_t v)
{
	return child(t, parent, name, "int", arena_printf(t->a, "%lld", (long long)v));
}

/* Keys beyond what chips take, and those on curves, go to software, unless the profile demands a chip: then the device says
 * no. */
static int
place_of(const struct primitive *what, enum key_alg alg, unsigned bits)
{
	int place = what->key_store < 0 || (size_t)what->key_store >= COUNT(places) ?
	    PLACE_CHIP_OR_SOFTWARE :
	    places[what->key_store];

	return place == PLACE_CHIP_OR_SOFTWARE && (alg != KEY_RSA || bits > BITS_OF_CHIPS) ?
	    PLACE_SOFTWARE :
	    place;
}

/* "chancery-<profile and item, hashed>-<command>": short, the same for the same command, without a slash. */
static const char *
node_name(struct arena *a, const struct command *c)
{
	struct str hash = str_c(c->id);
	uint8_t alias[32];

	(void)str_cut(&hash, ':');
	hash_sha256(str_c(c->alias), alias);
	return arena_printf(a, WINDOWS_OURS "%s-%.*s", text_hex(a, str_of(alias, 4)), (int)hash.n,
	    (const char *)hash.p);
}

/* ---- trusted certificates ---- */

static const char *
trust_uri(struct arena *a, const struct command *c)
{
	static const struct {
		bool user;
		const char *store;
	} stores[] = {
		[TRUST_MACHINE_ROOT] = { false, "Root" },
		[TRUST_MACHINE_CA] = { false, "CA" },
		[TRUST_USER_CA] = { true, "CA" },
	};
	size_t i = (size_t)c->what->trust_store;

	return arena_printf(a, "%s/Vendor/MSFT/RootCATrustedCertificates/%s/%s",
	    scope(stores[i].user), stores[i].store, windows_sha1(a, c->der));
}

static err_t
tell_trust(struct windows_telling *t, const struct command *c, const char *uri)
{
	return child(t, uri, "EncodedCertificate", "b64", text_base64(t->a, c->der));
}

/* Clears the way; what the device says to it does not count. Before anything else of a command. */
static err_t
clear(struct windows_telling *t, const char *uri)
{
	t->cleared++;
	return put(t, "Delete", uri, NULL, NULL);
}

/* ---- PFX ---- */

static err_t
key_of(struct str leaf, enum key_alg *ret_alg, unsigned *ret_bits)
{
	auto_cert struct cert *cert = NULL;
	auto_key struct key *key = NULL;

	TRY(cert_parse(leaf, &cert));
	TRY(cert_key(cert, &key));
	*ret_alg = key_algorithm(key);
	*ret_bits = key_bits(key);
	return OK;
}

/* The blob starts the import, so it is last; keys are never exportable, which is not the default. */
static err_t
tell_pfx(struct windows_telling *t, const struct command *c, const char *uri)
{
	enum key_alg alg;
	unsigned bits;
	int place;

	TRY(key_of(c->leaf, &alg, &bits));
	place = place_of(c->what, alg, bits);
	TRY(clear(t, uri));
	TRY(syncml_atomic_open(t->b, ++t->id));
	TRY(number(t, uri, "KeyLocation", place));
	if (place == PLACE_HELLO)
		TRY(child(t, uri, "ContainerName", "chr", strrchr(uri, '/') + 1));
	TRY(child(t, uri, "PFXKeyExportable", "bool", "false"));
	TRY(number(t, uri, "PFXCertPasswordEncryptionType", 1));
	TRY(child(t, uri, "PFXCertPassword", "chr", text_base64(t->a, c->password)));
	TRY(child(t, uri, "PFXCertBlob", "chr", text_base64(t->a, c->pfx)));
	return syncml_atomic_close(t->b);
}

/* ---- SCEP ---- */

static const char *
joined(struct arena *a, const char *const *v, size_t n, const char *between)
{
	const char *out = "";

	for (size_t i = 0; i < n; i++)
		out = arena_printf(a, "%s%s%s", out, i == 0 ? "" : between, v[i]);
	return out;
}

/* "11+ada@example.test;3+pc.example.test". There is no way to write a semicolon within a value. */
static err_t
names(struct arena *a, struct str der, const char **ret)
{
	static const int kinds[] = {
		[SAN_EMAIL] = 2, [SAN_DNS] = 3, [SAN_URI] = 7, [SAN_UPN] = 11, [SAN_OTHER] = 0
	};
	const char *out = "";
	struct san *v = NULL;
	size_t n = 0;

	if (der.n > 0)
		TRY(san_decode(a, der, &v, &n));
	for (size_t i = 0; i < n; i++) {
		int kind = (size_t)v[i].type < COUNT(kinds) ? kinds[v[i].type] : 0;

		if (kind == 0 || strchr(v[i].value, ';') != NULL)
			FAIL(ERR_DEVICE_PROFILE, "Windows cannot request the alternative name %s",
			    san_print(a, &v[i], 1));
		out = arena_printf(a, "%s%s%d+%s", out, i == 0 ? "" : ";", kind, v[i].value);
	}
	*ret = out;
	return OK;
}

static const char *
hashes(unsigned set)
{
	if (set == HASH_SHA1)
		return "SHA-1";
	return set == (HASH_SHA1 | HASH_SHA2) ? "SHA-1+SHA-2" : "SHA-2";
}

static err_t
tell_scep_texts(struct windows_telling *t, const struct command *c, const char *install)
{
	const struct primitive *what = c->what;
	struct device_enrol e;
	const char *sans;
	struct dn subject;

	if (c->root.n == 0)
		FAIL(ERR_SCEP_NO_ROOT, "%s", "");
	TRY(device_enrol_of(t->edge, t->a, c, &e));
	TRY(dn_decode(t->a, what->subject, &subject));
	TRY(names(t->a, what->san, &sans));
	TRY(child(t, install, "ServerURL", "chr", joined(t->a, e.urls, e.nurls, ";")));
	TRY(child(t, install, "Challenge", "chr", e.challenge));
	TRY(child(t, install, "SubjectName", "chr", dn_print(t->a, &subject)));
	if (sans[0] != '\0')
		TRY(child(t, install, "SubjectAlternativeNames", "chr", sans));
	TRY(child(t, install, "EKUMapping", "chr", joined(t->a, what->ekus, what->nekus, "+")));
	TRY(child(t, install, "HashAlgorithm", "chr", hashes(what->hashes)));
	return child(t, install, "CAThumbprint", "chr", windows_sha1(t->a, c->root));
}

static err_t
tell_scep(struct windows_telling *t, const struct command *c, const char *uri)
{
	const char *install = arena_printf(t->a, "%s/Install", uri);
	int place = place_of(c->what, KEY_RSA, c->what->key_bits);

	TRY(clear(t, uri));
	TRY(syncml_atomic_open(t->b, ++t->id));
	TRY(put(t, "Add", uri, "node", NULL));
	TRY(tell_scep_texts(t, c, install));
	TRY(number(t, install, "KeyUsage", c->what->key_usage));
	TRY(number(t, install, "KeyLength", c->what->key_bits));
	TRY(number(t, install, "KeyProtection", place));
	if (place == PLACE_HELLO)
		TRY(child(t, install, "ContainerName", "chr", strrchr(uri, '/') + 1));
	if (c->what->validity_days > 0) {
		TRY(child(t, install, "ValidPeriod", "chr", "Days"));
		TRY(number(t, install, "ValidPeriodUnits", c->what->validity_days));
	}
	TRY(number(t, install, "RetryCount", RETRY_COUNT));
	TRY(number(t, install, "RetryDelay", RETRY_MINUTES));
	TRY(put(t, "Exec", arena_printf(t->a, "%s/Enroll", install), "null", NULL));
	return syncml_atomic_close(t->b);
}

/* ---- networks ---- */

static bool
holds(const struct windows_telling *t, const char *uri)
{
	const char *other, *sha1;

	for (size_t i = 0; i < t->has->n; i++) {
		windows_place_read(t->a, t->has->v[i].place, &other, &sha1);
		if (strcmp(other, uri) == 0)
			return true;
	}
	return false;
}

static err_t
tell_proxy(struct windows_telling *t, const struct wifi *w, const char *uri)
{
	if (w->proxy == PROXY_MANUAL)
		TRY(child(t, uri, "Proxy", "chr",
		    arena_printf(t->a, "%s:%lld", w->proxy_host, (long long)w->proxy_port)));
	if (w->proxy == PROXY_AUTOMATIC)
		TRY(child(t, uri, "ProxyPacUrl", "chr", w->proxy_url));
	return OK;
}

/* One that is in use is replaced: the device may be speaking by it. */
static err_t
tell_wifi(struct windows_telling *t, const struct command *c, const char *uri)
{
	static const char *const beside[] = { "Proxy", "ProxyPacUrl", "WiFiCost" };
	const struct use *u = c->what->use;
	bool there = holds(t, uri);
	const char *document, *key;

	TRY(device_network_key(t->edge, t->a, c, &key));
	TRY(windows_wifi_print(t->a, u, key, c->what->of_machine, &document));
	if (!there)
		TRY(clear(t, uri));
	for (size_t i = 0; i < COUNT(beside) && there; i++)
		TRY(clear(t, arena_printf(t->a, "%s/%s", uri, beside[i])));
	TRY(syncml_atomic_open(t->b, ++t->id));
	TRY(put(
	    t, there ? "Replace" : "Add", arena_printf(t->a, "%s/WlanXml", uri), "chr", document));
	TRY(tell_proxy(t, u->wifi, uri));
	if (u->wifi->windows.cost != COST_NONE)
		TRY(number(t, uri, "WiFiCost", u->wifi->windows.cost + 1));
	return syncml_atomic_close(t->b);
}

/* ---- removing ---- */

static bool
leaves(const struct windows_telling *t, const char *alias)
{
	for (size_t i = 0; i < t->n; i++)
		if ((t->v[i].kind == COMMAND_REMOVE_CA || t->v[i].kind == COMMAND_REMOVE_IDENTITY ||
			t->v[i].kind == COMMAND_REMOVE_NETWORK) &&
		    strcmp(t->v[i].alias, alias) == 0)
			return true;
	return false;
}

/* Another profile that brought the same certificate still wants it. */
static bool
shared(const struct windows_telling *t, const char *uri)
{
	const char *other, *sha1;

	for (size_t i = 0; i < t->has->n; i++) {
		windows_place_read(t->a, t->has->v[i].place, &other, &sha1);
		if (strcmp(other, uri) == 0 && !leaves(t, t->has->v[i].alias))
			return true;
	}
	return false;
}

/* A network of that name came by another profile, and stays. */
static bool
taken(const struct windows_telling *t, const struct command *c, const char *uri)
{
	const char *other, *sha1;

	for (size_t i = 0; i < t->has->n; i++) {
		windows_place_read(t->a, t->has->v[i].place, &other, &sha1);
		if (strcmp(other, uri) == 0 && strcmp(t->has->v[i].alias, c->alias) != 0 &&
		    !leaves(t, t->has->v[i].alias))
			return true;
	}
	for (size_t i = 0; i < t->st->nsent; i++)
		if (t->st->sent[i].op == WINDOWS_WIFI && strcmp(t->st->sent[i].uri, uri) == 0 &&
		    strcmp(t->st->sent[i].alias, c->alias) != 0)
			return true;
	return false;
}

/* ---- wiping ---- */

/* RemoteWipe CSP. Whose data is kept stays enrolled as well. */
static const char *
wipe_uri(const struct wipe_how *how)
{
#define NODE "./Device/Vendor/MSFT/RemoteWipe/"
	if (how->protect)
		return NODE "doWipeProtected";
	if (how->keep_user)
		return NODE "doWipePersistUserData";
	return how->keep_enrolment ? NODE "doWipePersistProvisionedData" : NODE "doWipe";
#undef NODE
}

/* ---- a command ---- */

static bool
runs_already(const struct windows_telling *t, const struct command *c)
{
	for (size_t i = 0; i < t->st->nsent; i++)
		if (t->st->sent[i].op == WINDOWS_SCEP && strcmp(t->st->sent[i].id, c->id) == 0)
			return true;
	return false;
}

/* A request that runs for an older challenge: its node goes, as a node of ours that nobody needs. */
static void
drop_older(struct windows_telling *t, const char *alias)
{
	for (size_t i = 0; i < t->st->nsent; i++) {
		struct windows_sent *s = &t->st->sent[i];

		if (s->op != WINDOWS_SCEP || strcmp(s->alias, alias) != 0 || s->code == 0)
			continue;
		s->op = WINDOWS_REMOVE;
		s->id = s->alias = "";
		s->code = s->original = 0;
	}
}

static struct windows_sent
sent_for(struct windows_telling *t, const struct command *c)
{
	struct windows_sent s = {
		.id = c->id, .alias = c->alias == NULL ? "" : c->alias, .since = when_now()
	};
	const char *sha1;

	s.uri = s.sha1 = s.sha256 = "";
	switch (c->kind) {
	case COMMAND_INSTALL_CA:
		s.op = WINDOWS_TRUST;
		s.uri = trust_uri(t->a, c);
		break;
	case COMMAND_INSTALL_IDENTITY:
		s.op = WINDOWS_PFX;
		s.uri = arena_printf(t->a, "%s" WINDOWS_PFX_NODES "/%s",
		    scope(!c->what->of_machine), node_name(t->a, c));
		break;
	case COMMAND_ENROL:
		s.op = WINDOWS_SCEP;
		s.uri = arena_printf(t->a, "%s" WINDOWS_SCEP_NODES "/%s",
		    scope(!c->what->of_machine), node_name(t->a, c));
		break;
	case COMMAND_INSTALL_NETWORK:
		s.op = WINDOWS_WIFI;
		s.uri = arena_printf(t->a, "%s%s", scope(!c->what->of_machine),
		    windows_wifi_node(t->a, c->what->use->wifi));
		break;
	case COMMAND_REMOVE_CA:
	case COMMAND_REMOVE_IDENTITY:
	case COMMAND_REMOVE_NETWORK:
		s.op = WINDOWS_REMOVE;
		windows_place_read(t->a, c->place, &s.uri, &sha1);
		break;
	case COMMAND_WIPE:
		s.op = WINDOWS_WIPE;
		s.uri = wipe_uri(c->wipe);
		break;
	}
	return s;
}

/* Which certificate it will be, where that is known before. */
static void
name_certificate(struct arena *a, const struct command *c, struct windows_sent *s)
{
	uint8_t hash[32];
	struct str der = c->kind == COMMAND_INSTALL_CA ? c->der : c->leaf;

	if (s->op == WINDOWS_WIFI)
		s->sha256 = text_hex(a, c->sha256);
	if (s->op != WINDOWS_TRUST && s->op != WINDOWS_PFX)
		return;
	hash_sha256(der, hash);
	s->sha1 = windows_sha1(a, der);
	s->sha256 = text_hex(a, STR(hash));
}

static err_t
tell_one(struct windows_telling *t, const struct command *c, struct windows_sent *s)
{
	switch (s->op) {
	case WINDOWS_TRUST:
		return tell_trust(t, c, s->uri);
	case WINDOWS_PFX:
		return tell_pfx(t, c, s->uri);
	case WINDOWS_SCEP:
		return tell_scep(t, c, s->uri);
	case WINDOWS_WIFI:
		return tell_wifi(t, c, s->uri);
	case WINDOWS_WIPE:
		return put(t, "Exec", s->uri, NULL, NULL);
	case WINDOWS_REMOVE:
		break;
	}
	return put(t, "Delete", s->uri, NULL, NULL);
}

static struct report_result *
hold(struct windows_telling *t, const struct command *c)
{
	t->held[t->nheld] = (struct report_result){ .id = c->id, .status = RESULT_NOT_NOW };
	return &t->held[t->nheld++];
}

static void
hold_because(struct windows_telling *t, const struct command *c, err_t e)
{
	struct report_result *res = hold(t, c);
	struct err_report rep;

	err_take(e, &rep);
	res->status = RESULT_ERROR;
	res->fault = err_info(rep.code)->id;
	res->detail = arena_strdup(t->a, rep.detail);
}

/* Whole, or not at all. *ret_full: it does not fit beside what is there already. */
static err_t
try_one(struct windows_telling *t, const struct command *c, struct windows_sent *s, bool *ret_full)
{
	size_t start = t->b->n;
	uint32_t id = t->id;
	err_t e;

	t->cleared = 0;
	e = tell_one(t, c, s);
	s->first = id + 1 + t->cleared;
	s->last = t->id;
	if (err_ok(e) && t->b->n + CLOSING <= t->room) {
		t->told++;
		return windows_sent_add(t->st, s);
	}
	t->b->n = start;
	t->id = id;
	if (!err_ok(e) && !err_is(e, ERR_TOO_LARGE)) {
		hold_because(t, c, e);
		return OK;
	}
	err_forget(e);
	*ret_full = t->told > 0;
	if (!*ret_full)
		hold_because(t, c,
		    ERROR(ERR_DEVICE_PROFILE,
			"it needs more than the %zu bytes that the device takes in one message",
			t->room));
	return OK;
}

static err_t
tell_command(struct windows_telling *t, const struct command *c, bool *ret_full)
{
	struct windows_sent s = sent_for(t, c);
	struct report_result *res;

	if (s.op == WINDOWS_SCEP && runs_already(t, c))
		return OK;
	if (windows_of_user(s.uri) && !t->st->user) {
		res = hold(t, c);
		res->detail = "the user is not signed in on the device";
		/* It is to be there as soon as he is. */
		res->again_s = 1;
		return OK;
	}
	if (s.op == WINDOWS_REMOVE && (s.uri[0] == '\0' || shared(t, s.uri))) {
		s.code = 200;
		return windows_sent_add(t->st, &s);
	}
	if (s.op == WINDOWS_WIFI && taken(t, c, s.uri)) {
		hold_because(t, c,
		    ERROR(ERR_DEVICE_PROFILE, "another profile brings the network \"%s\"",
			c->what->use->wifi->ssid));
		return OK;
	}
	name_certificate(t->a, c, &s);
	if (s.op == WINDOWS_SCEP)
		drop_older(t, c->alias);
	return try_one(t, c, &s, ret_full);
}

/* Nodes of ours that nothing needs any more. */
static err_t
tell_tidying(struct windows_telling *t)
{
	for (size_t i = 0; i < t->st->nsent; i++) {
		struct windows_sent *s = &t->st->sent[i];

		if (s->op != WINDOWS_REMOVE || s->id[0] != '\0' || s->code != 0 ||
		    (windows_of_user(s->uri) && !t->st->user) || t->b->n + 1024 > t->room)
			continue;
		TRY(put(t, "Delete", s->uri, NULL, NULL));
		s->first = s->last = t->id;
		t->told++;
	}
	return OK;
}

err_t
windows_tell(struct windows_telling *t)
{
	bool full = false;

	t->held = arena_array(t->a, t->n + 1, sizeof(*t->held));
	for (size_t i = 0; i < t->n && !full; i++)
		TRY(tell_command(t, &t->v[i], &full));
	return tell_tidying(t);
}
