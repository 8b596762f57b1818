/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of DigiCert ONE's REST API for certificates (Trust Lifecycle Manager, /mpki/api): what is sent and what is read.
 * doc/digicert.md says where each fact about it comes from, and which are not certain.
 *
 * Not here: the exchange (connector/backend/digicert.c).
 */
#ifndef CODEC_DIGICERT_H
#define CODEC_DIGICERT_H

#include "codec/json.h"
#include "codec/order.h"

#define DIGICERT_SEAT_PREFIX "chancery-"

/* The seat of a request. One for each: what was signed for it is found by it, whoever knows its serial number. */
char *digicert_seat(struct arena *a, struct id request);

/* The body that asks for a certificate: names, profile (the order's template) and seat from the order, the key and the SID
 * from the request in DER. ERR_UNSUPPORTED: the API has no field for a name of the order. */
err_t digicert_ask(struct arena *a, const struct order *o, struct str csr, struct str *ret);

struct digicert_answer {
	bool pending;           /* somebody must approve it there */
	const char *request_id; /* pending; "" if none */
	struct str *certs;      /* DER, the one asked for among them */
	size_t ncerts;
};
/* The answer to that, of a status below 300. ERR_JSON, ERR_BAD_REQUEST, ERR_CERTIFICATE, ERR_BASE64, ERR_TOO_LARGE. */
err_t digicert_answer_parse(struct arena *a, struct str body, struct digicert_answer *ret);

struct digicert_item {
	const char *serial;     /* hex digits */
	const char *thumbprint; /* SHA-256, 64 hex digits; "": not said */
	bool valid;             /* neither revoked nor expired */
};
struct digicert_page {
	struct digicert_item *items;
	size_t n;
	int64_t total; /* of the whole search */
};
/* A page of certificate-search. ERR_JSON, ERR_BAD_REQUEST. */
err_t digicert_page_parse(struct arena *a, struct str body, struct digicert_page *ret);

/* Names of the profiles that are active, with their ids, for people. ERR_JSON. */
err_t digicert_profiles_parse(struct arena *a, struct str body, const char **ret);

/* What an answer of 400 and more says went wrong, safe to show: "code: message; ...". Its first bytes when it is no JSON. */
const char *digicert_refusal(struct arena *a, struct str body);

/* As numbers: case and leading zeros do not matter. */
bool digicert_serial_eq(const char *a, const char *b);

#endif
