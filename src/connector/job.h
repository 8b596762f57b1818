/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: what the service asks of a connector. One file in connector/job/ a kind of job.
 */
#ifndef CONNECTOR_JOB_H
#define CONNECTOR_JOB_H

#include "connector/backend.h"

/* What a job sees. */
struct job_env {
	struct link *link;
	const struct join *join;
	const struct backend *backend;
	struct backend_session *ca; /* of this loop */
	struct fetch *service;      /* of this loop */
};

struct job_kind {
	const char *kind;    /* as the service names it: "issue" */
	const char *feature; /* what it is called among the connector's features: "pkcs" */
	/* Fills `result` (outcome and what goes with it). An error is turned into outcome and fault by the caller. */
	err_t (*run)(const struct job_env *env, struct arena *a, const json *job, json *result);
};

/* sending.c: submits to a CA that knows no orders. ERR_FENCE: the job is another's by now, nothing was sent; ERR_CA_OUTCOME: it was
 * sent, and what the CA did is not known. */
err_t job_submit_once(const struct job_env *env, struct arena *a, const json *job,
    const struct submission *in, struct submitted *ret);

extern const struct job_kind *const job_kind_table[];
extern const size_t job_kind_count;

#endif
