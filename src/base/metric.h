/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics: counters, gauges and histograms of one process, printed as Prometheus text (exposition format 0.0.4).
 *
 * A metric is a static object named in a table of its owner and registered once; adding to it is one relaxed atomic
 * instruction from any thread. Histograms have fixed buckets in microseconds from 100 us to 100 s.
 */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stdatomic.h>

#include "base/str.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

#define METRIC_BUCKETS 13

struct metric {
	enum metric_kind kind;
	const char *name;   /* chancery_..._total */
	const char *labels; /* NULL, or a fixed list: route="x",method="GET" */
	const char *help;
	_Atomic int64_t value; /* counter and gauge; histogram: sum in us */
	_Atomic int64_t bucket[METRIC_BUCKETS + 1];
	struct metric *next;
};

struct metrics; /* a registry */

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);
void metrics_add(
    struct metrics *m, struct metric *x); /* x must outlive m; at start only, one thread */
err_t metrics_print(struct metrics *m, struct buf *out);

void metric_inc(struct metric *x, int64_t by);
void metric_set(struct metric *x, int64_t v);
void metric_time(struct metric *x, int64_t us);

#endif
