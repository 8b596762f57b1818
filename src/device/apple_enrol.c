/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_enrol.h"

#include "base/limits.h"
#include "codec/xml.h"
#include "device/apple_profile.h"

#define CSP "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

enum { PAGE_MAX = 65536 };

static err_t
page(struct http_req *r, int status, const char *message)
{
	const struct device_edge *edge = http_ctx(r);
	auto_buf struct buf b = { 0 };

	buf_init(&b, PAGE_MAX);
	TRY(buf_puts(&b,
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width\">"
	    "<title>Enrol this device</title></head><body><main><h1>Enrol this device</h1>\n<p>"));
	TRY(xml_put_text(&b, text_safe(http_arena(r), str_c(edge->organization))));
	TRY(buf_puts(&b,
	    " installs certificates on this iPhone, iPad or Mac, sees its model, name and serial number, and "
	    "can lock or erase it. You can remove the management in the device's settings at any time.</p>\n"));
	if (message != NULL) {
		TRY(buf_puts(&b, "<p role=\"status\">"));
		TRY(xml_put_text(&b, message));
		TRY(buf_puts(&b, "</p>\n"));
	}
	TRY(buf_puts(&b,
	    "<form method=\"post\" action=\"/apple/enrol\"><p><label>One-time code <input name=\"code\" required "
	    "autofocus autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\"></label></p>"
	    "<p><button>Load the profile</button></p></form>\n"
	    "<p>Then open the settings of the device and install the profile that was loaded.</p>"
	    "</main></body></html>\n"));
	http_reply_header(r, "Content-Security-Policy", CSP);
	http_reply_header(r, "X-Content-Type-Options", "nosniff");
	http_reply_header(r, "Referrer-Policy", "no-referrer");
	http_reply_header(r, "Cache-Control", "no-store");
	return http_reply(r, status, "text/html; charset=utf-8", buf_str(&b));
}

err_t
apple_enrol_page(struct http_req *r)
{
	return page(r, 200, NULL);
}

static err_t
profile(const struct device_edge *edge, struct arena *a, const struct device_scep *scep,
    const char *topic, struct str *ret)
{
	struct apple_enrolment e = { .organization = edge->organization,
		.roots = edge->roots,
		.nroots = edge->nroots,
		.device = scep->device,
		.subject = scep->subject,
		.scep_url = scep->enrol.urls[0],
		.challenge = scep->enrol.challenge,
		.topic = topic,
		.server_url = arena_printf(a, "%s/apple/mdm", edge->url),
		.checkin_url = arena_printf(a, "%s/apple/checkin", edge->url) };
	struct str plain;

	TRY(apple_enrolment_print(a, &e, &plain));
	return edge->profile_sign(edge->identity_ctx, a, plain, ret);
}

/* A guess until the device says it. */
static const char *
platform_of(struct http_req *r)
{
	const char *agent = http_header(r, "User-Agent");

	return agent != NULL && strstr(agent, "Macintosh") != NULL ? "macos" : "ios";
}

err_t
apple_enrol_post(struct http_req *r)
{
	const struct device_edge *edge = http_ctx(r);
	struct arena *a = http_arena(r);
	struct device facts = { .platform = platform_of(r) };
	const char *code = http_form(r, "code");
	const struct err_info *info;
	struct err_report rep;
	struct device_scep scep;
	struct str made;
	err_t e;

	if (code == NULL || code[0] == '\0' || strlen(code) > LIMIT_TEXT)
		return page(r, 400, "Enter the code.");
	e = device_scep_begin(edge, a, code, &facts, &scep);
	if (err_ok(e))
		e = profile(edge, a, &scep, edge->apple_topic, &made);
	if (!err_ok(e)) {
		err_take(e, &rep);
		info = err_info(rep.code);
		if (info->http >= 500)
			return err_raise(&rep);
		return page(
		    r, info->http, arena_printf(a, "Sorry: %s; %s.", info->text, info->hint));
	}
	http_reply_header(r, "Cache-Control", "no-store");
	http_reply_header(r, "X-Content-Type-Options", "nosniff");
	http_reply_header(r, "Content-Disposition", "attachment; filename=\"enrol.mobileconfig\"");
	return http_reply(r, 200, "application/x-apple-aspen-config", made);
}

err_t
apple_enrol_again(const struct device_edge *edge, struct arena *a, const struct device *d,
    const char *topic, struct str *ret)
{
	struct device_scep scep;

	TRY(device_scep_again(edge, a, d, &scep));
	return profile(edge, a, &scep, topic, ret);
}
