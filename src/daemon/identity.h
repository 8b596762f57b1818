/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for devices and connectors: an order, sealed by service/keys, presented with the caller's request to the
 * device-identity CA over WSTEP under the service's own certificate.
 *
 * Safe from any thread.
 */
#ifndef DAEMON_IDENTITY_H
#define DAEMON_IDENTITY_H

#include "codec/order.h"
#include "net/ipc.h"
#include "net/tls.h"

struct identity;

struct identity_conf {
	struct ipc_client *keys;    /* borrowed */
	const char *ca_url;         /* "https://ca.example:9443" */
	const char *ca_name;        /* the identity CA */
	struct tls_client_conf tls; /* anchors of the CA's front, the service's key and chain */
};

err_t identity_new(const struct identity_conf *conf, struct identity **ret);
void identity_free(struct identity *i);

/* ctx: struct identity. ERR_CA_DENIED carries the CA's words and HRESULT in its detail. */
err_t identity_issue(void *ctx, struct arena *a, const struct order *o, struct str csr,
    struct str *ret_cert, struct str **ret_chain, size_t *retn);

/* Leaves an order to issue behind the challenge that it names. ctx: struct identity. */
err_t identity_deposit(void *ctx, struct arena *a, const struct order *o);
/* Carries a SCEP message of a device. ctx: struct identity. The answer is in the arena. */
err_t identity_scep(void *ctx, struct arena *a, const char *operation, struct str message,
    int *ret_status, const char **ret_type, struct str *ret_body);

/* Presents an order to revoke; what was revoked before is no failure. timeout_ms bounds the exchange with the CA. */
err_t identity_revoke(
    struct identity *i, struct arena *a, const struct order *o, int64_t timeout_ms);

#endif
