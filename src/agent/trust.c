/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CA certificates of the organisation: one PEM file each in the folder that update-ca-certificates(8) reads, then that
 * program, so that every TLS library of the system trusts them.
 *
 * Until that program has run well after a change, state_dir/unsettled-<alias> is there. A certificate that was put there
 * is not reported so long; one that was taken away still is, for the system goes on trusting it: the mark holds it. A
 * kill or a failure between the two is made good before the next report.
 */
#include "agent/agent.h"
#include "agent/exec.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

#define SUFFIX ".crt"
#define MARK "unsettled-"
#define MAX_FILES 4096
#define UPDATE_MS (10 * 60 * 1000)  /* slow machines with many certificates */
#define LIMIT_TRUST_FILE (1u << 20) /* ours are smaller; a broken one goes, too */

static const char *
path_of(const struct agent *g, struct arena *a, const char *alias)
{
	return arena_printf(a, "%s/%s" SUFFIX, g->conf->trust_dir, alias);
}

/* fresh: links to what is gone are removed too. */
static err_t
update(const struct agent *g, struct arena *a, bool fresh)
{
	const char *argv[] = { "update-ca-certificates", "--localcertsdir", g->conf->trust_dir,
		"--etccertsdir", g->conf->etc_dir, fresh ? "--fresh" : NULL, NULL };
	struct err_report rep;
	err_t e;

	if (!g->conf->trust_update)
		return OK;
	TRY(dir_make(g->conf->etc_dir, 0755));
	e = exec_run(a, argv, NULL, UPDATE_MS, NULL);
	if (err_ok(e))
		return OK;
	err_take(e, &rep);
	FAIL(ERR_TRUST_STORE, "%s", rep.detail);
}

static const char *
mark_of(const struct agent *g, struct arena *a, const char *alias)
{
	return arena_printf(a, "%s/" MARK "%s", g->conf->state_dir, alias);
}

err_t
trust_settle(const struct agent *g, struct arena *a)
{
	bool updated = false;
	char **names;
	size_t n;

	TRY(dir_list(a, g->conf->state_dir, MAX_FILES, &names, &n));
	for (size_t i = 0; i < n; i++) {
		if (!str_starts(str_c(names[i]), LIT(MARK)))
			continue;
		if (!updated)
			TRY(update(g, a, true));
		updated = true;
		TRY(file_remove(arena_printf(a, "%s/%s", g->conf->state_dir, names[i])));
	}
	return OK;
}

/* The alias that a file name stands for; NULL: no file of ours. */
static const char *
alias_of(struct arena *a, const char *name)
{
	size_t n = strlen(name);

	if (!str_starts(str_c(name), LIT(ALIAS_PREFIX)) || n <= strlen(SUFFIX) ||
	    !str_eq_c(str_c(name + n - strlen(SUFFIX)), SUFFIX))
		return NULL;
	return arena_cstr(a, str_of(name, n - strlen(SUFFIX)));
}

err_t
trust_install(const struct agent *g, struct arena *a, const char *alias, struct str der)
{
	auto_cert struct cert *ca = NULL;

	TRY(alias_check_ours(alias));
	TRY(cert_parse(der, &ca));
	if (!cert_is_ca(ca))
		FAIL(ERR_CERTIFICATE, "%s is no CA certificate", cert_subject(ca));
	TRY(dir_make(g->conf->trust_dir, 0755));
	TRY(file_write(mark_of(g, a, alias), STR_EMPTY, 0600));
	TRY(file_write(path_of(g, a, alias), str_c(text_pem(a, "CERTIFICATE", der)), 0644));
	TRY(update(g, a, false));
	return file_remove(mark_of(g, a, alias));
}

/* The file goes; what it held stays in the mark until it is settled. */
static err_t
take_away(const struct agent *g, struct arena *a, const char *alias)
{
	struct str pem;

	if (!file_exists(path_of(g, a, alias)))
		return OK;
	TRY(file_read(a, path_of(g, a, alias), LIMIT_TRUST_FILE, &pem));
	TRY(file_write(mark_of(g, a, alias), pem, 0600));
	return file_remove(path_of(g, a, alias));
}

err_t
trust_remove(const struct agent *g, struct arena *a, const char *alias)
{
	TRY(alias_check_ours(alias));
	TRY(take_away(g, a, alias));
	TRY(update(g, a, true));
	return file_remove(mark_of(g, a, alias));
}

err_t
trust_remove_all(const struct agent *g, struct arena *a)
{
	char **names;
	size_t n;

	if (!file_exists(g->conf->trust_dir))
		return OK;
	TRY(dir_list(a, g->conf->trust_dir, MAX_FILES, &names, &n));
	for (size_t i = 0; i < n; i++) {
		const char *alias = alias_of(a, names[i]);

		if (alias != NULL)
			TRY(take_away(g, a, alias));
	}
	return trust_settle(g, a);
}

/* path: the certificate's file, or the mark that keeps what was in it. */
static err_t
add_item(struct arena *a, const char *path, const char *alias, json *list)
{
	auto_cert struct cert *ca = NULL;
	struct str pem, der;
	json *item;
	size_t n;

	TRY(file_read(a, path, 2 * LIMIT_CERT_BYTES, &pem));
	TRY(text_unpem(a, pem, "CERTIFICATE", &der, 1, &n));
	TRY(cert_parse(n == 1 ? der : STR_EMPTY, &ca));
	item = json_object_new();
	json_set_text(item, "alias", alias);
	json_set_text(item, "kind", "ca");
	json_set_text(item, "sha256", text_hex(a, str_of(cert_sha256(ca), 32)));
	json_set_bool(item, "has_key", false);
	json_set_when(a, item, "not_after", cert_not_after(ca));
	json_add(list, item);
	return OK;
}

/* Taken away here, and trusted by the system for as long as the mark stands. */
static err_t
add_unsettled(const struct agent *g, struct arena *a, json *list)
{
	char **names;
	size_t n;

	TRY(dir_list(a, g->conf->state_dir, MAX_FILES, &names, &n));
	for (size_t i = 0; i < n; i++) {
		const char *alias = names[i] + strlen(MARK);
		err_t e;

		if (!str_starts(str_c(names[i]), LIT(MARK)))
			continue;
		/* An empty mark is of an installation that did not get so far. */
		e = add_item(a, mark_of(g, a, alias), alias, list);
		err_forget(e);
	}
	return OK;
}

err_t
trust_inventory(const struct agent *g, struct arena *a, json *list)
{
	char **names;
	size_t n;

	TRY(add_unsettled(g, a, list));
	if (!file_exists(g->conf->trust_dir))
		return OK;
	TRY(dir_list(a, g->conf->trust_dir, MAX_FILES, &names, &n));
	for (size_t i = 0; i < n; i++) {
		const char *alias = alias_of(a, names[i]);
		err_t e;

		if (alias == NULL || file_exists(mark_of(g, a, alias)))
			continue;
		/* A file that is broken is not there: it will be delivered again. */
		e = add_item(a, path_of(g, a, alias), alias, list);
		err_forget(e);
	}
	return OK;
}

static void
add_anchor(struct arena *a, const char *path, struct str *v, size_t *n)
{
	auto_cert struct cert *ca = NULL;
	struct str pem, der;
	size_t found = 0;
	err_t e = file_read(a, path, 2 * LIMIT_CERT_BYTES, &pem);

	if (err_ok(e))
		e = text_unpem(a, pem, "CERTIFICATE", &der, 1, &found);
	if (err_ok(e) && found == 1)
		e = cert_parse(der, &ca);
	err_forget(e);
	if (ca != NULL && *n < LIMIT_CERTS)
		v[(*n)++] = der;
}

err_t
trust_anchors(const struct agent *g, struct arena *a, const struct str **ret, size_t *retn)
{
	struct str *v = arena_array(a, LIMIT_CERTS + g->tls.nanchors, sizeof(*v));
	char **names = NULL;
	size_t n = 0, nnames = 0;

	for (size_t i = 0; i < g->tls.nanchors && n < LIMIT_CERTS; i++)
		v[n++] = g->tls.anchors[i];
	if (file_exists(g->conf->trust_dir))
		TRY(dir_list(a, g->conf->trust_dir, MAX_FILES, &names, &nnames));
	for (size_t i = 0; i < nnames; i++) {
		const char *alias = alias_of(a, names[i]);

		if (alias != NULL)
			add_anchor(a, path_of(g, a, alias), v, &n);
	}
	*ret = v;
	*retn = n;
	return OK;
}
