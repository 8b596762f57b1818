/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service was given when it joined its CA: certificates, names and addresses, kept as one setting of the store,
 * so that it is there whole or not at all.
 */
#ifndef DAEMON_SERVICE_JOIN_H
#define DAEMON_SERVICE_JOIN_H

#include "codec/json.h"
#include "base/limits.h"
#include "store/access.h"

struct cert_list {
	struct str v[LIMIT_CHAIN_CERTS];
	size_t n;
};

struct service_join {
	const char *ca_url; /* https://ca.example:9443 */
	const char *identity_name, *issuing_name;
	struct cert_list tls, ra;                 /* leaf first */
	struct cert_list root, issuing, identity; /* one each */
	uint8_t holder[32];                       /* SHA-256 of ra's leaf */
};

/* From the JSON that the CA's verb service.admit answers, with ca_url added: whole or not at all. The CAs are CAs, and all
 * certificates chain to the root for their purpose. ERR_BAD_REQUEST, ERR_CERTIFICATE, ERR_CHAIN. */
err_t service_join_read(struct arena *a, const json *j, struct service_join *ret);
/* ERR_NOT_JOINED. */
err_t service_join_load(struct store *s, struct arena *a, struct service_join *ret);
err_t service_join_save(struct store *s, struct arena *a, const json *j);

#endif
