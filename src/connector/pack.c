/* SPDX-License-Identifier: Apache-2.0 */
/* See pack.h. */
#include "connector/pack.h"

#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "pki/cert_skim.h"
#include "pki/cms.h"
#include "pki/fips.h"
#include "pki/pfx.h"

#define PASSWORD_BYTES 18 /* 24 characters of base64url */
#define FRIENDLY_NAME "Chancery"

static void
wipe(struct str s)
{
	secret_wipe((void *)(uintptr_t)s.p, s.n);
}

/* People's passwords may have anything in them; in a plist '&', '<' and '>' are something else. */
static err_t
xml_text(struct str password, struct buf *out)
{
	for (size_t i = 0; i < password.n; i++) {
		uint8_t c = password.p[i];

		if (c < 0x20 && c != '\t')
			FAIL(ERR_PFX_UNWRAP, "a control character within the password");
		if (c == '&' || c == '<' || c == '>')
			TRY(buf_printf(out, "&#%u;", c));
		else
			TRY(buf_putc(out, c));
	}
	return OK;
}

static err_t
fill(struct arena *a, struct str frame, struct str pfx, struct str password, struct buf *out)
{
	struct str base64 = str_c(text_base64(a, pfx));
	auto_buf struct buf text = { 0 };
	err_t e;

	buf_init(&text, 8 * LIMIT_TEXT);
	e = xml_text(password, &text);
	if (err_ok(e))
		e = pack_fill(frame, base64, buf_str(&text), out);
	wipe(base64);
	wipe(buf_str(&text));
	return e;
}

static err_t
seal_frame(struct arena *a, const struct pack *p, const struct cert *device, struct str pfx,
    struct str password, struct packed *ret)
{
	auto_buf struct buf plist = { 0 };
	err_t e;

	buf_init(&plist, LIMIT_CMS_BYTES);
	e = fill(a, p->frame, pfx, password, &plist);
	if (err_ok(e))
		e = cms_seal(a, device, buf_str(&plist), &ret->pfx);
	wipe(buf_str(&plist));
	ret->password = STR_EMPTY;
	return e;
}

err_t
pack_seal(struct arena *a, const struct pack *p, const struct cert *device, struct str pfx,
    struct str password, struct packed *ret)
{
	TRY(pack_check(p));
	if (p->form != PACK_AGENT)
		TRY(fips_refuse(PACK_UNAPPROVED));
	switch (p->form) {
	case PACK_APPLE:
		return seal_frame(a, p, device, pfx, password, ret);
	case PACK_WINDOWS:
		ret->pfx = arena_str(a, pfx);
		return cms_seal(a, device, password, &ret->password);
	case PACK_AGENT:
		TRY(cms_seal(a, device, pfx, &ret->pfx));
		return cms_seal(a, device, password, &ret->password);
	}
	FAIL(ERR_UNSUPPORTED, "form %u", (unsigned)p->form);
}

static err_t
without_roots(struct arena *a, const struct str *chain, size_t n, struct str **ret, size_t *retn)
{
	struct str *v = arena_array(a, n + 1, sizeof(*v));
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct cert_skim c;

		TRY_CTX(cert_skim(chain[i], &c), "chain of the certificate");
		if (!cert_skim_self(&c))
			v[kept++] = chain[i];
	}
	*ret = v;
	*retn = kept;
	return OK;
}

err_t
pack_key(struct arena *a, const struct pack *p, const struct cert *device, const struct key *key,
    struct str leaf, const struct str *chain, size_t nchain, struct packed *ret)
{
	/* An agent's importer is known; those of systems get what they write themselves. */
	enum pfx_profile profile = p->format == PFX_FORMAT_3DES ? PFX_3DES :
	    p->form == PACK_AGENT                               ? PFX_AES_QUICK :
								  PFX_AES;
	char *password = rand_token(a, PASSWORD_BYTES);
	struct str pfx = STR_EMPTY, *kept;
	size_t n;
	err_t e = without_roots(a, chain, nchain, &kept, &n);

	if (err_ok(e))
		e = pfx_make(a, profile, key, leaf, kept, n, password, FRIENDLY_NAME, &pfx);
	if (err_ok(e))
		e = pack_seal(a, p, device, pfx, str_c(password), ret);
	secret_wipe(password, strlen(password));
	wipe(pfx);
	return e;
}
