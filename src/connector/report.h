/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connector says of itself with each exchange, beside its jobs: how many key pairs are ready, and where it stands
 * with updates. One thread keeps it up to date, and takes in the release that the service offers:
 *
 *   service ── offer, parts ──► connector/link ── parts, unread ──► connector/update ── status ──► parent
 *
 * Nothing of a release is looked at here: link has keys and the network. It is never fetched unless the configuration says
 * so ([update] mode = signed).
 *
 * The same parts may come from the administrator of this host (connector.update.begin, .part, .finish).
 */
#ifndef CONNECTOR_REPORT_H
#define CONNECTOR_REPORT_H

#include "connector/link.h"
#include "net/admin.h"

/* The thread; arg is struct link. */
void *report_loop(void *arg);
/* What there is to say, as of some seconds ago; the caller's. NULL: nothing yet. */
json *report_json(struct link *l);
/* What an exchange brought: an offer, or that there is none. */
void report_offered(struct link *l, const json *answer);

/* Verbs of admin.c, handed on to connector/update. ERR_UPDATE_OFF. */
err_t update_verb_begin(void *ctx, struct arena *a, const json *args, json *answer);
err_t update_verb_part(void *ctx, struct arena *a, const json *args, json *answer);
err_t update_verb_finish(void *ctx, struct arena *a, const json *args, json *answer);
err_t update_verb_show(void *ctx, struct arena *a, const json *args, json *answer);

#endif
