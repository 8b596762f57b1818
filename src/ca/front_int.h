/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the front share. Not for other layers. */
#ifndef CA_FRONT_INT_H
#define CA_FRONT_INT_H

#include "ca/front.h"
#include "codec/ca_ipc.h"
#include "codec/policies_ipc.h"
#include "codec/soap.h"

/* Calls the issuer; the answer is in the request's arena. repeatable: asking twice does no harm. */
err_t front_call(struct front *f, struct arena *a, uint16_t type, bool repeatable,
    const struct buf *in, struct str *ret);
const char *front_url(const struct front *f);

err_t front_wstep(struct http_req *r);
err_t front_xcep(struct http_req *r);
err_t front_est_cacerts(struct http_req *r);
err_t front_est_csrattrs(struct http_req *r);
err_t front_est_enroll(struct http_req *r);
err_t front_est_reenroll(struct http_req *r);
err_t front_est_keygen(struct http_req *r);
err_t front_est_fullcmc(struct http_req *r); /* not spoken: 501 */
err_t front_revoke(struct http_req *r);
err_t front_revoked(struct http_req *r);
err_t front_deposit(struct http_req *r);
err_t front_crl(struct http_req *r);
err_t front_crl_quick(struct http_req *r); /* what is held and fresh; else it does nothing */
err_t front_aia(struct http_req *r);
err_t front_health(struct http_req *r);
err_t front_metrics(struct http_req *r);

/* Renders a failure of the WSTEP route as a SOAP fault. */
void front_wstep_fault(struct http_req *r, const struct err_report *rep);
bool front_is_soap(const struct http_req *r);
/* Renders a failure of an EST route as text. */
void front_est_fault(struct http_req *r, const struct err_report *rep);
bool front_is_est(const struct http_req *r);

/* Who asks, as the message says it (front_caller.c). */
struct front_caller {
	struct str certificate;      /* of the connection; empty: none */
	const char *user, *password; /* "": none */
};
/* ERR_CREDENTIALS: an Authorization header that is not Basic. */
err_t front_http_caller(struct http_req *r, struct front_caller *ret);
/* Of "<stem><kind>_Certificate" and "..._UsernamePassword", the route's {service}: the stem, and the caller in the way
 * that the address demands. ERR_NO_SEGMENT, ERR_FORBIDDEN, ERR_CREDENTIALS, ERR_MESSAGE_EXPIRED. */
err_t front_soap_stem(struct http_req *r, const char *kind, const char **ret);
err_t front_soap_caller(
    struct http_req *r, const char *kind, const struct soap_user *u, struct front_caller *ret);
/* What the caller sees of the policy. */
err_t front_policies(struct http_req *r, const struct front_caller *c, struct policies_rep *ret);

/* What the front keeps of lists (front_crl.c) and of OCSP answers (front_ocsp.c). */
struct front_lists *front_lists_new(void);
void front_lists_free(struct front_lists *l);
struct front_lists *front_lists(struct front *f);
struct front_answers *front_answers_new(void);
void front_answers_free(struct front_answers *o);
struct front_answers *front_answers(struct front *f);
err_t front_ocsp_get(struct http_req *r);
err_t front_ocsp_quick(struct http_req *r); /* as front_crl_quick() */
err_t front_ocsp_post(struct http_req *r);
const char *front_date(struct arena *a, when_t t); /* as HTTP writes it */

/* What is public of a CA, kept for some seconds. type is CA_CERT or CA_SCEP_NEXT. */
err_t front_kept(struct front *f, struct arena *a, uint16_t type, const char *ca, struct str *ret);
struct metrics *front_metric_set(struct front *f);

#endif
