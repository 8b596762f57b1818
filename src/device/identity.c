/* SPDX-License-Identifier: Apache-2.0 */
#include "device/identity.h"

#include "model/renew.h"
#include "pki/cert.h"
#include "pki/csr.h"

/* Identity keys are what sealed payloads are opened with: RSA, 2048 bits or more. */
static err_t
read_request(struct arena *a, struct str der, struct csr *ret)
{
	TRY(csr_parse(a, der, ret));
	if (key_algorithm(ret->key) != KEY_RSA || key_bits(ret->key) < KEY_RSA_2048)
		FAIL(ERR_KEY_SIZE, "a device identity key is RSA with 2048 bits or more");
	return OK;
}

static err_t
issue(const struct device_edge *edge, struct arena *a, const struct enrol *e, const struct csr *csr,
    const char *platform, struct str csr_der, struct cert **ret_cert, struct identity_issued *ret)
{
	struct identity_issued i = { .device = e->id };

	/* Nobody chooses the name of an identity. Windows makes one up, and the CA does not look at it. */
	if (strcmp(platform, "windows") != 0)
		TRY(csr_names(a, csr, e->order.subject));
	TRY(edge->identity_issue(
	    edge->identity_ctx, a, &e->order, csr_der, &i.der, &i.chain, &i.nchain));
	TRY(cert_parse(i.der, ret_cert));
	*ret = i;
	return OK;
}

err_t
identity_enrol(const struct device_edge *edge, struct arena *a, const char *code,
    struct str csr_der, const struct device *facts, struct identity_issued *ret)
{
	auto_csr struct csr csr = { 0 };
	auto_cert struct cert *cert = NULL;
	struct identity_issued issued;
	struct enrol e;

	TRY(read_request(a, csr_der, &csr));
	TRY(enrol_begin(edge->store, a, CODE_DEVICE, code, STR(csr.spki_sha256), edge->holder,
	    edge->identity_ca, &e));
	TRY(issue(edge, a, &e, &csr, facts->platform, csr_der, &cert, &issued));
	TRY(enrol_finish_device(edge->store, &e, facts, issued.der, str_of(cert_sha256(cert), 32),
	    cert_not_after(cert)));
	*ret = issued;
	return OK;
}

err_t
identity_again(const struct device_edge *edge, struct arena *a, const struct device *device,
    struct str csr_der, struct identity_issued *ret)
{
	auto_csr struct csr csr = { 0 };
	auto_cert struct cert *cert = NULL;
	struct identity_issued issued;
	when_t now = when_now();
	struct enrol e;
	err_t end;
	struct err_report why;

	TRY(read_request(a, csr_der, &csr));
	TRY(renew_begin(a, CODE_DEVICE, device->id, device->user, STR(csr.spki_sha256),
	    edge->holder, edge->identity_ca, &e));
	TRY(renew_count(edge->store, a, device->id, now));
	end = issue(edge, a, &e, &csr, device->platform, csr_der, &cert, &issued);
	if (!err_ok(end)) {
		/* A CA that is away must not use up the device's day. */
		err_take(end, &why);
		err_forget(renew_uncount(edge->store, device->id, now));
		return err_raise(&why);
	}
	TRY(renew_finish(
	    edge->store, &e, issued.der, str_of(cert_sha256(cert), 32), cert_not_after(cert)));
	*ret = issued;
	return OK;
}
