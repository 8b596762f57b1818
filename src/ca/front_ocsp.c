/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCSP over plain HTTP (RFC 6960 A.1, RFC 5019 5): POST /ocsp[/<CA name>], and GET with the request in base64 behind
 * that.
 *
 * The front reads the request, the issuer gets what it names and states the answer itself. An answer without a nonce
 * is given again for a quarter of a second, to the very same address without reading the request again. Every refusal
 * is an OCSP message with HTTP 200, as clients expect it.
 */
#include "ca/front_int.h"

#include <pthread.h>

#include "pki/ocsp.h"

enum { FRESH_MS = 250, SLOTS = 1024, READY_PATH = 1024, READY_BYTES = 8192 };

#define TYPE_OCSP "application/ocsp-response"
#define CACHE_CONTROL "max-age=60, public, no-transform, must-revalidate"

struct slot {
	uint8_t asked[32];
	int64_t until;
	struct ocsp_rep rep; /* der is ours */
};

/* The answer to an address, with its header fields, from the same moment. */
struct ready {
	char *path; /* NULL: none */
	int64_t until;
	char tag[40], modified[40], expires[40];
	uint8_t *der;
	size_t n;
};

struct front_answers {
	pthread_mutex_t lock; /* guards what follows */
	struct slot slots[SLOTS];
	struct ready ready[SLOTS];
};

struct front_answers *
front_answers_new(void)
{
	struct front_answers *o = calloc(1, sizeof(*o));

	if (o == NULL)
		abort();
	pthread_mutex_init(&o->lock, NULL);
	return o;
}

void
front_answers_free(struct front_answers *o)
{
	for (size_t i = 0; i < SLOTS; i++) {
		free((void *)(uintptr_t)o->slots[i].rep.der.p);
		free(o->ready[i].path);
		free(o->ready[i].der);
	}
	pthread_mutex_destroy(&o->lock);
	free(o);
}

static struct slot *
slot_of(struct front_answers *o, const uint8_t asked[32])
{
	return &o->slots[((size_t)asked[0] << 8 | asked[1]) % SLOTS];
}

/* *until: when the answer will be too old. */
static bool
kept(struct front_answers *o, struct arena *a, const uint8_t asked[32], struct ocsp_rep *ret,
    int64_t *until)
{
	const struct slot *s;
	bool found;

	pthread_mutex_lock(&o->lock);
	s = slot_of(o, asked);
	found = s->rep.der.n > 0 && memcmp(s->asked, asked, 32) == 0 && when_mono_ms() < s->until;
	if (found) {
		*ret = s->rep;
		ret->der = arena_str(a, s->rep.der);
		*until = s->until;
	}
	pthread_mutex_unlock(&o->lock);
	return found;
}

static void
keep(struct front_answers *o, const uint8_t asked[32], int64_t until, const struct ocsp_rep *rep)
{
	uint8_t *der = malloc(rep->der.n + 1);
	struct slot *s;

	if (der == NULL)
		abort();
	memcpy(der, rep->der.p, rep->der.n);
	pthread_mutex_lock(&o->lock);
	s = slot_of(o, asked);
	free((void *)(uintptr_t)s->rep.der.p);
	memcpy(s->asked, asked, 32);
	s->until = until;
	s->rep = *rep;
	s->rep.der.p = der;
	pthread_mutex_unlock(&o->lock);
}

static err_t
ask(struct front *f, struct arena *a, const struct ocsp_req *q, struct ocsp_rep *ret)
{
	auto_buf struct buf in = { 0 };
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ocsp_req_encode(q, &in));
	TRY(front_call(f, a, CA_OCSP, true, &in, &answer));
	return ocsp_rep_parse(a, answer, ret);
}

/* Which certificate the answer is about, and by which CA, is all in the request. */
static void
hash_of(struct arena *a, const char *ca, struct str der, uint8_t ret[32])
{
	char *text = arena_printf(a, "%s\n%s", ca, text_base64(a, der));

	hash_sha256(str_c(text), ret);
}

static err_t
answer(struct http_req *r, const char *ca, struct str der, const struct ocsp_req *q,
    struct ocsp_rep *ret, int64_t *ret_until)
{
	struct front *f = http_ctx(r);
	struct front_answers *o = front_answers(f);
	int64_t until = when_mono_ms() + FRESH_MS; /* from before the records are looked at */
	uint8_t asked[32];

	*ret_until = until;
	if (q->nonce.n > 0)
		return ask(f, http_arena(r), q, ret);
	hash_of(http_arena(r), ca, der, asked);
	if (kept(o, http_arena(r), asked, ret, ret_until))
		return OK;
	TRY(ask(f, http_arena(r), q, ret));
	keep(o, asked, until, ret);
	return OK;
}

/* RFC 6960 4.2.1: what each failure is there. */
static enum ocsp_failure
failure_of(enum err_code code)
{
	static const struct {
		enum err_code code;
		enum ocsp_failure failure;
	} rows[] = {
		{ ERR_OCSP_REQUEST, REFUSE_MALFORMED },
		{ ERR_OCSP_ISSUER, REFUSE_UNAUTHORIZED },
		{ ERR_OCSP_SIGNER, REFUSE_TRY_LATER },
		{ ERR_BUSY, REFUSE_TRY_LATER },
		{ ERR_IPC, REFUSE_TRY_LATER },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].code == code)
			return rows[i].failure;
	}
	return REFUSE_INTERNAL;
}

static err_t
refuse(struct http_req *r, err_t e)
{
	struct err_report why;

	err_take(e, &why);
	http_reply_header(r, "Cache-Control", "no-store");
	return http_reply(r, 200, TYPE_OCSP, ocsp_refusal(failure_of(why.code)));
}

/* ---- answers that are ready for an address ---- */

/* FNV-1a. Whoever finds two addresses of one place makes them slower, not wrong: the address is compared. */
static size_t
place_of(const char *path)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *path != '\0'; path++)
		h = (h ^ (uint8_t)*path) * 0x100000001b3;
	return (size_t)(h % SLOTS);
}

static void
make_ready(struct http_req *r, const struct ocsp_rep *rep, int64_t until, struct ready *ret)
{
	struct arena *a = http_arena(r);
	uint8_t tag[32];

	hash_sha256(rep->der, tag);
	*ret = (struct ready){ .path = strdup(http_raw_path(r)),
		.until = until,
		.der = malloc(rep->der.n + 1),
		.n = rep->der.n };
	if (ret->path == NULL || ret->der == NULL)
		abort();
	memcpy(ret->der, rep->der.p, rep->der.n);
	snprintf(ret->tag, sizeof(ret->tag), "\"%s\"", text_hex(a, str_of(tag, 16)));
	snprintf(ret->modified, sizeof(ret->modified), "%s", front_date(a, rep->this_update));
	snprintf(ret->expires, sizeof(ret->expires), "%s", front_date(a, rep->next_update));
}

/* RFC 5019 6.2: caches on the way may keep what has no nonce, for a short while. */
static err_t
send_ready(struct http_req *r, const struct ready *x)
{
	http_reply_header(r, "Cache-Control", CACHE_CONTROL);
	http_reply_header(r, "ETag", x->tag);
	http_reply_header(r, "Last-Modified", x->modified);
	http_reply_header(r, "Expires", x->expires);
	return http_reply(r, 200, TYPE_OCSP, str_of(x->der, x->n));
}

/* Sends it, and keeps it for who asks the same. */
static err_t
send_and_keep(struct http_req *r, const struct ocsp_rep *rep, int64_t until)
{
	struct front_answers *o = front_answers(http_ctx(r));
	struct ready *at = &o->ready[place_of(http_raw_path(r))], fresh;
	err_t e;

	make_ready(r, rep, until, &fresh);
	e = send_ready(r, &fresh);
	if (fresh.n > READY_BYTES || strlen(fresh.path) > READY_PATH) {
		free(fresh.path);
		free(fresh.der);
		return e;
	}
	pthread_mutex_lock(&o->lock);
	free(at->path);
	free(at->der);
	*at = fresh;
	pthread_mutex_unlock(&o->lock);
	return e;
}

err_t
front_ocsp_quick(struct http_req *r)
{
	struct front_answers *o = front_answers(http_ctx(r));
	const struct ready *x = &o->ready[place_of(http_raw_path(r))];
	err_t e = OK;

	pthread_mutex_lock(&o->lock);
	if (x->path != NULL && when_mono_ms() < x->until &&
	    str_eq_c(str_c(x->path), http_raw_path(r)))
		e = send_ready(r, x);
	pthread_mutex_unlock(&o->lock);
	return e;
}

/* ---- requests ---- */

static err_t
serve(struct http_req *r, const char *ca, struct str der)
{
	struct ocsp_req q;
	struct ocsp_rep rep;
	int64_t until;
	err_t e = ocsp_request_parse(http_arena(r), der, &q);

	if (!err_ok(e))
		return refuse(r, e);
	q.ca = ca;
	e = answer(r, ca, der, &q, &rep, &until);
	if (!err_ok(e))
		return refuse(r, e);
	if (q.nonce.n == 0 && http_method(r) != HTTP_POST)
		return send_and_keep(r, &rep, until);
	http_reply_header(r, "Cache-Control", "no-store");
	return http_reply(r, 200, TYPE_OCSP, rep.der);
}

err_t
front_ocsp_post(struct http_req *r)
{
	const char *ca = http_param(r, "ca");

	return serve(r, ca != NULL ? ca : "", http_body(r));
}

/* Of the path as it was sent: base64 has slashes that clients leave as they are, also two in a row. */
static err_t
take_base64(struct arena *a, struct str text, struct str *ret)
{
	auto_buf struct buf plain = { 0 };

	buf_init(&plain, LIMIT_OCSP_BYTES * 2);
	while (text.n > 0) {
		struct str hex = text.n >= 3 ? str_of(text.p + 1, 2) : STR_EMPTY, byte;

		if (text.p[0] != '%') {
			TRY(buf_putc(&plain, text.p[0]));
			text = str_of(text.p + 1, text.n - 1);
			continue;
		}
		TRY(text_unhex(a, hex, &byte));
		if (byte.n != 1)
			FAIL(ERR_OCSP_REQUEST, "a percent sign without two hexadecimal digits");
		TRY(buf_put(&plain, byte));
		text = str_of(text.p + 3, text.n - 3);
	}
	return text_unbase64(a, buf_str(&plain), ret);
}

static struct str
without_slashes(struct str s)
{
	while (s.n > 0 && s.p[0] == '/')
		s = str_of(s.p + 1, s.n - 1);
	return s;
}

/* Behind "/ocsp/" stands the request, or a CA's name and then the request. A request begins with 0x30, "M" in base64,
 * and is no name of a CA followed by one. */
static err_t
read_target(struct http_req *r, const char **ret_ca, struct str *ret_der)
{
	struct str text = without_slashes(str_c(http_raw_path(r))), der;
	struct ocsp_req q;
	err_t e;

	(void)str_cut(&text, '/');
	text = without_slashes(text);
	e = take_base64(http_arena(r), text, &der);
	if (err_ok(e))
		e = ocsp_request_parse(http_arena(r), der, &q);
	*ret_ca = "";
	if (!err_ok(e) && http_param(r, "rest") != NULL) {
		const char *rest = http_param(r, "rest"), *slash = strchr(rest, '/');

		if (slash == NULL)
			return e;
		err_forget(e);
		*ret_ca = arena_cstr(http_arena(r), str_of(rest, (size_t)(slash - rest)));
		(void)str_cut(&text, '/');
		e = take_base64(http_arena(r), without_slashes(text), &der);
	}
	TRY(e);
	*ret_der = der;
	return OK;
}

err_t
front_ocsp_get(struct http_req *r)
{
	const char *ca;
	struct str der;
	err_t e = read_target(r, &ca, &der);

	if (err_ok(e))
		return serve(r, ca, der);
	err_forget(e);
	return refuse(r, ERROR(ERR_OCSP_REQUEST, "%s", "the address"));
}
