/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of userPFXCertificate into records: see user_pfx.h. */
#include "api/user_pfx.h"

#include "base/limits.h"
#include "pki/cert.h"
#include "pki/wrap.h"

#define WRAPPED_MAX 1024
#define COPIES_MAX LIMIT_IMPORT_KEYS
#define NAME_MAX_BYTES 256

static const struct {
	const char *name;
	enum pfx_purpose purpose;
} purposes[] = {
	{ "unassigned", PFX_UNASSIGNED },
	{ "smimeEncryption", PFX_SMIME_ENCRYPTION },
	{ "smimeSigning", PFX_SMIME_SIGNING },
	{ "vpn", PFX_VPN },
	{ "wifi", PFX_WIFI },
};

const char *
pfx_purpose_name(enum pfx_purpose p)
{
	for (size_t i = 0; i < COUNT(purposes); i++)
		if (purposes[i].purpose == p)
			return purposes[i].name;
	return "unassigned";
}

static err_t
fit_purpose(const json *body, struct user_pfx *p)
{
	const json *j = json_get(body, "intendedPurpose");

	if (json_is_null(j))
		return OK;
	for (size_t i = 0; i < COUNT(purposes); i++) {
		if (json_is_int(j) ? json_int(j) != purposes[i].purpose :
				     !str_ieq_c(str_c(json_text(j)), purposes[i].name))
			continue;
		p->purpose = purposes[i].purpose;
		return OK;
	}
	FAIL(ERR_BAD_REQUEST,
	    "\"intendedPurpose\" is none of unassigned, smimeEncryption, smimeSigning, vpn, wifi");
}

static err_t
fit_padding(const json *body, enum pfx_padding *ret)
{
	const json *j = json_get(body, "paddingScheme");
	unsigned padding = 0;

	if (json_is_null(j))
		return OK;
	padding = json_is_int(j) ? (unsigned)json_int(j) : wrap_padding_of(str_c(json_text(j)));
	if (padding < WRAP_OAEP_SHA1 || padding > WRAP_OAEP_SHA512)
		FAIL(ERR_PFX_PADDING, "\"paddingScheme\"");
	*ret = (enum pfx_padding)padding;
	return OK;
}

static err_t
fit_when(const json *body, const char *name, when_t *ret)
{
	const char *text = NULL;

	TRY(json_want_text(body, name, 64, &text));
	if (text != NULL)
		TRY_CTX(when_parse(str_c(text), ret), "\"%s\"", name);
	return OK;
}

static err_t
fit_text(struct arena *a, const json *body, const char *name, const char **ret)
{
	const char *text = NULL;

	TRY(json_want_text(body, name, NAME_MAX_BYTES, &text));
	if (text != NULL)
		*ret = arena_strdup(a, text);
	return OK;
}

err_t
pfx_thumbprint(struct arena *a, const char *text, const char **ret)
{
	struct str bytes;
	err_t e = text_unhex(a, str_c(text), &bytes);

	if (!err_ok(e) || bytes.n != 20) {
		err_forget(e);
		FAIL(ERR_BAD_REQUEST, "\"thumbprint\" must be 40 hexadecimal digits");
	}
	*ret = text_hex(a, bytes);
	return OK;
}

/* What it is: the start of PKCS#12 (RFC 7292 4: a SEQUENCE with version 3). */
static err_t
fit_blob(struct arena *a, const json *body, struct user_pfx *p)
{
	static const uint8_t version[] = { 0x02, 0x01, 0x03 };
	const char *text = NULL;
	struct str blob;
	size_t at;

	TRY(json_want_text(body, "encryptedPfxBlob", LIMIT_PFX_BYTES / 3 * 4 + 16, &text));
	if (text == NULL || strcmp(text, PFX_KEPT_BLOB) == 0)
		return OK;
	TRY_CTX(text_unbase64(a, str_c(text), &blob), "\"encryptedPfxBlob\"");
	at = blob.n < 2 ? 0 : blob.p[1] < 0x80 ? 2 : 2u + (blob.p[1] & 0x7fu);
	if (blob.n > LIMIT_PFX_BYTES || at == 0 || blob.p[0] != 0x30 ||
	    blob.n < at + sizeof(version) || memcmp(blob.p + at, version, sizeof(version)) != 0)
		FAIL(ERR_PFX, "\"encryptedPfxBlob\"");
	p->blob = blob;
	p->leaf = STR_EMPTY;
	return OK;
}

static err_t
wrapped_of(struct arena *a, const json *j, struct str *ret)
{
	const char *text = NULL;
	struct str bytes;

	TRY(json_want_text(j, "encryptedPfxPassword", 2 * WRAPPED_MAX, &text));
	if (text == NULL || text[0] == '\0')
		return OK;
	TRY_CTX(text_unbase64(a, str_c(text), &bytes), "\"encryptedPfxPassword\"");
	if (bytes.n < 256 || bytes.n > WRAPPED_MAX)
		FAIL(ERR_BAD_REQUEST,
		    "\"encryptedPfxPassword\" is not encrypted with an RSA key of 2048 to 8192 bits");
	*ret = bytes;
	return OK;
}

/* What the certificate says goes before what the body says. */
static err_t
fit_leaf(struct arena *a, const json *body, struct user_pfx *p)
{
	auto_cert struct cert *c = NULL;
	struct str der = STR_EMPTY;
	uint8_t hash[20];

	TRY(json_want_base64(a, body, "@chancery.certificate", LIMIT_CERT_BYTES, &der));
	if (der.n == 0)
		return OK;
	TRY_CTX(cert_parse(der, &c), "\"@chancery.certificate\"");
	hash_sha1(der, hash);
	if (strcmp(text_hex(a, STR(hash)), p->thumbprint) != 0)
		FAIL(ERR_BAD_REQUEST, "\"@chancery.certificate\" has another thumbprint");
	p->not_before = cert_not_before(c);
	p->not_after = cert_not_after(c);
	p->leaf = der;
	return OK;
}

static err_t
copy_of(struct arena *a, const json *j, struct pfx_copy *ret)
{
	struct pfx_copy c = { .key_name = "", .padding = PFX_OAEP_SHA256 };
	const char *key;
	struct str hash;

	TRY(json_need_text(j, "key", 64, &key));
	TRY_CTX(text_unhex(a, str_c(key), &hash), "\"key\"");
	if (hash.n != 32)
		FAIL(ERR_BAD_REQUEST, "\"key\" must be 64 hexadecimal digits");
	c.key = text_hex(a, hash);
	TRY(fit_text(a, j, "keyName", &c.key_name));
	TRY(fit_padding(j, &c.padding));
	TRY(wrapped_of(a, j, &c.password));
	if (c.password.n == 0)
		FAIL(ERR_BAD_REQUEST, "\"encryptedPfxPassword\" is missing");
	*ret = c;
	return OK;
}

/* Ours, one for each key; or the one password that others send, for a key of which only the name is known. */
static err_t
fit_copies(struct arena *a, const json *body, struct user_pfx *p, struct pfx_copies *ret)
{
	struct str password = STR_EMPTY;
	json *list = NULL;

	TRY(json_want_array(body, "@chancery.copies", COPIES_MAX, &list));
	ret->v = arena_array(a, json_count(list) + 1, sizeof(*ret->v));
	for (size_t i = 0; i < json_count(list); i++)
		TRY_CTX(copy_of(a, json_at(list, i), &ret->v[ret->n++]),
		    "\"@chancery.copies\"[%zu]", i);
	if (ret->n > 0) {
		p->padding = ret->v[0].padding;
		p->key_name = ret->v[0].key_name;
		p->password = ret->v[0].password;
		return OK;
	}
	TRY(wrapped_of(a, body, &password));
	if (password.n == 0)
		return OK;
	p->password = password;
	ret->v[ret->n++] = (struct pfx_copy){ .key = arena_printf(a, "name:%s", p->key_name),
		.key_name = p->key_name,
		.padding = p->padding,
		.password = password };
	return OK;
}

err_t
pfx_fit(struct arena *a, const json *body, struct user_pfx *p, struct pfx_copies *copies)
{
	TRY(fit_purpose(body, p));
	TRY(fit_padding(body, &p->padding));
	TRY(fit_when(body, "startDateTime", &p->not_before));
	TRY(fit_when(body, "expirationDateTime", &p->not_after));
	TRY(fit_text(a, body, "providerName", &p->provider));
	TRY(fit_text(a, body, "keyName", &p->key_name));
	TRY(fit_blob(a, body, p));
	TRY(fit_leaf(a, body, p));
	TRY(fit_copies(a, body, p, copies));
	if (p->not_after <= p->not_before)
		FAIL(ERR_BAD_REQUEST, "\"expirationDateTime\" must come after \"startDateTime\"");
	return OK;
}
