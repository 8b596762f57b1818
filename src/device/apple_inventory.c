/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_inventory.h"

#include "base/limits.h"
#include "device/apple_profile.h"
#include "pki/cert.h"
#include "store/device_state.h"

/* Seconds by which clocks of CA and service may differ. */
enum { SKEW = 3600 };

struct seen {
	struct str der;
	bool identity, known; /* known: it belongs to another profile */
	uint8_t sha256[32];
	const char *uuid, *subject;
	when_t not_before, not_after;
};

err_t
apple_channels_load(struct tx *tx, struct arena *a, struct id device, const char *channel,
    struct apple_channels *ret)
{
	struct apple_channels ch = { 0 };
	struct channel_state *list;
	size_t n;
	bool there = false;

	TRY(store_device_state_list(tx, a, device, &list, &n));
	ch.v = arena_array(a, n + 1, sizeof(*ch.v));
	for (size_t i = 0; i < n; i++) {
		ch.v[i].name = list[i].channel;
		ch.v[i].updated = list[i].updated;
		ch.v[i].blob = list[i].state;
		apple_state_read(a, list[i].state, &ch.v[i].state);
		apple_heard_read(a, list[i].report, &ch.v[i].heard);
		if (strcmp(list[i].channel, channel) == 0) {
			ch.own = i;
			there = true;
		}
	}
	ch.n = n;
	if (!there) {
		ch.own = ch.n++;
		ch.v[ch.own].name = channel;
		apple_state_read(a, STR_EMPTY, &ch.v[ch.own].state);
		apple_heard_read(a, STR_EMPTY, &ch.v[ch.own].heard);
	}
	*ret = ch;
	return OK;
}

const char *
apple_subject_mark(struct arena *a, const char *subject)
{
	uint8_t hash[32];

	hash_sha256(str_c(subject), hash);
	return text_hex(a, str_of(hash, 16));
}

/* What is no certificate as we read them is none of ours. */
static bool
look(struct arena *a, const struct apple_held *held, struct seen *ret)
{
	auto_cert struct cert *c = NULL;
	err_t e = cert_parse(held->der, &c);

	if (!err_ok(e)) {
		err_forget(e);
		return false;
	}
	*ret = (struct seen){ .der = held->der, .identity = held->identity };
	memcpy(ret->sha256, cert_sha256(c), 32);
	ret->uuid = apple_uuid(a, STR(ret->sha256));
	ret->subject = apple_subject_mark(a, cert_subject(c));
	ret->not_before = cert_not_before(c);
	ret->not_after = cert_not_after(c);
	return true;
}

/* The profile says by its UUID that it brings this certificate. */
static bool
brings(struct arena *a, const struct apple_listed *l, const struct seen *v)
{
	return strcmp(v->uuid, l->uuid) == 0 ||
	    strcmp(apple_uuid_used(a, l->name, v->sha256), l->uuid) == 0;
}

static bool
listed_brings(struct arena *a, const struct apple_state *st, const struct seen *v)
{
	for (size_t i = 0; i < st->nlisted; i++)
		if (brings(a, &st->listed[i], v))
			return true;
	return false;
}

static bool
another_has(const struct apple_state *st, const char *alias, const uint8_t sha256[32])
{
	for (size_t i = 0; i < st->nitems; i++)
		if (strcmp(st->items[i].alias, alias) != 0 &&
		    memcmp(st->items[i].sha256, sha256, 32) == 0)
			return true;
	return false;
}

static struct apple_claim *
claim_of(const struct apple_state *st, const struct apple_listed *l)
{
	for (size_t i = 0; i < st->nclaims; i++)
		if (strcmp(st->claims[i].alias, l->name) == 0 &&
		    strcmp(st->claims[i].uuid, l->uuid) == 0)
			return &st->claims[i];
	return NULL;
}

/* What was found to be of the profile before, and is there still: another one with the same subject is another's. */
static struct seen *
settled(const struct apple_state *st, const struct apple_claim *claim, struct seen *v, size_t n)
{
	if (claim == NULL || claim->command[0] != '\0')
		return NULL;
	for (size_t i = 0; i < st->nitems; i++)
		for (size_t k = 0; k < n; k++)
			if (strcmp(st->items[i].alias, claim->alias) == 0 &&
			    memcmp(st->items[i].sha256, v[k].sha256, 32) == 0)
				return &v[k];
	return NULL;
}

/* NULL: the device shows none. */
static struct seen *
came_of(struct arena *a, const struct apple_state *st, const struct apple_listed *l, struct seen *v,
    size_t n)
{
	const struct apple_claim *claim = claim_of(st, l);
	struct seen *best = settled(st, claim, v, n);

	for (size_t i = 0; i < n; i++)
		if (brings(a, l, &v[i]))
			return &v[i];
	if (best != NULL)
		return best;
	for (size_t i = 0; i < n && claim != NULL; i++) {
		if (!v[i].identity || v[i].known || listed_brings(a, st, &v[i]) ||
		    another_has(st, l->name, v[i].sha256) ||
		    strcmp(v[i].subject, claim->subject) != 0 ||
		    v[i].not_before < claim->since - SKEW)
			continue;
		if (best == NULL || v[i].not_before > best->not_before)
			best = &v[i];
	}
	return best;
}

/* The profile is there, so the command was obeyed, whether its answer got here or not. */
static void
take_silent(struct arena *a, struct apple_state *st, const struct apple_listed *l)
{
	struct apple_claim *claim = claim_of(st, l);
	struct apple_result r = { .status = RESULT_OK, .code = "", .detail = "", .fault = "" };

	if (claim == NULL || claim->command[0] == '\0')
		return;
	r.id = claim->command;
	claim->command = "";
	if (!apple_state_answered(st, r.id))
		apple_state_result(a, st, &r);
}

/* What is in it, if that is remembered; else nothing that anybody wants. */
static void
take_network(
    struct arena *a, struct apple_state *st, const struct apple_listed *l, struct apple_item *ret)
{
	const struct apple_claim *claim = claim_of(st, l);
	struct str hash;
	err_t e;

	*ret = (struct apple_item){ .alias = l->name, .network = true };
	if (claim == NULL)
		return;
	e = text_unhex(a, str_c(claim->subject), &hash);
	if (err_ok(e) && hash.n == sizeof(ret->sha256))
		memcpy(ret->sha256, hash.p, hash.n);
	err_forget(e);
	take_silent(a, st, l);
}

/* Claims of profiles that are not there any more. */
static void
drop_claims(struct apple_state *st)
{
	size_t n = 0;

	for (size_t i = 0; i < st->nclaims; i++)
		for (size_t k = 0; k < st->nlisted; k++)
			if (strcmp(st->listed[k].name, st->claims[i].alias) == 0 &&
			    strcmp(st->listed[k].uuid, st->claims[i].uuid) == 0) {
				st->claims[n++] = st->claims[i];
				break;
			}
	st->nclaims = n;
}

err_t
apple_inventory_take(
    struct arena *a, struct apple_state *st, const struct pl *body, struct str **ret)
{
	struct apple_held *held;
	struct seen *v;
	struct apple_item *items;
	struct str *found;
	size_t nheld, n = 0, k = 0;

	TRY(apple_certificates_read(a, body, &held, &nheld));
	v = arena_array(a, nheld + 1, sizeof(*v));
	for (size_t i = 0; i < nheld; i++)
		n += look(a, &held[i], &v[n]);
	items = arena_array(a, st->nlisted + 1, sizeof(*items));
	found = arena_array(a, st->nlisted + 1, sizeof(*found));
	for (size_t i = 0; i < st->nlisted; i++) {
		const struct apple_listed *l = &st->listed[i];
		struct seen *s;

		if (apple_uuid_is_network(a, l->name, l->uuid)) {
			found[k] = STR_EMPTY;
			take_network(a, st, l, &items[k++]);
			continue;
		}
		s = came_of(a, st, l, v, n);
		if (s == NULL)
			continue;
		s->known = true;
		take_silent(a, st, l);
		items[k] = (struct apple_item){
			.alias = l->name, .identity = s->identity, .not_after = s->not_after
		};
		memcpy(items[k].sha256, s->sha256, 32);
		found[k++] = s->der;
	}
	drop_claims(st);
	st->items = items;
	st->nitems = k;
	st->nlisted = 0;
	st->known_ms = when_now_ms();
	st->fresh = true;
	*ret = found;
	return OK;
}

void
apple_inventory_report(
    struct arena *a, const struct apple_channels *ch, const struct str *found, struct report *r)
{
	struct report_item *v;
	size_t n = 0, k = 0;
	bool known = false;

	for (size_t i = 0; i < ch->n; i++) {
		n += ch->v[i].state.nitems;
		known |= ch->v[i].name[0] == '\0' && ch->v[i].state.known_ms > 0;
	}
	if (!known)
		return;
	v = arena_array(a, n + 1, sizeof(*v));
	for (size_t i = 0; i < ch->n; i++)
		for (size_t j = 0; j < ch->v[i].state.nitems && k < LIMIT_INVENTORY; j++) {
			const struct apple_item *item = &ch->v[i].state.items[j];

			if (apple_heard_gone(&ch->v[i].heard, &ch->v[i].state, item))
				continue;
			v[k++] = (struct report_item){ .alias = item->alias,
				.identity = item->identity,
				.network = item->network,
				.sha256 = STR(item->sha256),
				.has_key = item->identity,
				.not_after = item->not_after,
				.place = ch->v[i].name[0] == '\0' ? NULL : ch->v[i].name,
				.certificate =
				    i == ch->own && found != NULL ? found[j] : STR_EMPTY };
		}
	r->items = v;
	r->nitems = k;
	r->has_inventory = true;
}
