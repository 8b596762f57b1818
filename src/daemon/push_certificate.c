/* SPDX-License-Identifier: Apache-2.0 */
/* The push certificate: see push_apple.h. */
#include "daemon/push_apple.h"

#include "base/limits.h"
#include "codec/dn.h"
#include "pki/cert.h"
#include "store/access.h"

#define SETTING "apple_push"
#define UID "0.9.2342.19200300.100.1.1"
#define TOPIC "com.apple.mgmt."

err_t
push_certificate_get(struct tx *tx, struct arena *a, struct str *ret_pem)
{
	return store_setting_get(tx, a, SETTING, ret_pem);
}

static err_t
topic_of(struct arena *a, const struct cert *c, const char **ret)
{
	struct dn dn;

	TRY(dn_decode(a, cert_subject_der(c), &dn));
	for (size_t i = 0; i < dn.n; i++)
		for (size_t k = 0; k < dn.rdn[i].n; k++)
			if (strcmp(dn.rdn[i].ava[k].oid, UID) == 0 &&
			    str_starts(str_c(dn.rdn[i].ava[k].value), LIT(TOPIC))) {
				*ret = dn.rdn[i].ava[k].value;
				return OK;
			}
	FAIL(ERR_CERTIFICATE,
	    "%s is not for pushes of a management (its subject has no UID " TOPIC "...)",
	    cert_subject(c));
}

err_t
push_certificate_check(struct arena *a, struct str pem, struct str spki, struct str *ret_chain,
    size_t max, size_t *retn, const char **ret_topic)
{
	auto_cert struct cert *c = NULL;
	auto_key struct key *key = NULL;
	struct str own;
	const char *topic;
	size_t n;

	TRY(text_unpem(a, pem, "CERTIFICATE", ret_chain, max, &n));
	if (n == 0)
		FAIL(ERR_CERTIFICATE, "there is none in it");
	TRY(cert_parse(ret_chain[0], &c));
	TRY(topic_of(a, c, &topic));
	TRY(cert_key(c, &key));
	TRY(key_spki(a, key, &own));
	if (!str_eq(own, spki))
		FAIL(ERR_CERTIFICATE, "%s is of another key than the request", cert_subject(c));
	if (cert_not_after(c) <= when_now())
		FAIL(ERR_CERTIFICATE, "%s is over", cert_subject(c));
	*retn = n;
	*ret_topic = topic;
	return OK;
}

err_t
push_certificate_topic(struct arena *a, struct str pem, const char **ret)
{
	struct str chain[LIMIT_CHAIN_CERTS];
	auto_cert struct cert *c = NULL;
	size_t n;

	TRY(text_unpem(a, pem, "CERTIFICATE", chain, COUNT(chain), &n));
	if (n == 0)
		FAIL(ERR_CERTIFICATE, "there is none in it");
	TRY(cert_parse(chain[0], &c));
	return topic_of(a, c, ret);
}

err_t
push_certificate_put(struct tx *tx, const char *topic, struct str pem)
{
	TRY(store_setting_put(tx, SETTING, pem));
	return store_audit_add(tx, "local administrator", "apple.push-certificate", topic, "", "");
}
