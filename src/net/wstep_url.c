/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"
#include "net/wstep.h"

static const char *const ways[] = {
	[WSTEP_BY_CERTIFICATE] = "Certificate",
	[WSTEP_BY_PASSWORD] = "UsernamePassword",
	[WSTEP_BY_KERBEROS] = "Kerberos",
};

const char *
wstep_way_name(enum wstep_way way)
{
	return ways[way];
}

char *
wstep_url(struct arena *a, const char *base, const char *ca, enum wstep_way way)
{
	return arena_printf(
	    a, "%s/%s_CES_%s/service.svc/CES", base, url_segment(a, ca), wstep_way_name(way));
}
