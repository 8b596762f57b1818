/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the front share. Not for other layers. */
#ifndef CA_FRONT_INT_H
#define CA_FRONT_INT_H

#include "ca/front.h"
#include "codec/ca_ipc.h"

/* Calls the issuer; the answer is in the request's arena. repeatable: asking twice does no harm. */
err_t front_call(struct front *f, struct arena *a, uint16_t type, bool repeatable,
    const struct buf *in, struct str *ret);
const char *front_url(const struct front *f);

err_t front_wstep(struct http_req *r);
err_t front_revoke(struct http_req *r);
err_t front_revoked(struct http_req *r);
err_t front_crl(struct http_req *r);
err_t front_aia(struct http_req *r);
err_t front_health(struct http_req *r);
err_t front_metrics(struct http_req *r);

/* Renders a failure of the WSTEP route as a SOAP fault. */
void front_wstep_fault(struct http_req *r, const struct err_report *rep);
bool front_is_wstep(const struct http_req *r);

/* CRLs and certificates, kept for some seconds. type is CA_CRL or CA_CERT. */
err_t front_kept(struct front *f, struct arena *a, uint16_t type, const char *ca, struct str *ret);
struct metrics *front_metric_set(struct front *f);

#endif
