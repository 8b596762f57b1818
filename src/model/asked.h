/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device asks for against what it is to have, for CAs that certify a request as it is: every name, use and bit of the key
 * must be the ordered one. Words of the public client for such CAs (microsoft/Intune-Resource-Access).
 *
 * Not here: what a challenge stands for (scep_validate.h), what Chancery's own CA compares (ca/order_match.h).
 */
#ifndef MODEL_ASKED_H
#define MODEL_ASKED_H

#include "model/kind.h"
#include "pki/csr.h"

/* told: the device was told the purposes, so its request must name them (Apple's are not: their profiles have no place for
 * them). *ret_code NULL: it is what was ordered; else "SubjectNameMismatch", "KeyLengthMismatch", ..., and *ret_why says more or
 * is "". ERR_...: the names cannot be read. */
err_t asked_match(struct arena *a, const struct csr *csr, const struct primitive *what, bool told,
    const char **ret_code, const char **ret_why);
/* What such a word is called in the catalogue. */
enum err_code asked_fault(const char *code);

#endif
