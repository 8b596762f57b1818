/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page that a Windows device shows while it enrols: a person enters the one-time code, and a second form hands it
 * back to the device. Two forms, no script, nothing from elsewhere. MS-MDE2 3.2
 *
 * The way back (appru) is taken only if it leads to a program on the device itself: a link that somebody else made up
 * would otherwise carry the code to him.
 */
#include "base/limits.h"
#include "codec/xml.h"
#include "device/windows_msg.h"
#include "model/enrol.h"

#define CSP \
	"default-src 'none'; form-action 'self' ms-app:; frame-ancestors 'none'; base-uri 'none'"

enum { PAGE_MAX = 65536 };

static bool
leads_home(const char *appru)
{
	return appru != NULL && strlen(appru) <= LIMIT_TEXT &&
	    str_starts(str_c(appru), LIT("ms-app://"));
}

static err_t
hidden(struct buf *b, const char *name, const char *value)
{
	TRY(buf_printf(b, "<input type=\"hidden\" name=\"%s\" value=\"", name));
	TRY(xml_put_text(b, value));
	return buf_puts(b, "\">");
}

static err_t
code_form(struct buf *b, const char *appru)
{
	TRY(buf_puts(b,
	    "<p>Enter the one-time code that your administrator gave you.</p>"
	    "<form method=\"post\" action=\"" WINDOWS_ENROL_PATH "Auth\">"));
	TRY(hidden(b, "appru", appru));
	return buf_puts(b,
	    "<p><label>Code <input name=\"code\" required autofocus autocomplete=\"off\" "
	    "spellcheck=\"false\"></label></p><p><button>Continue</button></p></form>");
}

static err_t
return_form(struct buf *b, const char *appru, const char *token)
{
	TRY(buf_puts(b,
	    "<p>The code is right. Go on to add this device.</p><form method=\"post\" action=\""));
	TRY(xml_put_text(b, appru));
	TRY(buf_puts(b, "\">"));
	TRY(hidden(b, "wresult", token));
	return buf_puts(b, "<p><button autofocus>Add this device</button></p></form>");
}

/* token NULL: asks for the code. appru NULL: neither form. */
static err_t
page(struct http_req *r, int status, const char *message, const char *appru, const char *token)
{
	auto_buf struct buf b = { 0 };

	buf_init(&b, PAGE_MAX);
	TRY(buf_puts(&b,
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width\">"
	    "<title>Add this device to Chancery</title></head><body><main>"
	    "<h1>Add this device to Chancery</h1>\n"));
	if (message != NULL) {
		TRY(buf_puts(&b, "<p role=\"status\">"));
		TRY(xml_put_text(&b, message));
		TRY(buf_puts(&b, "</p>\n"));
	}
	if (appru != NULL)
		TRY(token == NULL ? code_form(&b, appru) : return_form(&b, appru, token));
	TRY(buf_puts(&b, "</main></body></html>\n"));
	http_reply_header(r, "Content-Security-Policy", CSP);
	http_reply_header(r, "X-Content-Type-Options", "nosniff");
	http_reply_header(r, "Referrer-Policy", "no-referrer");
	http_reply_header(r, "Cache-Control", "no-store");
	return http_reply(r, status, "text/html; charset=UTF-8", buf_str(&b));
}

static err_t
refuse_way(struct http_req *r)
{
	return page(r, 400,
	    "This page belongs to the set-up of a Windows device: Settings, Accounts, Access work or "
	    "school, Enrol only in device management.",
	    NULL, NULL);
}

err_t
windows_page(struct http_req *r)
{
	const char *appru = http_query(r, "appru");

	return leads_home(appru) ? page(r, 200, NULL, appru, NULL) : refuse_way(r);
}

err_t
windows_page_code(struct http_req *r)
{
	const struct device_edge *edge = http_ctx(r);
	struct arena *a = http_arena(r);
	const char *appru = http_form(r, "appru");
	const char *code = http_form(r, "code");
	const struct err_info *info;
	struct err_report rep;
	struct user user;
	err_t e;

	if (!leads_home(appru))
		return refuse_way(r);
	e = enrol_code_look(edge->store, a, CODE_DEVICE, code == NULL ? "" : code, &user);
	if (err_ok(e))
		return page(r, 200, NULL, appru, code);
	err_take(e, &rep);
	info = err_info(rep.code);
	if (info->http >= 500)
		return err_raise(&rep);
	return page(
	    r, info->http, arena_printf(a, "Sorry: %s; %s.", info->text, info->hint), appru, NULL);
}
