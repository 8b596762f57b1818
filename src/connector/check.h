/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-test of a connector: everything that a job will need, tried before the first one comes.
 *
 *   keys      connector/keys answers
 *   joined    join.json is there, our certificates have not ended
 *   service   takes our certificate
 *   clock     service and host agree about the time
 *   ca        can be reached and takes our certificate
 *   templates the CA lets us enrol for one at least
 *   polling   the service was asked for work lately
 *
 * Nothing is changed by it, at the CA or at the service; no job is taken.
 */
#ifndef CONNECTOR_CHECK_H
#define CONNECTOR_CHECK_H

#include "connector/link.h"

/* Adds a finding for each to the array: {"check", "ok", "text", "fault", "detail", "hint"}; the last three are null when ok.
 * What cannot be tried because of an earlier finding is left out. How many are not ok: *retn. */
err_t link_check(struct link *l, struct arena *a, json *findings, size_t *retn);

#endif
