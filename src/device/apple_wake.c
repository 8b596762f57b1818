/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_wake.h"

#include "device/apple_inventory.h"
#include "store/device_state.h"

err_t
apple_wake_list(struct tx *tx, struct arena *a, struct id device, const char *topic,
    struct apple_wake **ret, size_t *retn)
{
	struct channel_state *v;
	struct apple_wake *out;
	struct apple_state s;
	size_t n, k = 0;

	TRY(store_device_state_list(tx, a, device, &v, &n));
	out = arena_array(a, n + 1, sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		apple_state_read(a, v[i].state, &s);
		if (s.token.n == 0 || s.deaf || strcmp(s.topic, topic) != 0)
			continue;
		out[k++] = (struct apple_wake){ v[i].channel, s.magic, s.token };
	}
	*ret = out;
	*retn = k;
	return OK;
}

static bool
own_business(
    const struct apple_channels *ch, const struct device *d, when_t asked, int64_t renew_before)
{
	for (size_t i = 0; i < ch->n; i++) {
		const struct apple_state *st = &ch->v[i].state;

		/* Whom nobody can wake is no reason to wake the others. */
		if (st->token.n == 0 || st->deaf)
			continue;
		if (asked >= st->known_ms / 1000 ||
		    apple_heard_lists_due(&ch->v[i].heard, st, when_now()))
			return true;
		if (ch->v[i].name[0] == '\0' &&
		    apple_state_renews(st, d->identity_not_after, renew_before))
			return true;
	}
	return false;
}

err_t
apple_wake_due(struct tx *tx, struct arena *a, struct id device, const char *topic,
    int64_t renew_before, enum due_kind *ret)
{
	struct apple_channels ch;
	struct apple_wake *v;
	struct device d;
	when_t asked;
	size_t n;

	*ret = DUE_NOT;
	TRY(apple_wake_list(tx, a, device, topic, &v, &n));
	if (n == 0)
		return OK;
	TRY(device_is_due(tx, a, device, ret));
	if (*ret != DUE_NOT)
		return OK;
	TRY(store_device_get(tx, a, device, &d));
	TRY(store_device_asked(tx, device, &asked));
	TRY(apple_channels_load(tx, a, device, "", &ch));
	if (d.state == DEVICE_ACTIVE && own_business(&ch, &d, asked, renew_before))
		*ret = DUE_WAITING;
	return OK;
}

err_t
apple_wake_failed(struct tx *tx, struct arena *a, struct id device, const struct apple_wake *w,
    when_ms_t gone_ms, bool *ret)
{
	struct channel_state cs;
	struct apple_state s;

	TRY(store_device_state_get(tx, a, device, w->channel, &cs));
	apple_state_read(a, cs.state, &s);
	*ret = str_eq(s.token, w->token) && (gone_ms == 0 || s.token_ms <= gone_ms);
	if (!*ret)
		return OK;
	s.deaf = true;
	TRY(apple_state_write(a, &s, &cs.state));
	cs.device = device;
	cs.channel = w->channel;
	return store_device_state_put(tx, &cs);
}
