/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The role "connector": outbound connections to the service and to CAs; key pairs in a process without network; releases
 * of itself, if they are wanted, in a third (self_update.h).
 */
#include "base/file.h"
#include "base/text.h"
#include "connector/keys.h"
#include "connector/link.h"
#include "connector/updater.h"
#include "daemon/expiry.h"
#include "daemon/role.h"
#include "daemon/self_update.h"

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>

#define KEYS_PATIENCE_MS 10000
#define UPDATE_PATIENCE_MS 60000
#define TOKEN_PATHS_MAX 4
#define JOBS_MIN 8 /* while some wait for the CA others can go on */
#define JOBS_CORE 4
#define THREADS_MAX 64
#define STEP_MS 200
#define WATCH_MS 60000 /* between looks at the ends of our certificates */

struct connector_conf {
	struct common common;
	int64_t jobs, pool, threads;
	const char *generator;
	const char *const *token_paths;
	const char *const *sizes;
	struct self_update_conf update;
};

struct connector_role {
	const struct connector_conf *conf;
	int fd_admin, fd_keys, fd_update; /* made by the parent */
	struct self_update update;
	const struct proc *self;
};

static const struct conf_opt opts[] = {
	COMMON_OPTS(struct connector_conf),
	CONF(struct connector_conf, jobs, CONF_INT, .section = "connector", .name = "jobs",
	    .min = 0, .max = LINK_LOOPS_MAX, .fallback = "0",
	    .help = "Jobs worked on at the same time; 0: four for each core, 8 to 16."),
	CONF(struct connector_conf, pool, CONF_INT, .section = "keys", .name = "pool", .min = 1,
	    .max = 4096, .fallback = "64",
	    .help = "Key pairs kept ready; made while nothing else is to do."),
	CONF(struct connector_conf, generator, CONF_TEXT, .section = "keys", .name = "generator",
	    .fallback = "chancery",
	    .help = "Who makes RSA keys: chancery (fast), portable (the same without AVX-512) or "
		    "libcrypto (OpenSSL's own). In FIPS mode always libcrypto."),
	CONF(struct connector_conf, threads, CONF_INT, .section = "keys", .name = "threads",
	    .min = 0, .max = THREADS_MAX, .fallback = "0",
	    .help = "Threads that make key pairs ahead; 0: one for each core."),
	CONF(struct connector_conf, sizes, CONF_TEXTS, .section = "keys", .name = "sizes",
	    .fallback = "2048",
	    .help = "Sizes of RSA key pairs that are kept ready from the start: 2048, 3072, 4096. "
		    "Others are from the first job on that wants one."),
	CONF(struct connector_conf, token_paths, CONF_TEXTS, .section = "keys",
	    .name = "token_paths", .fallback = "",
	    .help = "Folders that the module of a PKCS#11 token reads and writes, at most four."),
	SELF_UPDATE_OPTS(struct connector_conf),
};

static err_t
generator_of(const char *name, enum key_maker *ret)
{
	if (strcmp(name, "chancery") == 0)
		*ret = KEY_MAKER_CHANCERY;
	else if (strcmp(name, "portable") == 0)
		*ret = KEY_MAKER_PORTABLE;
	else if (strcmp(name, "libcrypto") == 0)
		*ret = KEY_MAKER_LIBCRYPTO;
	else
		FAIL(ERR_CONF, "[keys] generator: chancery, portable or libcrypto, not %s", name);
	return OK;
}

static err_t
sizes_of(const char *const *names, struct connector_keys_conf *ret)
{
	for (ret->nsizes = 0; names != NULL && names[ret->nsizes] != NULL; ret->nsizes++) {
		int64_t bits = 0;
		err_t e = text_i64(str_c(names[ret->nsizes]), 2048, 4096, &bits);

		if (ret->nsizes == COUNT(ret->sizes) || !err_ok(e) || bits % 1024 != 0) {
			err_forget(e);
			FAIL(ERR_CONF, "[keys] sizes: 2048, 3072 or 4096, each once, not %s",
			    names[ret->nsizes]);
		}
		ret->sizes[ret->nsizes] = (unsigned)bits;
	}
	return OK;
}

/* That this process may use; at least one. */
static unsigned
cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static unsigned
between(unsigned n, unsigned min, unsigned max)
{
	return n < min ? min : n > max ? max : n;
}

static unsigned
jobs_of(const struct connector_conf *c)
{
	return c->jobs > 0 ? (unsigned)c->jobs :
			     between(JOBS_CORE * cores(), JOBS_MIN, LINK_LOOPS_MAX);
}

static unsigned
threads_of(const struct connector_conf *c)
{
	return c->threads > 0 ? (unsigned)c->threads : between(cores(), 1, THREADS_MAX);
}

struct watcher {
	struct link *link;
	atomic_bool stop;
};

/* The certificate towards the service renews itself; a warning says that it does not get there. */
static void *
watch_ends(void *arg)
{
	struct watcher *w = arg;
	struct expiry service = { 0 }, ca = { 0 };

	for (int waited = WATCH_MS; !atomic_load(&w->stop); waited += STEP_MS) {
		const struct join *j;

		poll(NULL, 0, STEP_MS);
		if (waited < WATCH_MS)
			continue;
		waited = 0;
		pthread_mutex_lock(&w->link->lock);
		j = w->link->join;
		pthread_mutex_unlock(&w->link->lock);
		if (j == NULL)
			continue;
		if (service.until != j->service_end)
			expiry_watch(&service, "service", j->service_end, NULL);
		if (j->ca_end != 0 && ca.until != j->ca_end)
			expiry_watch(&ca, "ca", j->ca_end, NULL);
		(void)expiry_check(&service);
		(void)expiry_check(&ca);
	}
	return NULL;
}

/* Kerberos towards the CA: a ticket cache, or a key from which the library gets itself tickets, where this process may
 * read and write. Before any thread. */
static err_t
name_kerberos(struct arena *a, const char *dir)
{
	if (setenv("KRB5CCNAME", arena_printf(a, "FILE:%s/krb5cc", dir), 1) != 0 ||
	    setenv("KRB5_CLIENT_KTNAME", arena_printf(a, "FILE:%s/client.keytab", dir), 1) != 0)
		FAIL(ERR_SYSTEM, "the environment cannot be set");
	return OK;
}

static err_t
link_main(void *arg)
{
	struct connector_role *r = arg;
	auto_arena struct arena *a = arena_new();
	struct link_conf lc = { .version = CHANCERY_VERSION_FOUR, .loops = jobs_of(r->conf) };
	struct ipc_client *keys = NULL, *update = NULL;
	struct ipc_server *admin = NULL;
	struct link *l = NULL;
	struct watcher watcher = { 0 };
	pthread_t thread;

	TRY(common_enter(&r->conf->common, "connector", r->self));
	TRY(ipc_client_new(arena_printf(a, "%s/keys.sock", r->conf->common.run_dir), LINK_LOOPS_MAX,
	    KEYS_PATIENCE_MS, &keys));
	lc.dir = arena_printf(a, "%s/link", r->conf->common.state_dir);
	TRY(name_kerberos(a, lc.dir));
	lc.keys = keys;
	if (self_update_is_on(&r->conf->update))
		TRY(ipc_client_new(arena_printf(a, "%s/update.sock", r->conf->common.run_dir), 4,
		    UPDATE_PATIENCE_MS, &update));
	lc.update = update;
	lc.update_fetch = strcmp(r->conf->update.mode, "signed") == 0;
	TRY(link_open(&lc, &l));
	TRY(ipc_server_new(r->fd_admin, 4, link_admin_verbs, l, &admin));
	TRY(ipc_server_start(admin));
	TRY(link_start(l));
	log_event(LOG_LEVEL_INFO, l->join != NULL ? "ready" : "waiting to be joined", "jobs",
	    arena_printf(a, "%u", lc.loops), NULL);
	watcher.link = l;
	if (pthread_create(&thread, NULL, watch_ends, &watcher) != 0)
		FAIL(ERR_SYSTEM, "cannot start a thread");
	proc_wait();
	atomic_store(&watcher.stop, true);
	pthread_join(thread, NULL);
	/* It may have ended before us, as its end is how a release is switched to: neither the reporter nor an administrator's
	 * verb waits for it. */
	if (update != NULL)
		ipc_client_end(update);
	ipc_server_stop(admin);
	link_close(l);
	ipc_client_free(keys);
	ipc_client_free(update);
	return OK;
}

static err_t
keys_main(void *arg)
{
	struct connector_role *r = arg;
	auto_arena struct arena *a = arena_new();
	struct connector_keys_conf kc = { .threads = threads_of(r->conf),
		.pool = (unsigned)r->conf->pool };
	struct connector_keys *keys = NULL;
	struct ipc_server *server = NULL;

	TRY(common_enter(&r->conf->common, "connector", r->self + 1));
	TRY(generator_of(r->conf->generator, &kc.maker));
	TRY(sizes_of(r->conf->sizes, &kc));
	kc.dir = arena_printf(a, "%s/keys", r->conf->common.state_dir);
	TRY(connector_keys_open(&kc, &keys));
	TRY(ipc_server_new(r->fd_keys, 2 * LINK_LOOPS_MAX, connector_keys_verbs, keys, &server));
	TRY(ipc_server_start(server));
	for (size_t i = 0; i < kc.nsizes; i++) {
		size_t room = connector_keys_room(keys, kc.sizes[i]);

		if (room < kc.pool)
			log_event(LOG_LEVEL_WARN,
			    "memory for ready keys cannot be locked: raise LimitMEMLOCK", "bits",
			    arena_printf(a, "%u", kc.sizes[i]), "wanted",
			    arena_printf(a, "%u", kc.pool), "kept", arena_printf(a, "%zu", room),
			    NULL);
	}
	log_event(LOG_LEVEL_INFO, "ready", "threads", arena_printf(a, "%u", kc.threads),
	    "generator", r->conf->common.fips ? "libcrypto" : r->conf->generator, NULL);
	proc_wait();
	ipc_server_stop(server);
	connector_keys_close(keys);
	return OK;
}

static bool
asks(void *arg, int status)
{
	struct connector_role *r = arg;

	return self_update_asks(&r->update, status);
}

/* Ends with what it has to tell the parent. */
static err_t
update_main(void *arg)
{
	struct connector_role *r = arg;
	auto_arena struct arena *a = arena_new();
	struct updater_conf uc = { .dir = r->update.folder,
		.version = CHANCERY_VERSION_FOUR,
		.mode = r->conf->update.mode,
		.releases = r->update.releases };
	int status = 0;

	TRY(common_enter(&r->conf->common, "connector", r->self + 2));
	uc.admin = arena_printf(a, "%s/admin.sock", r->conf->common.run_dir);
	TRY(updater_run(&uc, r->fd_update, &status));
	arena_free(steal(a));
	exit(status);
}

static err_t
run(struct arena *a, void *conf, bool check_only)
{
	const struct connector_conf *c = conf;
	struct connector_role r = { .conf = c };
	enum key_maker maker;
	struct connector_keys_conf sizes;
	const char *link_dir = arena_printf(a, "%s/link", c->common.state_dir);
	const char *keys_dir = arena_printf(a, "%s/keys", c->common.state_dir);
	struct proc processes[] = {
		{ "link", link_main, &r, .net = true, .paths_rw = { link_dir, c->common.run_dir },
		    .paths_ro = { "/etc", "/usr", "/lib", "/proc/self" },
		    .user = common_user(&c->common) },
		{ "keys", keys_main, &r, .net = false, .paths_rw = { keys_dir },
		    .paths_ro = { "/etc", "/usr", "/lib", "/proc/self" },
		    .user = common_user(&c->common) },
		{ "update", update_main, &r, .net = false,
		    .paths_ro = { "/etc", "/usr", "/lib", "/proc/self" },
		    .user = common_user(&c->common), .asks = asks },
	};
	bool updates = self_update_is_on(&c->update);
	const struct common_sock socks[] = { { "admin.sock", &r.fd_admin },
		{ "keys.sock", &r.fd_keys }, { updates ? "update.sock" : NULL, &r.fd_update },
		{ 0 } };
	err_t e;

	TRY(common_check(&c->common));
	for (size_t i = 0; c->token_paths != NULL && c->token_paths[i] != NULL; i++) {
		if (i >= TOKEN_PATHS_MAX)
			FAIL(ERR_CONF, "token_paths: more than %d", TOKEN_PATHS_MAX);
		processes[1].paths_rw[1 + i] = c->token_paths[i];
	}
	TRY(generator_of(c->generator, &maker));
	TRY(sizes_of(c->sizes, &sizes));
	TRY(self_update_open(a, &c->common, &c->update, check_only, &r.update));
	if (check_only) {
		self_update_close(&r.update);
		return OK;
	}
	common_log(&c->common, "connector", "parent");
	if (updates)
		TRY(self_update_start(&r.update));
	processes[2].paths_rw[0] = r.update.folder;
	processes[2].paths_ro[4] = r.update.releases.dir;
	TRY(common_make(a, &c->common, (const char *const[]){ link_dir, keys_dir, NULL }, socks));
	r.self = processes;
	TRY(proc_run("connector", processes, updates ? 3 : 2,
	    arena_printf(a, "%s/connector.pid", c->common.run_dir)));
	e = self_update_end(&r.update);
	self_update_close(&r.update);
	return e;
}

const struct role role_connector = {
	.name = "connector",
	.help = "key pairs, requests to CAs, packing for devices; outbound only",
	.opts = opts,
	.nopts = COUNT(opts),
	.conf_size = sizeof(struct connector_conf),
	.run = run,
};
