/* SPDX-License-Identifier: Apache-2.0 */
#include "model/refusal.h"

#include <pthread.h>

#include "codec/json.h"
#include "store/access.h"

enum { TELL_S = 600, ADDRESSES = 4, ADDRESS_MAX = 46, DETAIL_MAX = 160 };

static const struct known {
	enum refusal_side side;
	enum err_code fault;
} known[] = {
	{ REFUSED_DEVICE, ERR_CODE },
	{ REFUSED_DEVICE, ERR_USER_DISABLED },
	{ REFUSED_DEVICE, ERR_DEVICE_ELSEWHERE },
	{ REFUSED_DEVICE, ERR_DEVICE_REPLACED },
	{ REFUSED_DEVICE, ERR_DEVICE_RETIRED },
	{ REFUSED_DEVICE, ERR_DEVICE_UNKNOWN },
	{ REFUSED_DEVICE, ERR_DEVICE_WIPED },
	{ REFUSED_DEVICE, ERR_IDENTITY_OVER },
	{ REFUSED_DEVICE, ERR_RENEWALS },
	{ REFUSED_CONNECTOR, ERR_CODE },
	{ REFUSED_CONNECTOR, ERR_CONNECTOR_REFUSED },
	{ REFUSED_SIGN_IN, ERR_CREDENTIALS },
	{ REFUSED_SIGN_IN, ERR_LOGIN_LIMIT },
	{ REFUSED_SIGN_IN, ERR_OAUTH_CLIENT },
	{ REFUSED_SIGN_IN, ERR_OAUTH_SECRET },
};

static const struct {
	const char *actor, *action;
} sides[] = {
	[REFUSED_DEVICE] = { "device", "device.refused" },
	[REFUSED_CONNECTOR] = { "connector", "connector.refused" },
	[REFUSED_SIGN_IN] = { "sign-in", "login.refused" },
};

/* Of one row of `known`: what was not told yet. */
struct heap {
	int64_t n;
	when_t since;
	char address[ADDRESSES][ADDRESS_MAX];
	size_t addresses;
	bool more; /* addresses than are kept */
	char detail[DETAIL_MAX];
};

struct refusals {
	pthread_mutex_t lock;
	struct heap heap[COUNT(known)];
	when_t told[COUNT(known)]; /* when a line was written last */
};

struct refusals *
refusals_new(void)
{
	struct refusals *x = calloc(1, sizeof(*x));

	if (x == NULL)
		abort();
	pthread_mutex_init(&x->lock, NULL);
	return x;
}

void
refusals_free(struct refusals *x)
{
	if (x == NULL)
		return;
	pthread_mutex_destroy(&x->lock);
	free(x);
}

static void
add_address(struct heap *h, const char *address)
{
	for (size_t i = 0; i < h->addresses; i++)
		if (strcmp(h->address[i], address) == 0)
			return;
	if (h->addresses == ADDRESSES)
		h->more = true;
	else
		snprintf(h->address[h->addresses++], ADDRESS_MAX, "%s", address);
}

void
refusals_note(struct refusals *x, enum refusal_side side, enum err_code fault, const char *address,
    const char *detail)
{
	size_t i = 0;

	while (i < COUNT(known) && (known[i].side != side || known[i].fault != fault))
		i++;
	if (x == NULL || i == COUNT(known))
		return;
	pthread_mutex_lock(&x->lock);
	if (x->heap[i].n++ == 0)
		x->heap[i].since = when_now();
	add_address(&x->heap[i], address);
	snprintf(x->heap[i].detail, DETAIL_MAX, "%s", detail);
	pthread_mutex_unlock(&x->lock);
}

/* What is due, taken out. */
struct telling {
	struct arena *a;
	struct heap heap[COUNT(known)];
	bool any;
};

static void
take_due(struct refusals *x, bool all, struct telling *t)
{
	pthread_mutex_lock(&x->lock);
	for (size_t i = 0; i < COUNT(known); i++) {
		if (x->heap[i].n == 0 || (!all && when_now() < x->told[i] + TELL_S))
			continue;
		t->heap[i] = x->heap[i];
		t->any = true;
		x->heap[i] = (struct heap){ 0 };
		x->told[i] = when_now();
	}
	pthread_mutex_unlock(&x->lock);
}

/* It could not be written: what came meanwhile belongs to it. */
static void
give_back(struct refusals *x, const struct telling *t)
{
	pthread_mutex_lock(&x->lock);
	for (size_t i = 0; i < COUNT(known); i++) {
		struct heap now = x->heap[i];

		if (t->heap[i].n == 0)
			continue;
		x->heap[i] = t->heap[i];
		x->heap[i].n += now.n;
		x->heap[i].more |= now.more;
		for (size_t k = 0; k < now.addresses; k++)
			add_address(&x->heap[i], now.address[k]);
		if (now.n > 0)
			memcpy(x->heap[i].detail, now.detail, DETAIL_MAX);
		x->told[i] = 0;
	}
	pthread_mutex_unlock(&x->lock);
}

static err_t
line_of(struct arena *a, enum err_code fault, const struct heap *h, const char **ret)
{
	auto_json json *j = json_object_new();
	json *addresses = json_array_new();
	struct str text;

	json_set_text(j, "fault", err_info(fault)->id);
	json_set_int(j, "count", h->n);
	json_set_text(j, "since", when_text(a, h->since));
	json_set(j, "addresses", addresses);
	for (size_t i = 0; i < h->addresses; i++)
		json_add(addresses, json_text_new(h->address[i]));
	json_set_bool(j, "moreAddresses", h->more);
	json_set_text(j, "last", text_safe(a, str_c(h->detail)));
	TRY(json_print(a, j, &text));
	return text_cstr(a, text, ret);
}

static err_t
tell(struct tx *tx, void *arg)
{
	const struct telling *t = arg;

	for (size_t i = 0; i < COUNT(known); i++) {
		const char *line;

		if (t->heap[i].n == 0)
			continue;
		TRY(line_of(t->a, known[i].fault, &t->heap[i], &line));
		TRY(store_audit_add(tx, sides[known[i].side].actor, sides[known[i].side].action,
		    err_info(known[i].fault)->id, "", line));
	}
	return OK;
}

err_t
refusals_tell(struct refusals *x, struct store *s, bool all)
{
	auto_arena struct arena *a = arena_new();
	struct telling *t = ARENA_NEW(a, struct telling);
	err_t e;

	if (x == NULL)
		return OK;
	t->a = a;
	take_due(x, all, t);
	if (!t->any)
		return OK;
	e = store_write(s, tell, t);
	if (!err_ok(e))
		give_back(x, t);
	return e;
}
