/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pfx_file.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "codec/oid.h"
#include "pki/pfx.h"
#include "pki/wrap.h"

#define PASSWORD_BYTES 18 /* 24 characters of base64url: ASCII, short enough for every importer */
#define HEAD "Import key "
#define PROVIDER "Chancery"

/* RFC 5280 4.2.1.3, the first byte of keyUsage. */
enum {
	DIGITAL_SIGNATURE = 0x80,
	NON_REPUDIATION = 0x40,
	KEY_ENCIPHERMENT = 0x20,
	DATA_ENCIPHERMENT = 0x10,
	KEY_AGREEMENT = 0x08
};

static const struct purpose {
	const char *name;
	uint8_t usage;   /* one of these bits, when the certificate says anything; 0: any */
	const char *eku; /* that or anyExtendedKeyUsage, when it says anything; NULL: any */
	bool rsa;        /* mail programs cannot read what is encrypted to an EC key */
	bool after_end;  /* of use after the certificate's end */
} purposes[] = {
	{ .name = "unassigned" },
	{ .name = "smimeEncryption",
	    .usage = KEY_ENCIPHERMENT | DATA_ENCIPHERMENT | KEY_AGREEMENT,
	    .eku = OID_EKU_EMAIL,
	    .rsa = true,
	    .after_end = true },
	{ .name = "smimeSigning",
	    .usage = DIGITAL_SIGNATURE | NON_REPUDIATION,
	    .eku = OID_EKU_EMAIL },
	{ .name = "vpn",
	    .usage = DIGITAL_SIGNATURE | KEY_ENCIPHERMENT,
	    .eku = OID_EKU_CLIENT_AUTH },
	{ .name = "wifi",
	    .usage = DIGITAL_SIGNATURE | KEY_ENCIPHERMENT,
	    .eku = OID_EKU_CLIENT_AUTH },
};

static const struct purpose *
purpose_of(const char *name)
{
	for (size_t i = 0; i < COUNT(purposes); i++)
		if (str_ieq_c(str_c(name), purposes[i].name))
			return &purposes[i];
	return NULL;
}

const char *
pfx_purpose(const char *name)
{
	const struct purpose *p = purpose_of(name);

	return p == NULL ? NULL : p->name;
}

/* The name that export-public wrote before the block; else the file's own. */
static const char *
name_of(struct arena *a, struct str text, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct str line = str_trim(str_cut(&text, '\n'));

	if (str_starts(line, LIT(HEAD)))
		return text_safe(a, str_trim(str_of(line.p + strlen(HEAD), line.n - strlen(HEAD))));
	return slash == NULL ? path : slash + 1;
}

static err_t
add_key(struct arena *a, const char *name, struct str der, struct pfx_keys *keys)
{
	auto_key struct key *key = NULL;
	uint8_t hash[32];

	TRY(key_from_spki(der, &key));
	if (key_algorithm(key) != KEY_RSA || key_bits(key) < KEY_RSA_2048)
		FAIL(ERR_KEY, "an import key is an RSA key of 2048 bits or more");
	TRY(key_spki_sha256(key, hash));
	for (size_t i = 0; i < keys->n; i++)
		if (str_eq_c(str_c(keys->v[i].id), text_hex(a, STR(hash))))
			return OK;
	if (keys->n == PFX_KEYS_MAX)
		FAIL(ERR_TOO_LARGE, "more than %u import keys", PFX_KEYS_MAX);
	keys->v[keys->n++] =
	    (struct pfx_key){ arena_strdup(a, name), text_hex(a, STR(hash)), steal(key) };
	return OK;
}

err_t
pfx_keys_read(struct arena *a, const char *path, struct pfx_keys *keys)
{
	struct str text, der[PFX_KEYS_MAX];
	size_t n;

	TRY(file_read(a, path, LIMIT_CONF_BYTES, &text));
	TRY_CTX(text_unpem(a, text, "PUBLIC KEY", der, PFX_KEYS_MAX, &n), "%s", path);
	if (n == 0)
		FAIL(ERR_KEY, "%s holds no public key", path);
	for (size_t i = 0; i < n; i++)
		TRY_CTX(add_key(a, name_of(a, text, path), der[i], keys), "%s", path);
	return OK;
}

void
pfx_keys_free(struct pfx_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		key_free(keys->v[i].key);
	keys->n = 0;
}

static bool
has_ekus(struct arena *a, const struct cert *c)
{
	struct str ext;
	err_t e = cert_extension(a, c, "2.5.29.37", &ext);
	bool yes = err_ok(e);

	err_forget(e);
	return yes;
}

static err_t
check_purpose(struct arena *a, const struct cert *c, const struct key *k, const struct purpose *p)
{
	uint8_t usage = cert_key_usage(c);

	if (p->rsa && key_algorithm(k) != KEY_RSA)
		FAIL(ERR_PFX_PURPOSE, "%s needs an RSA key", p->name);
	if (p->usage != 0 && usage != 0 && (usage & p->usage) == 0)
		FAIL(ERR_PFX_PURPOSE, "its keyUsage does not allow %s", p->name);
	if (p->eku != NULL && has_ekus(a, c) && !cert_has_eku(c, p->eku) &&
	    !cert_has_eku(c, "2.5.29.37.0"))
		FAIL(ERR_PFX_PURPOSE, "its extendedKeyUsage does not allow %s", p->name);
	if (!p->after_end && cert_not_after(c) <= when_now())
		FAIL(ERR_PFX_EXPIRED, "%s", when_text(a, cert_not_after(c)));
	return OK;
}

/* Roots stay out: a device trusts one because it was told so. */
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
wrap_all(struct arena *a, const struct pfx_keys *keys, const char *password, json *list)
{
	for (size_t i = 0; i < keys->n; i++) {
		json *copy = json_object_new();
		struct str wrapped;

		json_add(list, copy);
		TRY(wrap_seal(a, keys->v[i].key, keys->padding, str_c(password), &wrapped));
		json_set_text(copy, "key", keys->v[i].id);
		json_set_text(copy, "keyName", keys->v[i].name);
		json_set_text(copy, "paddingScheme", wrap_padding_name(keys->padding));
		json_set_base64(a, copy, "encryptedPfxPassword", wrapped);
	}
	return OK;
}

/* Under a fresh password, which nobody ever sees. */
static err_t
pack(struct arena *a, const struct pfx *p, const struct pfx_keys *keys, json *body)
{
	char *password = rand_token(a, PASSWORD_BYTES);
	json *copies = json_array_new();
	struct str pfx;
	err_t e;

	json_set(body, "@chancery.copies", copies);
	e = pfx_make(a, PFX_AES, p->key, p->leaf, p->chain, p->nchain, password, PROVIDER, &pfx);
	if (err_ok(e))
		e = wrap_all(a, keys, password, copies);
	secret_wipe(password, strlen(password));
	TRY(e);
	json_set_base64(a, body, "encryptedPfxBlob", pfx);
	return OK;
}

static err_t
make_body(struct arena *a, const struct pfx_row *row, const struct purpose *purpose, struct pfx *p,
    const struct cert *c, const struct pfx_keys *keys, struct pfx_packed *ret)
{
	auto_json json *body = json_object_new();

	json_set_int(body, "line", (int64_t)row->line);
	json_set_text(body, "userPrincipalName", row->user);
	json_set_text(body, "thumbprint", ret->thumbprint);
	json_set_text(body, "intendedPurpose", purpose->name);
	json_set_when(a, body, "startDateTime", cert_not_before(c));
	json_set_when(a, body, "expirationDateTime", cert_not_after(c));
	json_set_text(body, "providerName", PROVIDER);
	json_set_base64(a, body, "@chancery.certificate", p->leaf);
	TRY(without_roots(p));
	TRY(pack(a, p, keys, body));
	ret->body = steal(body);
	return OK;
}

err_t
pfx_file_pack(
    struct arena *a, const struct pfx_row *row, const struct pfx_keys *keys, struct pfx_packed *ret)
{
	const struct purpose *purpose = purpose_of(row->purpose);
	auto_pfx struct pfx p = { 0 };
	auto_cert struct cert *c = NULL;
	struct pfx_packed packed = { 0 };
	struct str der;
	uint8_t hash[20];
	err_t e;

	if (purpose == NULL)
		FAIL(ERR_PFX_PURPOSE,
		    "\"%s\" is none of unassigned, smimeEncryption, smimeSigning, vpn, wifi",
		    text_safe(a, str_c(row->purpose)));
	e = file_read(a, row->file, LIMIT_PFX_BYTES, &der);
	if (err_ok(e))
		e = pfx_open(a, der, row->password, &p);
	TRY(e);
	TRY(cert_parse(p.leaf, &c));
	TRY(check_purpose(a, c, p.key, purpose));
	hash_sha1(p.leaf, hash);
	packed.thumbprint = text_hex(a, STR(hash));
	packed.not_after = cert_not_after(c);
	if (keys != NULL)
		TRY(make_body(a, row, purpose, &p, c, keys, &packed));
	*ret = packed;
	return OK;
}
