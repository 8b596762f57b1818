/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTPS client, over libcurl. See fetch.h. */
#include "net/fetch.h"

#include <assert.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdatomic.h>
#include <strings.h>

#include "base/limits.h"
#include "base/text.h"
#include "net/tls_ctx.h"
#include "pki/fips.h"

#define HEADER_VALUE_MAX 256
enum { RETRY_MAX_S = 3600 };

struct fetch {
	CURL *curl;
	struct arena *arena; /* the certificates */
	struct tls_client_conf tls;
	_Atomic bool interrupted;
	bool once;                     /* the next exchange */
	bool taken;                    /* the last one */
	const struct fetch_sink *sink; /* of the next exchange; NULL: into memory */
	struct err_report sink_fault;
	const volatile int *stop;
	char reason[CURL_ERROR_SIZE];
	char tls_reason[ERR_DETAIL_MAX]; /* why the TLS context could not be made */

	/* of the exchange under way */
	struct buf body;
	bool too_large;
	char content_type[HEADER_VALUE_MAX];
	char retry_after[HEADER_VALUE_MAX];
	char etag[HEADER_VALUE_MAX];
	const char *const *also_names; /* NULL: none */
	char also[FETCH_ALSO][HEADER_VALUE_MAX];
};

static struct str *
copy_list(struct arena *a, const struct str *in, size_t n)
{
	struct str *out = n == 0 ? NULL : arena_array(a, n, sizeof(*out));

	for (size_t i = 0; i < n; i++)
		out[i] = arena_str(a, in[i]);
	return out;
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;
	long status = 0;
	err_t e;

	if (f->sink != NULL)
		curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200 || status == 206) {
		e = f->sink->put(f->sink->ctx, (int)status, str_of(p, size * n));
		if (!err_ok(e))
			err_take(e, &f->sink_fault);
		return f->sink_fault.code == ERR_NONE ? size * n : 0;
	}
	e = buf_put(&f->body, str_of(p, size * n));
	if (err_ok(e))
		return size * n;
	err_forget(e);
	f->too_large = true;
	return 0;
}

static void
keep_header(struct str line, const char *name, char *out)
{
	struct str key = str_cut(&line, ':');
	struct str value = str_trim(line);

	if (!str_ieq_c(key, name) || value.n >= HEADER_VALUE_MAX)
		return;
	while (value.n > 0 && (value.p[value.n - 1] == '\r' || value.p[value.n - 1] == '\n'))
		value.n--;
	memcpy(out, value.p, value.n);
	out[value.n] = '\0';
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;
	struct str line = str_of(p, size * n);

	keep_header(line, "content-type", f->content_type);
	keep_header(line, "retry-after", f->retry_after);
	keep_header(line, "etag", f->etag);
	for (size_t i = 0; f->also_names != NULL && f->also_names[i] != NULL; i++)
		keep_header(line, f->also_names[i], f->also[i]);
	return size * n;
}

static int
on_progress(void *arg, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow)
{
	struct fetch *f = arg;

	(void)dltotal;
	(void)dlnow;
	(void)ultotal;
	(void)ulnow;
	return atomic_load(&f->interrupted) || (f->stop != NULL && *f->stop) ? 1 : 0;
}

static err_t
setup_ctx(struct fetch *f, SSL_CTX *ctx)
{
	TRY(tls_ctx_base(ctx));
	if (f->tls.nanchors > 0)
		TRY(tls_ctx_anchors(ctx, f->tls.anchors, f->tls.nanchors, false));
	if (f->tls.key != NULL)
		TRY(tls_ctx_identity(ctx, f->tls.key, f->tls.chain, f->tls.nchain));
	return OK;
}

static CURLcode
on_ssl_ctx(CURL *curl, void *ctx, void *arg)
{
	struct fetch *f = arg;
	err_t e = setup_ctx(f, ctx);
	struct err_report rep;

	(void)curl;
	if (err_ok(e))
		return CURLE_OK;
	err_take(e, &rep);
	snprintf(f->tls_reason, sizeof(f->tls_reason), "%s", rep.detail);
	return CURLE_SSL_CERTPROBLEM;
}

/* Options that stay for the life of the handle; the first that libcurl refuses is reported. */
static err_t
setup_curl(struct fetch *f)
{
	CURL *c = f->curl;
	CURLcode rc = CURLE_OK;

#define SET(option, value) rc = rc != CURLE_OK ? rc : curl_easy_setopt(c, option, value)
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
	SET(CURLOPT_SSL_CTX_DATA, f);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, f);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, f);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, f);
	SET(CURLOPT_ERRORBUFFER, f->reason);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	if (f->tls.nanchors > 0) { /* only ours */
		SET(CURLOPT_CAINFO, NULL);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (rc != CURLE_OK)
		FAIL(ERR_INTERNAL, "libcurl: %s", curl_easy_strerror(rc));
	return OK;
}

err_t
fetch_new(const struct tls_client_conf *tls, struct fetch **ret)
{
	struct fetch *f = calloc(1, sizeof(*f));
	err_t e;

	if (f == NULL)
		abort();
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets without MSG_NOSIGNAL */
	f->arena = arena_new();
	f->tls = *tls;
	f->tls.anchors = copy_list(f->arena, tls->anchors, tls->nanchors);
	f->tls.chain = copy_list(f->arena, tls->chain, tls->nchain);
	buf_init(&f->body, LIMIT_HTTP_REPLY);
	f->curl = curl_easy_init();
	if (f->curl == NULL)
		e = ERROR(ERR_INTERNAL, "libcurl does not start");
	else
		e = setup_curl(f);
	if (!err_ok(e)) {
		fetch_free(f);
		TRY(e);
	}
	*ret = f;
	return OK;
}

void
fetch_free(struct fetch *f)
{
	if (f == NULL)
		return;
	if (f->curl != NULL)
		curl_easy_cleanup(f->curl);
	buf_free(&f->body);
	arena_free(f->arena);
	free(f);
}

err_t
fetch_proxy(struct fetch *f, const char *url)
{
	CURLcode rc = curl_easy_setopt(f->curl, CURLOPT_PROXY, url);

	if (rc == CURLE_OK)
		rc = curl_easy_setopt(
		    f->curl, CURLOPT_PROXYAUTH, (long)CURLAUTH_ANYSAFE | CURLAUTH_BASIC);
	if (rc != CURLE_OK)
		FAIL(ERR_BAD_REQUEST, "proxy: %s", curl_easy_strerror(rc));
	return OK;
}

err_t
fetch_http2(struct fetch *f)
{
	CURLcode rc = curl_easy_setopt(f->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);

	if (rc != CURLE_OK)
		FAIL(ERR_UNSUPPORTED, "HTTP/2: %s", curl_easy_strerror(rc));
	return OK;
}

err_t
fetch_negotiate(struct fetch *f)
{
	CURLcode rc;

	TRY(fips_refuse("Kerberos, which computes by itself and not through OpenSSL"));
	rc = curl_easy_setopt(f->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_NEGOTIATE);
	/* Whose ticket it is stands in the cache; libcurl begins only if it is given a name. */
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(f->curl, CURLOPT_USERPWD, ":");
	if (rc != CURLE_OK)
		FAIL(ERR_UNSUPPORTED, "Kerberos: %s", curl_easy_strerror(rc));
	return OK;
}

void
fetch_also(struct fetch *f, const char *const *names)
{
	for (size_t i = 0; names[i] != NULL; i++)
		assert(i < FETCH_ALSO);
	f->also_names = names;
}

void
fetch_once(struct fetch *f)
{
	f->once = true;
}

void
fetch_into(struct fetch *f, const struct fetch_sink *sink)
{
	f->sink = sink;
}

void
fetch_interrupt(struct fetch *f)
{
	atomic_store(&f->interrupted, true);
}

void
fetch_watch(struct fetch *f, const volatile int *stop)
{
	f->stop = stop;
}

/* A peer that refuses our certificate in TLS 1.3 does so after the handshake: the first read
 * brings its alert. */
static enum err_code
broken_code(const struct fetch *f)
{
	return strstr(f->reason, "alert") != NULL ? ERR_TLS : ERR_UNREACHABLE;
}

static enum err_code
code_of(const struct fetch *f, CURLcode rc)
{
	switch ((int)rc) {
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_ABORTED_BY_CALLBACK:
		return ERR_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
		return ERR_TLS;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return ERR_BAD_REQUEST;
	case CURLE_WRITE_ERROR:
		return f->too_large ? ERR_TOO_LARGE : ERR_UNREACHABLE;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return broken_code(f);
	case CURLE_COULDNT_RESOLVE_PROXY:
		return ERR_PROXY;
	default:
		return ERR_UNREACHABLE;
	}
}

/* scheme://host[:port] of the address: a path or query may hold what must not be shown. */
static char *
host_of(struct arena *a, const char *url)
{
	const char *host = strstr(url, "://");

	host = host == NULL ? url : host + 3;
	return arena_cstr(a, str_of(host, strcspn(host, "/?#")));
}

static err_t
perform(struct fetch *f, struct arena *a, const char *url)
{
	CURLcode rc = curl_easy_perform(f->curl);
	const char *reason;
	long tunnel = 0;

	if (rc == CURLE_OK)
		return OK;
	if (f->sink_fault.code != ERR_NONE)
		return err_raise(&f->sink_fault);
	curl_easy_getinfo(f->curl, CURLINFO_HTTP_CONNECTCODE, &tunnel);
	if (tunnel >= 400)
		FAIL(ERR_PROXY, "on the way to %s the proxy answers with status %ld",
		    host_of(a, url), tunnel);
	reason = f->reason[0] != '\0' ? f->reason : curl_easy_strerror(rc);
	if (f->tls_reason[0] != '\0')
		reason = f->tls_reason;
	if (f->too_large)
		reason = "the answer is too large";
	if (rc == CURLE_ABORTED_BY_CALLBACK)
		reason = "interrupted";
	FAIL(code_of(f, rc), "%s: %s", host_of(a, url), reason);
}

bool
fetch_taken(const struct fetch *f)
{
	return f->taken;
}

static err_t
request_setup(struct fetch *f, const char *method, const char *url, struct curl_slist *list,
    struct str body, int64_t timeout_ms)
{
	bool upload = body.n > 0 || (strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0);
	CURL *c = f->curl;
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_HTTPGET, 1L); /* forgets the body of the last exchange */
	SET(CURLOPT_URL, url);
	if (upload) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
		SET(CURLOPT_POSTFIELDS, body.n > 0 ? (const char *)body.p : "");
	}
	SET(CURLOPT_CUSTOMREQUEST, method);
	SET(CURLOPT_FRESH_CONNECT, (long)f->once);
	SET(CURLOPT_HTTPHEADER, list);
	SET(CURLOPT_TIMEOUT_MS, f->sink == NULL ? (long)timeout_ms : 0L);
	SET(CURLOPT_LOW_SPEED_LIMIT, f->sink == NULL ? 0L : 1L);
	SET(CURLOPT_LOW_SPEED_TIME, f->sink == NULL ? 0L : (long)(timeout_ms / 1000 + 1));
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
#undef SET
	if (rc != CURLE_OK)
		FAIL(ERR_BAD_REQUEST, "libcurl: %s", curl_easy_strerror(rc));
	return OK;
}

/* By what curl measured: when TLS stood, how many bytes of requests were sent. */
static bool
left_here(const struct fetch *f, const char *url, bool once)
{
	curl_off_t handshake = 0;
	long bytes = 0;

	curl_easy_getinfo(f->curl, CURLINFO_REQUEST_SIZE, &bytes);
	curl_easy_getinfo(f->curl, CURLINFO_APPCONNECT_TIME_T, &handshake);
	return bytes > 0 && (!once || strncmp(url, "https:", 6) != 0 || handshake > 0);
}

static bool
taken_up(long status)
{
	return !(status >= 400 && status < 500) && status != 503;
}

static struct curl_slist *
header_list(const char *const *headers)
{
	/* No "Expect: 100-continue": it costs a round trip, and servers that ignore it a second. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (size_t i = 0; headers != NULL && headers[i] != NULL; i++)
		list = curl_slist_append(list, headers[i]);
	if (list == NULL)
		abort();
	return list;
}

err_t
fetch_run(struct fetch *f, struct arena *a, const char *method, const char *url,
    const char *const *headers, struct str body, int64_t timeout_ms, struct fetch_reply *ret)
{
	struct curl_slist *list = header_list(headers);
	bool once = f->once;
	long status = 0;
	err_t e;

	f->taken = false;
	f->reason[0] = f->tls_reason[0] = f->content_type[0] = f->retry_after[0] = '\0';
	f->etag[0] = '\0';
	memset(f->also, 0, sizeof(f->also));
	f->too_large = false;
	f->sink_fault.code = ERR_NONE;
	atomic_store(&f->interrupted, false);
	e = request_setup(f, method, url, list, body, timeout_ms);
	f->once = false;
	if (err_ok(e)) {
		e = perform(f, a, url);
		f->taken = left_here(f, url, once) && !err_is(e, ERR_TLS) && !err_is(e, ERR_PROXY);
	}
	curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(list);
	if (err_ok(e)) {
		curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
		f->taken = f->taken && taken_up(status);
		ret->status = (int)status;
		ret->content_type = arena_strdup(a, f->content_type);
		ret->retry_after = arena_strdup(a, f->retry_after);
		ret->etag = arena_strdup(a, f->etag);
		for (size_t i = 0; i < FETCH_ALSO; i++)
			ret->also[i] = arena_strdup(a, f->also[i]);
		ret->body = arena_str(a, buf_str(&f->body));
	}
	buf_free(&f->body);
	f->sink = NULL;
	TRY(e);
	return OK;
}

int64_t
fetch_retry_s(const struct fetch *f)
{
	int64_t s = 0;

	err_forget(text_i64(str_c(f->retry_after), 0, INT64_MAX, &s));
	return s < RETRY_MAX_S ? s : RETRY_MAX_S;
}

/* "host", "host:port", "[::1]:port": nothing that any reader of addresses could take for something else. */
static bool
authority_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] | 32) < 'a' || (s.p[i] | 32) > 'z')
			if (memchr("0123456789.-:[]", s.p[i], 15) == NULL)
				return false;
	return s.n > 0;
}

bool
fetch_address_good(const char *url)
{
	struct str rest = str_c(url), authority, host;
	bool tls = str_starts(rest, LIT("https://"));
	size_t scheme = tls ? strlen("https://") : strlen("http://"), n = 0;

	if (!text_printable_ascii(rest) || memchr(rest.p, ' ', rest.n) != NULL ||
	    (!tls && !str_starts(rest, LIT("http://"))))
		return false;
	rest = str_of(rest.p + scheme, rest.n - scheme);
	while (n < rest.n && memchr("/?#", rest.p[n], 3) == NULL)
		n++;
	authority = str_of(rest.p, n);
	if (!authority_plain(authority))
		return false;
	host = str_cut(&authority, ':');
	return tls ||
	    ((str_eq_c(host, "127.0.0.1") || str_eq_c(host, "localhost")) && authority.n > 0);
}
