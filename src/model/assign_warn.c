/* SPDX-License-Identifier: Apache-2.0 */
/* What an assignment leaves out or contradicts: see assign.h. */
#include "model/assign.h"
#include "model/filter.h"
#include "model/refs.h"

/* Whom targets reach. */
enum { PEOPLE = 1, DEVICES = 2 };

static err_t
reach_of(struct tx *tx, const struct assignment *x, unsigned *ret)
{
	bool yes;

	*ret = x->kind == TARGET_ALL_DEVICES ? DEVICES : x->kind == TARGET_ALL_USERS ? PEOPLE : 0;
	if (*ret != 0)
		return OK;
	TRY(store_member_has_kind(tx, x->group, MEMBER_USER, &yes));
	*ret |= yes ? PEOPLE : 0;
	TRY(store_member_has_kind(tx, x->group, MEMBER_DEVICE, &yes));
	*ret |= yes ? DEVICES : 0;
	return OK;
}

struct reach {
	unsigned in, out;
};

static err_t
reach(struct tx *tx, const struct assignment *v, size_t n, struct reach *ret)
{
	struct reach r = { 0, 0 };

	for (size_t i = 0; i < n; i++) {
		unsigned bits;

		TRY(reach_of(tx, &v[i], &bits));
		if (v[i].kind == TARGET_EXCLUDE_GROUP)
			r.out |= bits;
		else
			r.in |= bits;
	}
	*ret = r;
	return OK;
}

static const char *
word(unsigned reach)
{
	return reach == PEOPLE ? "people" : "devices";
}

static bool
same_filter(const struct assignment *a, const struct assignment *b)
{
	return a->filter_mode == FILTER_NONE ||
	    (a->filter_mode == b->filter_mode && id_eq(a->filter, b->filter));
}

static bool
has_target(const struct assignment *v, size_t n, enum target_kind kind, struct id group,
    const struct assignment *like)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == kind && id_eq(v[i].group, group) && same_filter(&v[i], like))
			return true;
	return false;
}

/* Whether whoever the target brings the certificate to gets the root as well, as far as targets
 * alone tell. What the certificate excludes, the root may exclude too. */
static bool
root_covers(const struct assignment *root, size_t n, const struct assignment *own, size_t nown,
    const struct assignment *target)
{
	const struct id none = { 0 };

	for (size_t i = 0; i < n; i++)
		if (root[i].kind == TARGET_EXCLUDE_GROUP &&
		    !has_target(own, nown, TARGET_EXCLUDE_GROUP, root[i].group, &root[i]) &&
		    (target->kind != TARGET_GROUP || id_eq(root[i].group, target->group)))
			return false;
	if (has_target(root, n, TARGET_ALL_DEVICES, none, target))
		return true;
	if (target->kind == TARGET_GROUP)
		return has_target(root, n, TARGET_GROUP, target->group, target) ||
		    has_target(root, n, TARGET_ALL_USERS, none, target);
	return has_target(root, n, target->kind, none, target);
}

static err_t
root_warn(struct tx *tx, struct arena *a, const struct profile *p, const struct assignment *own,
    size_t nown, struct warnings *w)
{
	struct assignment *root;
	struct reach mine, its;
	struct profile rp;
	size_t nroot;

	if (id_is_zero(p->root))
		return OK;
	TRY(store_profile_get(tx, a, p->root, &rp));
	TRY(store_assignments(tx, a, p->root, &root, &nroot));
	for (size_t i = 0; i < nown; i++) {
		if (own[i].kind == TARGET_EXCLUDE_GROUP ||
		    root_covers(root, nroot, own, nown, &own[i]))
			continue;
		warn(w, ERR_ROOT_NOT_ASSIGNED,
		    arena_printf(a,
			"trusted root \"%s\" is not assigned to every device that gets \"%s\"",
			rp.display_name, p->display_name));
		TRY(reach(tx, own, nown, &mine));
		TRY(reach(tx, root, nroot, &its));
		if (mine.in != 0 && its.in != 0 && (mine.in & its.in) == 0)
			warn(w, ERR_ASSIGN_ROOT_KIND,
			    arena_printf(a, "trusted root \"%s\" goes to %s and \"%s\" to %s",
				rp.display_name, word(its.in), p->display_name, word(mine.in)));
		return OK;
	}
	return OK;
}

/* The same for each profile that it refers to. */
static err_t
refs_warn(struct tx *tx, struct arena *a, const struct profile *p, const struct assignment *own,
    size_t nown, struct warnings *w)
{
	struct used *used;
	size_t n;

	TRY(refs_load(tx, a, p, &used, &n));
	for (size_t i = 0; i < n; i++) {
		const struct profile *of = &used[i].profile;
		struct assignment *its;
		bool covers = true;
		size_t nits;

		TRY(store_assignments(tx, a, of->id, &its, &nits));
		for (size_t k = 0; k < nown; k++)
			covers = covers &&
			    (own[k].kind == TARGET_EXCLUDE_GROUP ||
				root_covers(its, nits, own, nown, &own[k]));
		if (!covers)
			warn(w, ERR_NEED_NOT_ASSIGNED,
			    arena_printf(a,
				"\"%s\" (%s) is not assigned to every device that gets \"%s\"",
				of->display_name, used[i].as->name, p->display_name));
	}
	return OK;
}

/* An exclusion works on whoever it reaches, here as well; but who mixes them has most likely the wrong group. */
static err_t
mixed_warn(struct tx *tx, struct arena *a, const struct profile *p, const struct assignment *own,
    size_t nown, struct warnings *w)
{
	struct reach r;

	TRY(reach(tx, own, nown, &r));
	if (r.in != 0 && r.out != 0 && (r.in & r.out) == 0)
		warn(w, ERR_ASSIGN_MIXED,
		    arena_printf(a, "\"%s\" includes %s and excludes %s", p->display_name,
			word(r.in), word(r.out)));
	return OK;
}

static err_t
filter_warn(struct tx *tx, struct arena *a, const struct profile *p, const struct assignment *own,
    size_t nown, struct warnings *w)
{
	for (size_t i = 0; i < nown; i++) {
		struct filter f;

		if (own[i].filter_mode == FILTER_NONE)
			continue;
		TRY(store_filter_get(tx, a, own[i].filter, &f));
		if (!filter_is_for(f.platform, p->platform))
			warn(w, ERR_ASSIGN_PLATFORM,
			    arena_printf(a, "filter \"%s\" is for %s, profile \"%s\" for %s",
				f.display_name, f.platform, p->display_name, p->platform));
	}
	return OK;
}

/* A certificate for the user's store that is sent to devices reaches those that have a user. */
static err_t
user_warn(struct tx *tx, struct arena *a, const struct profile *p, const struct assignment *own,
    size_t nown, struct warnings *w)
{
	auto_json json *settings = NULL;
	const struct profile_type *type;
	struct reach r;

	TRY(profile_type_find(p->type, &type));
	if (!type->kind->needs_user || nown == 0)
		return OK;
	TRY(json_parse(str_c(p->settings), LIMIT_HTTP_BODY, &settings));
	if (!str_ieq_c(str_c(json_text(json_get(settings, "certificateStore"))), "user"))
		return OK;
	TRY(reach(tx, own, nown, &r));
	if (r.in == DEVICES)
		warn(w, ERR_ASSIGN_NO_USER,
		    arena_printf(a, "\"%s\" goes to devices", p->display_name));
	return OK;
}

err_t
assign_warn(struct tx *tx, struct arena *a, const struct profile *p, struct warnings *w)
{
	struct assignment *own;
	size_t nown;

	TRY(store_assignments(tx, a, p->id, &own, &nown));
	TRY(root_warn(tx, a, p, own, nown, w));
	TRY(refs_warn(tx, a, p, own, nown, w));
	TRY(mixed_warn(tx, a, p, own, nown, w));
	TRY(filter_warn(tx, a, p, own, nown, w));
	return user_warn(tx, a, p, own, nown, w);
}
