/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind: a Wi-Fi network (802.1X) that comes in one piece with the certificate by which a device joins it.
 */
#include "model/use.h"

static const struct reference refs[] = {
	{ "identityCertificateForClientAuthentication", REF_CERTIFICATE, false, USES(ON_APPLE) },
	{ "rootCertificatesForServerValidation", REF_ROOT, true, USES(ON_APPLE) },
	{ "rootCertificateForServerValidation", REF_ROOT, false, USES(ON_MACOS) },
	{ 0 },
};

static err_t
reduce(struct arena *a, const struct profile *p, const void *settings, const struct subject_of *who,
    struct primitive *ret)
{
	struct wifi *s = ARENA_NEW(a, struct wifi);
	const struct use u = { .kind = USE_WIFI, .wifi = s };

	*s = *(const struct wifi *)settings;
	s->on_mac = strcmp(p->platform, "macos") == 0;
	TRY_CTX(use_text(a, who, s->user, &s->user), "usernameFormatString");
	TRY(use_reduce(a, p, who, &u, ret));
	use_channel(s->channel, ret);
	return OK;
}

extern const struct kind kind_wifi;
const struct kind kind_wifi = {
	.name = "wifi",
	.title = "Wi-Fi network by certificate",
	.rows = { &applicability_rows, &wifi_rows, &wifi_eap_rows },
	.size = sizeof(struct wifi),
	.needs_user = true,
	.needs_root = true,
	.needs_pfx = true,
	.refs = refs,
	.check = wifi_check,
	.reduce = reduce,
};
