/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name/value pairs that come beside a request (MS-WCCE 2.2.2.7). Names ignore case, blanks and '-'. Few of them are
 * ever listened to; those that would change names or purposes in the certificate (SAN, CertificateUsage, subject parts)
 * never are, whatever the settings: they are only noted in the journal.
 */
#ifndef CA_ATTRIBUTE_H
#define CA_ATTRIBUTE_H

#include "codec/ca_ipc.h"

/* The sealed order, in Base64. */
#define ATTRIBUTE_ORDER "ChanceryOrder"

/* The value of the first of this name; "" if there is none. */
const char *attribute_get(const struct ca_submit_req *q, const char *name);
/* Those that asked for something that is never granted, by name, with commas between; "" if none did. Safe to print. */
const char *attribute_ignored(struct arena *a, const struct ca_submit_req *q);

#endif
