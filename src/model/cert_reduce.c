/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings that certificate kinds share are for one device: see cert_profile.h. */
#include "base/rd.h"
#include "model/cert_name.h"
#include "pki/key.h"

static void
make_ekus(struct arena *a, const struct cert_profile *p, struct primitive *what)
{
	const struct eku *v = p->ekus.v;

	what->ekus = arena_array(a, p->ekus.n + 1, sizeof(*what->ekus));
	for (size_t i = 0; i < p->ekus.n; i++) {
		bool twice = false;

		for (size_t k = 0; k < what->nekus; k++)
			twice = twice || strcmp(what->ekus[k], v[i].oid) == 0;
		if (!twice)
			what->ekus[what->nekus++] = v[i].oid;
	}
}

void
cert_access(struct arena *a, const struct cert_profile *p, struct key_access *ret)
{
	const struct package *v = p->packages.v;

	ret->all_apps = p->all_apps;
	ret->user_channel = p->channel == CHANNEL_USER;
	if (p->access != ACCESS_APPS)
		return;
	ret->packages = arena_array(a, p->packages.n + 1, sizeof(*ret->packages));
	for (size_t i = 0; i < p->packages.n; i++)
		ret->packages[ret->npackages++] = v[i].id;
}

/* Of the user's account, or of the computer's, which is Windows'. */
static const char *
sid_of(const struct cert_profile *c, const struct subject_of *who)
{
	const char *sid = who->user != NULL ? who->user->sid : who->device->sid;

	return c->sid == SID_DISABLED || sid == NULL ? "" : sid;
}

err_t
cert_reduce(struct arena *a, const struct profile *p, const struct cert_profile *c,
    const struct subject_of *who, struct primitive *what)
{
	struct subject_of of = *who;
	const struct profile_type *t;

	TRY(profile_type_find(p->type, &t));
	what->of_machine = c->store == CERT_OF_MACHINE;
	if (what->of_machine)
		of.user = NULL;
	else if (of.user == NULL)
		FAIL(ERR_NO_USER, "profile \"%s\" is for users (certificateStore user)",
		    p->display_name);
	what->sid = sid_of(c, &of);
	TRY(cert_name_make(a, c, &of, &what->subject, &what->san));
	make_ekus(a, c, what);
	cert_access(a, c, &what->access);
	what->key_store = (t->family & (ON_WINDOWS | ON_PHONE)) != 0 ?
	    (enum key_store)c->key_store :
	    KEY_STORE_ANY;
	what->validity_days = cert_validity_days(c);
	what->renewal_percent = (int)c->renewal_percent;
	what->root = p->root;
	return OK;
}

const struct field_member cert_key_kinds[] = {
	{ "rsa", KEY_IS_RSA },
	{ "p256", KEY_IS_P256 },
	{ "p384", KEY_IS_P384 },
	{ 0 },
};

void
cert_key_choose(int64_t kind, int64_t rsa_bits, struct primitive *what)
{
	what->key_alg = kind == KEY_IS_RSA ? KEY_RSA : KEY_EC;
	switch ((enum key_kind)kind) {
	case KEY_IS_RSA:
		what->key_bits = rsa_bits == 0 ? KEY_RSA_2048 : (unsigned)rsa_bits;
		break;
	case KEY_IS_P256:
		what->key_bits = KEY_P256;
		break;
	case KEY_IS_P384:
		what->key_bits = KEY_P384;
		break;
	}
}

err_t
cert_hash(struct buf *b, const struct cert_profile *c, const struct primitive *what)
{
	TRY(wr_blob(b, what->subject));
	TRY(wr_blob(b, what->san));
	/* Rolled out or back with renewals: it makes no other content. */
	TRY(wr_text(b, c->sid == SID_ENABLED ? what->sid : ""));
	TRY(wr_u32(b, (uint32_t)what->nekus));
	for (size_t i = 0; i < what->nekus; i++)
		TRY(wr_text(b, what->ekus[i]));
	TRY(wr_u32(b, what->key_bits));
	/* The same certificate with its key in another place is another one: keys do not move. */
	TRY(wr_u32(b, (uint32_t)what->key_store));
	return wr_u8(b, what->of_machine);
}
