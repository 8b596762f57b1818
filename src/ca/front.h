/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CA's face to the network: MS-WSTEP and revocation on the TLS port, CRLs and CA certificates on the plain port.
 *
 * The front decides nothing and has no key: it takes a message apart, hands it with the caller's certificate to the
 * issuer, and renders the answer. Its TLS key is the issuer's, through pki/keyprov.h. It keeps CRL and certificate
 * bytes for a few seconds, so that a crowd fetching them costs the issuer nothing.
 *
 *   TLS    POST /<CA name>_CES_<way>/service.svc/CES         MS-WSTEP; failures are SOAP faults with HRESULT
 *          POST /ADPolicyProvider_CEP_<way>/service.svc/CEP  MS-XCEP; <way> is Certificate or UsernamePassword
 *               /.well-known/est[/<template>]/...            EST (front_est.c); failures are text
 *          POST /chancery/ca/v1/revoke                       {"order": base64} -> {"revoked": n}
 *          GET  /chancery/ca/v1/revoked?after=PLACE          {"revoked": [{"order", "serial", "reason"}], "after": PLACE}
 *   plain  GET /crl/<CA name>[+].crl, /aia/<CA name>.crt, /healthz, /metrics
 *          POST /ocsp[/<CA name>], GET /ocsp/<base64>        OCSP (front_ocsp.c)
 */
#ifndef CA_FRONT_H
#define CA_FRONT_H

#include "base/metric.h"
#include "net/http.h"
#include "net/ipc.h"
#include "pki/key.h"

struct front;

/*
 * What a row of its tables wants: anybody; a holder of a client certificate that passed the handshake; such a holder or
 * a name with a password in the HTTP header, which the issuer checks; a message that says by its address and content who
 * it is from, which its handler demands (front_soap_caller()) and the issuer checks.
 */
enum front_perm { FRONT_PUBLIC = 1, FRONT_CALLER, FRONT_SIGNED_ON, FRONT_IN_MESSAGE };

struct front_conf {
	struct ipc_client *issuer; /* borrowed */
	const char *url; /* of the TLS port as clients see it: "https://ca.example.test:8443" */
	struct metrics *metrics; /* may be NULL */
};

err_t front_open(const struct front_conf *conf, struct front **ret);
void front_close(struct front *f); /* NULL is fine; after the servers that use it */

extern const struct http_route front_tls_routes[];
extern const struct http_route front_http_routes[];
struct http_mount front_tls_mount(struct front *f);
struct http_mount front_http_mount(struct front *f);

/*
 * What the TLS server needs, asked of the issuer: certificate chain, the far key (to be freed by the caller with
 * key_free() after the server), client certificates optional and of the CA's own CAs. The bytes are in the arena.
 * keyprov_init() comes first. ERR_CA_NONE before ca.init: wait and ask again.
 */
err_t front_tls(
    struct front *f, struct arena *a, struct tls_server_conf *ret, struct key **ret_key);
/* Is the TLS certificate another one than this by now, or are the CAs others than front_tls() found? */
err_t front_tls_changed(struct front *f, struct str leaf, bool *ret);

#endif
