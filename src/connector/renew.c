/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal of the certificate towards the service. Killed before join.json is replaced, all is as it was and the next attempt
 * begins with another key; after it the new certificate is in use, and the service refuses the old one from then on.
 */
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/when.h"
#include "connector/link.h"
#include "pki/cert.h"
#include "pki/csr.h"

#define TIMEOUT_MS 30000

const char *
link_key_name(unsigned i)
{
	static const char *const names[] = { "service", "service-b" };

	return names[i];
}

bool
link_renewal_due(struct link *l)
{
	bool due;

	pthread_mutex_lock(&l->lock);
	due = when_now() >= l->join->renew_at && (l->watching == NULL || l->watching == l->join);
	/* The key that is to be replaced may be in use by one that did not go over to the other one yet. */
	for (unsigned i = 0; i < COUNT(l->using); i++)
		due &= l->using[i] == NULL || l->using[i] == l->join;
	pthread_mutex_unlock(&l->lock);
	return due;
}

/* A new key in the place that is not in use. */
static err_t
new_key(const struct link *l, struct arena *a, unsigned i, struct key **ret)
{
	const char *path = arena_printf(a, "%s/%s.pem", l->conf.dir, link_key_name(i));

	TRY(file_remove(path));
	return key_file(a, path, KEY_EC, KEY_P256, ret);
}

static err_t
ask(const struct join *j, struct arena *a, const struct key *key, struct str *ret)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	static const struct csr_spec spec = { .key_usage = 0x80 };
	const char *url = arena_printf(a, "%s/connector/v1/renew", j->service_url);
	auto_json json *msg = json_object_new();
	auto_json json *answer = NULL;
	auto_fetch struct fetch *f = NULL;
	auto_cert struct cert *cert = NULL;
	auto_key struct key *certified = NULL;
	struct fetch_reply rep;
	struct str csr, text, der;

	TRY(csr_make(a, key, &spec, &csr));
	json_set_base64(a, msg, "csr", csr);
	TRY(json_print(a, msg, &text));
	TRY(join_fetch(j, &f));
	TRY(fetch_run(f, a, "POST", url, headers, text, TIMEOUT_MS, &rep));
	if (rep.status != 200)
		FAIL(ERR_HTTP_STATUS, "%s answered %d: %.*s", url, rep.status,
		    (int)(rep.body.n < 300 ? rep.body.n : 300), text_safe(a, rep.body));
	TRY(json_parse(rep.body, LIMIT_HTTP_REPLY, &answer));
	TRY(json_need_base64(a, answer, "certificate", LIMIT_CERT_BYTES, &der));
	TRY_CTX(cert_parse(der, &cert), "renewed certificate");
	TRY(cert_key(cert, &certified));
	if (!key_same_public(key, certified))
		FAIL(ERR_KEY_MISMATCH, "renewed certificate");
	*ret = der;
	return OK;
}

err_t
link_renew(struct link *l)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *key = NULL;
	const struct join *now = l->join;
	unsigned i = 1 - now->service_key;
	auto_json json *members = json_object_new();
	struct str der;

	TRY(new_key(l, a, i, &key));
	TRY(ask(now, a, key, &der));
	json_set_text(members, "service_certificate", text_pem(a, "CERTIFICATE", der));
	json_set_text(members, "service_key", link_key_name(i));
	return join_change(l, a, members, i, steal(key));
}
