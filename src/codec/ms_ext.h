/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of Microsoft's certificate extensions: the DER inside extnValue, built and read. MS-WCCE
 * 2.2.2.7.7.
 *
 *   OID_TEMPLATE_NAME    BMPString, bare
 *   OID_TEMPLATE_INFO    SEQUENCE { templateID OID, major INTEGER, minor INTEGER OPTIONAL }
 *   OID_APP_POLICIES     CertificatePolicies: SEQUENCE OF SEQUENCE { OID }
 *   OID_NTDS_SECURITY    SEQUENCE { [0] { OID_NTDS_OBJECTSID, [0] { OCTET STRING sid text } } }
 *
 * Not here: the extensions around them (pki), and who gets which.
 */
#ifndef CODEC_MS_EXT_H
#define CODEC_MS_EXT_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"

/* Name in UTF-8, without characters beyond the BMP; 1 to 64 characters. Read is a UTF8String of 64 bytes as well. */
err_t ms_template_name_encode(struct arena *a, const char *name, struct str *ret);
err_t ms_template_name_parse(struct arena *a, struct str der, const char **ret);

struct ms_template_info {
	const char *oid;
	uint32_t major, minor;
};
err_t ms_template_info_encode(struct arena *a, const struct ms_template_info *t, struct str *ret);
err_t ms_template_info_parse(struct arena *a, struct str der, struct ms_template_info *ret);

/* n policies, 1 to LIMIT_EKUS. */
err_t ms_app_policies_encode(struct arena *a, const char *const *oids, size_t n, struct str *ret);
err_t ms_app_policies_parse(struct arena *a, struct str der, const char ***ret, size_t *retn);

/* ERR_MALFORMED for a text that is no SID ("S-1-5-21-..."). */
err_t ms_sid_encode(struct arena *a, const char *sid, struct str *ret);
err_t ms_sid_parse(struct arena *a, struct str der, const char **ret);
bool ms_sid_valid(const char *sid);

#endif
