/* SPDX-License-Identifier: Apache-2.0 */
#include "model/use.h"

#include "base/rd.h"
#include "model/cert_name.h"
#include "model/inventory.h"
#include "model/subject.h"
#include "pki/key.h"
#include "store/user_pfx.h"

/* Bytes of settings, and of roots, that fit with their certificate into what a connector seals (LIMIT_PACK_FRAME). */
enum { SETTINGS_MAX = 8192, ROOTS_MAX = 12288 };

const struct field_member use_methods[] = {
	{ "certificate", USE_CERTIFICATE },
	{ 0 },
};

err_t
use_check_text(struct arena *a, const struct field *f, const void *at)
{
	const char *text = *(const char *const *)at;

	if (text == NULL || text[0] == '\0')
		return OK;
	TRY_CTX(subject_text_check(a, text), "%s", f->name);
	return OK;
}

err_t
use_check_never(struct arena *a, const struct field *f, const void *at)
{
	const char *text = *(const char *const *)at;

	(void)a;
	if (text != NULL && text[0] != '\0')
		FAIL(ERR_MODEL_INVALID,
		    "\"%s\" must be null: who connects shows a certificate, and secrets are not kept here",
		    f->name);
	return OK;
}

err_t
use_text(struct arena *a, const struct subject_of *who, const char *format, const char **ret)
{
	struct subject_of of = *who;

	*ret = "";
	if (format == NULL || format[0] == '\0')
		return OK;
	return dn_text_resolve(a, format, subject_lookup, &of, ret);
}

/* The profile that the certificate comes of; refs_check() saw to it that there is one. */
static err_t
certificate_of(const struct profile *p, const struct subject_of *who, const struct profile **ret)
{
	for (size_t i = 0; i < who->nused; i++)
		if (who->used[i].as->to == REF_CERTIFICATE) {
			*ret = &who->used[i].profile;
			return OK;
		}
	FAIL(ERR_MODEL_INVALID, "profile \"%s\" names no certificate", p->display_name);
}

static err_t
reduce_one(
    struct arena *a, const struct profile *p, const struct subject_of *who, struct primitive *ret)
{
	struct subject_of of = *who;
	const struct profile_type *t;
	struct primitive what;
	void *settings;

	of.used = NULL;
	of.nused = 0;
	TRY(profile_type_find(p->type, &t));
	TRY(profile_settings(a, t->kind, p, &settings));
	TRY(t->kind->reduce(a, p, settings, &of, &what));
	/* Of several the first: it is the one that is valid longest. */
	if (t->kind->item != NULL)
		TRY(t->kind->item(a, &what, 0, &what));
	*ret = what;
	return OK;
}

static err_t
roots_of(struct arena *a, const struct subject_of *who, struct use *u)
{
	struct str *v = arena_array(a, who->nused + 1, sizeof(*v));
	size_t bytes = 0;

	u->nroots = 0;
	for (size_t i = 0; i < who->nused; i++) {
		struct primitive root;
		bool twice = false;

		if (who->used[i].as->to != REF_ROOT)
			continue;
		TRY(reduce_one(a, &who->used[i].profile, who, &root));
		for (size_t k = 0; k < u->nroots; k++)
			twice = twice || str_eq(v[k], root.der);
		if (twice)
			continue;
		bytes += root.der.n;
		if (bytes > ROOTS_MAX)
			FAIL(ERR_TOO_LARGE, "the trusted roots have more than %d bytes", ROOTS_MAX);
		v[u->nroots++] = root.der;
	}
	u->roots = v;
	return OK;
}

/* What makes it another thing to install; the certificate's part is that of its own profile. */
static err_t
make_hash(struct arena *a, const struct profile *p, const struct use *u, struct primitive *what)
{
	auto_buf struct buf b;
	uint8_t *hash = arena_alloc(a, 32);

	buf_init(&b, SETTINGS_MAX + ROOTS_MAX + LIMIT_LONG_TEXT * 4u);
	TRY(wr_text(&b, "use 1"));
	TRY(wr_blob(&b, what->hash));
	TRY(wr_blob(&b, str_c(p->settings)));
	TRY(wr_text(&b, u->user == NULL ? "" : u->user));
	TRY(wr_text(&b, u->address == NULL ? "" : u->address));
	TRY(wr_text(&b, u->local == NULL ? "" : u->local));
	if (u->wifi != NULL)
		TRY(wr_text(&b, u->wifi->user));
	for (size_t i = 0; i < u->nroots; i++)
		TRY(wr_blob(&b, u->roots[i]));
	hash_sha256(buf_str(&b), hash);
	what->hash = str_of(hash, 32);
	return OK;
}

void
use_channel(int64_t channel, struct primitive *what)
{
	if (channel != FIELD_UNSET)
		what->access.user_channel = channel == CHANNEL_USER;
}

/* The profiles that are named, for whoever waits for them. */
static void
needs_of(struct arena *a, const struct subject_of *who, struct primitive *what)
{
	struct id *needs = arena_array(a, who->nused + 1, sizeof(*needs));

	for (size_t i = 0; i < who->nused; i++)
		needs[i] = who->used[i].profile.id;
	what->needs = needs;
	what->nneeds = who->nused;
}

static err_t
check_settings(const struct profile *p)
{
	if (strlen(p->settings) > SETTINGS_MAX)
		FAIL(ERR_TOO_LARGE, "the settings of \"%s\" have more than %d bytes",
		    p->display_name, SETTINGS_MAX);
	return OK;
}

err_t
use_reduce(struct arena *a, const struct profile *p, const struct subject_of *who,
    const struct use *u, struct primitive *ret)
{
	struct use *use = ARENA_NEW(a, struct use);
	const struct profile *certificate;
	struct primitive what;

	TRY(check_settings(p));
	*use = *u;
	TRY(certificate_of(p, who, &certificate));
	TRY_CTX(reduce_one(a, certificate, who, &what), "the certificate of \"%s\"",
	    certificate->display_name);
	TRY(roots_of(a, who, use));
	TRY(make_hash(a, p, use, &what));
	needs_of(a, who, &what);
	what.use = use;
	*ret = what;
	return OK;
}

/* ---- a thing by itself ---- */

/* What tells the certificate from others on the device, and whose it is. */
static err_t
used_certificate(struct arena *a, const struct profile *network, const struct subject_of *who,
    struct use *u, bool *ret_of_machine)
{
	const struct profile *p;
	struct primitive what;

	u->alias = "";
	*ret_of_machine = true;
	if (!wifi_by_name(u->wifi) || u->wifi->authentication == USE_PASSWORD)
		return OK;
	TRY(certificate_of(network, who, &p));
	TRY_CTX(reduce_one(a, p, who, &what), "the certificate of \"%s\"", p->display_name);
	u->alias =
	    inventory_alias(a, p->id, what.kind == PRIM_IMPORT ? what.pfx[0].id : (struct id){ 0 });
	u->ekus = what.ekus;
	u->nekus = what.nekus;
	*ret_of_machine = what.of_machine;
	return OK;
}

static err_t
issuer_of(struct arena *a, const struct subject_of *who, struct use *u)
{
	struct primitive root;

	for (size_t i = 0; i < who->nused; i++)
		if (who->used[i].as->to == REF_ISSUER) {
			TRY(reduce_one(a, &who->used[i].profile, who, &root));
			u->issuer = root.der;
		}
	return OK;
}

/* A certificate that is renewed leaves the network as it is. */
static err_t
network_hash(
    struct arena *a, const struct profile *p, const struct use *u, bool of_machine, struct str *ret)
{
	auto_buf struct buf b;
	uint8_t *hash = arena_alloc(a, 32);

	buf_init(&b, SETTINGS_MAX + ROOTS_MAX * 2u + LIMIT_LONG_TEXT * 4u);
	TRY(wr_text(&b, "network 1"));
	TRY(wr_blob(&b, str_c(p->settings)));
	TRY(wr_u8(&b, of_machine));
	TRY(wr_text(&b, u->alias));
	TRY(wr_text(&b, u->wifi->user));
	TRY(wr_u32(&b, (uint32_t)u->nekus));
	for (size_t i = 0; i < u->nekus; i++)
		TRY(wr_text(&b, u->ekus[i]));
	TRY(wr_blob(&b, u->issuer));
	for (size_t i = 0; i < u->nroots; i++)
		TRY(wr_blob(&b, u->roots[i]));
	hash_sha256(buf_str(&b), hash);
	*ret = str_of(hash, 32);
	return OK;
}

err_t
use_network(struct arena *a, const struct profile *p, const struct subject_of *who,
    const struct use *u, struct primitive *ret)
{
	struct primitive what = {
		.kind = PRIM_NETWORK, .ca = "", .ca_host = "", .template = "", .sid = ""
	};
	struct use *use = ARENA_NEW(a, struct use);

	TRY(check_settings(p));
	*use = *u;
	TRY(roots_of(a, who, use));
	TRY(used_certificate(a, p, who, use, &what.of_machine));
	TRY(issuer_of(a, who, use));
	TRY(network_hash(a, p, use, what.of_machine, &what.hash));
	needs_of(a, who, &what);
	what.key_store = KEY_STORE_ANY;
	what.use = use;
	*ret = what;
	return OK;
}
