/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind: a Wi-Fi network that takes no certificate: one by a key that all share, or an open one. It uses nothing of other
 * profiles and belongs to the device.
 */
#include "model/use.h"

static err_t
reduce(struct arena *a, const struct profile *p, const void *settings, const struct subject_of *who,
    struct primitive *ret)
{
	struct wifi *s = ARENA_NEW(a, struct wifi);
	const struct use u = { .kind = USE_WIFI, .wifi = s };

	*s = *(const struct wifi *)settings;
	s->user = "";
	s->on_mac = strcmp(p->platform, "macos") == 0;
	TRY(use_network(a, p, who, &u, ret));
	use_channel(s->channel, ret);
	return OK;
}

extern const struct kind kind_wifi_key;
const struct kind kind_wifi_key = {
	.name = KIND_WIFI_KEY,
	.title = "Wi-Fi network by a key, or open",
	.rows = { &applicability_rows, &wifi_rows, &wifi_key_rows },
	.size = sizeof(struct wifi),
	.check = wifi_key_check,
	.settle = wifi_key_settle,
	.reduce = reduce,
};
