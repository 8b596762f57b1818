/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/self_update.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "connector/event.h"
#include "connector/updater.h"

#define KEY_MAX 16384u
#define VERDICT_MAX 1000u
#define ARGUMENTS_MAX 65536u
#define ALARM_LATE_S 60 /* connector/update judges before */
/* What a release is told about the program of the package. */
#define ENV_PATH "CHANCERY_PACKAGED"
#define ENV_VERSION "CHANCERY_PACKAGED_VERSION"

bool
self_update_is_on(const struct self_update_conf *c)
{
	return strcmp(c->mode, "off") != 0;
}

static err_t
read_key(struct arena *a, const char *path, struct key **ret)
{
	struct str text, der;
	size_t n;

	TRY(file_read(a, path, KEY_MAX, &text));
	TRY_CTX(text_unpem(a, text, "PUBLIC KEY", &der, 1, &n), "%s", path);
	if (n != 1)
		FAIL(ERR_CONF, "%s: one public key in PEM", path);
	TRY_CTX(key_from_spki(der, ret), "%s", path);
	return OK;
}

static err_t
read_keys(struct arena *a, struct self_update *u)
{
	const char *const *paths = u->conf->keys;
	size_t n = 0;

	for (; paths != NULL && paths[n] != NULL; n++) {
		if (n == SELF_UPDATE_KEYS)
			FAIL(ERR_CONF, "[update] keys: more than %d", SELF_UPDATE_KEYS);
		TRY(read_key(a, paths[n], &u->key[n]));
	}
	if (n == 0)
		FAIL(ERR_CONF, "[update] keys: name the file of at least one public key");
	u->releases.keys = (struct release_keys){ u->key, n };
	return OK;
}

/* Where the parent writes and executes from must not be for others to change. */
static err_t
check_folder(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		FAIL(ERR_FILE, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		FAIL(ERR_CONF, "[update] dir: %s must be a folder that nobody else can write to",
		    path);
	return OK;
}

static err_t
make_folders(const struct self_update *u, const struct common *common)
{
	err_t e;

	TRY(dir_make(u->releases.dir, 0755));
	TRY(check_folder(u->releases.dir));
	TRY(dir_sweep(u->releases.dir));
	TRY(own_begin(common_user(common)));
	e = dir_make(u->folder, 0700);
	own_end(common_user(common));
	return e;
}

/* As it was called; the package may be replaced while we run, so it is looked up at once. */
static err_t
find_packaged(struct arena *a, struct self_update *u)
{
	const char *path = getenv(ENV_PATH), *version = getenv(ENV_VERSION);
	char program[PATH_MAX];
	ssize_t n;

	u->released = path != NULL && version != NULL;
	if (u->released) {
		u->packaged = arena_strdup(a, path);
		u->releases.packaged = arena_strdup(a, version);
		return OK;
	}
	n = readlink("/proc/self/exe", program, sizeof(program));
	if (n < 0 || n == sizeof(program))
		FAIL(ERR_SYSTEM, "/proc/self/exe: %s", strerror(errno));
	u->packaged = arena_cstr(a, str_of(program, (size_t)n));
	u->releases.packaged = CHANCERY_VERSION_FOUR;
	return OK;
}

err_t
self_update_open(struct arena *a, const struct common *common, const struct self_update_conf *c,
    bool check_only, struct self_update *ret)
{
	bool apart = getuid() == 0 && common_user(common) != NULL;

	*ret = (struct self_update){ .conf = c };
	if (strcmp(c->mode, "off") != 0 && strcmp(c->mode, "manual") != 0 &&
	    strcmp(c->mode, "signed") != 0)
		FAIL(ERR_CONF, "[update] mode: off, manual or signed, not %s", c->mode);
	if (!self_update_is_on(c))
		return OK;
	if (apart && *c->dir == '\0')
		FAIL(ERR_CONF, "[update] dir: name a folder of root's own, outside of %s",
		    common->state_dir);
	ret->releases.dir =
	    *c->dir != '\0' ? c->dir : arena_printf(a, "%s/releases", common->state_dir);
	ret->releases.named = c->named;
	ret->folder = arena_printf(a, "%s/update", common->state_dir);
	TRY(read_keys(a, ret));
	TRY(find_packaged(a, ret));
	return check_only ? OK : make_folders(ret, common);
}

/* The arguments that this process was started with. */
static err_t
arguments(struct arena *a, char ***ret)
{
	struct str text, rest;
	char **v;
	size_t n = 0;

	TRY(file_read(a, "/proc/self/cmdline", ARGUMENTS_MAX, &text));
	v = arena_array(a, text.n + 1, sizeof(*v));
	for (rest = text; rest.n > 0;)
		v[n++] = arena_cstr(a, str_cut(&rest, '\0'));
	v[n] = NULL;
	*ret = v;
	return OK;
}

/* Comes back only if it fails. */
static err_t
execute(const struct self_update *u, struct arena *a, const struct releases_state *s)
{
	auto_fd int fd = -1;
	int64_t left = s->until - when_now() + ALARM_LATE_S;
	char **argv;

	TRY(arguments(a, &argv));
	TRY(releases_program(&u->releases, s->current, &fd));
	if (setenv(ENV_PATH, u->packaged, 1) != 0 ||
	    setenv(ENV_VERSION, u->releases.packaged, 1) != 0)
		FAIL(ERR_SYSTEM, "the environment cannot be set");
	log_event(LOG_LEVEL_INFO, "going over to a release", "version", s->current, NULL);
	if (s->trial)
		alarm((unsigned)left);
	fflush(NULL);
	fexecve(fd, argv, environ);
	alarm(0);
	unsetenv(ENV_PATH);
	unsetenv(ENV_VERSION);
	FAIL(ERR_SYSTEM, "execute release %s: %s", s->current, strerror(errno));
}

err_t
self_update_start(struct self_update *u)
{
	auto_arena struct arena *a = arena_new();
	struct releases_state s;

	if (u->released) {
		TRY(releases_state(&u->releases, a, &s));
		if (s.trial)
			event_log(EVENT_UPDATE_TRIAL, NULL, s.current);
		return OK;
	}
	alarm(0);
	TRY(releases_state(&u->releases, a, &s));
	if (s.trial) {
		TRY(releases_start(&u->releases, a, &s));
		if (!s.trial)
			event_log(EVENT_UPDATE_BACK, s.fault, s.detail);
	} else {
		TRY(releases_start(&u->releases, a, &s));
	}
	while (*s.current != '\0') {
		struct err_report rep;

		err_take(execute(u, a, &s), &rep);
		event_log(EVENT_UPDATE_BACK, err_info(rep.code)->id, rep.detail);
		TRY(releases_leave(&u->releases, a, err_info(rep.code)->id, rep.detail, &s));
	}
	return OK;
}

/* A plain file of the folder of connector/update, and nothing that a name there might lead to. */
static err_t
read_handed(
    const struct self_update *u, struct arena *a, const char *name, size_t max, struct str *ret)
{
	const char *path = arena_printf(a, "%s/%s", u->folder, name);
	auto_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		FAIL(ERR_FILE, "open %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		FAIL(ERR_FILE, "%s is no file of its own", path);
	return file_read(a, arena_printf(a, "/proc/self/fd/%d", fd), max, ret);
}

static err_t
stage(struct self_update *u)
{
	auto_arena struct arena *a = arena_new();
	const char *version;
	struct str bundle;

	TRY(read_handed(u, a, "bundle", LIMIT_RELEASE_BYTES, &bundle));
	TRY(releases_stage(&u->releases, a, bundle, CHANCERY_VERSION_FOUR, &version));
	return releases_switch(&u->releases, version, u->conf->trial_s);
}

/* Text of a process without keys and network; the reason is kept in any case. */
static const char *
verdict(const struct self_update *u, struct arena *a, int status)
{
	struct str text;
	err_t e;

	if (status == PROC_ALARM)
		return "it did not come as far as to test itself";
	e = read_handed(u, a, "verdict", VERDICT_MAX, &text);
	if (err_ok(e))
		return text_safe(a, text);
	err_forget(e);
	return "its self-test left no word";
}

static err_t
back(const struct self_update *u, int status)
{
	auto_arena struct arena *a = arena_new();
	const char *fault = err_info(ERR_UPDATE_FAILED)->id, *why = verdict(u, a, status);

	event_log(EVENT_UPDATE_BACK, fault, why);
	return releases_back(&u->releases, fault, why);
}

static err_t
settle(const struct self_update *u)
{
	alarm(0);
	TRY(releases_confirm(&u->releases));
	event_log(EVENT_UPDATE_DONE, NULL, CHANCERY_VERSION_FOUR);
	return OK;
}

bool
self_update_asks(void *arg, int status)
{
	struct self_update *u = arg;
	struct err_report rep;
	err_t e;

	switch (status) {
	case UPDATER_STAGED:
		e = stage(u);
		u->again = err_ok(e);
		break;
	case UPDATER_GOOD:
		e = settle(u);
		break;
	case UPDATER_BAD:
	case PROC_ALARM:
		e = back(u, status);
		u->again = err_ok(e);
		break;
	default:
		return false;
	}
	if (!err_ok(e)) {
		err_take(e, &rep);
		event_log(EVENT_UPDATE_REFUSED, err_info(rep.code)->id, rep.detail);
		err_forget(releases_note(&u->releases, err_info(rep.code)->id, rep.detail));
	}
	return u->again;
}

err_t
self_update_end(const struct self_update *u)
{
	auto_arena struct arena *a = arena_new();
	char **argv;

	if (!u->again)
		return OK;
	TRY(arguments(a, &argv));
	unsetenv(ENV_PATH);
	unsetenv(ENV_VERSION);
	alarm(0);
	fflush(NULL);
	execv(u->packaged, argv);
	FAIL(ERR_SYSTEM, "execute %s: %s", u->packaged, strerror(errno));
}

void
self_update_close(struct self_update *u)
{
	for (size_t i = 0; i < SELF_UPDATE_KEYS; i++)
		key_free(u->key[i]);
}
