/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_wake.h"

#include "device/apple_state.h"
#include "model/due.h"
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
	size_t n;

	*ret = false;
	TRY(apple_wake_list(tx, a, device, topic, &v, &n));
	return n == 0 ? OK : device_is_due(tx, a, device, ret);
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
