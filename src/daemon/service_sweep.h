/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What service/front does by itself, twice a second, on a thread of its own: leases that ended, devices that are away,
 * roll-outs, reports, wipes that are too old, identities of retired devices, ends of its own certificates.
 *
 * Each part is bounded, so that none keeps the others waiting; a part that fails is logged and tried again in the next round.
 *
 * Not here: what each part does (model/, daemon/keeper.h).
 */
#ifndef DAEMON_SERVICE_SWEEP_H
#define DAEMON_SERVICE_SWEEP_H

#include "daemon/service_front.h"

struct sweeper;

/* f's store and metrics are open. ERR_SYSTEM: no thread. */
err_t sweeper_start(struct front *f, struct sweeper **ret);
/* Ends the thread; its metrics stay good until sweeper_free(), which is for after the last look at them. */
void sweeper_stop(struct sweeper *s);
void sweeper_free(struct sweeper *s);

#endif
