/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind: a Wi-Fi network (802.1X) by itself. It uses what other profiles brought: the certificate by which a device joins it,
 * and the roots by which it knows the server.
 */
#include "model/use.h"

#define ANDROID (ON_OWNER | ON_WORKPROFILE)

static const struct reference refs[] = {
	{ "identityCertificateForClientAuthentication", REF_CERTIFICATE, false,
	    USES(ON_WINDOWS | ON_LINUX | ANDROID) },
	{ "rootCertificatesForServerValidation", REF_ROOT, true,
	    USES(ON_WINDOWS | ON_LINUX | ON_OWNER) },
	{ "rootCertificateForServerValidation", REF_ROOT, false, USES(ANDROID) },
	{ "rootCertificateForClientValidation", REF_ISSUER, false, USES(ON_WINDOWS) },
	{ 0 },
};

static bool
certified(const void *settings)
{
	const struct wifi *s = settings;

	return s->authentication == USE_CERTIFICATE;
}

static err_t
reduce(struct arena *a, const struct profile *p, const void *settings, const struct subject_of *who,
    struct primitive *ret)
{
	struct wifi *s = ARENA_NEW(a, struct wifi);
	const struct use u = { .kind = USE_WIFI, .wifi = s };

	*s = *(const struct wifi *)settings;
	TRY_CTX(use_text(a, who, s->user, &s->user), "usernameFormatString");
	TRY(use_network(a, p, who, &u, ret));
	/* Before anybody signs in only the machine is there to join it. */
	if (s->windows.who == WHO_MACHINE || s->windows.who == WHO_EITHER)
		ret->of_machine = true;
	return OK;
}

extern const struct kind kind_network;
const struct kind kind_network = {
	.name = KIND_NETWORK,
	.title = "Wi-Fi network",
	.rows = { &applicability_rows, &wifi_rows, &wifi_eap_rows },
	.size = sizeof(struct wifi),
	.needs_user = true,
	.needs_root = true,
	.needs_pfx = true,
	.refs = refs,
	.certified = certified,
	.check = wifi_check,
	.reduce = reduce,
};
