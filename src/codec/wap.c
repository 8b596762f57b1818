/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/wap.h"

#include "base/text.h"
#include "codec/xml.h"

enum { DOCUMENT_MAX = 512 << 10 };
/* Right after its enrolment a device asks often: FIRST times, then SECOND times; minutes. */
enum { FIRST = 5, FIRST_EVERY = 3, SECOND = 8, SECOND_EVERY = 15 };

static err_t
open_node(struct buf *b, const char *type)
{
	TRY(buf_puts(b, "<characteristic type=\""));
	TRY(xml_put_text(b, type));
	return buf_puts(b, "\">");
}

static err_t
close_nodes(struct buf *b, int n)
{
	while (n-- > 0)
		TRY(buf_puts(b, "</characteristic>"));
	return OK;
}

/* datatype NULL: none, as within APPLICATION */
static err_t
parm(struct buf *b, const char *name, const char *value, const char *datatype)
{
	TRY(buf_printf(b, "<parm name=\"%s\" value=\"", name));
	TRY(xml_put_text(b, value));
	if (datatype != NULL)
		TRY(buf_printf(b, "\" datatype=\"%s", datatype));
	return buf_puts(b, "\"/>");
}

static err_t
number(struct arena *a, struct buf *b, const char *name, int64_t v)
{
	return parm(b, name, arena_printf(a, "%lld", (long long)v), "integer");
}

static err_t
cert(struct arena *a, struct buf *b, const struct wap_cert *c, bool with_key)
{
	TRY(open_node(b, c->sha1));
	TRY(parm(b, "EncodedCertificate", text_base64(a, c->der), NULL));
	if (with_key)
		TRY(buf_puts(b, "<characteristic type=\"PrivateKeyContainer\"/>"));
	return close_nodes(b, 1);
}

static err_t
trusted(struct arena *a, struct buf *b, const char *store, const struct wap_cert *c)
{
	if (c->der.n == 0)
		return OK;
	TRY(open_node(b, store));
	TRY(open_node(b, "System"));
	TRY(cert(a, b, c, false));
	return close_nodes(b, 2);
}

static err_t
renewal(struct arena *a, struct buf *b, const struct wap_doc *d)
{
	TRY(open_node(b, "WSTEP"));
	TRY(open_node(b, "Renew"));
	TRY(parm(b, "ROBOSupport", "true", "boolean"));
	TRY(number(a, b, "RenewPeriod", d->renew_days));
	TRY(number(a, b, "RetryInterval", d->renew_every));
	return close_nodes(b, 2);
}

static err_t
stores(struct arena *a, struct buf *b, const struct wap_doc *d)
{
	TRY(open_node(b, "CertificateStore"));
	TRY(trusted(a, b, "Root", &d->root));
	TRY(trusted(a, b, "CA", &d->intermediate));
	TRY(open_node(b, "My"));
	TRY(open_node(b, d->of_machine ? "System" : "User"));
	TRY(cert(a, b, &d->own, true));
	TRY(close_nodes(b, 1));
	TRY(renewal(a, b, d));
	return close_nodes(b, 2);
}

/* A name as the search criteria want it: what is no letter or digit is escaped. */
static const char *
escaped(struct arena *a, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = arena_alloc(a, strlen(text) * 3 + 1);
	size_t n = 0;

	for (const uint8_t *p = (const uint8_t *)text; *p != '\0'; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || *p == '-';

		if (plain) {
			out[n++] = (char)*p;
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[*p >> 4];
		out[n++] = hex[*p & 15];
	}
	return out;
}

/* Both must be there even when the certificate alone says who the device is. */
static const char auth[] =
    "<characteristic type=\"APPAUTH\"><parm name=\"AAUTHLEVEL\" value=\"CLIENT\"/>"
    "<parm name=\"AAUTHTYPE\" value=\"DIGEST\"/><parm name=\"AAUTHSECRET\" value=\"dummy\"/>"
    "<parm name=\"AAUTHDATA\" value=\"bm9uY2U=\"/></characteristic>"
    "<characteristic type=\"APPAUTH\"><parm name=\"AAUTHLEVEL\" value=\"APPSRV\"/>"
    "<parm name=\"AAUTHTYPE\" value=\"DIGEST\"/><parm name=\"AAUTHNAME\" value=\"dummy\"/>"
    "<parm name=\"AAUTHSECRET\" value=\"dummy\"/><parm name=\"AAUTHDATA\" value=\"bm9uY2U=\"/>"
    "</characteristic>";

static err_t
application(struct arena *a, struct buf *b, const struct wap_doc *d)
{
	const char *criteria = arena_printf(a, "Subject=%s&Stores=My%%5C%s", escaped(a, d->subject),
	    d->of_machine ? "System" : "User");

	TRY(open_node(b, "APPLICATION"));
	TRY(parm(b, "APPID", "w7", NULL));
	TRY(parm(b, "PROVIDER-ID", d->provider, NULL));
	TRY(parm(b, "NAME", d->name, NULL));
	TRY(parm(b, "ADDR", d->addr, NULL));
	TRY(parm(b, "CONNRETRYFREQ", "6", NULL));
	TRY(parm(b, "INITIALBACKOFFTIME", "30000", NULL));
	TRY(parm(b, "MAXBACKOFFTIME", "120000", NULL));
	TRY(buf_puts(b, "<parm name=\"BACKCOMPATRETRYDISABLED\"/>"));
	TRY(parm(b, "DEFAULTENCODING", "application/vnd.syncml.dm+xml", NULL));
	TRY(parm(b, "SSLCLIENTCERTSEARCHCRITERIA", criteria, NULL));
	TRY(buf_puts(b, auth));
	return close_nodes(b, 1);
}

/* MS-MDE2 3.6: the first two sets end, only the last goes on for ever. */
static err_t
schedule(struct arena *a, struct buf *b, const struct wap_doc *d)
{
	TRY(open_node(b, "Poll"));
	TRY(number(a, b, "NumberOfFirstRetries", FIRST));
	TRY(number(a, b, "IntervalForFirstSetOfRetries", FIRST_EVERY));
	TRY(number(a, b, "NumberOfSecondRetries", SECOND));
	TRY(number(a, b, "IntervalForSecondSetOfRetries", SECOND_EVERY));
	TRY(number(a, b, "NumberOfRemainingScheduledRetries", 0));
	TRY(number(a, b, "IntervalForRemainingScheduledRetries", d->poll_minutes));
	TRY(parm(b, "PollOnLogin", "true", "boolean"));
	TRY(parm(b, "AllUsersPollOnFirstLogin", "true", "boolean"));
	return close_nodes(b, 1);
}

static err_t
client(struct arena *a, struct buf *b, const struct wap_doc *d)
{
	TRY(open_node(b, "DMClient"));
	TRY(open_node(b, "Provider"));
	TRY(open_node(b, d->provider));
	if (d->upn[0] != '\0')
		TRY(parm(b, "UPN", d->upn, "string"));
	TRY(parm(b, "EntDMID", d->device_id, "string"));
	if (d->device_name[0] != '\0')
		TRY(parm(b, "EntDeviceName", d->device_name, "string"));
	/* With 3.0 and later the device says which HRESULT was behind a status. */
	TRY(parm(b, "SyncApplicationVersion", "5.0", "string"));
	TRY(schedule(a, b, d));
	return close_nodes(b, 3);
}

static err_t
document(struct arena *a, struct buf *b, const struct wap_doc *d)
{
	TRY(buf_puts(b, "<wap-provisioningdoc version=\"1.1\">"));
	TRY(stores(a, b, d));
	if (!d->renewal) {
		TRY(application(a, b, d));
		TRY(client(a, b, d));
	}
	return buf_puts(b, "</wap-provisioningdoc>");
}

err_t
wap_print(struct arena *a, const struct wap_doc *d, struct buf *out)
{
	auto_buf struct buf b;

	buf_init(&b, DOCUMENT_MAX);
	TRY(document(a, &b, d));
	return buf_put(out, buf_str(&b));
}
