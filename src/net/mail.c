/* SPDX-License-Identifier: Apache-2.0 */
#include "net/mail.h"

#include <curl/curl.h>
#include <time.h>

#include "base/limits.h"
#include "base/text.h"
#include "base/when.h"
#include "net/tls_ctx.h"

#define LINE 76 /* of base64, RFC 2045 6.8 */
#define ADDRESS_MAX 254

bool
mail_address_good(const char *address)
{
	const char *at = strchr(address, '@');
	size_t n = strlen(address);

	if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
	    n > ADDRESS_MAX || !text_printable_ascii(str_c(address)))
		return false;
	return strpbrk(address, " <>\"(),:;\\[]") == NULL;
}

static err_t
put_base64(struct arena *a, struct buf *b, struct str s)
{
	const char *text = text_base64(a, s);

	for (size_t n = strlen(text); n > 0;) {
		size_t take = n < LINE ? n : LINE;

		TRY(buf_put(b, str_of(text, take)));
		TRY(buf_puts(b, "\r\n"));
		text += take;
		n -= take;
	}
	return OK;
}

/* RFC 5322 3.6. Encoded words hold at most 45 bytes each, cut between characters. */
static err_t
put_subject(struct arena *a, struct buf *b, const char *subject)
{
	struct str rest = str_c(subject);

	TRY(buf_puts(b, "Subject:"));
	while (rest.n > 0) {
		size_t take = rest.n < 45 ? rest.n : 45;

		while (take < rest.n && (rest.p[take] & 0xc0) == 0x80)
			take--;
		TRY(buf_printf(b, " =?UTF-8?B?%s?=\r\n", text_base64(a, str_of(rest.p, take))));
		rest = str_of(rest.p + take, rest.n - take);
	}
	return *subject == '\0' ? buf_puts(b, "\r\n") : OK;
}

static err_t
write_mail(const struct mail_conf *conf, struct arena *a, const char *to, const char *subject,
    const char *text, struct buf *b)
{
	time_t now = (time_t)when_now();
	char date[64];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	TRY(buf_printf(b, "Date: %s\r\nFrom: Chancery <%s>\r\nTo: <%s>\r\n", date, conf->from, to));
	TRY(put_subject(a, b, subject));
	TRY(buf_printf(b,
	    "Message-ID: <%s%s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
	    id_text(a, id_new()), strchr(conf->from, '@')));
	return put_base64(a, b, str_c(text));
}

struct sending {
	const struct mail_conf *conf;
	struct str rest;
	char tls_reason[ERR_DETAIL_MAX];
};

static size_t
on_read(char *to, size_t size, size_t n, void *arg)
{
	struct sending *s = arg;
	size_t take = s->rest.n < size * n ? s->rest.n : size * n;

	if (take > 0)
		memcpy(to, s->rest.p, take);
	s->rest = str_of(s->rest.p + take, s->rest.n - take);
	return take;
}

static err_t
setup_ctx(const struct mail_conf *conf, SSL_CTX *ctx)
{
	TRY(tls_ctx_base(ctx));
	return conf->tls.nanchors == 0 ?
	    OK :
	    tls_ctx_anchors(ctx, conf->tls.anchors, conf->tls.nanchors, false);
}

static CURLcode
on_ssl_ctx(CURL *curl, void *ctx, void *arg)
{
	struct sending *s = arg;
	struct err_report rep;
	err_t e = setup_ctx(s->conf, ctx);

	(void)curl;
	if (err_ok(e))
		return CURLE_OK;
	err_take(e, &rep);
	snprintf(s->tls_reason, sizeof(s->tls_reason), "%s", rep.detail);
	return CURLE_SSL_CERTPROBLEM;
}

static enum err_code
code_of(CURLcode rc)
{
	switch ((int)rc) {
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_USE_SSL_FAILED:
		return ERR_TLS;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return ERR_UNREACHABLE;
	default:
		return ERR_NOTICE_REFUSED;
	}
}

static bool
local(const char *server)
{
	struct str s = str_c(server);

	return str_starts(s, LIT("smtp://127.0.0.1:")) || str_starts(s, LIT("smtp://localhost:"));
}

static err_t
setup(CURL *c, struct sending *s, struct curl_slist *to, char reason[CURL_ERROR_SIZE],
    int64_t timeout_ms)
{
	const struct mail_conf *conf = s->conf;
	CURLcode rc = CURLE_OK;

#define SET(option, value) rc = rc != CURLE_OK ? rc : curl_easy_setopt(c, option, value)
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_URL, conf->server);
	SET(CURLOPT_USE_SSL, local(conf->server) ? (long)CURLUSESSL_TRY : (long)CURLUSESSL_ALL);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
	SET(CURLOPT_SSL_CTX_DATA, s);
	if (conf->tls.nanchors > 0) {
		SET(CURLOPT_CAINFO, NULL);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (*conf->user != '\0') {
		SET(CURLOPT_USERNAME, conf->user);
		SET(CURLOPT_PASSWORD, conf->password);
	}
	SET(CURLOPT_MAIL_FROM, conf->from);
	SET(CURLOPT_MAIL_RCPT, to);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_READFUNCTION, on_read);
	SET(CURLOPT_READDATA, s);
	SET(CURLOPT_ERRORBUFFER, reason);
	SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
#undef SET
	if (rc != CURLE_OK)
		FAIL(ERR_BAD_REQUEST, "libcurl: %s", curl_easy_strerror(rc));
	return OK;
}

err_t
mail_send(const struct mail_conf *conf, struct arena *a, const char *to, const char *subject,
    const char *text, int64_t timeout_ms)
{
	auto_buf struct buf b = { 0 };
	struct sending s = { .conf = conf };
	char reason[CURL_ERROR_SIZE] = "";
	struct curl_slist *list;
	CURLcode rc = CURLE_OK;
	CURL *c;
	err_t e;

	if (!mail_address_good(to) || !mail_address_good(conf->from))
		FAIL(ERR_NOTICE, "'%s' is no mail address",
		    text_safe(a, str_c(mail_address_good(to) ? conf->from : to)));
	buf_init(&b, LIMIT_HTTP_REPLY);
	TRY(write_mail(conf, a, to, subject, text, &b));
	s.rest = buf_str(&b);
	list = curl_slist_append(NULL, to);
	c = curl_easy_init();
	if (list == NULL || c == NULL)
		abort();
	e = setup(c, &s, list, reason, timeout_ms);
	if (err_ok(e))
		rc = curl_easy_perform(c);
	curl_easy_cleanup(c);
	curl_slist_free_all(list);
	TRY(e);
	if (rc != CURLE_OK)
		FAIL(code_of(rc), "%s: %s", conf->server,
		    s.tls_reason[0] != '\0' ? s.tls_reason :
			reason[0] != '\0'   ? reason :
					      curl_easy_strerror(rc));
	return OK;
}
