/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind: certificates that were imported with their keys for the user of the device, those for one purpose. Every
 * device of the user gets the same ones, older ones too: mail that was encrypted to them still has to open.
 */
#include "base/rd.h"
#include "model/cert_profile.h"
#include "pki/key.h"
#include "store/user_pfx.h"

struct imported {
	struct cert_profile cert;
	int64_t purpose;
};

/* intendedPurpose; the numbers of imported certificates are others. */
enum { UNASSIGNED = 1, SMIME_ENCRYPTION, SMIME_SIGNING, VPN, WIFI };

static const struct field_member purposes[] = {
	{ "unassigned", UNASSIGNED },
	{ "smimeEncryption", SMIME_ENCRYPTION },
	{ "smimeSigning", SMIME_SIGNING },
	{ "vpn", VPN },
	{ "wifi", WIFI },
	{ 0 },
};

static const enum pfx_purpose purpose_of[] = {
	[UNASSIGNED] = PFX_UNASSIGNED,
	[SMIME_ENCRYPTION] = PFX_SMIME_ENCRYPTION,
	[SMIME_SIGNING] = PFX_SMIME_SIGNING,
	[VPN] = PFX_VPN,
	[WIFI] = PFX_WIFI,
};

static const struct field fields[] = {
	FIELD(struct imported, purpose, FIELD_ENUM, .name = "intendedPurpose", .members = purposes,
	    .fallback = UNASSIGNED, .only = PFX(ON_ANY & ~ON_FORERUNNER),
	    .help = "Which of the user's imported certificates."),
};

/* Names and validity are those of the imported certificates; what the profile says of them has no effect. */
static err_t
check(struct arena *a, const struct profile_type *t, const void *settings, struct warnings *w)
{
	const struct imported *s = settings;

	if ((t->family & (ON_IOS | ON_FORERUNNER)) != 0)
		return applicability_check(t, &s->cert.rules);
	return cert_check(a, t, &s->cert, w);
}

static err_t
make_hash(struct arena *a, struct primitive *what)
{
	auto_buf struct buf b;
	uint8_t *hash = arena_alloc(a, 32);

	buf_init(&b, 64 + what->npfx * 64 + what->access.npackages * (4 + LIMIT_TEXT));
	TRY(wr_text(&b, "imported 1"));
	TRY(wr_u32(&b, (uint32_t)what->npfx));
	for (size_t i = 0; i < what->npfx; i++)
		TRY(wr_text(&b, what->pfx[i].thumbprint));
	TRY(wr_u32(&b, (uint32_t)what->key_store));
	/* There is no next certificate that a changed list could wait for. */
	for (size_t i = 0; i < what->access.npackages; i++)
		TRY(wr_text(&b, what->access.packages[i]));
	hash_sha256(buf_str(&b), hash);
	what->hash = str_of(hash, 32);
	return OK;
}

/* What others there are does not change it. */
static err_t
item(struct arena *a, const struct primitive *what, size_t i, struct primitive *ret)
{
	struct primitive one = *what;

	one.pfx = &what->pfx[i];
	one.npfx = 1;
	TRY(make_hash(a, &one));
	*ret = one;
	return OK;
}

static const char *
purpose_name(int64_t purpose)
{
	for (const struct field_member *m = purposes; m->name != NULL; m++)
		if (m->value == purpose)
			return m->name;
	return "unassigned";
}

static err_t
reduce(struct arena *a, const struct profile *p, const void *settings, const struct subject_of *who,
    struct primitive *ret)
{
	const struct imported *s = settings;
	int64_t purpose = s->purpose == 0 ? UNASSIGNED : s->purpose;
	struct user_pfx *v = arena_array(a, who->npfx + 1, sizeof(*v));
	struct primitive what = {
		.kind = PRIM_IMPORT, .ca = "", .ca_host = "", .template = "", .sid = "", .pfx = v
	};
	const struct profile_type *t;

	TRY(profile_type_find(p->type, &t));
	if (who->user == NULL)
		FAIL(ERR_NO_USER, "profile \"%s\" brings the certificates of a user",
		    p->display_name);
	for (size_t i = 0; i < who->npfx; i++)
		if (who->pfx[i].purpose == purpose_of[purpose])
			v[what.npfx++] = who->pfx[i];
	if (what.npfx == 0)
		FAIL(ERR_PFX_NONE, "user %s has none with intendedPurpose %s", who->user->upn,
		    purpose_name(purpose));
	what.key_store = (t->family & (ON_WINDOWS | ON_PHONE | ON_FORERUNNER)) != 0 ?
	    (enum key_store)s->cert.key_store :
	    KEY_STORE_ANY;
	cert_access(a, &s->cert, &what.access);
	what.root = p->root;
	TRY(make_hash(a, &what));
	*ret = what;
	return OK;
}

extern const struct kind kind_imported_pfx;
const struct kind kind_imported_pfx = {
	.name = "imported-pfx",
	.title = "Imported PKCS#12 certificates",
	.rows = { &applicability_rows, &cert_head, &(const struct rows_of){ fields, COUNT(fields) },
	    &cert_tail },
	.size = sizeof(struct imported),
	.needs_user = true,
	.needs_root = true,
	.needs_pfx = true,
	.check = check,
	.reduce = reduce,
	.item = item,
};
