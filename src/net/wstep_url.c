/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"
#include "net/wstep.h"

char *
wstep_url(struct arena *a, const char *base, const char *ca)
{
	return arena_printf(a, "%s/%s_CES_Certificate/service.svc/CES", base, url_segment(a, ca));
}
