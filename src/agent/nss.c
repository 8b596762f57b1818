/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NSS databases (Chromium, Evolution, Firefox and Thunderbird profiles): CA certificates trusted for TLS and mail,
 * identities with their keys, by NSS's own certutil and pk12util. Nicknames are our aliases; the issuers of an identity are
 * <alias>-issuer-1 and so on, without trust of their own.
 *
 * A key in a token is not copied: there NSS is given the token's PKCS#11 module by hand (modutil).
 */
#include "agent/consumer.h"

#include "agent/exec.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "pki/pfx.h"

enum { TIMEOUT = 60000, PASSWORD_BYTES = 18, ENTRIES_MAX = 512, TIMES_MAX = 64 };

struct db {
	const struct agent *g;
	struct arena *a;
	const char *name;     /* "sql:/home/ada/.pki/nssdb" */
	const char *password; /* file with its password; an empty file when it has none */
	const char *temp;     /* folder for what is handed over */
};

static bool
is_wanted(const struct agent *g)
{
	return g->conf->nss_databases[0] != NULL;
}

static const char *
mark(const struct agent *g, struct arena *a)
{
	const char *all = "nss";

	for (const char *const *p = g->conf->nss_databases; *p != NULL; p++)
		all = arena_printf(a, "%s %s", all, *p);
	return all;
}

static err_t
run(const struct db *d, const char *const *argv)
{
	struct err_report rep;
	err_t e = exec_run(d->a, argv, NULL, TIMEOUT, NULL);

	if (err_ok(e))
		return OK;
	err_take(e, &rep);
	FAIL(ERR_NSS, "%s: %s", d->name, rep.detail);
}

static bool
has(const struct db *d, const char *nickname)
{
	const char *argv[] = { "certutil", "-L", "-d", d->name, "-n", nickname, "-f", d->password,
		NULL };
	err_t e = exec_run(d->a, argv, NULL, TIMEOUT, NULL);
	bool yes = err_ok(e);

	err_forget(e);
	return yes;
}

static const char *
issuer_name(const struct db *d, const char *alias, size_t i)
{
	return arena_printf(d->a, "%s-issuer-%zu", alias, i + 1);
}

/* Everything under a nickname, which may be several certificates: -F takes a key and its certificate, -D a certificate
 * without one. */
static err_t
drop_name(const struct db *d, const char *nickname)
{
	const char *with_key[] = { "certutil", "-F", "-d", d->name, "-n", nickname, "-f",
		d->password, NULL };
	const char *alone[] = { "certutil", "-D", "-d", d->name, "-n", nickname, "-f", d->password,
		NULL };

	for (int i = 0; i < TIMES_MAX && has(d, nickname); i++) {
		err_t e = exec_run(d->a, with_key, NULL, TIMEOUT, NULL);

		/* It says that all is well also when there was no key, and leaves the certificate. */
		err_forget(e);
		if (has(d, nickname))
			TRY(run(d, alone));
	}
	if (!has(d, nickname))
		return OK;
	FAIL(ERR_NSS, "%s: %s cannot be removed", d->name, nickname);
}

/* A line of certutil -K: "< 0> rsa      <id in hex>   <nickname>". */
static const char *
key_id(const struct db *d, struct str line, const char *nickname)
{
	struct str rest;

	(void)str_cut(&line, '>');
	rest = str_trim(line);
	(void)str_cut(&rest, ' ');
	rest = str_trim(rest);
	line = str_cut(&rest, ' ');
	return line.n > 0 && str_eq_c(str_trim(rest), nickname) ? arena_cstr(d->a, line) : NULL;
}

/* Where certificates shared a nickname, -F left a key of theirs. */
static err_t
drop_keys(const struct db *d, const char *nickname)
{
	const char *list[] = { "certutil", "-K", "-d", d->name, "-f", d->password, NULL };
	const char *out;
	struct str rest;
	err_t e = exec_run(d->a, list, NULL, TIMEOUT, &out);

	/* No key at all is a failure to it. */
	err_forget(e);
	rest = str_c(out);
	while (rest.n > 0) {
		const char *id = key_id(d, str_cut(&rest, '\n'), nickname);
		const char *argv[] = { "certutil", "-F", "-d", d->name, "-k", id, "-f", d->password,
			NULL };

		if (id != NULL)
			TRY(run(d, argv));
	}
	return OK;
}

static err_t
drop(const struct db *d, const char *alias)
{
	for (size_t i = 0; i < LIMIT_CHAIN_CERTS && has(d, issuer_name(d, alias, i)); i++)
		TRY(drop_name(d, issuer_name(d, alias, i)));
	TRY(drop_name(d, alias));
	return drop_keys(d, alias);
}

static err_t
put_cert(const struct db *d, const char *nickname, const char *trust, const char *file)
{
	const char *argv[] = { "certutil", "-A", "-d", d->name, "-n", nickname, "-t", trust, "-i",
		file, "-a", "-f", d->password, NULL };

	return run(d, argv);
}

static err_t
put_issuers(const struct db *d, const struct holding *h)
{
	struct str pem, ders[LIMIT_CHAIN_CERTS];
	const char *file = arena_printf(d->a, "%s/issuer.pem", d->temp);
	size_t n;

	TRY(file_read(d->a, h->chain, LIMIT_CHAIN_CERTS * 2 * LIMIT_CERT_BYTES, &pem));
	if (str_trim(pem).n == 0)
		return OK;
	TRY(text_unpem(d->a, pem, "CERTIFICATE", ders, COUNT(ders), &n));
	for (size_t i = 0; i < n; i++) {
		TRY(file_write(file, str_c(text_pem(d->a, "CERTIFICATE", ders[i])), 0600));
		TRY(put_cert(d, issuer_name(d, h->alias, i), ",,", file));
	}
	return OK;
}

static err_t
make_pfx(const struct db *d, const struct holding *h, const char *password, const char *file)
{
	auto_key struct key *key = NULL;
	struct str pem, cert, ders[LIMIT_CHAIN_CERTS + 1], pfx;
	size_t n;
	err_t e;

	TRY(file_read(d->a, h->key, LIMIT_PFX_BYTES, &pem));
	e = key_read(pem, NULL, &key);
	secret_wipe((void *)(uintptr_t)pem.p, pem.n);
	TRY(e);
	TRY(file_read(d->a, h->cert, 16 * LIMIT_CERT_BYTES, &cert));
	TRY(text_unpem(d->a, cert, "CERTIFICATE", ders, COUNT(ders), &n));
	if (n == 0)
		FAIL(ERR_NSS, "%s has no certificate", h->cert);
	TRY(pfx_make(d->a, PFX_AES, key, ders[0], NULL, 0, password, h->alias, &pfx));
	return file_write(file, pfx, 0600);
}

static err_t
put_identity(const struct db *d, const struct holding *h)
{
	const char *pfx = arena_printf(d->a, "%s/identity.p12", d->temp);
	const char *secret = arena_printf(d->a, "%s/password", d->temp);
	const char *password = rand_token(d->a, PASSWORD_BYTES);
	const char *argv[] = { "pk12util", "-i", pfx, "-d", d->name, "-n", h->alias, "-k",
		d->password, "-w", secret, NULL };

	if (h->key == NULL)
		return OK;
	TRY(make_pfx(d, h, password, pfx));
	TRY(file_write(secret, str_c(password), 0600));
	TRY(run(d, argv));
	return put_issuers(d, h);
}

static bool
is_same(const struct holdings *h, const json *done)
{
	for (size_t i = 0; i < h->n; i++)
		if (!str_eq_c(str_c(json_text(json_get(done, h->v[i].alias))), h->v[i].sha256))
			return false;
	return json_count(done) == h->n;
}

/*
 * done: alias -> hash of what is in the database; "": perhaps, of a time that was cut off.
 *
 * NSS gives certificates of the same subject the same nickname, that of the first. So nothing can be taken out alone: all
 * of ours goes, then all that is held comes.
 */
static err_t
bring(const struct db *d, const struct holdings *h, json *done)
{
	const char *gone[ENTRIES_MAX];
	size_t n = 0;

	if (is_same(h, done))
		return OK;
	for (void *it = json_iter(done); it != NULL && n < COUNT(gone);
	     it = json_iter_next(done, it))
		gone[n++] = arena_strdup(d->a, json_iter_key(it));
	for (size_t i = 0; i < n; i++)
		TRY(drop(d, gone[i]));
	for (size_t i = 0; i < n; i++)
		json_del(done, gone[i]);
	for (size_t i = 0; i < h->n; i++) {
		const struct holding *is = &h->v[i];

		json_set_text(done, is->alias, "");
		if (is->identity)
			TRY(put_identity(d, is));
		else
			TRY(put_cert(d, is->alias, "C,C,", is->cert));
		json_set_text(done, is->alias, is->sha256);
	}
	return OK;
}

static void
sweep_temp(struct arena *a, const char *temp)
{
	static const char *const files[] = { "issuer.pem", "identity.p12", "password", "empty" };

	for (size_t i = 0; i < COUNT(files); i++) {
		err_t e = file_remove(arena_printf(a, "%s/%s", temp, files[i]));

		err_forget(e);
	}
	(void)rmdir(temp);
}

static err_t
with_temp(
    const struct agent *g, struct arena *a, const char *name, const struct holdings *h, json *done)
{
	struct db d = { g, a, name, g->conf->nss_password_file,
		arena_printf(a, "%s/nss-handover", g->conf->state_dir) };
	err_t e = dir_make(d.temp, 0700);

	if (d.password[0] == '\0') {
		d.password = arena_printf(a, "%s/empty", d.temp);
		if (err_ok(e))
			e = file_write(d.password, LIT("\n"), 0600);
	}
	if (err_ok(e))
		e = bring(&d, h, done);
	if (!err_ok(e)) {
		struct err_report rep;

		err_take(e, &rep);
		sweep_temp(a, d.temp);
		return err_raise(&rep);
	}
	sweep_temp(a, d.temp);
	return OK;
}

static bool
is_configured(const struct agent *g, const char *name)
{
	for (const char *const *p = g->conf->nss_databases; *p != NULL; p++)
		if (str_eq_c(str_c(*p), name))
			return true;
	return false;
}

/* Where the database lies: what follows its type. */
static bool
is_there(const char *name)
{
	const char *colon = strchr(name, ':');

	return file_exists(colon == NULL || strchr(name, '/') < colon ? name : colon + 1);
}

/* Databases that are configured no longer are cleaned; of one whose folder is gone nothing is left. */
static err_t
leave(const struct agent *g, struct arena *a, json *state)
{
	const struct holdings none = { NULL, 0, "" };
	const char *gone[ENTRIES_MAX];
	size_t n = 0;

	for (void *it = json_iter(state); it != NULL && n < COUNT(gone);
	     it = json_iter_next(state, it))
		if (!is_configured(g, json_iter_key(it)))
			gone[n++] = arena_strdup(a, json_iter_key(it));
	for (size_t i = 0; i < n; i++) {
		if (is_there(gone[i]))
			TRY(with_temp(g, a, gone[i], &none, json_get(state, gone[i])));
		json_del(state, gone[i]);
	}
	return OK;
}

static err_t
bring_all(const struct agent *g, struct arena *a, const struct holdings *h, json *state)
{
	struct err_report first = { .code = ERR_NONE };

	TRY(leave(g, a, state));
	for (const char *const *p = g->conf->nss_databases; *p != NULL; p++) {
		struct err_report rep;
		err_t e;

		if (!is_there(*p)) {
			json_del(state, *p);
			if (h->n == 0)
				continue;
		}
		if (!json_is_object(json_get(state, *p)))
			json_set(state, *p, json_object_new());
		e = with_temp(g, a, *p, h, json_get(state, *p));
		err_take(e, &rep);
		if (first.code == ERR_NONE)
			first = rep;
	}
	return first.code == ERR_NONE ? OK : err_raise(&first);
}

const struct consumer consumer_nss = {
	.name = "nss",
	.wanted = is_wanted,
	.mark = mark,
	.sync = bring_all,
};
