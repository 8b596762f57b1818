/* SPDX-License-Identifier: Apache-2.0 */
/* Orders as things are at this moment, between job.c and job_device.c. */
#ifndef MODEL_JOB_INT_H
#define MODEL_JOB_INT_H

#include "model/desired.h"
#include "model/job.h"

/* What the slot should have; *ret NULL: nothing any more. */
err_t job_wanted(struct tx *tx, struct arena *a, const struct slot *s, struct device *device,
    const struct desired **ret);
/* The order of an open request for that. */
err_t job_order_of(struct arena *a, const struct connector *c, const struct slot *s,
    const struct request *r, const struct desired *d, const struct device *device,
    struct order *ret);

#endif
