/* SPDX-License-Identifier: Apache-2.0 */
#include "device/windows_tell.h"

#include "base/limits.h"
#include "base/text.h"
#include "device/windows_error.h"
#include "device/windows_key.h"
#include "device/windows_wifi.h"
#include "model/wipe.h"
#include "pki/key.h"

enum { CLOSING = 64 };

static const char *
scope(bool user)
{
	return user ? "./User" : "./Device";
}

/* ---- parts of a command ---- */

err_t
windows_put(struct windows_telling *t, const char *verb, const char *uri, const char *format,
    const char *data)
{
	return syncml_put(t->b, ++t->id, verb, uri, format, data);
}

err_t
windows_add(struct windows_telling *t, const char *parent, const char *name, const char *format,
    const char *data)
{
	return windows_put(t, "Add", arena_printf(t->a, "%s/%s", parent, name), format, data);
}

err_t
windows_add_number(struct windows_telling *t, const char *parent, const char *name, int64_t v)
{
	return windows_add(t, parent, name, "int", arena_printf(t->a, "%lld", (long long)v));
}

err_t
windows_clear(struct windows_telling *t, const char *uri)
{
	t->cleared++;
	return windows_put(t, "Delete", uri, NULL, NULL);
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
trust_node(struct arena *a, enum trust_store store, struct str der)
{
	static const struct {
		bool user;
		const char *store;
	} stores[] = {
		[TRUST_MACHINE_ROOT] = { false, "Root" },
		[TRUST_MACHINE_CA] = { false, "CA" },
		[TRUST_USER_CA] = { true, "CA" },
	};

	return arena_printf(a, "%s/Vendor/MSFT/RootCATrustedCertificates/%s/%s",
	    scope(stores[store].user), stores[store].store, windows_sha1(a, der));
}

static err_t
tell_trust(struct windows_telling *t, const struct command *c, const struct windows_sent *s)
{
	return windows_put(t, s->again ? "Replace" : "Add",
	    arena_printf(t->a, "%s/EncodedCertificate", s->uri), "b64", text_base64(t->a, c->der));
}

/* Something lay there already (418), and is another one: the device said so to what it was told before. */
static bool
lies_there(const struct windows_telling *t, const struct command *c)
{
	for (size_t i = 0; i < t->st->nsent; i++)
		if (t->st->sent[i].op == WINDOWS_TRUST && t->st->sent[i].code != 0 &&
		    strcmp(t->st->sent[i].id, c->id) == 0)
			return true;
	return false;
}

/* What was said there is of use for the answer that comes now, and not later. */
static void
forget_settled(struct windows_state *st)
{
	size_t n = 0;

	for (size_t i = 0; i < st->nsent; i++)
		if (st->sent[i].op != WINDOWS_TRUST || st->sent[i].code == 0)
			st->sent[n++] = st->sent[i];
	st->nsent = n;
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
		TRY(windows_add(t, uri, "Proxy", "chr",
		    arena_printf(t->a, "%s:%lld", w->proxy_host, (long long)w->proxy_port)));
	if (w->proxy == PROXY_AUTOMATIC)
		TRY(windows_add(t, uri, "ProxyPacUrl", "chr", w->proxy_url));
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
		TRY(windows_clear(t, uri));
	for (size_t i = 0; i < COUNT(beside) && there; i++)
		TRY(windows_clear(t, arena_printf(t->a, "%s/%s", uri, beside[i])));
	TRY(syncml_atomic_open(t->b, ++t->id));
	TRY(windows_put(
	    t, there ? "Replace" : "Add", arena_printf(t->a, "%s/WlanXml", uri), "chr", document));
	TRY(tell_proxy(t, u->wifi, uri));
	if (u->wifi->windows.cost != COST_NONE)
		TRY(windows_add_number(t, uri, "WiFiCost", u->wifi->windows.cost + 1));
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

/* What the device trusts for talking to the service came with its enrolment, and goes with that. */
static bool
of_enrolment(const struct windows_telling *t, const char *uri)
{
	for (size_t i = 0; i < t->edge->nroots; i++)
		if (strcmp(uri, trust_node(t->a, TRUST_MACHINE_ROOT, t->edge->roots[i])) == 0)
			return true;
	return false;
}

/* Another profile that brought the same certificate still wants it, or the enrolment brought it. */
static bool
shared(const struct windows_telling *t, const char *uri)
{
	const char *other, *sha1;

	if (of_enrolment(t, uri))
		return true;

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
		s.uri = trust_node(t->a, c->what->trust_store, c->der);
		s.again = lies_there(t, c);
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
		return tell_trust(t, c, s);
	case WINDOWS_PFX:
		return windows_key_pfx(t, c, s->uri);
	case WINDOWS_SCEP:
		return windows_key_scep(t, c, s->uri);
	case WINDOWS_WIFI:
		return tell_wifi(t, c, s->uri);
	case WINDOWS_WIPE:
		return windows_put(t, "Exec", s->uri, NULL, NULL);
	case WINDOWS_REMOVE:
		break;
	}
	return windows_put(t, "Delete", s->uri, NULL, NULL);
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
		windows_sent_add(t->st, s);
		return OK;
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

/* Past this many, what is kept of a device between two messages would have no end. */
static bool
too_many(const struct windows_telling *t, const struct command *c)
{
	size_t n = t->has->n;

	if (c->what == NULL)
		return false;
	for (size_t i = 0; i < t->has->n; i++)
		if (strcmp(t->has->v[i].alias, c->alias) == 0)
			return false;
	for (size_t i = 0; i < t->st->nsent; i++)
		n += t->st->sent[i].op != WINDOWS_REMOVE;
	return n >= LIMIT_INVENTORY;
}

static err_t
tell_command(struct windows_telling *t, const struct command *c, bool *ret_full)
{
	struct windows_sent s = sent_for(t, c);
	struct report_result *res;

	if (s.op == WINDOWS_SCEP && runs_already(t, c))
		return OK;
	*ret_full = windows_sent_full(t->st);
	if (*ret_full)
		return OK;
	if (too_many(t, c)) {
		res = hold(t, c);
		res->detail =
		    "the device holds as many certificates and networks as are managed on one, 256; "
		    "it waits until one of them goes";
		return OK;
	}
	if (windows_of_user(s.uri) && !t->st->user) {
		res = hold(t, c);
		res->detail = "the user is not signed in on the device";
		/* It is to be there as soon as he is. */
		res->again_s = 1;
		return OK;
	}
	if (s.op == WINDOWS_REMOVE && (s.uri[0] == '\0' || shared(t, s.uri))) {
		s.code = 200;
		windows_sent_add(t->st, &s);
		return OK;
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
		TRY(windows_put(t, "Delete", s->uri, NULL, NULL));
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
	forget_settled(t->st);
	return tell_tidying(t);
}
