/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signed attributes of a SCEP message (RFC 8894 3.2.1), out of their DER. Small and strict, because the process
 * that holds the keys reads them as well.
 *
 * What old clients leave out (nonces) is empty; what has no place twice is refused.
 */
#ifndef CODEC_SCEP_HEAD_H
#define CODEC_SCEP_HEAD_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"

/* RFC 8894 3.2.1.2 */
enum scep_type {
	SCEP_CERT_REP = 3,
	SCEP_RENEWAL_REQ = 17,
	SCEP_PKCS_REQ = 19,
	SCEP_CERT_POLL = 20,
	SCEP_GET_CERT = 21,
	SCEP_GET_CRL = 22
};
/* RFC 8894 3.2.1.3 */
enum scep_status { SCEP_SUCCESS = 0, SCEP_FAILURE = 2, SCEP_PENDING = 3 };

#define OID_SCEP "2.16.840.1.113733.1.9."
#define OID_SCEP_TYPE OID_SCEP "2"
#define OID_SCEP_STATUS OID_SCEP "3"
#define OID_SCEP_FAIL_INFO OID_SCEP "4"
#define OID_SCEP_SENDER_NONCE OID_SCEP "5"
#define OID_SCEP_RECIPIENT_NONCE OID_SCEP "6"
#define OID_SCEP_TRANSACTION OID_SCEP "7"
#define OID_SCEP_FAIL_TEXT "1.3.6.1.5.5.7.24.1"

struct scep_head {
	int type;                /* enum scep_type, or a number that we do not know */
	const char *transaction; /* printable ASCII, 1 to LIMIT_TEXT characters */
	struct str sender_nonce, recipient_nonce; /* <= LIMIT_SCEP_NONCE; empty: none */
	int status, fail_info;                    /* -1: none */
	const char *fail_text;                    /* "": none */
	struct str digest;                        /* messageDigest */
};

/* attrs: the whole SET. ERR_SCEP. */
err_t scep_head_parse(struct arena *a, struct str attrs, struct scep_head *ret);

/* The message of a GET (RFC 8894 4.1): base64, with line breaks, and with plus signs that were not escaped and read as
 * blanks. NULL: the query has none. ERR_SCEP, or what is wrong with the base64. */
err_t scep_query_parse(struct arena *a, const char *text, struct str *ret);

#endif
