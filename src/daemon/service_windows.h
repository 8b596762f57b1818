/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the management of Windows devices needs of the installation: waking them. Off without the credentials of an
 * application; devices come by their schedule all the same.
 */
#ifndef DAEMON_SERVICE_WINDOWS_H
#define DAEMON_SERVICE_WINDOWS_H

#include "daemon/service_front.h"

/* Starts waking where [windows] push_pfn is set. ERR_CONF. */
err_t service_windows_open(struct front *f, const struct service *s);
/* Verb at the administrator's socket. */
err_t service_windows_show(void *ctx, struct arena *a, const json *args, json *answer);

#endif
