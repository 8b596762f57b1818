/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/releases.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "codec/json.h"

#define STATE_MAX 16384u
#define FOLDERS_MAX 256u
#define UNFINISHED ".new"

static const char *
path_of(const struct releases *r, struct arena *a, const char *name)
{
	return arena_printf(a, "%s/%s", r->dir, name);
}

static const char *
text_or_none(struct arena *a, const json *j, const char *key)
{
	return arena_strdup(a, json_text(json_get(j, key)));
}

static err_t
when_or_none(const json *j, const char *key, when_t *ret)
{
	*ret = 0;
	if (json_is_null(json_get(j, key)))
		return OK;
	return when_parse(str_c(json_text(json_get(j, key))), ret);
}

err_t
releases_state(const struct releases *r, struct arena *a, struct releases_state *ret)
{
	struct releases_state s = {
		.current = "", .previous = "", .base = "", .failed = "", .fault = "", .detail = ""
	};
	auto_json json *j = NULL;
	struct str text;
	err_t e = file_read(a, path_of(r, a, "state.json"), STATE_MAX, &text);

	if (err_is(e, ERR_FILE_MISSING)) {
		err_forget(e);
		*ret = s;
		return OK;
	}
	TRY(e);
	TRY_CTX(json_parse(text, STATE_MAX, &j), "state.json of the releases");
	s.current = text_or_none(a, j, "current");
	s.previous = text_or_none(a, j, "previous");
	s.base = text_or_none(a, j, "base");
	s.failed = text_or_none(a, j, "failed");
	s.fault = text_or_none(a, j, "fault");
	s.detail = text_or_none(a, j, "detail");
	s.trial = json_true(json_get(j, "trial"));
	s.starts = json_int(json_get(j, "starts"));
	TRY(when_or_none(j, "since", &s.since));
	TRY(when_or_none(j, "until", &s.until));
	TRY(when_or_none(j, "failed_at", &s.failed_at));
	*ret = s;
	return OK;
}

static err_t
keep(const struct releases *r, const struct releases_state *s)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *j = json_object_new();
	struct str text;

	json_set_text(j, "current", s->current);
	json_set_text(j, "previous", s->previous);
	json_set_text(j, "base", s->base);
	json_set_bool(j, "trial", s->trial);
	json_set_when(a, j, "since", s->since);
	json_set_when(a, j, "until", s->until);
	json_set_int(j, "starts", s->starts);
	json_set_text(j, "failed", s->failed);
	json_set_text(j, "fault", s->fault);
	json_set_text(j, "detail", s->detail);
	json_set_when(a, j, "failed_at", s->failed_at);
	TRY(json_print_pretty(a, j, &text));
	return file_write(path_of(r, a, "state.json"), text, 0644);
}

err_t
releases_wanted(const struct releases *r, const struct releases_state *s, const char *running,
    const struct release *release)
{
	bool named = strcmp(r->named, release->version) == 0;
	struct utsname host;
	int order;

	if (s->trial)
		FAIL(ERR_UPDATE_BUSY, "%s is on trial", s->current);
	if (uname(&host) != 0 || strcmp(host.machine, release->machine) != 0)
		FAIL(ERR_RELEASE_MACHINE, "%s is for %s, this host is %s", release->version,
		    release->machine, host.machine);
	TRY(release_compare(release->version, running, &order));
	if (order == 0 || (order < 0 && !named))
		FAIL(ERR_RELEASE_OLDER, "%s runs, %s was offered", running, release->version);
	if (strcmp(release->version, s->failed) == 0 && !named)
		FAIL(ERR_RELEASE_TRIED, "%s: %s", s->failed, s->detail);
	return OK;
}

/* A folder without folders in it. */
static err_t
remove_folder(struct arena *a, const char *path)
{
	char **names;
	size_t n;

	TRY(dir_list(a, path, FOLDERS_MAX, &names, &n));
	for (size_t i = 0; i < n; i++)
		TRY(file_remove(arena_printf(a, "%s/%s", path, names[i])));
	TRY(dir_sweep(path));
	if (rmdir(path) != 0)
		FAIL(ERR_FILE, "remove %s: %s", path, strerror(errno));
	return OK;
}

/* All folders but these; a kill may have left some half made. */
static err_t
remove_others(const struct releases *r, const char *keep_a, const char *keep_b)
{
	auto_arena struct arena *a = arena_new();
	char **names;
	size_t n;

	TRY(dir_list(a, r->dir, FOLDERS_MAX, &names, &n));
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], "state.json") != 0 && strcmp(names[i], keep_a) != 0 &&
		    strcmp(names[i], keep_b) != 0)
			TRY(remove_folder(a, path_of(r, a, names[i])));
	return OK;
}

static err_t
write_folder(struct arena *a, const char *path, const struct signed_release *s)
{
	TRY(dir_make(path, 0755));
	for (size_t i = 0; i < s->release.nfiles; i++)
		TRY(file_write(arena_printf(a, "%s/%s", path, s->release.files[i].name),
		    s->contents[i], 0755));
	return file_write(arena_printf(a, "%s/head", path), s->head, 0644);
}

err_t
releases_stage(const struct releases *r, struct arena *a, struct str bundle, const char *running,
    const char **ret_version)
{
	struct signed_release s;
	struct releases_state state;
	const char *path, *unfinished;

	TRY(signed_release_open(a, bundle, &r->keys, &s));
	TRY(releases_state(r, a, &state));
	TRY(releases_wanted(r, &state, running, &s.release));
	TRY(remove_others(r, state.current, state.previous));
	path = path_of(r, a, s.release.version);
	unfinished = arena_printf(a, "%s" UNFINISHED, path);
	TRY(write_folder(a, unfinished, &s));
	/* Of an attempt before, or the one before the present that is named now. */
	if (file_exists(path))
		TRY(remove_folder(a, path));
	if (rename(unfinished, path) != 0)
		FAIL(ERR_FILE, "write %s: %s", path, strerror(errno));
	*ret_version = s.release.version;
	return OK;
}

err_t
releases_switch(const struct releases *r, const char *version, when_t trial_s)
{
	auto_arena struct arena *a = arena_new();
	struct releases_state s;

	TRY(releases_state(r, a, &s));
	s.previous = strcmp(s.current, version) == 0 ? "" : s.current;
	s.current = version;
	s.base = r->packaged;
	s.trial = true;
	s.since = when_now();
	s.until = s.since + trial_s;
	s.starts = 0;
	return keep(r, &s);
}

err_t
releases_confirm(const struct releases *r)
{
	auto_arena struct arena *a = arena_new();
	struct releases_state s;

	TRY(releases_state(r, a, &s));
	if (!s.trial)
		return OK;
	s.trial = false;
	s.since = s.until = 0;
	s.starts = 0;
	s.failed = s.fault = s.detail = "";
	s.failed_at = 0;
	TRY(keep(r, &s));
	return remove_others(r, s.current, s.previous);
}

static void
go_back(struct releases_state *s, const char *fault, const char *detail)
{
	s->failed = s->current;
	s->fault = fault;
	s->detail = detail;
	s->failed_at = when_now();
	s->current = s->previous;
	s->previous = "";
	s->trial = false;
	s->since = s->until = 0;
	s->starts = 0;
}

err_t
releases_back(const struct releases *r, const char *fault, const char *detail)
{
	auto_arena struct arena *a = arena_new();
	struct releases_state s;

	TRY(releases_state(r, a, &s));
	if (!s.trial)
		return OK;
	go_back(&s, fault, detail);
	return keep(r, &s);
}

err_t
releases_note(const struct releases *r, const char *fault, const char *detail)
{
	auto_arena struct arena *a = arena_new();
	struct releases_state s;

	TRY(releases_state(r, a, &s));
	s.fault = fault;
	s.detail = detail;
	s.failed_at = when_now();
	return keep(r, &s);
}

err_t
releases_leave(const struct releases *r, struct arena *a, const char *fault, const char *detail,
    struct releases_state *ret)
{
	struct releases_state s;

	TRY(releases_state(r, a, &s));
	go_back(&s, fault, detail);
	TRY(keep(r, &s));
	*ret = s;
	return OK;
}

static const char *
trial_is_over(struct arena *a, const struct releases_state *s)
{
	when_t now = when_now();

	if (now > s->until)
		return "it did not show in time that it works";
	if (now < s->since)
		return "the clock was set back during its trial";
	if (s->starts >= RELEASES_STARTS)
		return arena_printf(a, "it ended %d times during its trial", RELEASES_STARTS);
	return NULL;
}

err_t
releases_start(const struct releases *r, struct arena *a, struct releases_state *ret)
{
	struct releases_state s;
	int order = 1;

	TRY(releases_state(r, a, &s));
	if (s.trial) {
		const char *why = trial_is_over(a, &s);

		if (why != NULL)
			go_back(&s, err_info(ERR_UPDATE_FAILED)->id, why);
		else
			s.starts++;
		TRY(keep(r, &s));
	}
	if (*s.current != '\0' && strcmp(s.base, r->packaged) != 0) {
		/* Another package was installed since. */
		TRY(release_compare(s.current, r->packaged, &order));
		if (order <= 0) {
			s.current = s.previous = "";
			s.trial = false;
		}
		s.base = r->packaged;
		TRY(keep(r, &s));
	}
	/* What a kill left half made; that it stays is no reason not to start. */
	err_forget(remove_others(r, s.current, s.previous));
	*ret = s;
	return OK;
}

/* Nobody but us can change it while it is looked at. */
static err_t
open_ours(const char *path, int *ret)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		FAIL(ERR_FILE, "open %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		FAIL(ERR_FILE, "%s may be written by somebody else", path);
	*ret = fd;
	fd = -1;
	return OK;
}

err_t
releases_program(const struct releases *r, const char *version, int *ret_fd)
{
	auto_arena struct arena *a = arena_new();
	const char *folder = path_of(r, a, version);
	struct release release;
	struct str head, program;
	auto_fd int fd = -1;

	TRY(file_read(a, arena_printf(a, "%s/head", folder), LIMIT_RELEASE_HEAD * 2, &head));
	TRY(signed_release_head(a, head, &r->keys, &release));
	if (strcmp(release.version, version) != 0)
		FAIL(ERR_RELEASE_DAMAGED, "%s is version %s", folder, release.version);
	TRY(open_ours(arena_printf(a, "%s/" RELEASE_PROGRAM, folder), &fd));
	TRY(file_read(a, arena_printf(a, "/proc/self/fd/%d", fd), LIMIT_RELEASE_BYTES, &program));
	TRY(signed_release_file(release_program(&release), program));
	*ret_fd = fd;
	fd = -1;
	return OK;
}
