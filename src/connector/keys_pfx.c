/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Imported PKCS#12 files in connector/keys: the password is opened with an import key, the file is made fit for the
 * device, both are sealed to it.
 *
 * A file that was packed by our own import (its certificate is known, it has the device's format) is sealed as it is:
 * its password is random and for nothing else. Any other is opened and packed anew under a fresh password.
 */
#include "connector/keys_int.h"

#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "pki/cms.h"
#include "pki/pfx.h"
#include "pki/wrap.h"

#define PASSWORD_BYTES 18 /* 24 characters of base64url */
#define FRIENDLY_NAME "Chancery"

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
seal_both(struct arena *a, const struct cert *device, struct str pfx, struct str password,
    struct pfx_open_rep *ret)
{
	TRY(cms_seal(a, device, pfx, &ret->pfx));
	return cms_seal(a, device, password, &ret->password);
}

/* Roots stay out: a device trusts one because it was told so, not because it came along with a key. */
static err_t
without_roots(struct pfx *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nchain; i++) {
		auto_cert struct cert *c = NULL;

		TRY(cert_parse(p->chain[i], &c));
		if (!cert_self_issued(c))
			p->chain[n++] = p->chain[i];
	}
	p->nchain = n;
	return OK;
}

static err_t
pack_anew(struct arena *a, const struct pfx_open_req *req, const struct cert *device, struct pfx *p,
    struct pfx_open_rep *ret)
{
	enum pfx_profile profile = req->format == PFX_FORMAT_3DES ? PFX_3DES : PFX_AES;
	char *password = rand_token(a, PASSWORD_BYTES);
	struct str pfx = STR_EMPTY;
	err_t e = without_roots(p);

	if (err_ok(e))
		e = pfx_make(a, profile, p->key, p->leaf, p->chain, p->nchain, password,
		    FRIENDLY_NAME, &pfx);
	if (err_ok(e))
		e = seal_both(a, device, pfx, str_c(password), ret);
	ret->leaf = p->leaf;
	secret_wipe(password, strlen(password));
	secret_wipe((void *)(uintptr_t)pfx.p, pfx.n);
	return e;
}

static err_t
repack(struct arena *a, const struct pfx_open_req *req, const struct cert *device,
    struct str password, struct pfx_open_rep *ret)
{
	auto_pfx struct pfx p = { 0 };
	const char *text;
	err_t e;

	TRY(password_text(a, password, &text));
	e = pfx_open(a, req->pfx, text, &p);
	secret_wipe((void *)(uintptr_t)text, strlen(text));
	TRY(e);
	TRY(check_thumbprint(a, p.leaf, req->thumbprint));
	return pack_anew(a, req, device, &p, ret);
}

err_t
keys_pfx_open(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct connector_keys *k = ctx;
	auto_cert struct cert *device = NULL;
	struct pfx_open_req req;
	struct pfx_open_rep rep = { 0 };
	const struct key *key;
	struct str password;
	err_t e;

	TRY(pfx_open_req_parse(a, in, &req));
	TRY(connector_keys_device(k, req.device_certificate, &device));
	TRY(import_key_find(connector_import_keys(k), req.key, &key));
	TRY(wrap_open(a, key, req.padding, req.wrapped, &password));
	if (req.leaf.n == 0) {
		e = repack(a, &req, device, password, &rep);
	} else {
		e = check_thumbprint(a, req.leaf, req.thumbprint);
		rep.leaf = req.leaf;
		if (err_ok(e))
			e = seal_both(a, device, req.pfx, password, &rep);
	}
	secret_wipe((void *)(uintptr_t)password.p, password.n);
	TRY(e);
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
	err_t e;

	TRY(pfx_rewrap_req_parse(a, in, &req));
	TRY(import_key_admitted(keys, req.to, &to));
	TRY(import_key_find(keys, req.key, &from));
	TRY(wrap_open(a, from, req.padding, req.wrapped, &password));
	e = wrap_seal(a, to, WRAP_OAEP_SHA256, password, &rep.wrapped);
	secret_wipe((void *)(uintptr_t)password.p, password.n);
	TRY(e);
	return pfx_rewrap_rep_encode(&rep, out);
}
