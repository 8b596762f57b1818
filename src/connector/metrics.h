/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a connector does, in numbers: the key pairs that are made ahead, the jobs in hand and done. For `connector show`,
 * and as Prometheus text (exposition format 0.0.4), which is fetched on the connector's host: nothing opens a connection
 * to a connector. Its processes count; here that is only put together.
 */
#ifndef CONNECTOR_METRICS_H
#define CONNECTOR_METRICS_H

#include "connector/link.h"

/* Adds "keys": [{bits, ready, room, making, taken, waited, wait_ms}], one of each size in use. ERR_IPC: connector/keys
 * does not answer. */
err_t link_show_keys(struct link *l, struct arena *a, json *answer);
/* connector.metrics: {"text": ...}; a verb of admin.c. Without the key pairs when connector/keys does not answer. */
err_t link_verb_metrics(void *ctx, struct arena *a, const json *args, json *answer);

#endif
