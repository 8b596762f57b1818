/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree that OMA-DM manages, as far as certificates go: nodes with data, and what happens when some of them are written
 * (ClientCertificateInstall/PFXCertInstall, .../SCEP, by Microsoft's documentation of these CSPs).
 */
#include "base/limits.h"
#include "pki/cms.h"
#include "pki/csr.h"
#include "pki/pfx.h"
#include "windows.h"

#define INSTALL "/Vendor/MSFT/ClientCertificateInstall/"
#define E_BAD_DATA 0x80090005u
#define E_INVALID_PASSWORD 0x80070056u
#define E_REFUSED 0x80094003u

static char *
copy_text(const char *s)
{
	char *p = strdup(s);

	if (p == NULL)
		abort();
	return p;
}

struct windows *
windows_of(struct device *d)
{
	struct windows *w = d->state;
	struct id id = id_new();

	if (w != NULL)
		return w;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		abort();
	w->v = calloc(NODES_MAX, sizeof(*w->v));
	if (w->v == NULL)
		abort();
	for (size_t i = 0; i < 16; i++)
		snprintf(w->device_id + 2 * i, 3, "%02X", id.b[i]);
	d->state = w;
	return w;
}

static struct node *
node_find(const struct windows *w, const char *uri)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->v[i].uri, uri) == 0)
			return &w->v[i];
	return NULL;
}

static void
node_drop(struct windows *w, struct node *n)
{
	free(n->uri);
	free(n->data);
	*n = w->v[--w->n];
}

static void
node_set(struct windows *w, const char *uri, const char *data)
{
	struct node *n = node_find(w, uri);

	if (n == NULL && w->n == NODES_MAX)
		return; /* what reads it finds nothing */
	if (n == NULL) {
		n = &w->v[w->n++];
		*n = (struct node){ .uri = copy_text(uri) };
	}
	free(n->data);
	n->data = copy_text(data);
}

static bool
is_below(const char *uri, const char *top)
{
	size_t n = strlen(top);

	return strncmp(uri, top, n) == 0 && uri[n] == '/';
}

/* The node and all below it; how many there were. */
static size_t
drop_tree(struct windows *w, const char *uri)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n;)
		if (strcmp(w->v[i].uri, uri) == 0 || is_below(w->v[i].uri, uri)) {
			node_drop(w, &w->v[i]);
			n++;
		} else {
			i++;
		}
	return n;
}

void
windows_forget(struct device *d)
{
	struct windows *w = d->state;

	if (w == NULL)
		return;
	while (w->n > 0)
		node_drop(w, &w->v[0]);
	for (size_t i = 0; i < w->nenrolling; i++)
		free(w->enrolling[i]);
	free(w->v);
	free(w->address);
	free(w);
	d->state = NULL;
}

size_t
windows_identities(const struct windows *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		const char *last = strrchr(w->v[i].uri, '/');

		n += strstr(w->v[i].uri, INSTALL) != NULL &&
		    (strcmp(last, "/Thumbprint") == 0 || strcmp(last, "/CertThumbprint") == 0);
	}
	return n;
}

/* ---- facts ---- */

static const char *
fact_of(struct device *d, struct arena *a, const char *uri)
{
	const struct {
		const char *uri, *value;
	} facts[] = {
		{ "./DevInfo/DevId", windows_of(d)->device_id },
		{ "./DevInfo/Man", "Example" },
		{ "./DevInfo/Mod", "Notebook 3" },
		{ "./DevDetail/SwV", "10.0.22631.2861" },
		{ "./DevDetail/Ext/Microsoft/DeviceName", device_name(a, d) },
		{ "./DevDetail/Ext/Microsoft/DNSComputerName", device_name(a, d) },
		{ "./DevDetail/Ext/Microsoft/SMBIOSSerialNumber",
		    arena_printf(a, "WS-%06zu", d->number) },
		{ "./Device/Vendor/MSFT/DeviceStatus/OS/Edition", "4" },
		{ "./Device/Vendor/MSFT/DeviceStatus/DomainName", "" },
		{ "./Device/Vendor/MSFT/DeviceStatus/TPM/SpecificationVersion", "2.0, 0, 1.59" },
	};

	for (size_t i = 0; i < COUNT(facts); i++)
		if (strcmp(facts[i].uri, uri) == 0)
			return facts[i].value;
	return NULL;
}

/* "./Vendor" is "./Device/Vendor". */
static const char *
whole_uri(struct arena *a, const char *uri)
{
	return strncmp(uri, "./Vendor/", 9) == 0 ? arena_printf(a, "./Device/%s", uri + 2) : uri;
}

static const char *
thumbprint(struct arena *a, struct str der)
{
	uint8_t hash[20];
	char *hex;

	hash_sha1(der, hash);
	hex = text_hex(a, STR(hash));
	for (char *c = hex; *c != '\0'; c++)
		*c = *c >= 'a' ? (char)(*c - 'a' + 'A') : *c;
	return hex;
}

/* ---- reading ---- */

/* Names of the nodes below, each once, with '/' between. */
static const char *
children(const struct windows *w, struct arena *a, const char *uri)
{
	auto_buf struct buf b = { 0 };
	err_t e = OK;

	buf_init(&b, LIMIT_XML_BYTES);
	for (size_t i = 0; i < w->n && err_ok(e); i++) {
		struct str rest, name;
		bool seen = false;

		if (!is_below(w->v[i].uri, uri))
			continue;
		rest = str_c(w->v[i].uri + strlen(uri) + 1);
		name = str_cut(&rest, '/');
		for (struct str had = buf_str(&b); had.n > 0 && !seen;)
			seen = str_eq(str_cut(&had, '/'), name);
		if (!seen)
			e = buf_printf(
			    &b, "%s%.*s", b.n == 0 ? "" : "/", (int)name.n, (const char *)name.p);
	}
	err_forget(e);
	return arena_cstr(a, buf_str(&b));
}

/* CertificateStore/My: what the identities of this scope are, by their thumbprint. */
static const char *
from_store(const struct windows *w, struct arena *a, const char *uri)
{
	struct str rest = str_c(strstr(uri, "/CertificateStore/") + 18), sha1;

	str_cut(&rest, '/'); /* My */
	str_cut(&rest, '/'); /* System or User */
	sha1 = str_cut(&rest, '/');
	for (size_t i = 0; i < w->n; i++)
		if (strstr(w->v[i].uri, "/Leaf/") != NULL &&
		    str_ieq_c(sha1, strrchr(w->v[i].uri, '/') + 1))
			return arena_strdup(a, w->v[i].data);
	return NULL;
}

static struct windows_done
read_node(struct device *d, struct arena *a, const char *uri)
{
	static const char *const parents[] = { "/PFXCertInstall", "/SCEP",
		"/RootCATrustedCertificates/Root", "/RootCATrustedCertificates/CA" };
	const struct windows *w = windows_of(d);
	const struct node *n = node_find(w, uri);
	const char *value = n != NULL ? n->data : fact_of(d, a, uri);

	if (value == NULL && strstr(uri, "/CertificateStore/") != NULL)
		value = from_store(w, a, uri);
	if (value != NULL) {
		windows_of(d)->told |= strstr(uri, "Thumbprint") != NULL;
		return (struct windows_done){ 200, 0, value };
	}
	value = children(w, a, uri);
	for (size_t i = 0; i < COUNT(parents); i++) {
		size_t k = strlen(parents[i]), all = strlen(uri);

		if (all > k && strcmp(uri + all - k, parents[i]) == 0)
			return (struct windows_done){ 200, 0, value };
	}
	return value[0] == '\0' ? (struct windows_done){ 404, 0, NULL } :
				  (struct windows_done){ 200, 0, value };
}

/* ---- what writing sets off ---- */

static void
keep_leaf(struct device *d, struct arena *a, const char *top, const char *node, struct str der)
{
	struct windows *w = windows_of(d);
	const char *sha1 = thumbprint(a, der);

	node_set(w, arena_printf(a, "%s/%s", top, node), sha1);
	node_set(w, arena_printf(a, "%s/Leaf/%s", top, sha1), text_base64(a, der));
	w->told = false;
}

/* PFXCertBlob is what starts the import; the password is sealed to the identity. */
static err_t
import(struct device *d, struct arena *a, const char *top, struct str *ret)
{
	const struct windows *w = windows_of(d);
	const struct node *password = node_find(w, arena_printf(a, "%s/PFXCertPassword", top));
	const struct node *blob = node_find(w, arena_printf(a, "%s/PFXCertBlob", top));
	auto_pfx struct pfx pfx = { 0 };
	struct str sealed, file, opened;

	if (password == NULL)
		FAIL(ERR_PFX_PASSWORD, "%s has none", top);
	TRY(text_unbase64(a, str_c(password->data), &sealed));
	TRY(text_unbase64(a, str_c(blob->data), &file));
	TRY(cms_open(a, d->identity, d->key, sealed, &opened));
	TRY(pfx_open(a, file, arena_cstr(a, opened), &pfx));
	*ret = pfx.leaf;
	return OK;
}

static struct windows_done
write_blob(struct device *d, struct arena *a, const char *uri)
{
	const char *top = arena_cstr(a, str_of(uri, (size_t)(strrchr(uri, '/') - uri)));
	struct str leaf;
	err_t e = import(d, a, top, &leaf);

	if (!err_ok(e)) {
		uint32_t hresult = err_is(e, ERR_CMS) ? E_BAD_DATA : E_INVALID_PASSWORD;

		fleet_failed(d->fleet, d, e);
		drop_tree(windows_of(d), top);
		return (struct windows_done){ 500, hresult, NULL };
	}
	keep_leaf(d, a, top, "Thumbprint", leaf);
	/* Bytes that nobody reads any more. */
	drop_tree(windows_of(d), arena_printf(a, "%s/PFXCertPassword", top));
	node_set(windows_of(d), uri, "");
	node_set(windows_of(d), arena_printf(a, "%s/Status", top), "0");
	return (struct windows_done){ 200, 0, NULL };
}

static struct windows_done
run_node(struct device *d, struct arena *a, const char *uri)
{
	static const char enroll[] = "/Install/Enroll";
	struct windows *w = windows_of(d);
	size_t n = strlen(uri), k = sizeof(enroll) - 1;
	const char *top;

	if (n < k || strcmp(uri + n - k, enroll) != 0 || strstr(uri, INSTALL "SCEP/") == NULL)
		return (
		    struct windows_done){ strstr(uri, "/Unenroll") != NULL ? 200 : 405, 0, NULL };
	top = arena_cstr(a, str_of(uri, n - k));
	if (w->nenrolling == COUNT(w->enrolling))
		return (struct windows_done){ 500, E_REFUSED, NULL };
	w->enrolling[w->nenrolling++] = copy_text(top);
	node_set(w, arena_printf(a, "%s/Status", top), "2");
	return (struct windows_done){ 200, 0, NULL };
}

struct windows_done
windows_do(struct device *d, struct arena *a, const char *verb, const char *uri, const char *data)
{
	static const char blob[] = "/PFXCertBlob";
	struct windows *w = windows_of(d);
	size_t n, k = sizeof(blob) - 1;

	uri = whole_uri(a, uri);
	n = strlen(uri);
	if (strcmp(verb, "Get") == 0)
		return read_node(d, a, uri);
	if (strcmp(verb, "Exec") == 0)
		return run_node(d, a, uri);
	if (strcmp(verb, "Delete") == 0)
		return (struct windows_done){ drop_tree(w, uri) > 0 ? 200 : 404, 0, NULL };
	if (strcmp(verb, "Add") != 0 && strcmp(verb, "Replace") != 0)
		return (struct windows_done){ 405, 0, NULL };
	if (strcmp(verb, "Add") == 0 && node_find(w, uri) != NULL)
		return (struct windows_done){ 418, 0, NULL };
	node_set(w, uri, data);
	if (n > k && strcmp(uri + n - k, blob) == 0)
		return write_blob(d, a, uri);
	return (struct windows_done){ 200, 0, NULL };
}

/* ---- SCEP, after the session ---- */

static const char *
setting(const struct windows *w, struct arena *a, const char *top, const char *name)
{
	const struct node *n = node_find(w, arena_printf(a, "%s/Install/%s", top, name));

	return n == NULL ? "" : n->data;
}

static err_t
names_of(struct arena *a, const char *text, struct str *ret)
{
	static const struct {
		const char *number;
		enum san_type type;
	} kinds[] = { { "2", SAN_EMAIL }, { "3", SAN_DNS }, { "7", SAN_URI }, { "11", SAN_UPN } };
	struct str rest = str_c(text);
	struct san v[32];
	size_t n = 0;

	while (rest.n > 0 && n < COUNT(v)) {
		struct str value = str_cut(&rest, ';'), number = str_cut(&value, '+');

		for (size_t i = 0; i < COUNT(kinds); i++)
			if (str_eq_c(number, kinds[i].number))
				v[n++] = (struct san){ kinds[i].type, arena_cstr(a, value) };
	}
	return n == 0 ? OK : san_encode(a, v, n, ret);
}

static err_t
no_variables(void *ctx, struct arena *a, const char *variable, const char **ret)
{
	(void)ctx;
	(void)a;
	(void)ret;
	FAIL(ERR_VARIABLE_UNKNOWN, "%s", variable);
}

static err_t
make_csr(struct device *d, struct arena *a, const char *top, struct scep_order *o)
{
	const struct windows *w = windows_of(d);
	struct csr_spec spec = { .challenge = setting(w, a, top, "Challenge") };
	struct str ekus = str_c(setting(w, a, top, "EKUMapping"));
	const char *list[32];
	struct dn_format *format;
	int64_t usage;
	struct dn dn;

	TRY(dn_format_parse(a, setting(w, a, top, "SubjectName"), &format));
	TRY(dn_resolve(a, format, no_variables, NULL, &dn));
	TRY(dn_encode(a, &dn, &spec.subject));
	TRY(names_of(a, setting(w, a, top, "SubjectAlternativeNames"), &spec.san));
	TRY(text_i64(str_c(setting(w, a, top, "KeyUsage")), 0, 255, &usage));
	while (ekus.n > 0 && spec.nekus < COUNT(list))
		list[spec.nekus++] = arena_cstr(a, str_cut(&ekus, '+'));
	spec.ekus = list;
	spec.key_usage = (uint8_t)usage;
	o->subject = spec.subject;
	return csr_make(a, o->key, &spec, &o->csr);
}

static err_t
request(struct device *d, struct fiber *f, struct arena *a, const char *top, struct str *ret)
{
	const struct windows *w = windows_of(d);
	struct str urls = str_c(setting(w, a, top, "ServerURL"));
	struct scep_order o = { .url = arena_cstr(a, str_cut(&urls, ';')),
		.key = fleet_key(d->fleet, str_c(top)),
		.ca_sha1 = setting(w, a, top, "CAThumbprint") };
	size_t n = strlen(o.url);

	if (n < 14 || strcasecmp(o.url + n - 14, "/pkiclient.exe") != 0)
		o.url = arena_printf(a, "%s/pkiclient.exe", o.url);
	TRY(make_csr(d, a, top, &o));
	return scep_order(d, f, a, &o, ret);
}

void
windows_work(struct device *d, struct fiber *f)
{
	struct windows *w = windows_of(d);

	while (w->nenrolling > 0) {
		auto_arena struct arena *a = arena_new();
		auto_free char *top = w->enrolling[--w->nenrolling];
		const char *status = "1", *error = "0";
		struct str leaf;
		err_t e = request(d, f, a, top, &leaf);

		if (err_ok(e)) {
			keep_leaf(d, a, top, "CertThumbprint", leaf);
		} else {
			fleet_failed(d->fleet, d, e);
			status = "16";
			error = arena_printf(a, "%d", (int32_t)E_REFUSED);
		}
		node_set(w, arena_printf(a, "%s/Status", top), status);
		node_set(w, arena_printf(a, "%s/ErrorCode", top), error);
	}
}
