/* SPDX-License-Identifier: Apache-2.0 */
/* What this host is called on the network. */
#ifndef NET_HOST_H
#define NET_HOST_H

#include "base/arena.h"

/* Its fully qualified name as the resolver knows it; NULL when it knows none. */
const char *host_fqdn(struct arena *a);

#endif
