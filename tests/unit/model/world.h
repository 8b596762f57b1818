/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world on a store of its own: a user with mail in a group, her device, a connector, a
 * trusted root and a certificate profile for the group. The clock stands at MADE_NOW until a test
 * moves it.
 */
#ifndef TESTS_UNIT_MODEL_WORLD_H
#define TESTS_UNIT_MODEL_WORLD_H

#include "pki/made.h"

#include <dirent.h>

#include "model/checkin.h"
#include "model/diff.h"
#include "model/job.h"
#include "model/assign.h"
#include "model/request.h"
#include "model/status.h"
#include "store/access.h"

#define SUBJECT \
	"CN={{UserName}},E={{EmailAddress}},OU=Mobile,O=Finance Group,L=Redmond,ST=Washington,C=US"

/* What an enterprise network refers to. */
#define WORLD_WIFI_IDENTITY "identityCertificateForClientAuthentication@odata.bind"
#define WORLD_WIFI_ROOTS "rootCertificatesForServerValidation@odata.bind"

struct world {
	char dir[64];
	struct arena *a;
	struct store *store;
	struct made root;
	struct key *leaf_key;
	struct user user;
	struct group group;
	struct device device;
	struct connector connector;
	struct profile root_profile, pkcs_profile;
	unsigned nudges; /* wake-ups of devices */
	unsigned queue;  /* wake-ups of connectors */
	/* What the device holds. */
	struct report_item held[4];
	size_t nheld;
};

/* One call inside a transaction, written as a block of the test. */
struct world_call {
	struct world *w;
	void (*fn)(struct world *w, struct tx *tx);
};

static inline err_t
world_run(struct tx *tx, void *arg)
{
	struct world_call *c = arg;

	c->fn(c->w, tx);
	return OK;
}

static inline void
world_write(struct world *w, void (*fn)(struct world *w, struct tx *tx))
{
	struct world_call c = { w, fn };

	expect_ok(store_write(w->store, world_run, &c));
}

struct world_lines {
	struct arena *a;
	struct audit *v;
	size_t n;
};

static inline err_t
world_list_lines(struct tx *tx, void *arg)
{
	struct world_lines *l = arg;

	return store_audit_list(tx, l->a, 0, 1000, &l->v, &l->n);
}

/* How many lines of the audit log tell of this action on this device. */
static inline size_t
world_lines(struct world *w, const char *action, struct id device)
{
	struct world_lines l = { .a = w->a };
	size_t found = 0;

	expect_ok(store_read(w->store, world_list_lines, &l));
	for (size_t i = 0; i < l.n; i++)
		found += strcmp(l.v[i].action, action) == 0 &&
		    strcmp(l.v[i].target, id_text(w->a, device)) == 0;
	return found;
}

static inline void
world_notified(void *ctx, unsigned topic, struct str key)
{
	struct world *w = ctx;

	(void)key;
	if (topic == TOPIC_DEVICE)
		w->nudges++;
	else
		w->queue++;
}

static inline void
world_people(struct world *w, struct tx *tx)
{
	w->user = (struct user){ .id = id_new(),
		.upn = "alice@example.test",
		.display_name = "Alice",
		.mail = "alice@mail.example.test",
		.sid = "S-1-5-21-1-2-3-1104",
		.source = "api",
		.enabled = true,
		.created = MADE_NOW - 100,
		.modified = MADE_NOW - 100 };
	w->group = (struct group){ .id = id_new(),
		.display_name = "Finance",
		.source = "api",
		.created = MADE_NOW - 100,
		.modified = MADE_NOW - 100 };
	w->device = (struct device){ .id = id_new(),
		.user = w->user.id,
		.name = "laptop-1",
		.platform = "linux",
		.serial = "SN-1",
		.state = DEVICE_ACTIVE,
		.identity = str_of("identity", 8),
		.identity_sha256 = str_of("0123456789abcdef0123456789abcdef", 32),
		.enrolled = MADE_NOW - 50,
		.last_seen = MADE_NOW };
	w->connector = (struct connector){ .id = id_new(),
		.name = "C1",
		.features = "pkcs,revoke",
		.cas = "Corp Issuing CA",
		.identity_sha256 = str_of("c123456789abcdef0123456789abcdef", 32),
		.holder = str_of("h123456789abcdef0123456789abcdef", 32),
		.maker = str_of("the key of its maker", 20),
		.enabled = true,
		.enrolled = MADE_NOW - 50,
		.last_contact = MADE_NOW };
	expect_ok(store_user_insert(tx, &w->user));
	expect_ok(store_group_insert(tx, &w->group));
	expect_ok(store_member_add(tx, w->group.id, (struct member){ w->user.id, MEMBER_USER }));
	expect_ok(store_device_insert(tx, &w->device));
	expect_ok(store_connector_insert(tx, &w->connector));
}

static inline const char *
world_url(struct world *w, struct id id)
{
	return arena_printf(w->a, "https://x.test/beta/deviceManagement/deviceConfigurations('%s')",
	    id_text(w->a, id));
}

static inline json *
world_root_json(struct world *w, struct str der)
{
	json *j = json_object_new();

	json_set_text(j, "@odata.type", "#chancery.linuxTrustedRootCertificate");
	json_set_text(j, "displayName", "Corp Root");
	json_set_text(j, "certFileName", "root.cer");
	json_set_base64(w->a, j, "trustedRootCertificate", der);
	return j;
}

static inline json *
world_pkcs_json(struct world *w, const char *subject)
{
	json *j = json_object_new(), *alts = json_array_new(), *alt = json_object_new();
	json *ekus = json_array_new(), *eku = json_object_new();

	json_set_text(j, "@odata.type", "#chancery.linuxPkcsCertificateProfile");
	json_set_text(j, "displayName", "Wi-Fi");
	json_set_text(j, "certificationAuthority", "ca.example.test");
	json_set_text(j, "certificationAuthorityName", "Corp Issuing CA");
	json_set_text(j, "certificateTemplateName", "ChanceryUser");
	json_set_text(j, "subjectNameFormat", "custom");
	json_set_text(j, "subjectNameFormatString", subject);
	json_set_text(j, "certificateStore", "user");
	json_set_text(alt, "sanType", "userPrincipalName");
	json_set_text(alt, "name", "{{UserPrincipalName}}");
	json_add(alts, alt);
	json_set(j, "customSubjectAlternativeNames", alts);
	json_set_text(eku, "name", "Client Authentication");
	json_set_text(eku, "objectIdentifier", OID_EKU_CLIENT_AUTH);
	json_add(ekus, eku);
	json_set(j, "extendedKeyUsages", ekus);
	json_set_text(j, "rootCertificate@odata.bind", world_url(w, w->root_profile.id));
	return j;
}

static inline struct profile
world_profile(struct world *w, const json *body)
{
	struct warnings warn;
	struct profile p;

	expect_ok(profile_create(w->store, w->a, "test", body, &p, &warn));
	return p;
}

/* Refused, in these words. */
static inline void
world_invalid(struct world *w, const json *body, const char *words)
{
	struct err_report rep = { .code = ERR_NONE };
	struct warnings warn;
	struct profile p;

	err_take(profile_create(w->store, w->a, "test", body, &p, &warn), &rep);
	if (rep.code != ERR_MODEL_INVALID || strstr(rep.detail, words) == NULL)
		fail_msg("%s: %s, without \"%s\"", err_info(rep.code)->id, rep.detail, words);
}

static inline void
world_assign(struct world *w, struct id profile, struct warnings *warn)
{
	struct assignment to = { .kind = TARGET_GROUP, .group = w->group.id };

	expect_ok(profile_assign(w->store, w->a, "test", profile, &to, 1, warn));
}

static inline void
world_unassign(struct world *w, struct id profile)
{
	struct warnings warn;

	expect_ok(profile_assign(w->store, w->a, "test", profile, NULL, 0, &warn));
}

static inline void
world_profiles(struct world *w)
{
	auto_json json *root = world_root_json(w, cert_der(w->root.cert));
	auto_json json *pkcs = NULL;
	struct warnings warn;

	expect_ok(profile_create(w->store, w->a, "test", root, &w->root_profile, &warn));
	pkcs = world_pkcs_json(w, SUBJECT);
	expect_ok(profile_create(w->store, w->a, "test", pkcs, &w->pkcs_profile, &warn));
	world_assign(w, w->root_profile.id, &warn);
	world_assign(w, w->pkcs_profile.id, &warn);
	assert_int_equal(warn.n, 0);
}

static inline int
world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->a = arena_new();
	snprintf(w->dir, sizeof(w->dir), "/tmp/model-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	when_set(MADE_NOW);
	expect_ok(store_open(&(struct store_conf){ .path = arena_printf(w->a, "%s/x.db", w->dir),
				 .schema = STORE_SERVICE,
				 .readers = 2,
				 .notify = world_notified,
				 .notify_ctx = w },
	    &w->store));
	w->root = made_root(w->a, "Corp Root CA", KEY_EC, KEY_P256);
	expect_ok(key_make(KEY_EC, KEY_P256, &w->leaf_key));
	world_write(w, world_people);
	world_profiles(w);
	*state = w;
	return 0;
}

static inline int
world_teardown(void **state)
{
	struct world *w = *state;
	DIR *d = opendir(w->dir);

	store_close(w->store);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
		unlink(arena_printf(w->a, "%s/%s", w->dir, e->d_name));
	closedir(d);
	rmdir(w->dir);
	made_free(&w->root);
	key_free(w->leaf_key);
	arena_free(w->a);
	free(w);
	when_set(0);
	return 0;
}

/* A certificate as the CA would issue it now. */
static inline struct cert *
world_leaf(struct world *w, when_t life)
{
	struct issue_spec s = made_spec(w->a, "alice", w->leaf_key);

	issue_serial(s.serial);
	s.issuer = w->root.cert;
	s.not_before = when_now();
	s.not_after = when_now() + life;
	return made_cert(w->a, &s, w->root.key);
}

/* Check-in with what the device holds, and answers to commands. */
static inline size_t
world_checkin(struct world *w, const struct report_result *results, size_t n, struct command **ret)
{
	struct report r = { .has_inventory = true,
		.items = w->held,
		.nitems = w->nheld,
		.results = results,
		.nresults = n };
	struct command *v;
	size_t nv;

	expect_ok(checkin_run(w->store, w->a, w->device.id, &r, ret == NULL ? &v : ret, &nv));
	return nv;
}

static inline void
world_hold(struct world *w, const char *alias, bool identity, struct str sha256)
{
	size_t at = 0;

	while (at < w->nheld && strcmp(w->held[at].alias, alias) != 0)
		at++;
	if (at == w->nheld)
		w->nheld++;
	w->held[at] = (struct report_item){ .alias = alias,
		.identity = identity,
		.sha256 = sha256,
		.has_key = identity,
		.not_after = MADE_NOW + 1000 };
}

static inline void
world_drop(struct world *w, const char *alias)
{
	for (size_t i = 0; i < w->nheld; i++)
		if (strcmp(w->held[i].alias, alias) == 0)
			w->held[i] = w->held[--w->nheld];
}

static inline struct str
world_sha256(struct world *w, struct str der)
{
	uint8_t *hash = arena_alloc(w->a, 32);

	hash_sha256(der, hash);
	return str_of(hash, 32);
}

/* Does what a good device does with one command, and reports it in the next check-in. */
static inline size_t
world_obey(struct world *w, const struct command *c, struct command **ret)
{
	struct report_result res = { .id = c->id, .status = RESULT_OK };

	if (c->kind == COMMAND_INSTALL_CA)
		world_hold(w, c->alias, false, world_sha256(w, c->der));
	else if (c->kind == COMMAND_INSTALL_IDENTITY)
		world_hold(w, c->alias, true, c->sha256);
	else if (c->kind == COMMAND_INSTALL_NETWORK) {
		world_hold(w, c->alias, false, c->sha256);
		for (size_t i = 0; i < w->nheld; i++)
			if (strcmp(w->held[i].alias, c->alias) == 0)
				w->held[i].network = true;
	} else
		world_drop(w, c->alias);
	return world_checkin(w, &res, 1, ret);
}

static inline size_t
world_lease(struct world *w, struct job **ret)
{
	size_t n;

	expect_ok(job_lease(
	    w->store, w->a, &w->connector, &(struct job_asking){ .max = 4 }, 60, ret, &n));
	return n;
}

/* Exactly one job. */
static inline struct job
world_job(struct world *w)
{
	struct job *v;

	assert_int_equal(world_lease(w, &v), 1);
	return v[0];
}

static inline struct job_result
world_result(struct world *w, const struct job *j, enum job_outcome outcome, when_t life)
{
	struct job_result r = {
		.request = j->request, .fence = j->fence, .outcome = outcome, .detail = "words"
	};

	if (outcome == JOB_ISSUED) {
		auto_cert struct cert *c = world_leaf(w, life);

		r.leaf = arena_str(w->a, cert_der(c));
		r.sealed = LIT("sealed");
		r.password = LIT("password");
		r.serial = arena_strdup(w->a, cert_serial(c));
		r.subject = arena_strdup(w->a, cert_subject(c));
		r.issuer = arena_strdup(w->a, cert_issuer(c));
		r.leaf_sha256 = world_sha256(w, r.leaf);
		r.not_before = cert_not_before(c);
		r.not_after = cert_not_after(c);
	}
	return r;
}

static inline struct job_result
world_finish(struct world *w, const struct job *j, enum job_outcome outcome)
{
	struct job_result r = world_result(w, j, outcome, 100 * MADE_DAY);

	expect_ok(job_finish(w->store, w->a, &w->connector, &r));
	return r;
}

struct world_find {
	struct world *w;
	const char *kind;
	struct slot slot;
	struct request *requests;
	size_t n;
	struct event *events;
	size_t nevents;
	struct status status;
	struct id device;
};

static inline err_t
world_find_run(struct tx *tx, void *arg)
{
	struct world_find *f = arg;
	struct slot *v;
	size_t n;

	TRY(store_slots_of_device(tx, f->w->a, f->device, &v, &n));
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].kind, f->kind) == 0)
			f->slot = v[i];
	TRY(store_requests_of_slot(tx, f->w->a, f->slot.id, &f->requests, &f->n));
	for (size_t i = 0; i < f->n; i++) /* the list leaves out what it brought */
		TRY(store_request_get(tx, f->w->a, f->requests[i].id, &f->requests[i]));
	TRY(store_event_list(tx, f->w->a, f->slot.id, &f->events, &f->nevents));
	TRY(status_of(tx, f->w->a, &f->slot, &f->status));
	/* What the store counts is what is said. */
	assert_int_equal(f->slot.state, f->status.state);
	return OK;
}

/* The slot of a kind, with all that belongs to it. */
static inline struct world_find
world_look(struct world *w, const char *kind)
{
	struct world_find f = { .w = w, .kind = kind, .device = w->device.id };
	size_t n;

	expect_ok(status_ended(w->store, 100, &n));
	expect_ok(store_read(w->store, world_find_run, &f));
	assert_false(id_is_zero(f.slot.id));
	return f;
}

/* The timeline is exactly these, a blank between them. */
static inline void
world_timeline(struct world *w, const char *kind, const char *want)
{
	struct world_find f = world_look(w, kind);
	const char *have = "";

	for (size_t i = 0; i < f.nevents; i++)
		have = arena_printf(w->a, "%s%s%s", have, i == 0 ? "" : " ", f.events[i].event);
	assert_string_equal(have, want);
}

static inline struct request
world_newest(struct world *w, const char *kind)
{
	struct world_find f = world_look(w, kind);

	assert_true(f.n > 0);
	return f.requests[f.n - 1];
}

static inline const char *
world_word(struct world *w, const char *kind)
{
	return world_look(w, kind).status.word;
}

/* Both slots of the device installed; the root on the first check-in, the certificate after. */
static inline struct job_result
world_install(struct world *w)
{
	struct job_result r;
	struct command *v;
	struct job j;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(world_obey(w, &v[0], NULL), 0);
	j = world_job(w);
	r = world_finish(w, &j, JOB_ISSUED);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(world_obey(w, &v[0], NULL), 0);
	return r;
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
#define WORLD(state) struct world *w = *(state)

#endif
