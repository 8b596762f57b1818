/* SPDX-License-Identifier: Apache-2.0 */
/* The administrator's verbs for challenges of SCEP. */
#include "ca/admin.h"

#include "ca/challenge.h"
#include "ca/make.h"
#include "ca/revoke.h"
#include "ca/state.h"
#include "store/scep.h"

enum { MINUTE = 60, VALID_DEFAULT = 24 * 60, VALID_MAX = 90 * 24 * 60, HOSTS_MAX = 16 };

/* "CN=router1,O=Example": the format of subject names, without variables. */
static err_t
no_variables(void *ctx, struct arena *a, const char *variable, const char **ret)
{
	(void)ctx;
	(void)a;
	(void)ret;
	FAIL(ERR_BAD_REQUEST, "subject: {{%s}} stands for nothing here", variable);
}

static err_t
read_subject(struct arena *a, const json *args, struct challenge_spec *s)
{
	struct dn_format *f;
	const char *text;
	struct dn dn;

	TRY(json_want_text(args, "subject", LIMIT_NAME_FORMAT, &text));
	if (text == NULL || text[0] == '\0')
		return OK;
	TRY_CTX(dn_format_parse(a, text, &f), "subject");
	TRY_CTX(dn_resolve(a, f, no_variables, NULL, &dn), "subject");
	return dn_encode(a, &dn, &s->subject);
}

static err_t
read_hosts(struct arena *a, const json *args, struct challenge_spec *s)
{
	const char *const *hosts;
	struct san *sans;
	size_t n;

	TRY(admin_texts(a, args, "hosts", HOSTS_MAX, &hosts, &n));
	if (n > 0 && s->subject.n == 0)
		FAIL(ERR_BAD_REQUEST, "hosts: they go with a subject");
	if (n == 0)
		return OK;
	sans = arena_array(a, n, sizeof(*sans));
	for (size_t i = 0; i < n; i++)
		sans[i] = make_host(a, hosts[i]);
	return san_encode(a, sans, n, &s->san);
}

static err_t
read_ca(struct issuer *is, const json *args, const char **ret)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	const struct ca *ca;
	const char *name;

	TRY(json_want_text(args, "ca", LIMIT_TEXT, &name));
	if (name != NULL && name[0] != '\0')
		TRY(hierarchy_find(h, name, &ca));
	else
		TRY(hierarchy_by_role(h, CA_ROLE_ISSUING, &ca));
	*ret = ca->name;
	return OK;
}

static err_t
make_one(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct challenge_spec s = { 0 };
	struct challenge_made made;
	int64_t minutes;

	TRY(json_need_text(args, "template", LIMIT_TEXT, &s.template));
	TRY(json_want_text(args, "principal", LIMIT_TEXT, &s.principal));
	if (s.principal == NULL)
		s.principal = CHALLENGE_PRINCIPAL;
	TRY(json_want_int(args, "valid_minutes", 1, VALID_MAX, VALID_DEFAULT, &minutes));
	TRY(read_ca(is, args, &s.ca));
	TRY(read_subject(a, args, &s));
	TRY(read_hosts(a, args, &s));
	s.valid = minutes * MINUTE;
	TRY(challenge_make(is, a, &s, &made));
	json_set_text(out, "id", id_text(a, made.id));
	json_set_text(out, "challenge", made.text);
	json_set_text(out, "ca", s.ca);
	json_set_text(out, "template", s.template);
	json_set_when(a, out, "expires", made.expires);
	return OK;
}

struct list {
	struct arena *a;
	json *out;
};

static const char *
state_of(const struct challenge *c, bool used)
{
	if (used)
		return "used";
	return c->expires <= when_now() ? "expired" : "open";
}

static err_t
list_tx(struct tx *tx, void *arg)
{
	struct list *l = arg;
	struct challenge *v;
	size_t n;

	TRY(store_challenge_list(tx, l->a, &v, &n));
	for (size_t i = 0; i < n; i++) {
		json *o = json_object_new();
		uint64_t fence = 0;
		bool closed;

		json_add(l->out, o);
		TRY(store_order_state_get(tx, v[i].id, &fence, &closed));
		json_set_text(o, "id", id_text(l->a, v[i].id));
		json_set_text(o, "state", state_of(&v[i], fence > 0));
		json_set_text(o, "ca", v[i].ca);
		json_set_text(o, "template", v[i].template);
		json_set_text(o, "principal", v[i].principal);
		json_set_text(o, "subject", v[i].subject_text);
		json_set_when(l->a, o, "created", v[i].created);
		json_set_when(l->a, o, "expires", v[i].expires);
	}
	return OK;
}

static err_t
list_all(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct list l = { a, json_array_new() };

	(void)args;
	json_set(out, "challenges", l.out);
	return store_read(is->store, list_tx, &l);
}

struct gone {
	struct arena *a;
	struct id id;
};

/* Requests that wait on it go, and one that is under way comes too late. A challenge that became a certificate is used
 * up: the certificate stays as it is, and may be renewed. */
static err_t
take_back(struct tx *tx, const struct gone *g)
{
	bool used = false, closed = false, done;
	uint64_t fence = 0;
	struct issued *v;
	size_t n;

	TRY(store_issued_by_order(tx, g->a, g->id, &v, &n));
	for (size_t i = 0; i < n; i++) {
		if (v[i].state == ISSUED_PENDING)
			TRY(revoke_record(tx, &v[i], REASON_CESSATION, "administrator", &done));
		else if (v[i].state == ISSUED_VALID || v[i].state == ISSUED_INTENT)
			used = true;
	}
	if (used)
		return OK;
	TRY(store_order_state_get(tx, g->id, &fence, &closed));
	return store_order_state_put(tx, g->id, fence, true);
}

static err_t
delete_tx(struct tx *tx, void *arg)
{
	const struct gone *g = arg;

	TRY(store_challenge_delete(tx, g->id));
	TRY(take_back(tx, g));
	return store_journal_add(tx, "administrator", "challenge-deleted",
	    arena_printf(g->a, "id=%s", id_text(g->a, g->id)));
}

static err_t
delete_one(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct gone g = { .a = a };
	const char *id;

	TRY(json_need_text(args, "id", LIMIT_TEXT, &id));
	TRY_CTX(id_parse(str_c(id), &g.id), "id");
	TRY(store_write(is->store, delete_tx, &g));
	json_set_text(out, "id", id_text(a, g.id));
	return OK;
}

const struct ca_verb admin_challenge_verbs[] = {
	{ "challenge.make", make_one,
	    ADMIN_ARGS("template", "principal", "ca", "subject", "hosts", "valid_minutes"),
	    "A challenge password for SCEP, for one certificate of a template." },
	{ "challenge.list", list_all, ADMIN_NO_ARGS, "The challenges, without their texts." },
	{ "challenge.delete", delete_one, ADMIN_ARGS("id"),
	    "Take a challenge back; requests that wait on it are denied." },
	{ NULL, NULL, NULL, NULL },
};
