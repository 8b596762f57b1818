/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_wake.h"

#include "device/apple_state.h"
#include "model/diff.h"
#include "model/wipe.h"
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

err_t
apple_wake_due(struct tx *tx, struct arena *a, struct id device, const char *topic, bool *ret)
{
	struct apple_wake *v;
	struct desired *desired;
	struct diff_slot *slots;
	struct holdings has;
	struct device_life life;
	struct device d;
	size_t n, nslots;
	err_t e;

	*ret = false;
	TRY(apple_wake_list(tx, a, device, topic, &v, &n));
	if (n == 0)
		return OK;
	TRY(store_device_get(tx, a, device, &d));
	if (d.state != DEVICE_ACTIVE)
		return OK;
	TRY(store_device_life_get(tx, a, device, &life));
	*ret = wipe_is_open(&life);
	if (*ret)
		return OK;
	TRY(desired_for(tx, a, &d, &desired, &n));
	TRY(inventory_parse(a, d.inventory, &has));
	e = diff_run(tx, a, &d, desired, n, &has, &slots, &nslots);
	*ret = err_is(e, ERR_READ_ONLY);
	if (*ret)
		err_forget(e);
	return *ret ? OK : e;
}

err_t
apple_wake_failed(struct tx *tx, struct arena *a, struct id device, const struct apple_wake *w)
{
	struct channel_state cs;
	struct apple_state s;

	TRY(store_device_state_get(tx, a, device, w->channel, &cs));
	apple_state_read(a, cs.state, &s);
	if (!str_eq(s.token, w->token))
		return OK;
	s.deaf = true;
	TRY(apple_state_write(a, &s, &cs.state));
	cs.device = device;
	cs.channel = w->channel;
	return store_device_state_put(tx, &cs);
}
