/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/digicert.h"

#include <strings.h>

#include "codec/dn.h"
#include "codec/oid.h"
#include "codec/san.h"

enum { SERIAL_MAX = 40, THUMBPRINT = 64, SHOWN = 300, ERRORS_SHOWN = 4 };

/* Subject attributes that the API knows, and what it calls them. */
static const struct field {
	const char *oid, *name;
	bool many; /* an array of texts */
} fields[] = {
	{ "2.5.4.3", "common_name", false },
	{ "2.5.4.5", "serial_number", false },
	{ "2.5.4.6", "country", false },
	{ "2.5.4.7", "locality", false },
	{ "2.5.4.8", "state", false },
	{ "2.5.4.9", "street_address", true },
	{ "2.5.4.10", "organization_name", false },
	{ "2.5.4.11", "organization_units", true },
	{ "2.5.4.13", "description", true },
	{ "2.5.4.17", "postal_code", false },
	{ "2.5.4.45", "unique_identifier", false },
	{ "0.9.2342.19200300.100.1.25", "domain_component", true },
	{ "1.2.840.113549.1.9.1", "email", false },
	{ "1.2.840.113549.1.9.2", "unstructured_name", true },
	{ "1.2.840.113549.1.9.8", "unstructured_address", true },
};

static const char *const sans[] = {
	[SAN_EMAIL] = "emails",
	[SAN_UPN] = "user_principal_names",
	[SAN_DNS] = "dns_names",
	[SAN_URI] = "uris",
	[SAN_IP] = "ip_addresses",
	[SAN_DIRECTORY] = NULL,
	[SAN_OTHER] = NULL,
};

char *
digicert_seat(struct arena *a, struct id request)
{
	return arena_printf(a, DIGICERT_SEAT_PREFIX "%s", id_text(a, request));
}

/* Adds to the array of that name, which is made when it is missing. */
static void
add_text(json *obj, const char *name, const char *value)
{
	if (json_get(obj, name) == NULL)
		json_set(obj, name, json_array_new());
	json_add(json_get(obj, name), json_text_new(value));
}

static err_t
put_ava(json *subject, const struct dn_ava *ava)
{
	for (size_t i = 0; i < COUNT(fields); i++) {
		if (strcmp(fields[i].oid, ava->oid) != 0)
			continue;
		if (fields[i].many) {
			add_text(subject, fields[i].name, ava->value);
			return OK;
		}
		if (json_get(subject, fields[i].name) != NULL)
			FAIL(ERR_UNSUPPORTED, "DigiCert's API takes one %s in a subject, not two",
			    fields[i].name);
		json_set_text(subject, fields[i].name, ava->value);
		return OK;
	}
	FAIL(ERR_UNSUPPORTED, "DigiCert's API has no field for the subject attribute %s",
	    oid_name(ava->oid));
}

static err_t
put_subject(struct arena *a, struct str der, json *attributes)
{
	json *subject = json_object_new();
	struct dn dn;

	json_set(attributes, "subject", subject);
	TRY(dn_decode(a, der, &dn));
	for (size_t i = 0; i < dn.n; i++)
		for (size_t k = 0; k < dn.rdn[i].n; k++)
			TRY(put_ava(subject, &dn.rdn[i].ava[k]));
	return OK;
}

static err_t
put_san(struct arena *a, struct str der, json *attributes)
{
	json *extensions, *san;
	struct san *v;
	size_t n;

	if (der.n == 0)
		return OK;
	extensions = json_object_new();
	json_set(attributes, "extensions", extensions);
	san = json_object_new();
	json_set(extensions, "san", san);
	TRY(san_decode(a, der, &v, &n));
	for (size_t i = 0; i < n; i++) {
		if (sans[v[i].type] == NULL)
			FAIL(ERR_UNSUPPORTED,
			    "DigiCert's API has no field for an alternative name of type %s",
			    san_type_name(v[i].type));
		add_text(san, sans[v[i].type], v[i].value);
	}
	return OK;
}

err_t
digicert_ask(struct arena *a, const struct order *o, struct str csr, struct str *ret)
{
	auto_json json *body = json_object_new();
	json *profile = json_object_new(), *seat = json_object_new(),
	     *attributes = json_object_new();

	json_set(body, "profile", profile);
	json_set_text(profile, "id", o->template);
	json_set(body, "seat", seat);
	json_set_text(seat, "seat_id", digicert_seat(a, o->id));
	json_set_text(body, "csr", text_pem(a, "CERTIFICATE REQUEST", csr));
	json_set_text(body, "delivery_format", "x509");
	json_set_bool(body, "include_ca_chain", true);
	json_set(body, "attributes", attributes);
	TRY(put_subject(a, o->subject, attributes));
	TRY(put_san(a, o->san, attributes));
	return json_print(a, body, ret);
}

/* PEM, or base64 of one certificate alone. */
static err_t
read_certs(struct arena *a, const char *text, struct digicert_answer *ret)
{
	struct str in = str_trim(str_c(text));

	ret->certs = arena_array(a, LIMIT_CHAIN_CERTS, sizeof(struct str));
	if (str_starts(in, LIT("-----")))
		return text_unpem(
		    a, in, "CERTIFICATE", ret->certs, LIMIT_CHAIN_CERTS, &ret->ncerts);
	ret->ncerts = 1;
	return text_unbase64(a, in, &ret->certs[0]);
}

err_t
digicert_answer_parse(struct arena *a, struct str body, struct digicert_answer *ret)
{
	struct digicert_answer answer = { .request_id = "" };
	auto_json json *obj = NULL;
	const char *text = NULL, *status = NULL, *id = NULL;

	TRY(json_parse(body, LIMIT_HTTP_REPLY, &obj));
	TRY(json_want_text(
	    obj, "certificate", (size_t)2 * LIMIT_CHAIN_CERTS * LIMIT_CERT_BYTES, &text));
	TRY(json_want_text(obj, "status", LIMIT_TEXT, &status));
	TRY(json_want_text(obj, "request_id", LIMIT_TEXT, &id));
	if (text != NULL && text[0] != '\0') {
		TRY_CTX(read_certs(a, text, &answer), "certificate");
	} else if (id != NULL || (status != NULL && strcasecmp(status, "pending") == 0)) {
		answer.pending = true;
		answer.request_id = id == NULL ? "" : text_safe(a, str_c(id));
	} else {
		FAIL(ERR_BAD_REQUEST, "the answer has neither a certificate nor a request_id");
	}
	*ret = answer;
	return OK;
}

static bool
is_hex(const char *s, size_t max)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	return n > 0 && n <= max && s[n] == '\0';
}

static err_t
read_item(struct arena *a, const json *one, struct digicert_item *ret)
{
	const char *serial, *status, *thumbprint = NULL;

	TRY(json_need_text(one, "serial_number", LIMIT_TEXT, &serial));
	TRY(json_need_text(one, "status", LIMIT_TEXT, &status));
	TRY(json_want_text(one, "thumbprint", LIMIT_TEXT, &thumbprint));
	if (!is_hex(serial, SERIAL_MAX))
		FAIL(ERR_BAD_REQUEST, "\"serial_number\" is no hexadecimal number");
	ret->serial = arena_strdup(a, serial);
	ret->thumbprint = "";
	if (thumbprint != NULL && is_hex(thumbprint, THUMBPRINT) &&
	    strlen(thumbprint) == THUMBPRINT)
		ret->thumbprint = arena_strdup(a, thumbprint);
	/* What is suspended can be let go again: it counts. */
	ret->valid = strcasecmp(status, "revoked") != 0 && strcasecmp(status, "expired") != 0;
	return OK;
}

err_t
digicert_page_parse(struct arena *a, struct str body, struct digicert_page *ret)
{
	struct digicert_page page = { 0 };
	auto_json json *obj = NULL;
	json *items;

	TRY(json_parse(body, LIMIT_HTTP_REPLY, &obj));
	TRY(json_need_array(obj, "items", LIMIT_PAGE, &items));
	page.n = json_count(items);
	TRY(json_want_int(obj, "total", 0, INT64_MAX, (int64_t)page.n, &page.total));
	page.items = arena_array(a, page.n + 1, sizeof(*page.items));
	for (size_t i = 0; i < page.n; i++)
		TRY(read_item(a, json_at(items, i), &page.items[i]));
	*ret = page;
	return OK;
}

err_t
digicert_profiles_parse(struct arena *a, struct str body, const char **ret)
{
	auto_json json *obj = NULL;
	const json *list;
	const char *names = "";

	TRY(json_parse(body, LIMIT_HTTP_REPLY, &obj));
	/* A list by itself in version 1, a page in version 2. */
	list = json_is_array(obj) ? obj : json_get(obj, "items");
	for (size_t i = 0; i < json_count(list) && i < LIMIT_PAGE; i++) {
		const json *one = json_at(list, i);

		if (strcasecmp(json_text(json_get(one, "status")), "active") != 0)
			continue;
		names = arena_printf(a, "%s%s%s (%s)", names, *names == '\0' ? "" : ", ",
		    text_safe(a, str_c(json_text(json_get(one, "name")))),
		    text_safe(a, str_c(json_text(json_get(one, "id")))));
	}
	*ret = names;
	return OK;
}

static const char *
one_refusal(struct arena *a, const json *e)
{
	const char *code = json_text(json_get(e, "code"));
	const char *message = json_text(json_get(e, "message"));

	return text_safe(a, str_c(arena_printf(a, "%.60s: %.200s", code, message)));
}

const char *
digicert_refusal(struct arena *a, struct str body)
{
	auto_json json *obj = NULL;
	const char *all = "";
	const json *list;
	err_t e = json_parse(body, LIMIT_HTTP_REPLY, &obj);

	if (!err_ok(e)) {
		err_forget(e);
		return text_safe(a, str_of(body.p, body.n < SHOWN ? body.n : SHOWN));
	}
	if (json_get(obj, "error") != NULL)
		return one_refusal(a, json_get(obj, "error"));
	list = json_get(obj, "errors");
	for (size_t i = 0; i < json_count(list) && i < ERRORS_SHOWN; i++)
		all = arena_printf(
		    a, "%s%s%s", all, i == 0 ? "" : "; ", one_refusal(a, json_at(list, i)));
	return all;
}

bool
digicert_serial_eq(const char *a, const char *b)
{
	return strcasecmp(a + strspn(a, "0"), b + strspn(b, "0")) == 0;
}
