/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the management of Apple devices needs of the installation: the push certificate, and waking by it.
 *
 * Without a push certificate devices enrol and are managed all the same; they come by when they do. The topic is then one
 * of the installation's own: devices that enrolled under it stay without pushes until they enrol again.
 */
#ifndef DAEMON_SERVICE_APPLE_H
#define DAEMON_SERVICE_APPLE_H

#include "daemon/service_front.h"

/* Sets f->apple_topic, and starts waking where there is a certificate. */
err_t service_apple_open(struct front *f, const struct service *s);

/* Verbs at the administrator's socket. */
err_t service_apple_csr(void *ctx, struct arena *a, const json *args, json *answer);
err_t service_apple_accept(void *ctx, struct arena *a, const json *args, json *answer);
err_t service_apple_show(void *ctx, struct arena *a, const json *args, json *answer);

#endif
