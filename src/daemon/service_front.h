/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process service/front: API port, device port, store, and the administrator's socket.
 *
 * Until the service joined a CA it has no certificate and opens neither port; only the administrator's socket answers.
 * After joining, the process ends and is started again by its parent, so what it runs on never changes under it.
 */
#ifndef DAEMON_SERVICE_FRONT_H
#define DAEMON_SERVICE_FRONT_H

#include <stdatomic.h>

#include "api/service.h"
#include "daemon/expiry.h"
#include "daemon/far.h"
#include "daemon/identity.h"
#include "daemon/keeper.h"
#include "daemon/profile_sign.h"
#include "daemon/role.h"
#include "daemon/service_join.h"
#include "device/device.h"

struct push;
struct push_windows;

struct service_conf {
	struct common common;
	const char *listen_api, *listen_device;
	const char *url, *device_url;
	const char *organization;
	const char *oidc_issuer, *oidc_audience, *oidc_client, *oidc_scope, *oidc_name,
	    *oidc_groups;
	const char **oidc_clients;
	const char *oidc_ca;
	const char *push_url, *push_ca;
	const char *windows_pfn, *windows_client, *windows_tenant, *windows_secret,
	    *windows_token_url, *windows_push_host, *windows_ca;
	int64_t apple_renew;
	bool apple_declarative;
	const char *mail_server, *mail_from, *mail_user, *mail_password, *notify_ca;
	bool oidc_directory;
	int64_t lease, rate, rate_changes, history, loops, workers, cache;
};

struct service {
	const struct service_conf *conf;
	int fd_api, fd_device, fd_admin, fd_keys; /* made by the parent */
	const struct proc *self;
	/* Files that the parent read; may be empty. */
	struct str oidc_ca, notify_ca, push_ca; /* PEM */
	struct str mail_password;
	struct str windows_ca, windows_secret;
};

/* What the process works with. */
struct front {
	const struct service_conf *conf;
	struct arena *arena;
	struct metrics *metrics;
	struct store *store;
	struct keeper keeper;
	struct ipc_client *keys;
	struct jws_key *token_key;
	struct id tenant;
	const char *jwks, *order_key;
	bool joined;
	struct service_join join;
	struct far_ipc far_tls, far_ra;
	struct key *tls_key, *ra_key;
	struct expiry ends_tls, ends_ra, ends_push;
	struct far_ipc far_push;
	struct key *push_key;
	struct push *push;          /* NULL: Apple devices are not woken */
	struct push *wakes_windows; /* NULL: Windows devices are not woken */
	struct push_windows *push_windows;
	const char *apple_topic;
	struct identity *identity;
	struct profile_signer *profiles;
	struct oidc *oidc;
	struct notify *notify;
	struct tls_server *tls_api, *tls_device;
	struct api api;
	struct device_edge device;
	struct edge_count edge_count;
	struct refusals *refusals;
	struct calm *calm;
	struct http *http_api, *http_device;
	atomic_bool restart; /* joined meanwhile: end, to be started again */
};

err_t service_front_main(void *service);

/* service_admin.c; context: struct front. */
extern const struct ipc_verb service_admin_verbs[];

#endif
