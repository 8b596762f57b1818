/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate that a device shows as what came of its own request: is it what was ordered? The names are those of the
 * order, and it has not ended. Who issued it is the device's word: a device that shows another's loses nothing but its own
 * access, and revocation goes by the order and not by what was shown.
 */
#ifndef MODEL_ENROLLED_H
#define MODEL_ENROLLED_H

#include "model/kind.h"
#include "pki/cert.h"

/* Subject (its parts in any order) and alternative names of the certificate are, decoded, those of the primitive.
 * ERR_LEAF_MISMATCH. */
err_t enrolled_names(struct arena *a, const struct cert *leaf, struct str subject, struct str san);
/* ERR_LEAF_MISMATCH: other names, a CA's, or ended. */
err_t enrolled_check(struct arena *a, struct str der, const struct primitive *what);

#endif
