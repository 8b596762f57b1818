/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs and results as connectors see them (JSON of the poll), and the check of what a CA issued.
 *
 * A returned certificate is taken only when its subject and alternative names are those that were ordered, it is no CA
 * certificate, and it was signed by the first certificate of its chain. Else its request is rejected with the fault
 * leaf-mismatch.
 */
#ifndef API_CONNECTOR_JOB_H
#define API_CONNECTOR_JOB_H

#include "api/service.h"
#include "model/job.h"

/* Seals the job's order and writes the job. The caller's. */
err_t job_json(struct api *api, struct arena *a, const struct job *j, json **ret);
/* Has service/keys seal it. */
err_t job_order_seal(struct api *api, struct arena *a, const struct order *o, struct str *ret);
/* A message of a device, as a job for this connector: as it is, or (RELAY_CERTIFY) with an order for its key. The caller's.
 * ERR_SCEP_ADDRESS: the device has come too late. */
struct relay;
err_t job_relay_json(
    struct api *api, struct arena *a, const struct connector *c, const struct relay *r, json **ret);
/* "results": each read and checked, then all handed to job_finish_each(). Appends {request, accepted, fault} of each to
 * answers. Fails only when the service itself cannot go on; what is wrong with one result is said in its answer. */
err_t job_results_take(struct api *api, struct arena *a, const struct connector *c,
    const json *results, json *answers);

#endif
