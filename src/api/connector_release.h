/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's part in updates of connectors: it keeps bundles and hands them out; it can neither make one up nor change
 * one, since every connector checks the signature by a key of its own configuration.
 *
 * A connector is offered a release when an administrator wants it to have it and its turn has come: one connector after
 * the other, and none any more once one failed.
 */
#ifndef API_CONNECTOR_RELEASE_H
#define API_CONNECTOR_RELEASE_H

#include "api/service.h"
#include "store/device.h"

/* Reads "report" of a poll into what the record shall say; unchanged where the poll has none. ERR_BAD_REQUEST. */
err_t connector_report_read(struct arena *a, const json *body, struct connector *seen);
/* Whether both say the same of updates; levels of keys alone are no reason to write. */
bool connector_report_same(const struct connector *a, const struct connector *b);
/* The offer of this poll's answer ("update"), if there is one; *ret_news: the connector does not know yet. */
err_t connector_offer(
    struct http_req *r, const struct connector *c, const json *body, json *out, bool *ret_news);
/* GET /connector/v1/release/{id}?offset=N: the part that begins there, for who was offered it. */
err_t connector_release_part(struct http_req *r);
/* Where it stands, for people: mode, state, wanted version, fault. The caller's. */
json *connector_update_json(struct arena *a, const struct connector *c);
/* A release was refused or taken back, and none came after it. */
bool connector_update_failed(const struct connector *c);
/* Levels of ready keys as it said them: an array. The caller's. */
json *connector_keys_json(const struct connector *c);
/* Prometheus text about every connector: whether it was heard of, its ready keys, its update. */
err_t connector_metrics(struct tx *tx, struct arena *a, struct buf *out);

#endif
