/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The role "ca": the certification authorities. The front speaks with the network and holds no key; the issuer holds the
 * keys, decides everything again, and has no network.
 */
#include "base/file.h"
#include "ca/front.h"
#include "ca/issuer.h"
#include "base/secret.h"
#include "daemon/passphrase.h"
#include "daemon/role.h"
#include "pki/keyprov.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define ISSUER_CONNECTIONS 32
#define ISSUER_PATIENCE_MS 10000
#define TICK_MS 5000
#define STEP_MS 100
#define TOKEN_PATHS_MAX 4
#define CERTIFICATE_MS 5000 /* between looks at our own certificate and at the CAs */

struct ca_conf {
	struct common common;
	const char *listen, *url, *listen_http;
	int64_t loops, workers, cache;
	bool encrypt;
	const char *passphrase_file;
	const char *const *token_paths;
};

struct ca_role {
	const struct ca_conf *conf;
	int fd_tls, fd_http, fd_issuer, fd_admin; /* made by the parent */
	char *passphrase;                         /* of the keys; NULL: they are not encrypted */
	const struct proc *self;
};

/* What the front runs; the TLS port opens when the CA was made. */
struct faces {
	const struct ca_role *role;
	struct arena *arena;
	struct metrics *metrics;
	struct front *front;
	struct key *tls_key;
	struct tls_server *tls;
	struct http *https, *http;
	atomic_bool stop;
};

static const struct conf_opt opts[] = {
	COMMON_OPTS(struct ca_conf),
	CONF(struct ca_conf, listen, CONF_TEXT, .section = "ca", .name = "listen",
	    .fallback = "0.0.0.0:9443",
	    .help = "Address and port for enrolment (HTTPS, client certificates)."),
	CONF(struct ca_conf, url, CONF_TEXT, .section = "ca", .name = "url", .fallback = NULL,
	    .help = "How connectors reach that port, without a slash at the end."),
	CONF(struct ca_conf, listen_http, CONF_TEXT, .section = "ca", .name = "listen_http",
	    .fallback = "0.0.0.0:9080",
	    .help = "Address and port for CRLs and CA certificates (plain HTTP; they are signed)."),
	CONF(struct ca_conf, encrypt, CONF_BOOL, .section = "keys", .name = "encrypt",
	    .fallback = "yes", .help = "Are the files of private keys encrypted?"),
	CONF(struct ca_conf, passphrase_file, CONF_TEXT, .section = "keys",
	    .name = "passphrase_file", .fallback = "",
	    .help =
		"File with their passphrase, mode 0600, outside of state_dir; made when it is not there. Else passphrase in the folder state_dir with .secret behind it. A credential ca-passphrase of systemd, or CHANCERY_CA_PASSPHRASE, goes before it. Keep a copy apart from the backup."),
	CONF(struct ca_conf, token_paths, CONF_TEXTS, .section = "keys", .name = "token_paths",
	    .fallback = "",
	    .help = "Folders that the module of a PKCS#11 token reads and writes, at most four."),
	CONF(struct ca_conf, loops, CONF_INT, .section = "process", .name = "loops", .min = 1,
	    .max = 64, .fallback = "1", .help = "Event loops of each port."),
	CONF(struct ca_conf, workers, CONF_INT, .section = "process", .name = "workers", .min = 1,
	    .max = 256, .fallback = "32",
	    .help =
		"Workers of each port: requests handled at the same time. Certificates that are under way together share the disk's work."),
	CONF(struct ca_conf, cache, CONF_INT, .section = "process", .name = "cache", .min = 1,
	    .max = 4096, .fallback = "32",
	    .help =
		"Memory for pages of the database, in MiB: it fills with use, up to there. Each of eight readers keeps up to 4 MiB more."),
};

static err_t
start_https(struct faces *f, struct str *ret_leaf)
{
	struct http_mount *mount = ARENA_NEW(f->arena, struct http_mount);
	struct tls_server_conf tc = { 0 };
	struct http_conf hc = { .name = "ca",
		.listen_fd = f->role->fd_tls,
		.loops = (unsigned)f->role->conf->loops,
		.workers = (unsigned)f->role->conf->workers,
		.mounts = mount,
		.nmounts = 1,
		.metrics = f->metrics };

	TRY(front_tls(f->front, f->arena, &tc, &f->tls_key));
	TRY(tls_server_new(&tc, &f->tls));
	*mount = front_tls_mount(f->front);
	hc.tls = f->tls;
	TRY(http_new(&hc, &f->https));
	TRY(http_start(f->https));
	log_event(LOG_LEVEL_INFO, "ready", "addr", f->role->conf->listen, NULL);
	*ret_leaf = tc.chain[0];
	return OK;
}

/* The issuer renews our certificate in its own time. A new process has it at once, and nobody waits at this port. */
static void
watch_certificate(struct faces *f, struct str leaf)
{
	for (int waited = 0; !atomic_load(&f->stop); waited += STEP_MS) {
		bool changed = false;
		err_t e;

		poll(NULL, 0, STEP_MS);
		if (waited < CERTIFICATE_MS)
			continue;
		waited = 0;
		e = front_tls_changed(f->front, leaf, &changed);
		err_forget(e); /* the issuer is away for a moment: asked again */
		if (!changed)
			continue;
		log_event(LOG_LEVEL_INFO, "new TLS certificate or CA: starting again", NULL);
		kill(getpid(), SIGTERM);
		return;
	}
}

/* Waits until there is a CA, then opens the TLS port. */
static void *
open_https(void *arg)
{
	struct faces *f = arg;
	bool said = false;

	while (!atomic_load(&f->stop)) {
		struct str leaf;
		err_t e = start_https(f, &leaf);

		if (err_ok(e)) {
			watch_certificate(f, leaf);
			return NULL;
		}
		if (!err_is(e, ERR_CA_NONE) && !err_is(e, ERR_IPC)) {
			log_error("the enrolment port stays closed", e);
			return NULL;
		}
		err_forget(e);
		if (!said)
			log_event(LOG_LEVEL_INFO, "waiting for a CA to be made", NULL);
		said = true;
		poll(NULL, 0, STEP_MS);
	}
	return NULL;
}

static err_t
open_faces(struct faces *f, struct ipc_client *issuer)
{
	struct front_conf fc = {
		.issuer = issuer, .url = f->role->conf->url, .metrics = f->metrics
	};
	struct http_mount *mount = ARENA_NEW(f->arena, struct http_mount);
	struct http_conf hc = { .name = "ca_http",
		.listen_fd = f->role->fd_http,
		.mounts = mount,
		.nmounts = 1,
		.metrics = f->metrics };

	TRY(keyprov_init());
	TRY(front_open(&fc, &f->front));
	*mount = front_http_mount(f->front);
	TRY(http_new(&hc, &f->http));
	return http_start(f->http);
}

static void
close_faces(struct faces *f)
{
	if (f->https != NULL)
		http_stop(f->https);
	if (f->http != NULL)
		http_stop(f->http);
	http_free(f->https);
	http_free(f->http);
	tls_server_free(f->tls);
	key_free(f->tls_key);
	front_close(f->front);
	metrics_free(f->metrics);
	arena_free(f->arena);
}

static err_t
front_main(void *arg)
{
	struct ca_role *r = arg;
	struct faces f = { .role = r, .arena = arena_new(), .metrics = metrics_new() };
	struct ipc_client *issuer = NULL;
	pthread_t thread;

	if (r->passphrase != NULL)
		secret_wipe(r->passphrase, strlen(r->passphrase));
	TRY(common_enter(&r->conf->common, "ca", r->self));
	TRY(ipc_client_new(arena_printf(f.arena, "%s/issuer.sock", r->conf->common.run_dir),
	    ISSUER_CONNECTIONS, ISSUER_PATIENCE_MS, &issuer));
	TRY(open_faces(&f, issuer));
	if (pthread_create(&thread, NULL, open_https, &f) != 0)
		FAIL(ERR_SYSTEM, "cannot start a thread");
	proc_wait();
	atomic_store(&f.stop, true);
	pthread_join(thread, NULL);
	close_faces(&f);
	ipc_client_free(issuer);
	return OK;
}

struct ticker {
	struct issuer *issuer;
	atomic_bool stop;
};

static void *
tick(void *arg)
{
	struct ticker *t = arg;

	for (int waited = 0; !atomic_load(&t->stop); waited += STEP_MS) {
		poll(NULL, 0, STEP_MS);
		if (waited < TICK_MS)
			continue;
		waited = 0;
		err_t e = issuer_tick(t->issuer);

		if (!err_ok(e))
			log_error("upkeep of the CA", e);
	}
	return NULL;
}

static err_t
issuer_main(void *arg)
{
	struct ca_role *r = arg;
	struct issuer_conf ic = { .state_dir = r->conf->common.state_dir,
		.passphrase = r->passphrase,
		.cache = (unsigned)r->conf->cache };
	struct ticker ticker = { 0 };
	struct ipc_server *front = NULL, *admin = NULL;
	pthread_t thread;
	err_t e;

	TRY(common_enter(&r->conf->common, "ca", r->self + 1));
	e = issuer_open(&ic, &ticker.issuer);
	if (r->passphrase != NULL)
		secret_wipe(r->passphrase, strlen(r->passphrase));
	TRY(e);
	TRY(ipc_server_new(
	    r->fd_issuer, 2 * ISSUER_CONNECTIONS, issuer_verbs(), ticker.issuer, &front));
	TRY(ipc_server_new(r->fd_admin, 8, issuer_admin_verbs(), ticker.issuer, &admin));
	TRY(ipc_server_start(front));
	TRY(ipc_server_start(admin));
	if (pthread_create(&thread, NULL, tick, &ticker) != 0)
		FAIL(ERR_SYSTEM, "cannot start a thread");
	log_event(LOG_LEVEL_INFO, "ready", NULL);
	proc_wait();
	atomic_store(&ticker.stop, true);
	pthread_join(thread, NULL);
	ipc_server_stop(admin);
	ipc_server_stop(front);
	issuer_close(ticker.issuer);
	return OK;
}

static err_t
take_passphrase(struct arena *a, const struct ca_conf *c, char **ret)
{
	struct passphrase_from from = { .role = "ca",
		.variable = "CHANCERY_CA_PASSPHRASE",
		.file = c->passphrase_file,
		.state_dir = c->common.state_dir };

	return passphrase_get(a, &from, ret);
}

static err_t
run(struct arena *a, void *conf, bool check_only)
{
	const struct ca_conf *c = conf;
	struct ca_role r = { .conf = c };
	struct proc processes[] = {
		{ "front", front_main, &r, .net = true, .paths_rw = { c->common.run_dir },
		    .paths_ro = { "/etc", "/usr", "/lib", "/proc/self" },
		    .user = common_user(&c->common) },
		{ "issuer", issuer_main, &r, .net = false, .paths_rw = { c->common.state_dir },
		    .paths_ro = { "/etc", "/usr", "/lib", "/proc/self" },
		    .user = common_user(&c->common) },
	};
	const struct common_sock socks[] = { { "issuer.sock", &r.fd_issuer },
		{ "admin.sock", &r.fd_admin }, { 0 } };
	unsigned port;

	TRY(common_check(&c->common));
	for (size_t i = 0; c->token_paths != NULL && c->token_paths[i] != NULL; i++) {
		if (i >= TOKEN_PATHS_MAX)
			FAIL(ERR_CONF, "token_paths: more than %d", TOKEN_PATHS_MAX);
		processes[1].paths_rw[1 + i] = c->token_paths[i];
	}
	if (check_only)
		return OK;
	if (c->encrypt)
		TRY(take_passphrase(a, c, &r.passphrase));
	common_log(&c->common, "ca", "parent");
	TRY(net_listen(c->listen, &r.fd_tls, &port));
	TRY(net_listen(c->listen_http, &r.fd_http, &port));
	TRY(common_make(a, &c->common, (const char *const[]){ NULL }, socks));
	r.self = processes;
	return proc_run(
	    "ca", processes, COUNT(processes), arena_printf(a, "%s/ca.pid", c->common.run_dir));
}

const struct role role_ca = {
	.name = "ca",
	.help = "certification authorities: enrolment, CRLs",
	.opts = opts,
	.nopts = COUNT(opts),
	.conf_size = sizeof(struct ca_conf),
	.run = run,
};
