/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_state.h"

#include "base/limits.h"
#include "base/rd.h"
#include "model/checkin.h"

enum { VERSION = 3, TEXT = LIMIT_LONG_TEXT, ITEM_IDENTITY = 1, ITEM_NETWORK = 2 };
/* Seconds: a renewal of the identity of which nothing came is tried again. */
enum { RENEW_AGAIN = 86400 };

static err_t
read_count(struct str *in, size_t max, size_t *ret)
{
	uint16_t n;

	TRY(rd_u16(in, &n));
	if (n > max)
		FAIL(ERR_RANGE, "%u of them", n);
	*ret = n;
	return OK;
}

static err_t
read_listed(struct arena *a, struct str *in, struct apple_state *s)
{
	TRY(read_count(in, LIMIT_INVENTORY, &s->nlisted));
	s->listed = arena_array(a, s->nlisted + 1, sizeof(*s->listed));
	for (size_t i = 0; i < s->nlisted; i++) {
		TRY(rd_text(a, in, TEXT, &s->listed[i].name));
		TRY(rd_text(a, in, TEXT, &s->listed[i].uuid));
	}
	return OK;
}

static err_t
read_items(struct arena *a, struct str *in, struct apple_state *s)
{
	struct str hash;
	uint8_t flags;

	TRY(read_count(in, LIMIT_INVENTORY, &s->nitems));
	s->items = arena_array(a, s->nitems + 1, sizeof(*s->items));
	for (size_t i = 0; i < s->nitems; i++) {
		TRY(rd_text(a, in, TEXT, &s->items[i].alias));
		TRY(rd_take(in, 32, &hash));
		memcpy(s->items[i].sha256, hash.p, 32);
		TRY(rd_u8(in, &flags));
		s->items[i].identity = (flags & ITEM_IDENTITY) != 0;
		s->items[i].network = (flags & ITEM_NETWORK) != 0;
		TRY(rd_i64(in, &s->items[i].not_after));
	}
	return OK;
}

static err_t
read_claims(struct arena *a, struct str *in, struct apple_state *s)
{
	TRY(read_count(in, LIMIT_INVENTORY, &s->nclaims));
	s->claims = arena_array(a, s->nclaims + 1, sizeof(*s->claims));
	for (size_t i = 0; i < s->nclaims; i++) {
		TRY(rd_text(a, in, TEXT, &s->claims[i].alias));
		TRY(rd_text(a, in, TEXT, &s->claims[i].uuid));
		TRY(rd_text(a, in, TEXT, &s->claims[i].subject));
		TRY(rd_text(a, in, TEXT, &s->claims[i].command));
		TRY(rd_i64(in, &s->claims[i].since));
	}
	return OK;
}

static err_t
read_results(struct arena *a, struct str *in, struct apple_state *s)
{
	TRY(read_count(in, LIMIT_RESULTS, &s->nresults));
	s->results = arena_array(a, s->nresults + 1, sizeof(*s->results));
	for (size_t i = 0; i < s->nresults; i++) {
		TRY(rd_text(a, in, TEXT, &s->results[i].id));
		TRY(rd_u8(in, &s->results[i].status));
		TRY(rd_text(a, in, TEXT, &s->results[i].code));
		TRY(rd_text(a, in, TEXT, &s->results[i].detail));
		TRY(rd_text(a, in, TEXT, &s->results[i].fault));
	}
	TRY(read_count(in, LIMIT_RESULTS, &s->naway));
	s->away = arena_array(a, s->naway + 1, sizeof(*s->away));
	for (size_t i = 0; i < s->naway; i++)
		TRY(rd_text(a, in, TEXT, &s->away[i]));
	return OK;
}

static err_t
read_all(struct arena *a, struct str in, struct apple_state *s)
{
	uint8_t version, fresh, deaf;
	struct str token;

	TRY(rd_u8(&in, &version));
	if (version != VERSION)
		FAIL(ERR_RANGE, "version %u", version);
	TRY(rd_text(a, &in, TEXT, &s->udid));
	TRY(rd_text(a, &in, TEXT, &s->user));
	TRY(rd_text(a, &in, TEXT, &s->topic));
	TRY(rd_text(a, &in, TEXT, &s->magic));
	TRY(rd_blob(&in, TEXT, &token));
	s->token = arena_str(a, token);
	TRY(rd_i64(&in, &s->token_ms));
	TRY(rd_u8(&in, &deaf));
	s->deaf = deaf != 0;
	TRY(rd_i64(&in, &s->known_ms));
	TRY(rd_i64(&in, &s->informed));
	TRY(rd_i64(&in, &s->renewing));
	TRY(rd_u8(&in, &s->ask));
	TRY(rd_text(a, &in, TEXT, &s->sent));
	TRY(rd_text(a, &in, TEXT, &s->declared));
	TRY(rd_text(a, &in, TEXT, &s->refused));
	TRY(rd_i64(&in, &s->declared_at));
	TRY(rd_u8(&in, &fresh));
	s->fresh = fresh != 0;
	TRY(rd_text(a, &in, TEXT, &s->round));
	TRY(read_listed(a, &in, s));
	TRY(read_items(a, &in, s));
	TRY(read_claims(a, &in, s));
	TRY(read_results(a, &in, s));
	return rd_end(&in);
}

void
apple_state_read(struct arena *a, struct str blob, struct apple_state *ret)
{
	struct apple_state s = { 0 };
	err_t e = blob.n == 0 ? OK : read_all(a, blob, &s);

	if (blob.n == 0 || !err_ok(e)) {
		err_forget(e);
		s = (struct apple_state){ .udid = "",
			.user = "",
			.topic = "",
			.magic = "",
			.round = "",
			.sent = "",
			.declared = "",
			.refused = "" };
	}
	*ret = s;
}

static err_t
write_lists(const struct apple_state *s, struct buf *b)
{
	TRY(wr_u16(b, (uint16_t)s->nlisted));
	for (size_t i = 0; i < s->nlisted; i++) {
		TRY(wr_text(b, s->listed[i].name));
		TRY(wr_text(b, s->listed[i].uuid));
	}
	TRY(wr_u16(b, (uint16_t)s->nitems));
	for (size_t i = 0; i < s->nitems; i++) {
		TRY(wr_text(b, s->items[i].alias));
		TRY(buf_put(b, STR(s->items[i].sha256)));
		TRY(wr_u8(b,
		    (uint8_t)((s->items[i].identity ? ITEM_IDENTITY : 0) |
			(s->items[i].network ? ITEM_NETWORK : 0))));
		TRY(wr_i64(b, s->items[i].not_after));
	}
	TRY(wr_u16(b, (uint16_t)s->nclaims));
	for (size_t i = 0; i < s->nclaims; i++) {
		TRY(wr_text(b, s->claims[i].alias));
		TRY(wr_text(b, s->claims[i].uuid));
		TRY(wr_text(b, s->claims[i].subject));
		TRY(wr_text(b, s->claims[i].command));
		TRY(wr_i64(b, s->claims[i].since));
	}
	return OK;
}

static err_t
write_results(const struct apple_state *s, struct buf *b)
{
	TRY(wr_u16(b, (uint16_t)s->nresults));
	for (size_t i = 0; i < s->nresults; i++) {
		TRY(wr_text(b, s->results[i].id));
		TRY(wr_u8(b, s->results[i].status));
		TRY(wr_text(b, s->results[i].code));
		TRY(wr_text(b, s->results[i].detail));
		TRY(wr_text(b, s->results[i].fault));
	}
	TRY(wr_u16(b, (uint16_t)s->naway));
	for (size_t i = 0; i < s->naway; i++)
		TRY(wr_text(b, s->away[i]));
	return OK;
}

err_t
apple_state_write(struct arena *a, const struct apple_state *s, struct str *ret)
{
	auto_buf struct buf b = { 0 };

	buf_init(&b, LIMIT_DEVICE_STATE);
	TRY(wr_u8(&b, VERSION));
	TRY(wr_text(&b, s->udid));
	TRY(wr_text(&b, s->user));
	TRY(wr_text(&b, s->topic));
	TRY(wr_text(&b, s->magic));
	TRY(wr_blob(&b, s->token));
	TRY(wr_i64(&b, s->token_ms));
	TRY(wr_u8(&b, s->deaf));
	TRY(wr_i64(&b, s->known_ms));
	TRY(wr_i64(&b, s->informed));
	TRY(wr_i64(&b, s->renewing));
	TRY(wr_u8(&b, s->ask));
	TRY(wr_text(&b, s->sent));
	TRY(wr_text(&b, s->declared));
	TRY(wr_text(&b, s->refused));
	TRY(wr_i64(&b, s->declared_at));
	TRY(wr_u8(&b, s->fresh));
	TRY(wr_text(&b, s->round));
	TRY(write_lists(s, &b));
	TRY(write_results(s, &b));
	*ret = arena_str(a, buf_str(&b));
	return OK;
}

bool
apple_state_renews(const struct apple_state *s, when_t not_after, int64_t before)
{
	when_t now = when_now();

	return not_after - now < before && now - s->renewing >= RENEW_AGAIN;
}

/* A copy with room for one more, of those that `keep` (which sees one as `was`) holds for. */
#define GROW(a, list, n, type, keep) \
	({ \
		type *grown_ = arena_array((a), (n) + 1, sizeof(type)); \
		size_t k_ = 0; \
		for (size_t i_ = 0; i_ < (n); i_++) { \
			type *was = &(list)[i_]; \
			if (keep) \
				grown_[k_++] = *was; \
		} \
		(list) = grown_; \
		(n) = k_; \
	})

void
apple_state_result(struct arena *a, struct apple_state *s, const struct apple_result *r)
{
	GROW(a, s->results, s->nresults, struct apple_result, strcmp(was->id, r->id) != 0);
	if (s->nresults == LIMIT_RESULTS) {
		s->results++;
		s->nresults--;
	}
	s->results[s->nresults++] = *r;
}

void
apple_state_away(struct arena *a, struct apple_state *s, const char *id)
{
	if (s->naway == LIMIT_RESULTS)
		return;
	GROW(a, s->away, s->naway, const char *, strcmp(*was, id) != 0);
	s->away[s->naway++] = id;
}

bool
apple_state_answered(const struct apple_state *s, const char *id)
{
	for (size_t i = 0; i < s->nresults; i++)
		if (strcmp(s->results[i].id, id) == 0)
			return true;
	for (size_t i = 0; i < s->naway; i++)
		if (strcmp(s->away[i], id) == 0)
			return true;
	return false;
}

bool
apple_state_full(const struct apple_state *s, const char *alias)
{
	size_t n = s->nitems;

	for (size_t i = 0; i < s->nitems; i++)
		if (strcmp(s->items[i].alias, alias) == 0)
			return false;
	for (size_t i = 0; i < s->nresults; i++)
		n += s->results[i].status == RESULT_OK;
	return n >= APPLE_PROFILES_MAX;
}

void
apple_state_claim(struct arena *a, struct apple_state *s, const struct apple_claim *c)
{
	GROW(a, s->claims, s->nclaims, struct apple_claim, strcmp(was->alias, c->alias) != 0);
	if (s->nclaims == LIMIT_INVENTORY) {
		s->claims++;
		s->nclaims--;
	}
	s->claims[s->nclaims++] = *c;
}
