/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/expiry.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>

#define DAY (24 * 3600)
#define SOON (30 * DAY)

void
expiry_watch(struct expiry *x, const char *name, when_t until, struct metrics *metrics)
{
	*x = (struct expiry){ .name = name, .until = until };
	snprintf(x->labels, sizeof(x->labels), "certificate=\"%s\"", name);
	x->metric.kind = METRIC_GAUGE;
	x->metric.name = "chancery_certificate_not_after_seconds";
	x->metric.help = "When a certificate of this process ends, in seconds since 1970.";
	x->metric.labels = x->labels;
	if (metrics != NULL)
		metrics_add(metrics, &x->metric);
	metric_set(&x->metric, until);
}

bool
expiry_check(struct expiry *x)
{
	auto_arena struct arena *a = arena_new();
	when_t now = when_now();

	if (x->until == 0 || x->until - now > SOON || (x->said != 0 && now - x->said < DAY))
		return false;
	x->said = now;
	log_event(LOG_LEVEL_WARN, x->until > now ? "certificate ends soon" : "certificate is over",
	    "certificate", x->name, "until", when_text(a, x->until), "days_left",
	    arena_printf(a, "%lld", (long long)((x->until - now) / DAY)), "hint",
	    "renew it before that day; see the operations manual", NULL);
	return true;
}
