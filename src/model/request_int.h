/* SPDX-License-Identifier: Apache-2.0 */
/* Between request.c and delivery.c: the one function that walks. */
#ifndef MODEL_REQUEST_INT_H
#define MODEL_REQUEST_INT_H

#include "model/request.h"

/* What the timeline says about an arrow. `why` becomes fault and detail of request and slot. repeats: it may come again
 * and again with nothing new, and then its row is counted up. */
struct step {
	const char *actor, *event, *detail;
	struct why why;
	bool repeats;
};

/* From the state that r is in: writes r with its changed columns, the slot, and a row of the
 * timeline. */
err_t request_step(struct tx *tx, struct slot *s, struct request *r, enum request_state to,
    const struct step *step);

#endif
