/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Imported PKCS#12 files in connector/keys: the password is opened with an import key, the file is made fit for the
 * device, both are sealed to it.
 *
 * A file that was packed by our own import (its certificate is known, it has the device's format) is sealed as it is:
 * its password is random and for nothing else. Any other is opened and packed anew under a fresh password.
 *
 * Nothing is issued here, so no CA looks at it: this process asks for the service's order itself, which names the file, its
 * password as it was encrypted, and the device. A link that somebody took over cannot have a file opened for a device of
 * his own, nor have passwords encrypted to a key of his own.
 */
#include "connector/keys_int.h"
#include "connector/pack.h"

#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "pki/pfx.h"
#include "pki/wrap.h"

err_t
keys_pfx_make(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct pfx_key_req req;
	struct pfx_key_rep rep;

	TRY(pfx_key_req_parse(a, in, &req));
	TRY(import_key_make(connector_import_keys(ctx), a, &req, &rep.spki));
	return pfx_key_rep_encode(&rep, out);
}

err_t
keys_pfx_list(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct pfx_keys_rep rep;

	if (in.n != 0)
		FAIL(ERR_TRAILING, "%zu bytes", in.n);
	TRY(import_keys_list(connector_import_keys(ctx), a, &rep));
	return pfx_keys_rep_encode(&rep, out);
}

err_t
keys_pfx_admit(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct pfx_admit_req req;

	(void)out;
	TRY(pfx_admit_req_parse(a, in, &req));
	return import_key_admit(connector_import_keys(ctx), a, req.spki);
}

/* Other writers put the low byte of each character of the password down, so what is no ASCII is Latin-1. */
static err_t
password_text(struct arena *a, struct str bytes, const char **ret)
{
	char *text = arena_alloc(a, 2 * bytes.n + 1);
	size_t at = 0;

	for (size_t i = 0; i < bytes.n; i++) {
		uint8_t c = bytes.p[i];

		if (c == 0)
			FAIL(ERR_PFX_UNWRAP, "a NUL within the password");
		if (c < 0x80) {
			text[at++] = (char)c;
			continue;
		}
		text[at++] = (char)(0xc0 | c >> 6);
		text[at++] = (char)(0x80 | (c & 0x3f));
	}
	*ret = text;
	return OK;
}

static err_t
check_thumbprint(struct arena *a, struct str leaf, struct str thumbprint)
{
	uint8_t hash[20];

	hash_sha1(leaf, hash);
	if (!str_eq(STR(hash), thumbprint))
		FAIL(ERR_PFX, "the certificate inside is %s, said to be %s", text_hex(a, STR(hash)),
		    text_hex(a, thumbprint));
	return OK;
}

static err_t
repack(struct arena *a, const struct pfx_open_req *req, const struct cert *device,
    struct str password, struct str *ret_leaf, struct packed *ret)
{
	auto_pfx struct pfx p = { 0 };
	const char *text;
	err_t e;

	TRY(password_text(a, password, &text));
	e = pfx_open(a, req->pfx, text, &p);
	secret_wipe((void *)(uintptr_t)text, strlen(text));
	TRY(e);
	TRY(check_thumbprint(a, p.leaf, req->thumbprint));
	*ret_leaf = p.leaf;
	return pack_key(a, &req->pack, device, p.key, p.leaf, p.chain, p.nchain, ret);
}

/* The order is for just this device and just this file. */
static err_t
check_order(struct connector_keys *k, struct arena *a, const struct pfx_open_req *req,
    const struct cert *device)
{
	const struct seal_import asked = { req->key, req->padding, req->wrapped, req->pfx,
		req->thumbprint };
	uint8_t content[32];
	struct order o;

	TRY(connector_keys_order(k, a, ORDER_IMPORT, req->order, &o));
	if (!str_eq(o.recipient, str_of(cert_sha256(device), 32)))
		FAIL(ERR_ORDER_RECIPIENT, "order %s is not for the device with the certificate %s",
		    id_text(a, o.id), cert_serial(device));
	TRY(seal_import(&asked, content));
	if (!str_eq(o.content, STR(content)))
		FAIL(ERR_ORDER_CONTENT, "order %s", id_text(a, o.id));
	return OK;
}

err_t
keys_pfx_open(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct connector_keys *k = ctx;
	auto_cert struct cert *device = NULL;
	struct pfx_open_req req;
	struct pfx_open_rep rep = { 0 };
	struct packed packed = { 0 };
	const struct key *key;
	struct str password;
	err_t e;

	TRY(pfx_open_req_parse(a, in, &req));
	TRY(connector_keys_device(k, req.device_certificate, &device));
	TRY(check_order(k, a, &req, device));
	TRY(import_key_find(connector_import_keys(k), req.key, &key));
	TRY(wrap_open(a, key, req.padding, req.wrapped, &password));
	if (req.leaf.n == 0) {
		e = repack(a, &req, device, password, &rep.leaf, &packed);
	} else {
		e = check_thumbprint(a, req.leaf, req.thumbprint);
		rep.leaf = req.leaf;
		if (err_ok(e))
			e = pack_seal(a, &req.pack, device, req.pfx, password, &packed);
	}
	secret_wipe((void *)(uintptr_t)password.p, password.n);
	TRY(e);
	rep.pfx = packed.pfx;
	rep.password = packed.password;
	return pfx_open_rep_encode(&rep, out);
}

err_t
keys_pfx_rewrap(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct import_keys *keys = connector_import_keys(ctx);
	struct pfx_rewrap_req req;
	struct pfx_rewrap_rep rep;
	const struct key *from, *to;
	struct str password;
	struct order o;
	err_t e;

	TRY(pfx_rewrap_req_parse(a, in, &req));
	TRY(connector_keys_order(ctx, a, ORDER_REWRAP, req.order, &o));
	if (!str_eq(o.recipient, req.to))
		FAIL(ERR_ORDER_RECIPIENT, "order %s is not for the key %s", id_text(a, o.id),
		    text_hex(a, req.to));
	TRY(import_key_admitted(keys, req.to, &to));
	TRY(import_key_find(keys, req.key, &from));
	TRY(wrap_open(a, from, req.padding, req.wrapped, &password));
	e = wrap_seal(a, to, WRAP_OAEP_SHA256, password, &rep.wrapped);
	secret_wipe((void *)(uintptr_t)password.p, password.n);
	TRY(e);
	return pfx_rewrap_rep_encode(&rep, out);
}
