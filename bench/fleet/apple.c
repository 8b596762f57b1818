/* SPDX-License-Identifier: Apache-2.0 */
/* An iPhone: the enrolment page, check-in and commands of Apple's device management, each message signed; and what it is asked
 * to report by itself. */
#include <openssl/cms.h>

#include "apple_profile.h"
#include "base/limits.h"
#include "base/secret.h"
#include "codec/json.h"
#include "net/url.h"

enum { PROFILES_MAX = 32, ITEMS_EACH = 8, SESSION_MAX = 200 };
#define CHECKIN_TYPE "application/x-apple-aspen-mdm-checkin"
#define COMMAND_TYPE "application/x-apple-aspen-mdm"

struct installed {
	char *identifier, *uuid;
	struct apple_item items[ITEMS_EACH];
	size_t nitems;
};

struct apple {
	char udid[40];
	char *server_url, *checkin_url, *topic;
	struct installed v[PROFILES_MAX];
	size_t n;
	bool told; /* the service has a list of certificates with all that is there */
	/* Declarative management: there are declarations to be fetched; it was asked to report; and what is there is not
	 * what it reported last. */
	bool declared, reports, changed;
};

struct obeying {
	struct device *d;
	struct fiber *f;
	struct arena *a;
	const struct pl *command;
	struct pl *answer;
};

static struct apple *
apple_of(struct device *d)
{
	uint8_t r[8];
	struct apple *p;

	if (d->state != NULL)
		return d->state;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		abort();
	rand_bytes(r, sizeof(r));
	snprintf(p->udid, sizeof(p->udid), "00008110-%02X%02X%02X%02X%02X%02X%02X%02X", r[0], r[1],
	    r[2], r[3], r[4], r[5], r[6], r[7]);
	d->state = p;
	return p;
}

static char *
copy_text(const char *s)
{
	char *p = strdup(s);

	if (p == NULL)
		abort();
	return p;
}

/* ---- messages ---- */

/* What "SignMessage" asks for: a signature beside the body, in a header. */
static err_t
sign(struct arena *a, const struct device *d, struct str body, const char **ret)
{
	BIO *in = BIO_new_mem_buf(body.p, (int)body.n);
	CMS_ContentInfo *cms = in == NULL ?
	    NULL :
	    CMS_sign(cert_x509(d->identity), key_pkey(d->key), NULL, in, CMS_DETACHED | CMS_BINARY);
	uint8_t *der = NULL;
	int n = cms == NULL ? -1 : i2d_CMS_ContentInfo(cms, &der);

	if (n > 0)
		*ret = text_base64(a, str_of(der, (size_t)n));
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	if (n <= 0)
		FAIL(ERR_CRYPTO, "the message cannot be signed");
	return OK;
}

static err_t
put(struct device *d, struct fiber *f, struct arena *a, const char *url, const char *type,
    const struct pl *message, struct link_got *ret)
{
	struct link_ask q = { .method = "PUT", .url = url };
	const char *signature = NULL;

	TRY(pl_print(a, message, &q.body));
	TRY(sign(a, d, q.body, &signature));
	q.headers = arena_printf(a, "Content-Type: %s\r\nMdm-Signature: %s\r\n", type, signature);
	TRY(link_exchange(&d->link, f, a, &q, ret));
	return expect_status(a, ret, 200, url);
}

static err_t
check_in_answer(struct device *d, struct fiber *f, struct arena *a, const char *type, struct pl *m,
    struct link_got *ret)
{
	struct apple *p = apple_of(d);

	pl_set_text(a, m, "MessageType", type);
	pl_set_text(a, m, "Topic", p->topic);
	pl_set_text(a, m, "UDID", p->udid);
	return put(d, f, a, p->checkin_url, CHECKIN_TYPE, m, ret);
}

static err_t
check_in_message(struct device *d, struct fiber *f, struct arena *a, const char *type, struct pl *m)
{
	struct link_got got;

	return check_in_answer(d, f, a, type, m, &got);
}

/* ---- enrolment ---- */

static err_t
load_profile(struct device *d, struct fiber *f, struct arena *a, struct str *ret)
{
	const char *form = arena_printf(a, "code=%s", url_segment(a, d->code));
	struct link_ask q = { .method = "POST",
		.url = arena_printf(a, "%s/apple/enrol", d->fleet->url),
		.headers = "Content-Type: application/x-www-form-urlencoded\r\n",
		.body = str_c(form) };
	struct link_got got;

	TRY(link_exchange(&d->link, f, a, &q, &got));
	TRY(expect_status(a, &got, 200, "enrolment page"));
	if (strcmp(got.content_type, "application/x-apple-aspen-config") != 0)
		FAIL(ERR_MALFORMED, "the page gives no profile");
	*ret = got.body;
	return OK;
}

static struct installed *
find(struct apple *p, const char *identifier)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].identifier, identifier) == 0)
			return &p->v[i];
	return NULL;
}

static void
drop(struct apple *p, struct installed *i)
{
	for (size_t k = 0; k < i->nitems; k++)
		free((void *)i->items[k].der.p);
	free(i->identifier);
	free(i->uuid);
	*i = p->v[--p->n];
	p->changed = true;
}

static void
remember(struct device *d, const struct apple_profile *p, const struct apple_item *items, size_t n)
{
	struct apple *me = apple_of(d);
	struct installed *to = find(me, p->identifier);

	if (to != NULL)
		drop(me, to);
	to = &me->v[me->n++];
	*to = (struct installed){
		.identifier = copy_text(p->identifier), .uuid = copy_text(p->uuid), .nitems = n
	};
	memcpy(to->items, items, n * sizeof(*items));
	me->told = false;
	me->changed = true;
}

static err_t
take_management(struct device *d, const struct apple_profile *p)
{
	const struct pl *mdm = apple_payload(p, "com.apple.mdm");
	struct apple *me = apple_of(d);
	const char *server, *checkin, *topic;

	if (mdm == NULL)
		FAIL(ERR_PLIST, "no management in the profile");
	TRY(pl_need_text(mdm, "ServerURL", LIMIT_LONG_TEXT, &server));
	TRY(pl_need_text(mdm, "CheckInURL", LIMIT_LONG_TEXT, &checkin));
	TRY(pl_need_text(mdm, "Topic", LIMIT_TEXT, &topic));
	free(me->server_url);
	free(me->checkin_url);
	free(me->topic);
	me->server_url = copy_text(server);
	me->checkin_url = copy_text(checkin);
	me->topic = copy_text(topic);
	return OK;
}

static err_t
authenticate(struct device *d, struct fiber *f, struct arena *a)
{
	struct pl *m = pl_dict(a), *t = pl_dict(a);
	uint8_t token[32];

	pl_set_text(a, m, "DeviceName", device_name(a, d));
	pl_set_text(a, m, "Model", "iPhone15,2");
	pl_set_text(a, m, "ProductName", "iPhone15,2");
	pl_set_text(a, m, "OSVersion", "17.4");
	pl_set_text(a, m, "BuildVersion", "21E219");
	pl_set_text(a, m, "SerialNumber", arena_printf(a, "FL%08zu", d->number));
	TRY(check_in_message(d, f, a, "Authenticate", m));
	rand_bytes(token, sizeof(token));
	pl_set_data(a, t, "Token", str_of(arena_copy(a, token, sizeof(token)), sizeof(token)));
	pl_set_text(a, t, "PushMagic", id_text(a, id_new()));
	pl_set_bool(a, t, "AwaitingConfiguration", false);
	return check_in_message(d, f, a, "TokenUpdate", t);
}

static err_t
enrol(struct device *d, struct fiber *f)
{
	auto_arena struct arena *a = arena_new();
	struct apple_item items[ITEMS_EACH];
	struct apple_profile p;
	const struct pl *scep;
	struct str bytes, leaf;
	size_t n = 0;

	TRY(load_profile(d, f, a, &bytes));
	TRY(apple_profile_open(a, d, bytes, &p));
	TRY(take_management(d, &p));
	scep = apple_payload(&p, "com.apple.security.scep");
	if (scep == NULL)
		FAIL(ERR_PLIST, "no identity in the profile");
	TRY(apple_scep(d, f, a, scep, (struct key *)d->key, &leaf));
	TRY(device_joined(d, leaf));
	/* Its identity and the roots are part of what the device lists; they are not what is counted. */
	remember(d, &p, items, n);
	return authenticate(d, f, a);
}

/* ---- commands ---- */

static size_t
identities(const struct apple *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].nitems; k++)
			n += p->v[i].items[k].identity;
	return n;
}

static err_t
install_profile(struct obeying *o)
{
	struct apple *me = apple_of(o->d);
	struct apple_item items[ITEMS_EACH] = { 0 };
	struct apple_profile p;
	const char *uuid;
	struct str bytes;
	size_t n;

	TRY(pl_need_data(o->command, "Payload", LIMIT_PLIST_BYTES, &bytes));
	TRY(apple_profile_open(o->a, o->d, bytes, &p));
	uuid = p.uuid;
	if (me->n == PROFILES_MAX)
		FAIL(ERR_TOO_LARGE, "more than %d profiles", PROFILES_MAX);
	TRY(apple_profile_items(
	    o->d, o->f, o->a, &p, fleet_key(o->d->fleet, str_c(uuid)), items, ITEMS_EACH, &n));
	remember(o->d, &p, items, n);
	return OK;
}

static err_t
remove_profile(struct obeying *o)
{
	struct apple *me = apple_of(o->d);
	struct installed *i;
	const char *identifier;

	TRY(pl_need_text(o->command, "Identifier", LIMIT_TEXT, &identifier));
	i = find(me, identifier);
	if (i == NULL)
		FAIL(ERR_NOT_FOUND, "%s is not installed", identifier);
	drop(me, i);
	me->told = false;
	return OK;
}

static err_t
list_profiles(struct obeying *o)
{
	struct apple *me = apple_of(o->d);
	struct pl *list = pl_array(o->a);

	for (size_t i = 0; i < me->n; i++) {
		struct pl *p = pl_dict(o->a);

		pl_set_text(o->a, p, "PayloadIdentifier", me->v[i].identifier);
		pl_set_text(o->a, p, "PayloadUUID", me->v[i].uuid);
		pl_set_int(o->a, p, "PayloadVersion", 1);
		pl_set_bool(o->a, p, "IsManaged", true);
		pl_add(list, p);
	}
	pl_set(o->a, o->answer, "ProfileList", list);
	return OK;
}

static err_t
list_certificates(struct obeying *o)
{
	struct apple *me = apple_of(o->d);
	struct pl *list = pl_array(o->a);

	for (size_t i = 0; i < me->n; i++)
		for (size_t k = 0; k < me->v[i].nitems; k++) {
			struct pl *c = pl_dict(o->a);

			pl_set_text(o->a, c, "CommonName", "certificate");
			pl_set_bool(o->a, c, "IsIdentity", me->v[i].items[k].identity);
			pl_set_data(o->a, c, "Data", me->v[i].items[k].der);
			pl_add(list, c);
		}
	pl_set(o->a, o->answer, "CertificateList", list);
	me->told = true;
	return OK;
}

static err_t
device_information(struct obeying *o)
{
	const struct pl *queries = pl_get(o->command, "Queries");
	struct pl *found = pl_dict(o->a);
	const struct {
		const char *name, *value;
	} known[] = { { "UDID", apple_of(o->d)->udid }, { "DeviceName", device_name(o->a, o->d) },
		{ "OSVersion", "17.4" }, { "BuildVersion", "21E219" }, { "Model", "MTJJ3" },
		{ "ModelName", "iPhone" }, { "ProductName", "iPhone15,2" },
		{ "SerialNumber", arena_printf(o->a, "FL%08zu", o->d->number) },
		{ "WiFiMAC", "a4:83:e7:01:02:03" } };

	for (const struct pl *q = queries == NULL ? NULL : queries->child; q != NULL; q = q->next)
		for (size_t i = 0; i < COUNT(known); i++)
			if (q->kind == PL_TEXT && strcmp(q->text, known[i].name) == 0)
				pl_set_text(o->a, found, known[i].name, known[i].value);
	pl_set(o->a, o->answer, "QueryResponses", found);
	return OK;
}

static err_t
declarative_management(struct obeying *o)
{
	apple_of(o->d)->declared = true;
	return OK;
}

/* ---- what it reports by itself ---- */

static err_t
declarative(struct device *d, struct fiber *f, struct arena *a, const char *endpoint,
    struct str data, struct str *ret)
{
	struct pl *m = pl_dict(a);
	struct link_got got;

	pl_set_text(a, m, "Endpoint", endpoint);
	if (data.n > 0)
		pl_set_data(a, m, "Data", data);
	TRY(check_in_answer(d, f, a, "DeclarativeManagement", m, &got));
	*ret = got.body;
	return OK;
}

/* Each declaration that the manifest names; a subscription among them makes it report. */
static err_t
fetch_declarations(struct device *d, struct fiber *f, struct arena *a)
{
	static const char *const groups[][2] = { { "Activations", "activation" },
		{ "Configurations", "configuration" } };
	struct apple *me = apple_of(d);
	auto_json json *manifest = NULL;
	struct str text;
	json *all;

	TRY(declarative(d, f, a, "declaration-items", STR_EMPTY, &text));
	TRY(json_parse(text, LIMIT_LONG_TEXT, &manifest));
	TRY(json_need_object(manifest, "Declarations", &all));
	me->reports = false;
	for (size_t i = 0; i < COUNT(groups); i++) {
		const json *list = json_get(all, groups[i][0]);

		for (size_t k = 0; k < json_count(list); k++) {
			const char *id = json_text(json_get(json_at(list, k), "Identifier"));
			auto_json json *one = NULL;

			TRY(declarative(d, f, a,
			    arena_printf(a, "declaration/%s/%s", groups[i][1], id), STR_EMPTY,
			    &text));
			TRY(json_parse(text, LIMIT_LONG_TEXT, &one));
			me->reports |=
			    json_count(json_get(json_get(one, "Payload"), "StatusItems")) > 0;
		}
	}
	me->declared = false;
	me->changed = true;
	return OK;
}

/* All certificates that are there: their hashes are their identifiers. */
static json *
certificates(struct arena *a, const struct apple *me)
{
	json *list = json_array_new();

	for (size_t i = 0; i < me->n; i++)
		for (size_t k = 0; k < me->v[i].nitems; k++) {
			const struct apple_item *item = &me->v[i].items[k];
			uint8_t hash[32];
			json *c = json_object_new();

			hash_sha256(item->der, hash);
			json_set_text(c, "identifier", text_hex(a, STR(hash)));
			json_set_text(c, "subject-summary", "certificate");
			json_set_bool(c, "is-identity", item->identity);
			json_set_base64(a, c, "data", item->der);
			json_add(list, c);
		}
	return list;
}

/* Whole each time: the service has the more to do. */
static err_t
report(struct device *d, struct fiber *f, struct arena *a)
{
	auto_json json *j = json_object_new();
	json *items = json_object_new(), *security = json_object_new(), *one = json_object_new();
	struct apple *me = apple_of(d);
	struct str text, nothing;

	json_set(j, "StatusItems", items);
	json_set(items, "security", security);
	json_set(security, "certificate", one);
	json_set(one, "list", certificates(a, me));
	json_set(j, "Errors", json_array_new());
	json_set_bool(j, "FullReport", true);
	TRY(json_print(a, j, &text));
	TRY(declarative(d, f, a, "status", text, &nothing));
	me->changed = false;
	return OK;
}

/* After a session. */
static err_t
report_due(struct device *d, struct fiber *f, struct arena *a)
{
	struct apple *me = apple_of(d);

	if (me->declared)
		TRY(fetch_declarations(d, f, a));
	return me->reports && me->changed ? report(d, f, a) : OK;
}

/* An ErrorChain with the words of the failure. */
static void
refuse(struct obeying *o, err_t e)
{
	struct pl *chain = pl_array(o->a), *one = pl_dict(o->a);

	pl_set_text(o->a, one, "ErrorDomain", "MCInstallationErrorDomain");
	pl_set_int(o->a, one, "ErrorCode", 4001);
	pl_set_text(o->a, one, "LocalizedDescription",
	    arena_printf(o->a, "%s: %s", err_info(e.code)->id, err_detail()));
	pl_add(chain, one);
	pl_set_text(o->a, o->answer, "Status", "Error");
	pl_set(o->a, o->answer, "ErrorChain", chain);
	fleet_failed(o->d->fleet, o->d, e);
}

static err_t
obey(struct obeying *o, const char *type)
{
	static const struct {
		const char *type;
		err_t (*run)(struct obeying *o);
	} kinds[] = {
		{ "InstallProfile", install_profile },
		{ "RemoveProfile", remove_profile },
		{ "ProfileList", list_profiles },
		{ "CertificateList", list_certificates },
		{ "DeviceInformation", device_information },
		{ "DeclarativeManagement", declarative_management },
	};

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (strcmp(kinds[i].type, type) == 0)
			return kinds[i].run(o);
	FAIL(ERR_UNSUPPORTED, "%s", type);
}

/* The next command, or NULL. */
static err_t
ask(struct device *d, struct fiber *f, struct arena *a, struct pl *message, struct pl **ret)
{
	struct link_got got;

	pl_set_text(a, message, "UDID", apple_of(d)->udid);
	TRY(put(d, f, a, apple_of(d)->server_url, COMMAND_TYPE, message, &got));
	*ret = NULL;
	return got.body.n == 0 ? OK : pl_parse(a, got.body, ret);
}

/* Does what one message says; message: what to send then. */
static err_t
follow(struct device *d, struct fiber *f, struct arena *a, const struct pl *order,
    struct pl **ret_message)
{
	struct obeying o = {
		.d = d, .f = f, .a = a, .command = pl_get(order, "Command"), .answer = pl_dict(a)
	};
	const char *uuid, *type;
	err_t e;

	TRY(pl_need_text(order, "CommandUUID", LIMIT_TEXT, &uuid));
	TRY(pl_need_text(o.command, "RequestType", LIMIT_TEXT, &type));
	pl_set_text(a, o.answer, "CommandUUID", uuid);
	pl_set_text(a, o.answer, "Status", "Acknowledged");
	e = obey(&o, type);
	if (!err_ok(e))
		refuse(&o, e);
	atomic_fetch_add(&d->fleet->commands, 1);
	*ret_message = o.answer;
	return OK;
}

/* A session, from Idle until there is no command. Whatever was done: what follows from it comes in the same session. */
static err_t
checkin(struct device *d, struct fiber *f, int64_t wait, bool *ret_did)
{
	struct arena *a = arena_new();
	struct pl *message = pl_dict(a), *order = NULL;
	err_t e = OK;

	(void)wait;
	*ret_did = false;
	pl_set_text(a, message, "Status", "Idle");
	for (int i = 0; i < SESSION_MAX; i++) {
		e = ask(d, f, a, message, &order);
		if (!err_ok(e) || order == NULL)
			break;
		e = follow(d, f, a, order, &message);
		if (!err_ok(e))
			break;
	}
	if (err_ok(e))
		e = report_due(d, f, a);
	if (err_ok(e) && apple_of(d)->told)
		device_holds(d, identities(apple_of(d)));
	arena_free(a);
	return e;
}

static err_t
leave(struct device *d, struct fiber *f)
{
	auto_arena struct arena *a = arena_new();
	struct apple *p = apple_of(d);

	TRY(check_in_message(d, f, a, "CheckOut", pl_dict(a)));
	while (p->n > 0)
		drop(p, &p->v[0]);
	device_holds(d, 0);
	return OK;
}

static void
forget(struct device *d)
{
	struct apple *p = d->state;

	if (p == NULL)
		return;
	while (p->n > 0)
		drop(p, &p->v[0]);
	free(p->server_url);
	free(p->checkin_url);
	free(p->topic);
	free(p);
	d->state = NULL;
}

const struct platform platform_ios = { "ios", enrol, checkin, leave, forget, false };
