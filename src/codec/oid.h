/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Object identifiers: the ones we name, and text <-> DER.
 */
#ifndef CODEC_OID_H
#define CODEC_OID_H

#include "base/arena.h"
#include "base/str.h"

#define OID_EKU_SERVER_AUTH "1.3.6.1.5.5.7.3.1"
#define OID_EKU_CLIENT_AUTH "1.3.6.1.5.5.7.3.2"
#define OID_EKU_EMAIL "1.3.6.1.5.5.7.3.4"
#define OID_EKU_OCSP_SIGNING "1.3.6.1.5.5.7.3.9"
#define OID_EKU_EFS "1.3.6.1.4.1.311.10.3.4"
#define OID_UPN "1.3.6.1.4.1.311.20.2.3"
#define OID_TEMPLATE_NAME "1.3.6.1.4.1.311.20.2" /* v1 extension: bare BMPString */
#define OID_TEMPLATE_INFO "1.3.6.1.4.1.311.21.7" /* v2 extension */
#define OID_APP_POLICIES "1.3.6.1.4.1.311.21.10"
#define OID_NTDS_SECURITY "1.3.6.1.4.1.311.25.2" /* SID extension */
#define OID_NTDS_OBJECTSID "1.3.6.1.4.1.311.25.2.1"

/* Content bytes (without tag and length). ERR_DER for text that is no OID. */
err_t oid_content(struct arena *a, const char *text, struct str *ret);
err_t oid_text(struct arena *a, struct str content, const char **ret);
bool oid_valid(const char *text);
/* "Client Authentication" for OID_EKU_CLIENT_AUTH; the OID itself if we have no name for it. */
const char *oid_name(const char *text);

#endif
