/* SPDX-License-Identifier: Apache-2.0 */
#include "device/windows_ask.h"

#include "base/limits.h"
#include "base/text.h"
#include "device/windows_wifi.h"
#include "net/url.h"
#include "pki/key.h"

enum { LOOK_EVERY = 86400, ADAPTERS = 16, DATA_MAX = 16384 };
/* Certificates of requests that are read at a time: what is kept between two messages is bounded, and they are most of it. */
enum { READ_AT_ONCE = 16 };
/* A status that no device gives. */
enum { NO_WORD = 1 };
enum { THUMB_DIGITS = 40, MACHINE_DIGITS = 32, CHILD_MAX = 64 };
#define HEX "0123456789abcdefABCDEF"

#define STORE_NODES "./Device/Vendor/MSFT/CertificateStore/MY/"
#define DEVICE_STATUS "./Vendor/MSFT/DeviceStatus/"
#define ADAPTER_LIST DEVICE_STATUS "NetworkIdentifiers"
#define CELLULAR_LIST DEVICE_STATUS "CellularIdentities"
#define DOMAIN_NAME DEVICE_STATUS "DomainName"
#define HOST_NAME "./DevDetail/Ext/Microsoft/DNSComputerName"

/* Nodes that are facts as they stand; DNS name and network are put together from several. */
static const struct {
	const char *uri;
	size_t at; /* in struct device */
} facts[] = {
	{ "./DevDetail/Ext/Microsoft/SMBIOSSerialNumber", offsetof(struct device, serial) },
	{ "./DevDetail/Ext/Microsoft/DeviceName", offsetof(struct device, name) },
	{ "./DevDetail/SwV", offsetof(struct device, os_version) },
	{ "./DevInfo/Man", offsetof(struct device, manufacturer) },
	{ "./DevInfo/Mod", offsetof(struct device, model) },
};

/* Of nodes that change seldom, and of ours that nobody remembers. */
static const char *const seldom[] = {
	ADAPTER_LIST,
	CELLULAR_LIST,
	"./Device" WINDOWS_PFX_NODES,
	"./Device" WINDOWS_SCEP_NODES,
};

bool
windows_of_user(const char *uri)
{
	return strncmp(uri, "./User/", 7) == 0;
}

enum windows_op
windows_op_of(const char *uri)
{
	if (strstr(uri, WINDOWS_PFX_NODES "/") != NULL)
		return WINDOWS_PFX;
	if (strstr(uri, WINDOWS_WIFI_NODES "/") != NULL)
		return WINDOWS_WIFI;
	return strstr(uri, WINDOWS_SCEP_NODES "/") != NULL ? WINDOWS_SCEP : WINDOWS_TRUST;
}

static char *
upper(char *hex)
{
	for (char *p = hex; *p != '\0'; p++)
		*p = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
	return hex;
}

const char *
windows_sha1(struct arena *a, struct str der)
{
	uint8_t hash[20];

	hash_sha1(der, hash);
	return upper(text_hex(a, STR(hash)));
}

const char *
windows_machine(struct arena *a, const char *id)
{
	if (strlen(id) != MACHINE_DIGITS || strspn(id, HEX) != MACHINE_DIGITS)
		return NULL;
	return upper(arena_strdup(a, id));
}

const char *
windows_place(struct arena *a, const char *uri, const char *sha1)
{
	return arena_printf(a, "%s#%s", uri, sha1);
}

void
windows_place_read(struct arena *a, const char *place, const char **ret_uri, const char **ret_sha1)
{
	struct str rest = str_c(place);
	struct str uri = str_cut(&rest, '#');

	*ret_uri = arena_cstr(a, uri);
	*ret_sha1 = arena_cstr(a, rest);
}

const char *
windows_store_node(struct arena *a, const char *uri, const char *thumb)
{
	bool user = windows_of_user(uri);
	char hex[THUMB_DIGITS + 1];
	size_t n = 0;

	for (; *thumb != '\0'; thumb++) {
		if (*thumb == ' ')
			continue;
		if (n == THUMB_DIGITS || strchr(HEX, *thumb) == NULL)
			return "";
		hex[n++] = *thumb;
	}
	if (n != THUMB_DIGITS)
		return "";
	hex[n] = '\0';
	/* CertificateStore CSP: the store of the person who is signed in is a node of the device, too. */
	return arena_printf(
	    a, STORE_NODES "%s/%s/EncodedCertificate", user ? "User" : "System", hex);
}

/* ---- asking ---- */

static void
add(struct arena *a, struct windows_state *st, const char *uri, const char *child)
{
	windows_ask_add(st, arena_printf(a, "%s/%s", uri, child));
}

/* The certificate that the device says it got by a request. */
static void
ask_certificate(struct arena *a, struct windows_state *st, const char *uri)
{
	const struct windows_answer *thumb =
	    windows_answer_of(st, arena_printf(a, "%s/CertThumbprint", uri));
	const char *node = "";
	int n = 0;

	if (thumb != NULL && thumb->code == 200)
		node = windows_store_node(a, uri, thumb->data);
	for (size_t i = 0; i < st->nanswers; i++)
		n += strncmp(st->answers[i].uri, STORE_NODES, strlen(STORE_NODES)) == 0;
	if (node[0] != '\0' && n < READ_AT_ONCE)
		windows_ask_add(st, node);
}

/* How a node shows that what we put there is there; told: what became of it is of interest, too. */
static void
ask_node(struct arena *a, struct windows_state *st, const char *uri, const char *sha1, bool told)
{
	if (windows_of_user(uri) && !st->user)
		return;
	switch (windows_op_of(uri)) {
	case WINDOWS_TRUST:
		add(a, st, uri, "EncodedCertificate");
		return;
	case WINDOWS_PFX:
		add(a, st, uri, "Thumbprint");
		if (told)
			add(a, st, uri, "Status");
		return;
	case WINDOWS_WIFI:
		add(a, st, uri, "WlanXml");
		return;
	case WINDOWS_SCEP:
	case WINDOWS_REMOVE:
	case WINDOWS_WIPE:
		break;
	}
	add(a, st, uri, "CertThumbprint");
	if (sha1[0] != '\0')
		return;
	add(a, st, uri, "Status");
	add(a, st, uri, "ErrorCode");
	ask_certificate(a, st, uri);
}

static void
ask_nodes(struct arena *a, const struct holdings *has, struct windows_state *st)
{
	const char *uri, *sha1;

	for (size_t i = 0; i < has->n; i++) {
		windows_place_read(a, has->v[i].place, &uri, &sha1);
		if (uri[0] != '\0')
			ask_node(a, st, uri, sha1, false);
	}
	for (size_t i = 0; i < st->nsent; i++)
		if (st->sent[i].op != WINDOWS_REMOVE && st->sent[i].op != WINDOWS_WIPE)
			ask_node(a, st, st->sent[i].uri, st->sent[i].sha1, true);
}

/* The next of the children that a Get of their parent brings: "a/b/c". STR_EMPTY: no more. */
static struct str
next_child(struct str *list)
{
	struct str child = STR_EMPTY;

	while (list->n > 0 && child.n == 0)
		child = str_cut(list, '/');
	return child;
}

static void
ask_adapters(struct arena *a, struct windows_state *st)
{
	const struct windows_answer *w = windows_answer_of(st, ADAPTER_LIST);
	struct str list, child;

	if (w == NULL || w->code != 200)
		return;
	list = str_c(w->data);
	for (int i = 0; i < ADAPTERS; i++) {
		child = next_child(&list);
		if (child.n == 0 || child.n > CHILD_MAX)
			break;
		windows_ask_add(st,
		    arena_printf(
			a, ADAPTER_LIST "/%.*s/Type", (int)child.n, (const char *)child.p));
	}
}

static void
ask_facts(struct arena *a, struct windows_state *st)
{
	for (size_t i = 0; i < COUNT(facts); i++)
		windows_ask_add(st, facts[i].uri);
	windows_ask_add(st, HOST_NAME);
	windows_ask_add(st, DOMAIN_NAME);
	if (when_now() - st->looked < LOOK_EVERY)
		return;
	for (size_t i = 0; i < COUNT(seldom); i++)
		windows_ask_add(st, seldom[i]);
	if (st->user) {
		windows_ask_add(st, "./User" WINDOWS_PFX_NODES);
		windows_ask_add(st, "./User" WINDOWS_SCEP_NODES);
	}
	ask_adapters(a, st);
}

bool
windows_ask(struct arena *a, const struct holdings *has, struct windows_state *st)
{
	size_t before = st->nanswers;
	bool more = false;

	if (!st->facts)
		ask_facts(a, st);
	ask_nodes(a, has, st);
	for (size_t i = 0; i < st->nanswers && !more; i++)
		more = st->answers[i].code == 0;
	return more || st->nanswers > before;
}

/* ---- answers ---- */

/* A certificate is kept as its hash where only that matters; of a network only whether it is there. */
static const char *
reduced(struct arena *a, const char *uri, const char *data)
{
	uint8_t hash[32];
	struct str der;
	err_t e;

	if (windows_op_of(uri) == WINDOWS_WIFI)
		return "";
	if (strstr(uri, "/RootCATrustedCertificates/") == NULL)
		return strlen(data) > DATA_MAX ? "" : data;
	e = text_unbase64(a, str_c(data), &der);
	if (!err_ok(e)) {
		err_forget(e);
		return "";
	}
	hash_sha256(der, hash);
	return text_hex(a, STR(hash));
}

/* A large object comes in pieces, one a message: OMA-DM 1.2 protocol 7. What else a message has of it is passed over, since all
 * that came before is copied for each. */
static void
take_piece(struct arena *a, const struct syncml_item *item, struct windows_answer *w)
{
	const char *data = item->data;

	if (w->more && w->heard)
		return;
	w->heard = true;
	if (w->more)
		data = arena_printf(a, "%s%s", w->data, data);
	w->more = item->more && strlen(data) <= LIMIT_SYNCML_DATA;
	w->data = w->more ? data : reduced(a, w->uri, data);
}

static void
take_answer(struct arena *a, const struct syncml_command *c, struct windows_state *st)
{
	for (size_t i = 0; i < st->nanswers; i++) {
		struct windows_answer *w = &st->answers[i];

		if (w->id == 0 || w->id != c->cmd_ref)
			continue;
		if (c->verb == SYNCML_STATUS)
			w->code = c->code;
		else if (c->nitems > 0)
			take_piece(a, &c->items[0], w);
	}
}

/* Of an Atomic each command in it has a status: what tells is the one that failed by itself. Not carried out (215),
 * rolled back (216) and failed as a whole (507, 516) follow from that one. */
static unsigned
weight(uint32_t code)
{
	if (code < 300)
		return code == 215 || code == 216 ? 0 : 1;
	return code == 507 || code == 516 ? 2 : 3;
}

static void
take_status(const struct syncml_command *c, struct windows_state *st)
{
	for (size_t i = 0; i < st->nsent; i++) {
		struct windows_sent *s = &st->sent[i];

		if (s->first == 0 || c->cmd_ref < s->first || c->cmd_ref > s->last)
			continue;
		if (s->code != 0 && weight(c->code) <= weight(s->code))
			continue;
		s->code = c->code;
		s->original = c->original;
	}
}

/* What got no word at all, or only the beginning of one, is not asked again, and numbers are good for one message. */
static void
close_asks(struct windows_state *st)
{
	for (size_t i = 0; i < st->nsent; i++)
		st->sent[i].first = st->sent[i].last = 0;
	for (size_t i = 0; i < st->nanswers; i++) {
		if (st->answers[i].more || (st->answers[i].id != 0 && st->answers[i].code == 0))
			st->answers[i].code = NO_WORD;
		if (st->answers[i].more)
			st->answers[i].data = "";
		st->answers[i].more = false;
		st->answers[i].id = 0;
	}
}

void
windows_take(struct arena *a, const struct syncml_message *m, struct windows_state *st)
{
	for (size_t i = 0; i < st->nanswers; i++)
		st->answers[i].heard = false;
	for (size_t i = 0; i < m->ncommands; i++) {
		const struct syncml_command *c = &m->commands[i];

		if (c->verb != SYNCML_STATUS && c->verb != SYNCML_RESULTS)
			continue;
		if (c->msg_ref != 0 && c->msg_ref != st->asked)
			continue;
		take_answer(a, c, st);
		if (c->verb == SYNCML_STATUS)
			take_status(c, st);
	}
	if (m->final)
		close_asks(st);
}

/* ---- facts ---- */

static const char *
said(const struct windows_state *st, const char *uri)
{
	const struct windows_answer *w = windows_answer_of(st, uri);

	return w == NULL || w->code != 200 || strlen(w->data) > LIMIT_TEXT ? NULL : w->data;
}

/* The name of a child is encoded as in an address: MS-MDM, Get of an interior node. */
static const char *
plain(struct arena *a, struct str child)
{
	const char *text;
	err_t e = url_decode(a, child, false, false, &text);

	if (err_ok(e))
		return text;
	err_forget(e);
	return arena_cstr(a, child);
}

/* The MAC address of the Wi-Fi adapter: the child of which the Type is 2. */
static const char *
wifi_mac(struct arena *a, const struct windows_state *st)
{
	const struct windows_answer *w = windows_answer_of(st, ADAPTER_LIST);
	struct str list = w == NULL || w->code != 200 ? STR_EMPTY : str_c(w->data);
	const char *type;

	for (int i = 0; i < ADAPTERS; i++) {
		struct str child = next_child(&list);

		if (child.n == 0 || child.n > CHILD_MAX)
			break;
		type = said(st,
		    arena_printf(
			a, ADAPTER_LIST "/%.*s/Type", (int)child.n, (const char *)child.p));
		if (type != NULL && strcmp(type, "2") == 0)
			return plain(a, child);
	}
	return NULL;
}

/* Without a domain there is no full name: the variable stays empty then. */
static const char *
full_name(struct arena *a, const struct windows_state *st)
{
	const char *host = said(st, HOST_NAME), *domain = said(st, DOMAIN_NAME);

	if (host == NULL || domain == NULL)
		return NULL;
	if (host[0] == '\0' || domain[0] == '\0')
		return "";
	return arena_printf(a, "%s.%s", host, domain);
}

void
windows_facts(struct arena *a, const struct windows_state *st, struct device *d)
{
	const char *text = said(st, CELLULAR_LIST);

	for (size_t i = 0; i < COUNT(facts); i++) {
		const char *value = said(st, facts[i].uri);

		if (value != NULL)
			*(const char **)((char *)d + facts[i].at) = value;
	}
	d->fqdn = full_name(a, st);
	d->wifi_mac = wifi_mac(a, st);
	if (text != NULL && text[0] != '\0') {
		struct str list = str_c(text);

		d->imei = plain(a, next_child(&list));
	}
}
