/* SPDX-License-Identifier: Apache-2.0 */
#include "model/effect.h"
#include "model/desired.h"
#include "model/profile_json.h"
#include "model/scope.h"

enum { PAGE = 200 };

struct draft {
	struct arena *a;
	struct id id;
	const json *settings;
	const struct secrets *secrets;    /* of them */
	const struct profile *as;         /* the profile as it would be; NULL: as settings say */
	const struct assignment *targets; /* NULL: as they are */
	size_t ntargets, max;
	struct profile profile;
	const struct kind *kind;
	struct page page;
	bool more;
	struct effect out;
};

/* A profile that is not there yet. Its root may be one that is not there either. */
static err_t
prepare_new(struct tx *tx, struct draft *d)
{
	struct profile *p = &d->profile;
	const struct profile_type *type;
	bool found;

	TRY(profile_json_type(d->settings, &type));
	d->kind = type->kind;
	*p = (struct profile){
		.id = id_new(), .type = type->name, .platform = type->platform, .version = 1
	};
	p->created = p->modified = when_now();
	TRY(profile_json_read(d->a, type, d->settings, FIELD_CREATE, d->secrets, p, &d->out.warn));
	TRY(profile_json_root(d->settings, &found, &p->root));
	TRY(scope_check(tx, d->a, p->scope_tags));
	return d->targets == NULL ? OK : assign_check(tx, d->a, d->targets, d->ntargets);
}

/* The profile as it would be, with all that saving would refuse. */
static err_t
prepare(struct tx *tx, void *arg)
{
	struct draft *d = arg;
	const struct profile_type *type;
	struct assignment *now;
	bool found;

	if (id_is_zero(d->id))
		return prepare_new(tx, d);
	TRY(store_profile_get(tx, d->a, d->id, &d->profile));
	TRY(profile_type_find(d->profile.type, &type));
	d->kind = type->kind;
	if (d->as != NULL)
		d->profile = *d->as;
	if (d->settings != NULL) {
		TRY(profile_json_read(
		    d->a, type, d->settings, FIELD_UPDATE, d->secrets, &d->profile, &d->out.warn));
		TRY(profile_json_root(d->settings, &found, &d->profile.root));
		TRY(scope_check(tx, d->a, d->profile.scope_tags));
	}
	if (d->targets != NULL)
		return assign_check(tx, d->a, d->targets, d->ntargets);
	TRY(store_assignments(tx, d->a, d->id, &now, &d->ntargets));
	d->targets = now;
	return OK;
}

static err_t
slot_of(struct tx *tx, struct arena *a, const struct draft *d, const struct device *dev,
    struct slot *ret, bool *found)
{
	struct id none = { 0 };
	err_t e = store_slot_find(
	    tx, a, dev->id, d->kind->needs_user ? dev->user : none, d->profile.id, ret);

	*found = err_ok(e) && ret->wanted;
	if (err_ok(e))
		return OK;
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	return OK;
}

/* Whether a certificate of the device's own stands behind the slot. */
static bool
has_certificate(const struct slot *s)
{
	return kind_has_certificate(s->kind) && s->serial != NULL && s->serial[0] != '\0';
}

static void
fault(struct draft *d, const struct desired *want)
{
	if (d->out.fault++ > 0)
		return;
	d->out.first_fault = want->fault;
	d->out.first_detail = want->detail == NULL ? "" : arena_strdup(d->a, want->detail);
}

static void
tally(struct draft *d, bool wanted, const struct desired *want, bool has, const struct slot *s)
{
	struct effect *out = &d->out;

	if (!wanted && has) {
		out->withdraw++;
		out->revoke += has_certificate(s);
	} else if (wanted && want->fault != NULL) {
		fault(d, want);
	} else if (wanted && !has) {
		out->issue++;
	} else if (wanted && !str_eq(s->wanted_hash, want->what.hash)) {
		out->reissue++;
		out->revoke += has_certificate(s);
	} else if (wanted) {
		out->unchanged++;
	}
}

static err_t
look_at(struct tx *tx, struct draft *d, const struct device *dev)
{
	auto_arena struct arena *a = arena_new();
	struct desired want = { 0 };
	struct slot s = { 0 };
	bool wanted, has;

	TRY(desired_draft(tx, a, dev, &d->profile, d->targets, d->ntargets, &wanted, &want));
	TRY(slot_of(tx, a, d, dev, &s, &has));
	tally(d, wanted, &want, has, &s);
	return OK;
}

/* One page of devices: a snapshot of its own, so that none is held for long. */
static err_t
look(struct tx *tx, void *arg)
{
	auto_arena struct arena *a = arena_new();
	struct draft *d = arg;
	struct device *v;
	size_t n;

	TRY(store_device_list(tx, a, d->page, &v, &n, &d->more));
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].platform, d->profile.platform) == 0)
			TRY(look_at(tx, d, &v[i]));
	if (n > 0)
		d->page.after = v[n - 1].id;
	d->out.devices += n;
	return OK;
}

static err_t
run(struct store *s, struct draft *d, size_t max, struct effect *ret)
{
	d->page.limit = PAGE;
	d->more = true;
	TRY(store_read(s, prepare, d));
	while (d->more && d->out.devices < max)
		TRY(store_read(s, look, d));
	d->out.complete = !d->more;
	*ret = d->out;
	return OK;
}

err_t
effect_of(struct store *s, struct arena *a, struct id profile, const json *settings,
    const struct secrets *secrets, const struct assignment *targets, size_t ntargets, size_t max,
    struct effect *ret)
{
	struct draft d = { .a = a,
		.id = profile,
		.settings = settings,
		.secrets = secrets,
		.targets = targets,
		.ntargets = ntargets };

	return run(s, &d, max, ret);
}

err_t
effect_of_draft(struct store *s, struct arena *a, const struct profile *draft,
    const struct assignment *targets, size_t ntargets, size_t max, struct effect *ret)
{
	struct draft d = {
		.a = a, .id = draft->id, .as = draft, .targets = targets, .ntargets = ntargets
	};

	return run(s, &d, max, ret);
}
