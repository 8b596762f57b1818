/* SPDX-License-Identifier: Apache-2.0 */
#include "device/count.h"

static const struct {
	enum err_code fault;
	const char *label;
} faults[COUNTED_FAULTS] = {
	{ ERR_CODE, "fault=\"enrolment-code\"" },
	{ ERR_DEVICE_ELSEWHERE, "fault=\"device-elsewhere\"" },
	{ ERR_DEVICE_REPLACED, "fault=\"device-replaced\"" },
	{ ERR_DEVICE_RETIRED, "fault=\"device-retired\"" },
	{ ERR_DEVICE_UNKNOWN, "fault=\"device-unknown\"" },
	{ ERR_DEVICE_WIPED, "fault=\"device-wiped\"" },
	{ ERR_IDENTITY_OVER, "fault=\"identity-over\"" },
	{ ERR_RENEWALS, "fault=\"renewals\"" },
	{ ERR_WINDOWS_CHANNEL, "fault=\"push-channel\"" },
};

static const char *const outcomes[] = {
	[RELAY_CARRIED] = "outcome=\"answered\"",
	[RELAY_LATE] = "outcome=\"late\"",
	[RELAY_UNREACHABLE] = "outcome=\"unreachable\"",
	[RELAY_FULL] = "outcome=\"full\"",
	[RELAY_NOWHERE] = "outcome=\"nowhere\"",
};

static const char *const reports[] = {
	[REPORT_TAKEN] = "outcome=\"taken\"",
	[REPORT_LOOK] = "outcome=\"look\"",
	[REPORT_LOST] = "outcome=\"lost\"",
	[REPORT_REFUSED] = "outcome=\"refused\"",
};

static void
counter(struct metrics *m, struct metric *x, const char *name, const char *labels, const char *help)
{
	x->kind = METRIC_COUNTER;
	x->name = name;
	x->labels = labels;
	x->help = help;
	metrics_add(m, x);
}

void
edge_count_init(struct edge_count *c, struct metrics *m)
{
	for (size_t i = 0; i < COUNT(faults); i++)
		counter(m, &c->refused[i], "chancery_device_refused_total", faults[i].label,
		    "Messages refused because of the identity or the enrolment code that they came by, and addresses for wake-ups.");
	for (size_t i = 0; i < COUNT(outcomes); i++)
		counter(m, &c->relay[i], "chancery_relay_total", outcomes[i],
		    "SCEP messages for connectors to carry, by what came of them.");
	for (size_t i = 0; i < COUNT(reports); i++)
		counter(m, &c->report[i], "chancery_apple_reports_total", reports[i],
		    "Status reports of Apple devices, by what they brought.");
	c->relay_time.kind = METRIC_HISTOGRAM;
	c->relay_time.name = "chancery_relay_seconds";
	c->relay_time.help = "From a device's SCEP message to the authority's answer.";
	metrics_add(m, &c->relay_time);
}

void
edge_count_refused(struct edge_count *c, enum err_code fault)
{
	for (size_t i = 0; c != NULL && i < COUNT(faults); i++)
		if (faults[i].fault == fault)
			metric_inc(&c->refused[i], 1);
}

void
edge_count_relay(struct edge_count *c, enum relay_outcome o, int64_t ms)
{
	if (c == NULL)
		return;
	metric_inc(&c->relay[o], 1);
	if (o == RELAY_CARRIED)
		metric_time(&c->relay_time, ms * 1000);
}

void
edge_count_report(struct edge_count *c, enum report_outcome o)
{
	if (c != NULL)
		metric_inc(&c->report[o], 1);
}
