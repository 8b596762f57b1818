/* SPDX-License-Identifier: Apache-2.0 */
#include "device/windows_report.h"

#include "base/limits.h"
#include "base/text.h"
#include "device/windows_error.h"
#include "pki/key.h"

/* Seconds that a request may run in the device: a challenge is good for a day. */
enum { ENROL_MAX = 26 * 3600 };
/* ClientCertificateInstall/SCEP/<id>/Status */
enum { SCEP_DONE = 1, SCEP_PENDING = 2, SCEP_FAILED = 16, SCEP_UNKNOWN = 32 };

enum shown { SHOWN_NO, SHOWN_YES, SHOWN_UNKNOWN };

struct reporting {
	struct arena *a;
	const struct holdings *has;
	struct windows_state *st;
	struct report_item *items;
	size_t nitems;
	struct report_result *results;
	size_t nresults;
	const char **left; /* nodes of which something newer took the place */
	size_t nleft;
};

static const struct windows_answer *
answer(const struct reporting *p, const char *uri, const char *child)
{
	return windows_answer_of(p->st, arena_printf(p->a, "%s/%s", uri, child));
}

/* Windows writes thumbprints with spaces at times. */
static bool
same_thumb(const char *said, const char *sha1)
{
	for (; *said != '\0'; said++) {
		char c = *said >= 'a' && *said <= 'f' ? (char)(*said - 'a' + 'A') : *said;

		if (c == ' ')
			continue;
		if (c != *sha1++)
			return false;
	}
	return *sha1 == '\0';
}

static enum shown
node_shown(const struct reporting *p, const char *uri, const char *sha1, const char *sha256)
{
	enum windows_op op = windows_op_of(uri);
	const struct windows_answer *w = answer(p, uri,
	    op == WINDOWS_TRUST    ? "EncodedCertificate" :
		op == WINDOWS_PFX  ? "Thumbprint" :
		op == WINDOWS_WIFI ? "WlanXml" :
				     "CertThumbprint");

	if (w == NULL || (w->code != 200 && w->code != 404))
		return SHOWN_UNKNOWN;
	if (w->code == 404)
		return SHOWN_NO;
	if (op == WINDOWS_WIFI)
		return SHOWN_YES;
	if (op == WINDOWS_TRUST)
		return strcmp(w->data, sha256) == 0 ? SHOWN_YES : SHOWN_NO;
	return same_thumb(w->data, sha1) ? SHOWN_YES : SHOWN_NO;
}

/* ---- what it holds ---- */

static struct report_item *
item_of(struct reporting *p, const char *alias)
{
	for (size_t i = 0; i < p->nitems; i++)
		if (strcmp(p->items[i].alias, alias) == 0)
			return &p->items[i];
	p->items[p->nitems] = (struct report_item){ .alias = alias };
	return &p->items[p->nitems++];
}

/* One node may serve two profiles that bring the same certificate: removing it for one leaves it for the other. */
static bool
told_to_remove(const struct reporting *p, const char *alias)
{
	for (size_t i = 0; i < p->st->nsent; i++) {
		const struct windows_sent *s = &p->st->sent[i];

		if (s->op == WINDOWS_REMOVE && strcmp(s->alias, alias) == 0 &&
		    (s->code == 200 || s->code == 404))
			return true;
	}
	return false;
}

static void
report_known(struct reporting *p)
{
	for (size_t i = 0; i < p->has->n; i++) {
		const struct held *h = &p->has->v[i];
		const char *uri, *sha1;
		struct report_item *item;

		windows_place_read(p->a, h->place, &uri, &sha1);
		if (uri[0] == '\0' || told_to_remove(p, h->alias) ||
		    node_shown(p, uri, sha1, text_hex(p->a, h->sha256)) == SHOWN_NO)
			continue;
		item = item_of(p, h->alias);
		item->identity = h->identity;
		item->network = h->network;
		item->sha256 = h->sha256;
		item->has_key = h->has_key;
		item->place = h->place;
	}
}

/* Does anything that the device shall keep lie there? */
static bool
needed(const struct reporting *p, const char *uri)
{
	const char *other, *sha1;

	for (size_t i = 0; i < p->nitems; i++) {
		windows_place_read(p->a, p->items[i].place, &other, &sha1);
		if (strcmp(other, uri) == 0)
			return true;
	}
	for (size_t i = 0; i < p->st->nsent; i++)
		if (p->st->sent[i].op != WINDOWS_REMOVE && strcmp(p->st->sent[i].uri, uri) == 0)
			return true;
	return false;
}

static void
tidy(struct reporting *p, const char *uri)
{
	if (needed(p, uri))
		return;
	windows_sent_add(p->st,
	    &(struct windows_sent){ .op = WINDOWS_REMOVE,
		.id = "",
		.alias = "",
		.uri = uri,
		.sha1 = "",
		.sha256 = "" });
}

/* The new one is there: it takes the place of what was there under this name. */
static void
report_new(struct reporting *p, const char *alias, const char *uri, const char *sha1,
    struct str sha256, struct str certificate)
{
	struct report_item *item = item_of(p, alias);
	const char *old = NULL, *old_sha1;

	if (item->place != NULL)
		windows_place_read(p->a, item->place, &old, &old_sha1);
	item->network = windows_op_of(uri) == WINDOWS_WIFI;
	item->identity = !item->network && windows_op_of(uri) != WINDOWS_TRUST;
	item->has_key = item->identity;
	item->sha256 = sha256;
	item->place = windows_place(p->a, uri, sha1);
	item->certificate = certificate;
	if (old != NULL)
		p->left[p->nleft++] = old;
}

/* ---- what became of commands ---- */

static struct report_result *
result_of(struct reporting *p, const struct windows_sent *s)
{
	p->results[p->nresults] = (struct report_result){ .id = s->id, .status = RESULT_OK };
	return &p->results[p->nresults++];
}

/* The certificate that a request brought: in the store, under the thumbprint that the node names. Empty: it does not show. */
static struct str
scep_certificate(struct reporting *p, const struct windows_sent *s, const char **ret_sha1)
{
	const struct windows_answer *thumb = answer(p, s->uri, "CertThumbprint"), *w;
	struct str der;
	err_t e;

	if (thumb == NULL || thumb->code != 200)
		return STR_EMPTY;
	w = windows_answer_of(p->st, windows_store_node(p->a, s->uri, thumb->data));
	if (w == NULL || w->code != 200)
		return STR_EMPTY;
	e = text_unbase64(p->a, str_c(w->data), &der);
	if (!err_ok(e)) {
		err_forget(e);
		return STR_EMPTY;
	}
	*ret_sha1 = windows_sha1(p->a, der);
	return same_thumb(thumb->data, *ret_sha1) ? der : STR_EMPTY;
}

static int64_t
number(const struct windows_answer *w)
{
	int64_t v = 0;
	err_t e = w == NULL || w->code != 200 ?
	    OK :
	    text_i64(str_trim(str_c(w->data)), INT32_MIN, UINT32_MAX, &v);

	err_forget(e);
	return v;
}

/* Nodes of a user are there only while that user is signed in: MS-MDM, ./User. What failed by itself has its reason beside
 * it, as the device was told (SyncApplicationVersion). */
static bool
is_away(const struct windows_sent *s)
{
	return windows_of_user(s->uri) && s->original == 0 &&
	    (s->code == 404 || s->code == 405 || s->code == 500);
}

static void
settle_no(struct reporting *p, const struct windows_sent *s)
{
	struct report_result *res = result_of(p, s);

	windows_error(p->a, s->code, s->original, res);
	if (!is_away(s))
		return;
	res->fault = err_info(ERR_DEVICE_NO_USER)->id;
	res->detail = "nobody is signed in any more, or somebody else";
}

/* false: it is still to be waited for. */
static bool
settle_scep(struct reporting *p, const struct windows_sent *s)
{
	int64_t status = number(answer(p, s->uri, "Status"));
	struct report_result *res;
	struct str der;
	const char *sha1;
	uint8_t hash[32];

	der = scep_certificate(p, s, &sha1);
	if (der.n > 0) {
		hash_sha256(der, hash);
		report_new(p, s->alias, s->uri, sha1, arena_str(p->a, STR(hash)), der);
		res = result_of(p, s);
		res->certificate = der;
		return true;
	}
	if (status == SCEP_FAILED) {
		windows_error(
		    p->a, 0, (uint32_t)number(answer(p, s->uri, "ErrorCode")), result_of(p, s));
		return true;
	}
	/* Without a word of its state it is told anew. */
	if (when_now() - s->since > ENROL_MAX ||
	    (status == 0 && (p->st->user || !windows_of_user(s->uri))))
		return true;
	res = result_of(p, s);
	res->status = RESULT_NOT_NOW;
	res->detail = status == SCEP_DONE ?
	    "the device says that it has the certificate, but does not show it" :
	    "the device requests the certificate; it says how that went in a later session";
	return false;
}

/* PFXCertInstall/<id>/Status: what the import ended with, where the command itself was taken. 0: well, or no word. */
static uint32_t
import_status(const struct reporting *p, const struct windows_sent *s)
{
	uint32_t v = s->op != WINDOWS_PFX ? 0 : (uint32_t)number(answer(p, s->uri, "Status"));

	/* GetLastError() may be the bare number: HRESULT_FROM_WIN32. */
	return v == 0 || v > 0xffff ? v : 0x80070000 | v;
}

/* false: something else lies there; it is told again, by Replace. */
static bool
settle_put(struct reporting *p, const struct windows_sent *s)
{
	enum shown shown = node_shown(p, s->uri, s->sha1, s->sha256);
	struct str sha256;
	err_t e;

	/* One of this name may have been there with other settings. */
	if (s->op == WINDOWS_WIFI && (s->code == 0 || s->code >= 300))
		shown = SHOWN_UNKNOWN;
	if (shown == SHOWN_NO && s->op == WINDOWS_TRUST && s->code == 418 && !s->again)
		return false;
	e = text_unhex(p->a, str_c(s->sha256), &sha256);
	if (shown == SHOWN_YES && err_ok(e))
		report_new(p, s->alias, s->uri, s->sha1, sha256, STR_EMPTY);
	err_forget(e);
	if (s->code >= 300 && !(s->op == WINDOWS_TRUST && s->code == 418))
		settle_no(p, s);
	else if (shown == SHOWN_NO && import_status(p, s) != 0)
		windows_error(p->a, 0, import_status(p, s), result_of(p, s));
	else if (s->code != 0 || shown == SHOWN_YES)
		result_of(p, s);
	return true;
}

static void
settle_removal(struct reporting *p, const struct windows_sent *s)
{
	if (s->id[0] == '\0' || s->code == 0)
		return;
	if (s->code < 300 || s->code == 404)
		result_of(p, s);
	else
		windows_error(p->a, s->code, s->original, result_of(p, s));
}

/* The status says whether the device takes it on; of one whose answer was lost it is told again. */
static void
settle_wipe(struct reporting *p, const struct windows_sent *s)
{
	if (s->code >= 300)
		windows_error(p->a, s->code, s->original, result_of(p, s));
	else if (s->code != 0)
		result_of(p, s);
}

/* false: it is kept. */
static bool
settle(struct reporting *p, const struct windows_sent *s)
{
	switch (s->op) {
	case WINDOWS_TRUST:
	case WINDOWS_PFX:
	case WINDOWS_WIFI:
		return settle_put(p, s);
	case WINDOWS_SCEP:
		if (s->code < 300)
			return settle_scep(p, s);
		settle_no(p, s);
		break;
	case WINDOWS_REMOVE:
		settle_removal(p, s);
		break;
	case WINDOWS_WIPE:
		settle_wipe(p, s);
		break;
	}
	return true;
}

/* ---- nodes of ours that nobody remembers ---- */

static void
sweep_list(struct reporting *p, const char *parent)
{
	const struct windows_answer *w = windows_answer_of(p->st, parent);
	struct str list = w == NULL || w->code != 200 ? STR_EMPTY : str_c(w->data);

	while (list.n > 0) {
		struct str child = str_cut(&list, '/');

		if (str_starts(child, LIT(WINDOWS_OURS)) && child.n <= 64)
			tidy(p,
			    arena_printf(
				p->a, "%s/%.*s", parent, (int)child.n, (const char *)child.p));
	}
}

static void
sweep(struct reporting *p)
{
	sweep_list(p, "./Device" WINDOWS_PFX_NODES);
	sweep_list(p, "./Device" WINDOWS_SCEP_NODES);
	sweep_list(p, "./User" WINDOWS_PFX_NODES);
	sweep_list(p, "./User" WINDOWS_SCEP_NODES);
}

void
windows_report(
    struct arena *a, const struct holdings *has, struct windows_state *st, struct report *ret)
{
	struct reporting p = { .a = a, .has = has, .st = st };
	size_t n = st->nsent;
	struct windows_sent *was = arena_array(a, n + 1, sizeof(*was));

	p.items = arena_array(a, has->n + n + 1, sizeof(*p.items));
	p.results = arena_array(a, n + 1, sizeof(*p.results));
	p.left = arena_array(a, n + 1, sizeof(*p.left));
	for (size_t i = 0; i < n; i++)
		was[i] = st->sent[i];
	report_known(&p);
	st->nsent = 0;
	for (size_t i = 0; i < n; i++)
		if (!settle(&p, &was[i]))
			windows_sent_add(st, &was[i]);
	for (size_t i = 0; i < p.nleft; i++)
		tidy(&p, p.left[i]);
	sweep(&p);
	ret->has_inventory = true;
	ret->items = p.items;
	ret->nitems = p.nitems;
	ret->results = p.results;
	ret->nresults = p.nresults;
}
