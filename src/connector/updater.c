/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/updater.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "codec/admin_ipc.h"
#include "connector/selftest.h"
#include "net/admin.h"

#define TICK_MS 500
#define TEST_MS 2000 /* between self-tests */
#define CONNECTIONS 4
#define VERSION_BYTES 32

struct updater {
	const struct updater_conf *conf;
	pthread_mutex_t lock; /* of all below */
	int fd;               /* of incoming; -1: nothing arrives */
	size_t size, got;
	struct str sha256; /* as it was announced */
	uint8_t hash[32];
	bool staged; /* bundle is there: time to end */
	char version[VERSION_BYTES];
};

static const char *
path_of(const struct updater *u, struct arena *a, const char *name)
{
	return arena_printf(a, "%s/%s", u->conf->dir, name);
}

static void
drop(struct updater *u)
{
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
	u->size = u->got = 0;
}

static err_t
not_now(const struct updater *u, struct arena *a)
{
	struct releases_state s;

	TRY(releases_state(&u->conf->releases, a, &s));
	if (u->staged || s.trial)
		FAIL(ERR_UPDATE_BUSY, "%s", u->staged ? u->version : s.current);
	return OK;
}

static err_t
begin_locked(struct updater *u, struct arena *a, const json *args, json *answer)
{
	struct str sha256;
	const char *hash;
	int64_t size;

	TRY(not_now(u, a));
	TRY(json_need_int(args, "size", 1, LIMIT_RELEASE_BYTES, &size));
	TRY(json_need_text(args, "sha256", 64, &hash));
	TRY(text_unhex(a, str_c(hash), &sha256));
	if (sha256.n != sizeof(u->hash))
		FAIL(ERR_BAD_REQUEST, "\"sha256\" must be 64 hexadecimal digits");
	if (u->fd < 0 || u->size != (size_t)size || !str_eq(sha256, STR(u->hash))) {
		drop(u);
		u->fd =
		    open(path_of(u, a, "incoming"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (u->fd < 0)
			FAIL(ERR_FILE, "%s: %s", path_of(u, a, "incoming"), strerror(errno));
		u->size = (size_t)size;
		memcpy(u->hash, sha256.p, sizeof(u->hash));
	}
	json_set_int(answer, "offset", (int64_t)u->got);
	return OK;
}

static err_t
put(int fd, struct str data, size_t at)
{
	while (data.n > 0) {
		ssize_t n = pwrite(fd, data.p, data.n, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			FAIL(ERR_FILE, "write the release: %s", strerror(errno));
		at += (size_t)n;
		data = str_of(data.p + n, data.n - (size_t)n);
	}
	return OK;
}

static err_t
part_locked(struct updater *u, struct arena *a, const json *args, json *answer)
{
	struct str data;
	int64_t offset;

	if (u->fd < 0)
		FAIL(ERR_STATE_MOVED, "no release is being taken in");
	TRY(json_need_int(args, "offset", 0, LIMIT_RELEASE_BYTES, &offset));
	TRY(json_need_base64(a, args, "data", UPDATER_PART, &data));
	if ((size_t)offset != u->got)
		FAIL(ERR_STATE_MOVED, "the next part begins at %zu", u->got);
	if (data.n == 0 || data.n > u->size - u->got)
		FAIL(ERR_RELEASE_DAMAGED, "it has %zu bytes, as was announced", u->size);
	TRY(put(u->fd, data, u->got));
	u->got += data.n;
	json_set_int(answer, "offset", (int64_t)u->got);
	return OK;
}

/* All of it, looked at as the parent will look at it again. */
static err_t
look(struct updater *u, struct arena *a, struct str *ret_bundle)
{
	const struct releases *r = &u->conf->releases;
	struct signed_release s;
	struct releases_state state;
	struct str bundle;
	uint8_t hash[32];

	if (u->fd < 0 || u->got != u->size)
		FAIL(ERR_RELEASE_DAMAGED, "%zu of %zu bytes have arrived", u->got, u->size);
	TRY(file_read(a, path_of(u, a, "incoming"), LIMIT_RELEASE_BYTES, &bundle));
	hash_sha256(bundle, hash);
	if (!str_eq(STR(hash), STR(u->hash)))
		FAIL(ERR_RELEASE_DAMAGED, "its SHA-256 is %s", text_hex(a, STR(hash)));
	TRY(signed_release_open(a, bundle, &r->keys, &s));
	TRY(releases_state(r, a, &state));
	TRY(releases_wanted(r, &state, u->conf->version, &s.release));
	snprintf(u->version, sizeof(u->version), "%s", s.release.version);
	*ret_bundle = bundle;
	return OK;
}

static err_t
finish_locked(struct updater *u, struct arena *a, const json *args, json *answer)
{
	struct str bundle;
	err_t e;

	(void)args;
	TRY(not_now(u, a));
	e = look(u, a, &bundle);
	drop(u);
	if (!err_ok(e)) {
		err_forget(file_remove(path_of(u, a, "incoming")));
		return e;
	}
	TRY(file_write(path_of(u, a, "bundle"), bundle, 0600));
	TRY(file_remove(path_of(u, a, "incoming")));
	u->staged = true;
	json_set_text(answer, "version", u->version);
	return OK;
}

static err_t
show_locked(struct updater *u, struct arena *a, const json *args, json *answer)
{
	struct releases_state s;

	(void)args;
	TRY(releases_state(&u->conf->releases, a, &s));
	json_set_text(answer, "mode", u->conf->mode);
	json_set_text(answer, "state",
	    s.trial        ? "trial" :
		u->staged  ? "switching" :
		u->fd >= 0 ? "receiving" :
			     "idle");
	json_set_text(answer, "running", u->conf->version);
	json_set_text(answer, "release", s.current);
	json_set_text(answer, "previous", s.previous);
	if (s.trial)
		json_set_when(a, answer, "until", s.until);
	if (u->fd >= 0) {
		json_set_int(answer, "received", (int64_t)u->got);
		json_set_int(answer, "size", (int64_t)u->size);
	}
	if (*s.failed != '\0')
		json_set_text(answer, "failed", s.failed);
	if (*s.fault != '\0') {
		json_set_text(answer, "fault", s.fault);
		json_set_text(answer, "detail", s.detail);
		json_set_when(a, answer, "fault_time", s.failed_at);
	}
	return OK;
}

typedef err_t verb_fn(struct updater *u, struct arena *a, const json *args, json *answer);

static err_t
locked(verb_fn *f, struct updater *u, struct arena *a, const json *args, json *answer)
{
	err_t e;

	pthread_mutex_lock(&u->lock);
	e = f(u, a, args, answer);
	pthread_mutex_unlock(&u->lock);
	return e;
}

static err_t
verb_begin(void *ctx, struct arena *a, const json *args, json *answer)
{
	return locked(begin_locked, ctx, a, args, answer);
}

static err_t
verb_part(void *ctx, struct arena *a, const json *args, json *answer)
{
	return locked(part_locked, ctx, a, args, answer);
}

static err_t
verb_finish(void *ctx, struct arena *a, const json *args, json *answer)
{
	return locked(finish_locked, ctx, a, args, answer);
}

static err_t
verb_show(void *ctx, struct arena *a, const json *args, json *answer)
{
	return locked(show_locked, ctx, a, args, answer);
}

static const struct admin_verb verbs[] = {
	{ "update.begin", verb_begin },
	{ "update.part", verb_part },
	{ "update.finish", verb_finish },
	{ "update.show", verb_show },
	{ 0 },
};

static err_t
dispatch(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	return admin_dispatch(verbs, ctx, a, in, out);
}

static const struct ipc_verb ipc_verbs[] = {
	{ ADMIN, dispatch },
	{ 0 },
};

static bool
is_staged(struct updater *u)
{
	bool staged;

	pthread_mutex_lock(&u->lock);
	staged = u->staged;
	pthread_mutex_unlock(&u->lock);
	return staged;
}

/* A release that works does so within its time; one that calls itself otherwise than its manifest never does. */
static err_t
judge(struct updater *u, const struct releases_state *s, const char *before, int *ret_status)
{
	auto_arena struct arena *a = arena_new();
	const char *verdict = NULL;

	if (strcmp(s->current, u->conf->version) != 0) {
		verdict = arena_printf(a, "it calls itself %s", u->conf->version);
		*ret_status = UPDATER_BAD;
	} else {
		verdict = selftest(u->conf->admin, a, before);
		if (verdict == NULL)
			*ret_status = UPDATER_GOOD;
		else if (when_now() >= s->until)
			*ret_status = UPDATER_BAD;
	}
	if (*ret_status == UPDATER_BAD)
		TRY(file_write(path_of(u, a, "verdict"), str_c(verdict), 0600));
	return OK;
}

static err_t
watch_trial(struct updater *u, struct arena *a, const struct releases_state *s, int *ret_status)
{
	const char *before = path_of(u, a, "before");
	int64_t due = 0;

	while (*ret_status == 0 && !proc_wait_for(TICK_MS)) {
		if (when_mono_ms() < due)
			continue;
		TRY(judge(u, s, before, ret_status));
		due = when_mono_ms() + TEST_MS;
	}
	return OK;
}

/* What does not work now need not work afterwards. */
static err_t
watch_incoming(struct updater *u, struct arena *a, int *ret_status)
{
	while (*ret_status == 0 && !proc_wait_for(TICK_MS)) {
		if (!is_staged(u))
			continue;
		TRY(selftest_keep(u->conf->admin, path_of(u, a, "before")));
		*ret_status = UPDATER_STAGED;
	}
	return OK;
}

static err_t
watch(struct updater *u, int *ret_status)
{
	auto_arena struct arena *a = arena_new();
	struct releases_state s;

	TRY(releases_state(&u->conf->releases, a, &s));
	if (s.trial)
		return watch_trial(u, a, &s, ret_status);
	return watch_incoming(u, a, ret_status);
}

/* What arrived before a restart is sent anew; a bundle that the parent was told of was taken before we start again. */
static err_t
forget_parts(const struct updater *u)
{
	auto_arena struct arena *a = arena_new();

	TRY(dir_sweep(u->conf->dir));
	TRY(file_remove(path_of(u, a, "incoming")));
	return file_remove(path_of(u, a, "bundle"));
}

err_t
updater_run(const struct updater_conf *conf, int listen_fd, int *ret_status)
{
	struct updater u = { .conf = conf, .fd = -1 };
	struct ipc_server *server;
	err_t e;

	TRY(forget_parts(&u));
	pthread_mutex_init(&u.lock, NULL);
	TRY(ipc_server_new(listen_fd, CONNECTIONS, ipc_verbs, &u, &server));
	TRY(ipc_server_start(server));
	log_event(LOG_LEVEL_INFO, "ready", "mode", conf->mode, NULL);
	*ret_status = 0;
	e = watch(&u, ret_status);
	ipc_server_stop(server);
	drop(&u);
	pthread_mutex_destroy(&u.lock);
	return e;
}
