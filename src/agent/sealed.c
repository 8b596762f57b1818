/* SPDX-License-Identifier: Apache-2.0 */
/* What connector or service sealed to this device. */
#include "agent/agent.h"
#include "base/secret.h"
#include "base/text.h"
#include "pki/cms.h"

/* What was sealed before our identity was renewed is for the one before. */
err_t
sealed_bytes(const struct agent *g, struct arena *a, struct str sealed, struct str *ret)
{
	err_t e = cms_open(a, g->identity, g->key, sealed, ret), former;
	struct err_report rep;

	if (err_ok(e) || g->former == NULL)
		return e;
	err_take(e, &rep);
	former = cms_open(a, g->former, g->former_key, sealed, ret);
	if (err_ok(former))
		return OK;
	err_forget(former);
	return err_raise(&rep);
}

static err_t
open_pfx(const struct agent *g, struct arena *a, const struct sealed_pair *d, struct pfx *ret)
{
	struct str pfx = STR_EMPTY, password = STR_EMPTY;
	const char *text;
	err_t e;

	e = sealed_bytes(g, a, d->pfx, &pfx);
	if (err_ok(e))
		e = sealed_bytes(g, a, d->password, &password);
	if (err_ok(e))
		e = text_cstr(a, password, &text);
	if (err_ok(e)) {
		e = pfx_open(a, pfx, text, ret);
		secret_wipe((void *)(uintptr_t)text, strlen(text));
	}
	secret_wipe((void *)(uintptr_t)pfx.p, pfx.n);
	secret_wipe((void *)(uintptr_t)password.p, password.n);
	return e;
}

err_t
sealed_open(const struct agent *g, struct arena *a, const struct sealed_pair *d, struct pfx *ret)
{
	auto_pfx struct pfx pfx = { 0 };
	uint8_t hash[32];

	TRY(open_pfx(g, a, d, &pfx));
	hash_sha256(pfx.leaf, hash);
	if (!str_eq(STR(hash), d->sha256))
		FAIL(ERR_DELIVERY_MISMATCH, "the sealed certificate is %s", text_hex(a, STR(hash)));
	*ret = pfx;
	pfx.key = NULL;
	return OK;
}
