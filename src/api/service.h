/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's HTTP API: Graph shapes under /v1.0 and /beta, our own under /chancery/v1, the OAuth issuer, and the
 * connector's endpoints on the device port. A library: the program makes the servers and mounts these routes with the
 * gates and the renderer of errors below. The context of such a mount is the struct api.
 *
 * Every resource is one file in this folder that defines a struct resource (its routes); the build makes resource_table
 * from the list in meson.build.
 *
 * Not here: TLS, processes and configuration (the program), what is wanted and reached (model/), devices' protocols.
 */
#ifndef API_SERVICE_H
#define API_SERVICE_H

#include <pthread.h>

#include "api/perm.h"
#include "api/sign_in.h"
#include "base/metric.h"
#include "codec/jws.h"
#include "codec/order.h"
#include "net/http.h"
#include "net/ipc.h"
#include "store/store.h"

/* What is known of the CA since the service joined it. */
struct api_ca {
	const char *identity_ca;     /* name of the device-identity CA */
	const char *identity_ca_pem; /* its certificate and those above it */
	struct str holder; /* SHA-256 of the certificate that the service presents to the CA */
};

/* Wrong passwords of late, by a hash of the administrator's name; names that share a row share its count, so that nobody can
 * push another's count out. Checks are few at a time: fewer than the port has workers. Guards itself; in memory only. */
struct password_queue;
struct api_brake {
	pthread_mutex_t lock;
	struct password_queue *queue;
	struct {
		unsigned failures;
		when_t until;
	} row[1024];
};

/* Requests of late, by caller (token buckets that fill up in 20 seconds). Callers that share a row share its buckets.
 * Guards itself; in memory only. */
struct api_pace {
	pthread_mutex_t lock;
	struct metric refused;
	struct api_pace_row {
		int64_t at;        /* when_mono_ms() of the last request */
		double any, write; /* requests that it may still make now */
	} row[1024];
};

struct oidc;
struct job;

struct api {
	struct store *store;
	struct ipc_client *keys;                 /* service/keys */
	const struct jws_key *const *token_keys; /* public halves, as KEYS_PUBLIC gave them */
	size_t ntoken_keys;
	const char *jwks;       /* the same as text */
	const char *order_key;  /* PEM: by which orders are sealed */
	const char *base_url;   /* "https://host:8443", no slash at the end: issuer and audience */
	const char *device_url; /* "https://host:8444": what agents and connectors are given */
	struct id tenant;
	const char *organization; /* name for people */
	int lease_s;              /* length of a job's lease; 0: 120 */
	unsigned max_jobs;        /* jobs one poll takes; 0: 32 */
	struct metrics *metrics;  /* may be NULL */
	/* ERR_NOT_JOINED until the service joined a CA. */
	err_t (*ca_facts)(void *ctx, struct arena *a, struct api_ca *ret);
	/* Has the order sealed and the identity CA issue. */
	err_t (*identity_issue)(void *ctx, struct arena *a, const struct order *o, struct str csr,
	    struct str *ret_cert, struct str **ret_chain, size_t *retn);
	/* The plist around key and password (codec/pack.h) as the platform of the job's device writes it. */
	err_t (*frame)(void *ctx, struct arena *a, const struct job *j, struct str *ret);
	/* Adds what the installation cannot do at the moment, each {code, message, hint}. NULL: nothing. */
	void (*troubles)(void *ctx, struct arena *a, json *list);
	void *ca_ctx;
	unsigned rate_any, rate_write; /* requests of one caller in 20 s; 0: LIMIT_RATE_* */
	struct oidc *oidc;             /* the outside issuer; NULL: none */
	struct refusals *refusals;     /* NULL: nobody is told */
	struct sign_ins sign_ins;      /* api_init() */
	struct api_brake brake;        /* api_init() */
	struct api_pace pace;          /* api_init() */
	struct api_pace strangers;     /* api_init(); by address */
};

/* Once, after the rest was filled in; undone by api_end(). */
void api_init(struct api *api);
void api_end(struct api *api);
struct api *api_of(struct http_req *r);

struct resource {
	const char *name;
	const struct http_route *routes; /* ended by a row with path NULL */
};
extern const struct resource *const resource_table[];
extern const size_t resource_count;

/* The device port's rows for connectors, to be mounted beside those of devices. */
extern const struct http_route api_connector_routes[];

/* Works at the oldest report that is asked for: one part. *ret false: there is nothing to do. From one thread. */
err_t api_report_step(struct api *api, bool *ret);

/* API port: the bearer token against the route's permission. The caller is a struct caller (api/token.h). */
err_t api_gate(struct http_req *r, unsigned perm);
/* Device port, rows with a permission in PERM_DEVICE_PORT: the client certificate against the store. */
err_t api_connector_gate(struct http_req *r, unsigned perm);
/* Both ports: Graph's error body with our fault's id and hint. */
void api_on_error(struct http_req *r, err_t e);

#endif
