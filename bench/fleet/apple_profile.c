/* SPDX-License-Identifier: Apache-2.0 */
#include "apple_profile.h"

#include "base/limits.h"
#include "pki/cms.h"
#include "pki/csr.h"
#include "pki/pfx.h"

enum { PROFILE_MAX = 4 << 20, SANS_MAX = 32 };

err_t
apple_profile_open(
    struct arena *a, const struct device *d, struct str bytes, struct apple_profile *ret)
{
	struct str plain = bytes, signer, inner;
	struct pl *top;
	bool encrypted;

	if (bytes.n > 0 && bytes.p[0] == 0x30)
		TRY(cms_signed_open(a, bytes, &plain, &signer));
	TRY(pl_parse(a, plain, &top));
	TRY(pl_need_text(top, "PayloadIdentifier", LIMIT_TEXT, &ret->identifier));
	TRY(pl_need_text(top, "PayloadUUID", LIMIT_TEXT, &ret->uuid));
	TRY(pl_want_bool(top, "IsEncrypted", &encrypted));
	ret->payloads = pl_get(top, "PayloadContent");
	if (encrypted) {
		struct pl *opened;

		TRY(pl_need_data(top, "EncryptedPayloadContent", PROFILE_MAX, &inner));
		TRY(cms_open(a, d->identity, d->key, inner, &inner));
		TRY(pl_parse(a, inner, &opened));
		ret->payloads = opened;
	}
	if (ret->payloads == NULL || ret->payloads->kind != PL_ARRAY)
		FAIL(ERR_PLIST, "no payloads");
	return OK;
}

const struct pl *
apple_payload(const struct apple_profile *p, const char *type)
{
	for (const struct pl *q = p->payloads->child; q != NULL; q = q->next) {
		const struct pl *t = pl_get(q, "PayloadType");

		if (t != NULL && t->kind == PL_TEXT && strcmp(t->text, type) == 0)
			return q;
	}
	return NULL;
}

/* ---- SCEP ---- */

static const char *
attribute(const char *name)
{
	static const struct {
		const char *name, *oid;
	} known[] = { { "C", "2.5.4.6" }, { "ST", "2.5.4.8" }, { "L", "2.5.4.7" },
		{ "O", "2.5.4.10" }, { "OU", "2.5.4.11" }, { "CN", "2.5.4.3" } };

	for (size_t i = 0; i < COUNT(known); i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].oid;
	return name;
}

/* Lists of lists of pairs, in the order of the encoding. */
static err_t
subject_of(struct arena *a, const struct pl *rdns, struct str *ret)
{
	struct dn dn = { .rdn = arena_array(a, pl_count(rdns) + 1, sizeof(struct dn_rdn)) };

	for (const struct pl *r = rdns == NULL ? NULL : rdns->child; r != NULL; r = r->next) {
		struct dn_rdn *to = &dn.rdn[dn.n++];

		to->ava = arena_array(a, pl_count(r) + 1, sizeof(*to->ava));
		for (const struct pl *v = r->child; v != NULL; v = v->next) {
			if (pl_count(v) != 2 || v->child->kind != PL_TEXT ||
			    v->end->kind != PL_TEXT)
				FAIL(ERR_PLIST, "Subject");
			to->ava[to->n++] =
			    (struct dn_ava){ attribute(v->child->text), v->end->text };
		}
	}
	return dn_encode(a, &dn, ret);
}

static err_t
names_of(struct arena *a, const struct pl *dict, struct str *ret)
{
	static const struct {
		const char *key;
		enum san_type type;
	} kinds[] = { { "rfc822Name", SAN_EMAIL }, { "dNSName", SAN_DNS },
		{ "uniformResourceIdentifier", SAN_URI }, { "ntPrincipalName", SAN_UPN } };
	struct san v[SANS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		const struct pl *p = pl_get(dict, kinds[i].key);
		const struct pl *one = p != NULL && p->kind == PL_ARRAY ? p->child : p;

		for (; one != NULL && n < SANS_MAX; one = p->kind == PL_ARRAY ? one->next : NULL)
			v[n++] = (struct san){ kinds[i].type, one->text };
	}
	return n == 0 ? OK : san_encode(a, v, n, ret);
}

err_t
apple_scep(struct device *d, struct fiber *f, struct arena *a, const struct pl *payload,
    struct key *key, struct str *ret_leaf)
{
	const struct pl *content = pl_get(payload, "PayloadContent");
	struct scep_order o = { .key = key };
	struct csr_spec spec = { 0 };

	TRY(pl_need_text(content, "URL", LIMIT_LONG_TEXT, &o.url));
	TRY(pl_want_text(content, "Challenge", LIMIT_TEXT, &spec.challenge));
	TRY(subject_of(a, pl_get(content, "Subject"), &spec.subject));
	TRY(names_of(a, pl_get(content, "SubjectAltName"), &spec.san));
	o.subject = spec.subject;
	TRY(csr_make(a, key, &spec, &o.csr));
	return scep_order(d, f, a, &o, ret_leaf);
}

/* ---- certificates ---- */

static struct str
own(struct str s)
{
	uint8_t *p = malloc(s.n);

	if (p == NULL)
		abort();
	memcpy(p, s.p, s.n);
	return str_of(p, s.n);
}

static err_t
open_pkcs12(struct arena *a, const struct pl *payload, struct str *ret)
{
	auto_pfx struct pfx pfx = { 0 };
	const char *password;
	struct str file;

	TRY(pl_need_data(payload, "PayloadContent", PROFILE_MAX, &file));
	TRY(pl_need_text(payload, "Password", LIMIT_TEXT, &password));
	TRY(pfx_open(a, file, password, &pfx));
	*ret = pfx.leaf;
	return OK;
}

/* *ret_any: it brings a certificate at all. */
static err_t
take(struct device *d, struct fiber *f, struct arena *a, const struct pl *payload, struct key *key,
    struct apple_item *ret, bool *ret_any)
{
	const char *type;
	struct str der;

	TRY(pl_need_text(payload, "PayloadType", LIMIT_TEXT, &type));
	*ret_any = true;
	ret->identity = true;
	if (strcmp(type, "com.apple.security.pkcs12") == 0) {
		TRY(open_pkcs12(a, payload, &der));
	} else if (strcmp(type, "com.apple.security.scep") == 0) {
		TRY(apple_scep(d, f, a, payload, key, &der));
	} else if (strncmp(type, "com.apple.security.", 19) == 0) {
		TRY(pl_need_data(payload, "PayloadContent", LIMIT_CERT_BYTES, &der));
		ret->identity = false;
	} else {
		*ret_any = false;
		return OK;
	}
	ret->der = own(der);
	return OK;
}

static err_t
take_all(struct device *d, struct fiber *f, struct arena *a, const struct apple_profile *p,
    struct key *key, struct apple_item *v, size_t max, size_t *n)
{
	for (const struct pl *q = p->payloads->child; q != NULL; q = q->next) {
		bool any;

		if (*n == max)
			FAIL(ERR_TOO_LARGE, "more certificates than are kept");
		TRY(take(d, f, a, q, key, &v[*n], &any));
		*n += any;
	}
	return OK;
}

err_t
apple_profile_items(struct device *d, struct fiber *f, struct arena *a,
    const struct apple_profile *p, struct key *key, struct apple_item *ret, size_t max,
    size_t *retn)
{
	size_t n = 0;
	err_t e = take_all(d, f, a, p, key, ret, max, &n);

	/* All of it or nothing. */
	if (!err_ok(e))
		while (n > 0)
			free((void *)ret[--n].der.p);
	*retn = n;
	return e;
}
