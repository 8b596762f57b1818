/* SPDX-License-Identifier: Apache-2.0 */
/* Previews: see preview.h. */
#include "model/preview.h"

#include "model/profile_json.h"
#include "model/refs.h"
#include "model/request.h"
#include "pki/issue.h"
#include "pki/key.h"
#include "store/user_pfx.h"

enum { PAGE = 200 };

#define DIGITAL_SIGNATURE 0x80

struct run {
	struct arena *a;
	const struct preview_ask *ask;
	struct preview *p;
};

static const char *const results[] = {
	[PREVIEW_OK] = "ok",
	[PREVIEW_WARNING] = "warning",
	[PREVIEW_ERROR] = "error",
	[PREVIEW_UNKNOWN] = "unknown",
};

const char *
preview_result_name(enum preview_result r)
{
	return results[r];
}

bool
preview_would_issue(const struct preview *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->checks[i].result == PREVIEW_ERROR)
			return false;
	return true;
}

static void
say(struct preview *p, const char *name, enum preview_result result, const char *detail)
{
	p->checks[p->n++] =
	    (struct preview_check){ .name = name, .result = result, .detail = detail };
}

/* The error, which ends here, as what the check found. */
static void
found(struct run *r, const char *name, err_t e, const char *fine)
{
	struct err_report rep;

	if (err_ok(e)) {
		say(r->p, name, PREVIEW_OK, fine);
		return;
	}
	err_take(e, &rep);
	say(r->p, name, PREVIEW_ERROR, arena_strdup(r->a, rep.detail));
	r->p->checks[r->p->n - 1].fault = err_info(rep.code)->id;
}

/* The stored profile, the draft, or the one with the changes of the other. */
static err_t
profile_take(struct tx *tx, struct run *r)
{
	struct preview *p = r->p;
	const json *draft = r->ask->draft;
	const struct profile_type *other;
	bool stored = !id_is_zero(r->ask->profile), bound;

	if (stored) {
		TRY(store_profile_get(tx, r->a, r->ask->profile, &p->profile));
		TRY(profile_type_find(p->profile.type, &p->type));
	}
	if (draft == NULL)
		return OK;
	if (!stored) {
		TRY(profile_json_type(draft, &p->type));
		p->profile.type = p->type->name;
		p->profile.platform = p->type->platform;
	} else if (json_get(draft, "@odata.type") != NULL) {
		TRY(profile_json_type(draft, &other));
		if (other != p->type)
			FAIL(ERR_PROFILE_TYPE, "profile %s is a %s and stays one",
			    id_text(r->a, p->profile.id), p->type->name);
	}
	TRY(profile_json_read(r->a, p->type, draft, stored ? FIELD_UPDATE : FIELD_CREATE, NULL,
	    &p->profile, &p->warn));
	return profile_json_root(draft, &bound, &p->profile.root);
}

static err_t
people_take(struct tx *tx, struct run *r)
{
	struct preview *p = r->p;
	struct id id = r->ask->user;
	struct user *u;

	if (id_is_zero(r->ask->device))
		p->device = (struct device){ .platform = p->type->platform, .name = "(none)" };
	else
		TRY(store_device_get(tx, r->a, r->ask->device, &p->device));
	if (id_is_zero(id))
		id = p->device.user;
	if (id_is_zero(id))
		return OK;
	u = ARENA_NEW(r->a, struct user);
	TRY(store_user_get(tx, r->a, id, u));
	p->user = u;
	return OK;
}

static err_t
platform_fits(const struct preview *p)
{
	if (strcmp(p->device.platform, p->type->platform) != 0)
		FAIL(ERR_PROFILE_PLATFORM, "the profile is for %s, device %s has %s",
		    p->type->platform, p->device.name, p->device.platform);
	if (p->user != NULL && !p->user->enabled)
		FAIL(ERR_USER_DISABLED, "user %s", p->user->upn);
	return OK;
}

static err_t
names_make(struct tx *tx, struct run *r)
{
	struct preview *p = r->p;
	struct subject_of who = { .device = &p->device, .user = p->user };
	struct user_pfx *pfx = NULL;
	struct used *used;
	void *settings;

	if (p->type->kind->needs_pfx && p->user != NULL)
		TRY(store_pfx_of_user(tx, r->a, p->user->id, &pfx, &who.npfx));
	who.pfx = pfx;
	TRY(refs_load(tx, r->a, &p->profile, &used, &who.nused));
	who.used = used;
	TRY(profile_settings(r->a, p->type->kind, &p->profile, &settings));
	TRY(p->type->kind->reduce(r->a, &p->profile, settings, &who, &p->what));
	p->resolved = true;
	return OK;
}

/* The root that goes with it: there, for this platform, and not over. */
static err_t
root_fits(struct tx *tx, struct run *r)
{
	auto_cert struct cert *c = NULL;
	const struct profile_type *t;
	struct subject_of who = { .device = &r->p->device };
	struct primitive what;
	struct profile root;
	void *settings;

	if (id_is_zero(r->p->what.root))
		FAIL(ERR_MODEL_INVALID,
		    "\"rootCertificate@odata.bind\" is missing: it names the trusted-root profile");
	TRY_CTX(store_profile_get(tx, r->a, r->p->what.root, &root), "trusted root");
	TRY(profile_type_find(root.type, &t));
	if (kind_rank(t->kind) != 0 || strcmp(t->platform, r->p->type->platform) != 0)
		FAIL(ERR_MODEL_INVALID, "profile \"%s\" is no trusted root for this platform",
		    root.display_name);
	TRY(profile_settings(r->a, t->kind, &root, &settings));
	TRY(t->kind->reduce(r->a, &root, settings, &who, &what));
	TRY(cert_parse(what.der, &c));
	if (cert_not_after(c) <= when_now())
		FAIL(ERR_EXPIRED, "\"%s\", %s, ended %s", root.display_name, cert_subject(c),
		    when_text(r->a, cert_not_after(c)));
	return OK;
}

struct workers {
	struct connector *v;
	size_t n;
};

/* Connectors that are allowed to work. */
static err_t
workers_of(struct tx *tx, struct arena *a, struct workers *ret)
{
	struct page page = { .limit = PAGE };
	struct workers w = { .n = 0 };
	bool more = true;

	while (more) {
		struct connector *v, *all;
		size_t n;

		TRY(store_connector_list(tx, a, page, &v, &n, &more));
		all = arena_array(a, w.n + n + 1, sizeof(*all));
		for (size_t i = 0; i < w.n; i++)
			all[i] = w.v[i];
		w.v = all;
		for (size_t i = 0; i < n; i++) {
			page.after = v[i].id;
			if (v[i].enabled)
				w.v[w.n++] = v[i];
		}
	}
	*ret = w;
	return OK;
}

/* One of them lists the authority. */
static err_t
authority_reached(struct run *r, const struct workers *w)
{
	const char *listed = "";

	for (size_t i = 0; i < w->n; i++) {
		if (request_list_has(w->v[i].cas, r->p->what.ca))
			return OK;
		if (w->v[i].cas[0] != '\0')
			listed = arena_printf(
			    r->a, "%s%s%s", listed, *listed == '\0' ? "" : ", ", w->v[i].cas);
	}
	FAIL(ERR_CA_NOT_REACHED, "no connector lists \"%s\"; listed are: %s", r->p->what.ca,
	    *listed == '\0' ? "none" : listed);
}

/* What those that reach the authority found there when they were checked last: it is not asked itself. */
static void
template_known(struct run *r, const struct workers *w)
{
	const char *template = r->p->what.template, *without = NULL;

	for (size_t i = 0; i < w->n; i++) {
		const struct connector *c = &w->v[i];

		if (c->checked == 0 || !request_list_has(c->cas, r->p->what.ca))
			continue;
		if (request_list_has(c->templates, template)) {
			say(r->p, "template", PREVIEW_OK,
			    arena_printf(r->a, "connector %s could enrol for it at %s", c->name,
				when_text(r->a, c->checked)));
			return;
		}
		without = arena_printf(r->a,
		    "connector %s could not enrol for %s at %s; it could for: %s", c->name,
		    template, when_text(r->a, c->checked),
		    c->templates[0] == '\0' ? "none" : c->templates);
	}
	if (without == NULL) {
		say(r->p, "template", PREVIEW_UNKNOWN,
		    arena_printf(r->a,
			"rights and rules of template %s are the authority's, which is not asked; "
			"chancery connector check tells the service what a connector may enrol for",
			template));
		return;
	}
	say(r->p, "template", PREVIEW_WARNING, without);
	r->p->checks[r->p->n - 1].fault = err_info(ERR_TEMPLATE_DENIED)->id;
}

/* What a certificate with these names and uses would look like, with another key and by nobody. */
static err_t
lint(struct run *r)
{
	const struct primitive *what = &r->p->what;
	auto_key struct key *key = NULL;
	struct issue_spec spec = {
		.subject = what->subject,
		.san = what->san,
		.not_before = when_now(),
		.not_after = when_now() + (when_t)what->validity_days * 86400,
		.path_len = -1,
		.key_usage = DIGITAL_SIGNATURE,
		.ekus = what->ekus,
		.nekus = what->nekus,
		.sid = what->sid,
	};
	struct str tbs;

	TRY(key_make(KEY_EC, KEY_P256, &key));
	spec.key = key;
	issue_serial(spec.serial);
	TRY(issue_tbs(r->a, &spec, key, &tbs));
	return issue_lint(tbs, &spec);
}

static err_t
run(struct tx *tx, void *arg)
{
	struct run *r = arg;
	struct preview *p = r->p;
	struct workers workers;

	*p = (struct preview){ .n = 0 };
	TRY(profile_take(tx, r));
	TRY(people_take(tx, r));
	found(r, "platform", platform_fits(p), p->type->platform);
	found(r, "names", names_make(tx, r), "every variable has a value");
	if (!p->resolved)
		return OK;
	if (!id_is_zero(p->what.root) || p->type->root == ROOT_MUST)
		found(r, "root", root_fits(tx, r), "the trusted root is valid");
	else if (p->type->root != ROOT_NONE)
		say(p, "root", PREVIEW_WARNING, "the profile names no trusted root");
	if (p->what.kind == PRIM_DELIVER) {
		TRY(workers_of(tx, r->a, &workers));
		found(r, "authority", authority_reached(r, &workers), p->what.ca);
		template_known(r, &workers);
	}
	if (p->what.kind == PRIM_DELIVER || p->what.kind == PRIM_ENROL)
		found(r, "lint", lint(r), "the certificate would keep RFC 5280");
	return OK;
}

err_t
preview_run(struct store *s, struct arena *a, const struct preview_ask *ask, struct preview *ret)
{
	struct run r = { .a = a, .ask = ask, .p = ret };

	return store_read(s, run, &r);
}
