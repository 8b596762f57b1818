/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a certificate is valid. A request may only shorten what template, CA limit and CA certificate allow, and
 * only when the CA's setting says that requests are heard at all (EDITF_ATTRIBUTEENDDATE); otherwise its wishes are dropped
 * without a word, as an AD CS CA does. What an order wishes is a limit of the CA's kind, under the same setting.
 *
 *   start = now - skew, not before the CA's own start
 *   end   = start + template; not after now + limit; not after what the request wishes; not after the CA's end
 */
#ifndef CA_VALIDITY_H
#define CA_VALIDITY_H

#include "base/when.h"

struct validity_in {
	when_t now;
	int64_t skew;          /* seconds that the start lies back */
	int64_t period;        /* of the template, in seconds */
	int64_t limit;         /* of the CA, in seconds; 0: none */
	when_t ca_from, ca_to; /* of the CA's certificate; 0: it signs itself */
	bool heard;            /* are the wishes below heard? */
	const char
	    *expiration_date; /* RFC 2616 3.3.1: "Tue, 21 Nov 2028 01:00:00 GMT"; NULL: none */
	const char
	    *period_word; /* Years, Months, Weeks, Days, Hours, Minutes, Seconds; NULL: none */
	const char *period_units; /* a number; one of the two without the other is dropped */
};

/* ERR_TIME for a date, ERR_NUMBER or ERR_RANGE for a period that cannot be read or would leave nothing. */
err_t validity(const struct validity_in *in, when_t *ret_from, when_t *ret_to);

/* RFC 1123 form only. ERR_TIME. */
err_t validity_date(struct str text, when_t *ret);

#endif
