/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages for people who sign in, and the one on which a sign-in of another screen is approved: one form, no script, nothing
 * from elsewhere.
 *
 * The form carries name and password itself, there is no session; a form that another site sends has nothing to ride on.
 */
#include "api/oauth.h"
#include "api/pace.h"

#define CSP "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

err_t
oauth_html(struct buf *b, const char *text)
{
	for (; text != NULL && *text != '\0'; text++) {
		switch (*text) {
		case '&':
			TRY(buf_puts(b, "&amp;"));
			break;
		case '<':
			TRY(buf_puts(b, "&lt;"));
			break;
		case '>':
			TRY(buf_puts(b, "&gt;"));
			break;
		case '"':
			TRY(buf_puts(b, "&quot;"));
			break;
		case '\'':
			TRY(buf_puts(b, "&#39;"));
			break;
		default:
			TRY(buf_putc(b, (uint8_t)*text));
			break;
		}
	}
	return OK;
}

err_t
oauth_page_begin(struct buf *b, const char *message)
{
	TRY(buf_puts(b,
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width\">"
	    "<title>Chancery sign-in</title></head><body><main>"
	    "<h1>Chancery sign-in</h1>\n"));
	if (message == NULL)
		return OK;
	TRY(buf_puts(b, "<p role=\"status\">"));
	TRY(oauth_html(b, message));
	return buf_puts(b, "</p>\n");
}

err_t
oauth_page_end(struct http_req *r, int status, struct buf *b, const char *to)
{
	TRY(buf_puts(b, "</main></body></html>\n"));
	/* Browsers hold a form to its origins also where its answer leads on to another one. */
	http_reply_header(r, "Content-Security-Policy",
	    arena_printf(http_arena(r), CSP "%s%s", *to == '\0' ? "" : " ", to));
	http_reply_header(r, "X-Content-Type-Options", "nosniff");
	http_reply_header(r, "Referrer-Policy", "no-referrer");
	http_reply_header(r, "Cache-Control", "no-store");
	return http_reply(r, status, "text/html; charset=utf-8", buf_str(b));
}

static err_t
page(struct http_req *r, int status, const char *message, const char *code, bool form)
{
	auto_buf struct buf b = { 0 };

	buf_init(&b, 65536);
	TRY(oauth_page_begin(&b, message));
	if (form) {
		TRY(buf_puts(&b,
		    "<p>Enter the code that your program shows. Go on only if you "
		    "started that program yourself.</p>"
		    "<form method=\"post\" action=\"/device\">"
		    "<p><label>Code <input name=\"user_code\" required "
		    "autocomplete=\"off\" value=\""));
		TRY(oauth_html(&b, code));
		TRY(buf_puts(&b,
		    "\"></label></p>"
		    "<p><label>Administrator <input name=\"username\" required "
		    "autocomplete=\"username\"></label></p>"
		    "<p><label>Password <input name=\"password\" type=\"password\" "
		    "required autocomplete=\"current-password\"></label></p>"
		    "<p><button name=\"action\" value=\"approve\">Approve</button> "
		    "<button name=\"action\" value=\"decline\">Decline</button></p>"
		    "</form>"));
	}
	return oauth_page_end(r, status, &b, "");
}

static err_t
get_page(struct http_req *r)
{
	return page(r, 200, NULL, http_query(r, "user_code"), true);
}

static err_t
post_page(struct http_req *r)
{
	struct arena *a = http_arena(r);
	const char *code = http_form(r, "user_code");
	const char *name = http_form(r, "username");
	const char *password = http_form(r, "password");
	const char *action = http_form(r, "action");
	bool decline = action != NULL && strcmp(action, "decline") == 0;
	struct err_report rep;
	const struct err_info *info;
	err_t e;

	if (code == NULL || name == NULL || password == NULL || strlen(name) > LIMIT_TEXT ||
	    strlen(password) > LIMIT_LONG_TEXT)
		return page(r, 400, "Fill in all three fields.", code, true);
	e = api_pace_stranger(r);
	if (err_ok(e))
		e = oauth_login_decide(
		    api_of(r), a, http_peer_addr(r), code, name, password, decline);
	if (err_ok(e))
		return page(r, 200,
		    decline ? "Declined. You can close this page." :
			      "Approved. Go back to your program.",
		    NULL, false);
	err_take(e, &rep);
	info = err_info(rep.code);
	if (rep.code == ERR_NOT_FOUND)
		return page(r, 404, "There is no such code. Check it and try again.", code, true);
	return page(r, info->http, arena_printf(a, "Sorry: %s. %s.", info->text, info->hint), code,
	    rep.code == ERR_CREDENTIALS || rep.code == ERR_BUSY || rep.code == ERR_THROTTLED);
}

static const struct http_route routes[] = {
	ROUTE(GET, "/device", PERM_PUBLIC, get_page),
	ROUTE(POST, "/device", PERM_PUBLIC, post_page),
	{ 0 },
};

const struct resource resource_oauth_page = { "oauth_page", routes };
