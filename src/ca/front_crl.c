/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists over plain HTTP: GET /crl/<CA name>[(n)][~shard][+].crl. The newest is kept and counts as such for a
 * quarter of a second; then the issuer is asked for its number only. A long list crosses in pieces.
 */
#include "ca/front_int.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "codec/status_ipc.h"

enum {
	FRESH_MS = 250,
	LISTS_MAX = 4 * LIMIT_CAS + 8 * LIMIT_CRL_SHARDS,
	BUCKETS = 1024,
	FETCH_TRIES = 3,
	QUICK_BYTES = 65536
};

/* One list, shared by the answers that are being written. */
struct blob {
	atomic_uint refs;
	uint64_t number;
	when_t this_update, next_update;
	size_t n;
	uint8_t der[];
};

/* Which one, as its address says. */
struct which {
	const char *ca;
	uint32_t shard;
	bool delta;
};

struct list {
	struct list *next;
	struct which of; /* its ca is ours */
	int64_t until;
	struct blob *blob;
};

struct front_lists {
	pthread_mutex_t lock;     /* guards buckets and n */
	pthread_mutex_t fetching; /* one asks the issuer, the others wait for it */
	struct list *buckets[BUCKETS];
	size_t n;
};

static void
blob_free(struct blob *b)
{
	if (b != NULL && atomic_fetch_sub(&b->refs, 1) == 1)
		free(b);
}

static void
blob_cleanup(struct blob **b)
{
	blob_free(*b);
}
#define auto_blob __attribute__((cleanup(blob_cleanup)))

struct front_lists *
front_lists_new(void)
{
	struct front_lists *l = calloc(1, sizeof(*l));

	if (l == NULL)
		abort();
	pthread_mutex_init(&l->lock, NULL);
	pthread_mutex_init(&l->fetching, NULL);
	return l;
}

void
front_lists_free(struct front_lists *l)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (l->buckets[i] != NULL) {
			struct list *x = l->buckets[i];

			l->buckets[i] = x->next;
			free((void *)(uintptr_t)x->of.ca);
			blob_free(x->blob);
			free(x);
		}
	}
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->fetching);
	free(l);
}

/* Lists of one CA differ by shard: names, whose case does not count, need not be looked at. */
static struct list **
bucket(struct front_lists *l, const struct which *w)
{
	return &l->buckets[(2 * w->shard + (w->delta ? 1u : 0u)) % BUCKETS];
}

static struct list *
find(struct front_lists *l, const struct which *w)
{
	for (struct list *x = *bucket(l, w); x != NULL; x = x->next) {
		if (x->of.shard == w->shard && x->of.delta == w->delta &&
		    str_ieq_c(str_c(x->of.ca), w->ca))
			return x;
	}
	return NULL;
}

/* A reference to what is held, or NULL; *ret_fresh: it need not be asked about. */
static struct blob *
held(struct front_lists *l, const struct which *w, bool *ret_fresh)
{
	struct blob *b = NULL;
	const struct list *x;

	*ret_fresh = false;
	pthread_mutex_lock(&l->lock);
	x = find(l, w);
	if (x != NULL) {
		b = x->blob;
		atomic_fetch_add(&b->refs, 1);
		*ret_fresh = when_mono_ms() < x->until;
	}
	pthread_mutex_unlock(&l->lock);
	return b;
}

static struct list *
add(struct front_lists *l, const struct which *w)
{
	struct list *x = calloc(1, sizeof(*x));

	if (x == NULL)
		abort();
	x->of = *w;
	x->of.ca = strdup(w->ca);
	if (x->of.ca == NULL)
		abort();
	x->next = *bucket(l, w);
	*bucket(l, w) = x;
	l->n++;
	return x;
}

/* b becomes, or stays, the newest from now on. */
static void
hold(struct front_lists *l, const struct which *w, struct blob *b)
{
	struct list *x;

	pthread_mutex_lock(&l->lock);
	x = find(l, w);
	if (x == NULL && l->n < LISTS_MAX)
		x = add(l, w);
	if (x != NULL) {
		atomic_fetch_add(&b->refs, 1);
		blob_free(x->blob);
		x->blob = b;
		x->until = when_mono_ms() + FRESH_MS;
	}
	pthread_mutex_unlock(&l->lock);
}

static err_t
ask(struct front *f, struct arena *a, const struct crl_part_req *q, struct crl_part_rep *ret)
{
	auto_buf struct buf in = { 0 };
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(crl_part_req_encode(q, &in));
	TRY(front_call(f, a, CA_CRL, true, &in, &answer));
	return crl_part_rep_parse(a, answer, ret);
}

static err_t
blob_new(const struct crl_part_rep *rep, struct blob **ret)
{
	struct blob *b;

	if (rep->part.n > rep->total || rep->total > LIMIT_CRL_BYTES)
		FAIL(ERR_TOO_LARGE, "a CRL of %u bytes", rep->total);
	b = malloc(sizeof(*b) + rep->total);
	if (b == NULL)
		abort();
	*b = (struct blob){ .number = rep->number,
		.this_update = rep->this_update,
		.next_update = rep->next_update,
		.n = rep->part.n };
	atomic_init(&b->refs, 1);
	memcpy(b->der, rep->part.p, rep->part.n);
	*ret = b;
	return OK;
}

/* The list whose first piece is `rep`. ERR_BUSY: a newer one came in between. */
static err_t
fetch_rest(struct front *f, const struct crl_part_req *first, const struct crl_part_rep *rep,
    struct blob **ret)
{
	auto_arena struct arena *a = arena_new();
	struct crl_part_req q = *first;
	auto_blob struct blob *b = NULL;
	struct crl_part_rep more;

	TRY(blob_new(rep, &b));
	q.number = rep->number;
	while (b->n < rep->total) {
		q.offset = (uint32_t)b->n;
		arena_reset(a);
		TRY(ask(f, a, &q, &more));
		if (more.part.n == 0 || more.part.n > rep->total - b->n)
			FAIL(ERR_IPC, "a piece of %zu bytes", more.part.n);
		memcpy(b->der + b->n, more.part.p, more.part.n);
		b->n += more.part.n;
	}
	*ret = steal(b);
	return OK;
}

static err_t
fetch(struct front *f, const struct which *w, struct blob **held_blob)
{
	auto_arena struct arena *a = arena_new();
	struct crl_part_req q = { .ca = w->ca,
		.shard = w->shard,
		.delta = w->delta,
		.number = *held_blob != NULL ? (*held_blob)->number : 0 };
	struct blob *b = NULL;
	err_t e = { ERR_BUSY };

	for (int i = 0; i < FETCH_TRIES && err_is(e, ERR_BUSY); i++) {
		struct crl_part_rep rep;

		err_forget(e);
		TRY(ask(f, a, &q, &rep));
		if (rep.part.n == 0 && *held_blob != NULL)
			return OK;
		e = fetch_rest(f, &q, &rep, &b);
	}
	TRY(e);
	blob_free(*held_blob);
	*held_blob = b;
	return OK;
}

static err_t
newest(struct front *f, const struct which *w, struct blob **ret)
{
	struct front_lists *l = front_lists(f);
	bool fresh;
	auto_blob struct blob *b = held(l, w, &fresh);
	err_t e = OK;

	if (!fresh) {
		pthread_mutex_lock(&l->fetching);
		blob_free(b);
		b = held(l, w, &fresh);
		if (!fresh)
			e = fetch(f, w, &b);
		if (!fresh && err_ok(e))
			hold(l, w, b);
		pthread_mutex_unlock(&l->fetching);
	}
	TRY(e);
	*ret = steal(b);
	return OK;
}

const char *
front_date(struct arena *a, when_t t)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	time_t clock = t;
	struct tm tm;

	if (gmtime_r(&clock, &tm) == NULL)
		return "";
	return arena_printf(a, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
	    months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* "<CA name>[(n)][~shard][+].crl"; names of CAs have no tilde. */
static err_t
file_name(struct http_req *r, struct which *ret)
{
	struct str file = str_c(http_param(r, "file")), name, ca;
	int64_t shard = 0;
	bool delta;

	if (file.n <= 4 || !str_ieq_c(str_of(file.p + file.n - 4, 4), ".crl"))
		FAIL(ERR_NOT_FOUND, "%s", http_param(r, "file"));
	file.n -= 4;
	delta = file.p[file.n - 1] == '+';
	if (delta)
		file.n--;
	name = file;
	ca = str_cut(&file, '~');
	if (ca.n < name.n) { /* there is a tilde */
		err_t e = text_i64(file, 1, LIMIT_CRL_SHARDS, &shard);

		err_forget(e);
		if (!err_ok(e) || delta)
			FAIL(ERR_NOT_FOUND, "%s", http_param(r, "file"));
	}
	*ret = (struct which){ arena_cstr(http_arena(r), ca), (uint32_t)shard, delta };
	return OK;
}

static err_t
send_list(struct http_req *r, const struct blob *b)
{
	struct arena *a = http_arena(r);
	const char *seen = http_header(r, "If-None-Match"), *tag;

	tag = arena_printf(a, "\"%llu\"", (unsigned long long)b->number);
	http_reply_header(r, "Cache-Control", "public, max-age=60");
	http_reply_header(r, "ETag", tag);
	http_reply_header(r, "Last-Modified", front_date(a, b->this_update));
	http_reply_header(r, "Expires", front_date(a, b->next_update));
	if (seen != NULL && str_eq_c(str_c(seen), tag))
		return http_reply(r, 304, NULL, STR_EMPTY);
	return http_reply(r, 200, "application/pkix-crl", str_of(b->der, b->n));
}

err_t
front_crl(struct http_req *r)
{
	auto_blob struct blob *b = NULL;
	struct which w;

	TRY(file_name(r, &w));
	TRY(newest(http_ctx(r), &w, &b));
	return send_list(r, b);
}

err_t
front_crl_quick(struct http_req *r)
{
	auto_blob struct blob *b = NULL;
	struct which w;
	bool fresh;

	TRY(file_name(r, &w));
	b = held(front_lists(http_ctx(r)), &w, &fresh);
	if (!fresh || b->n > QUICK_BYTES)
		return OK;
	return send_list(r, b);
}
