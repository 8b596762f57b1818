/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/download.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

#include "base/file.h"
#include "cli/out.h"

#define TRIES 5 /* that bring nothing, one after another */
#define WAIT_MS 500

struct download {
	struct cli *cli;
	const char *part;
	int fd;
	int64_t size, told;
	bool fresh; /* nothing came in this exchange yet */
};

static err_t
failed(const char *what, const char *path)
{
	FAIL(ERR_FILE, "%s %s: %s", what, path, strerror(errno));
}

static void
tell(struct download *d)
{
	if (d->size - d->told < 1 << 20)
		return;
	d->told = d->size;
	out_progress(d->cli, arena_printf(d->cli->arena, "%lld MiB", (long long)d->size >> 20));
}

static err_t
put(void *ctx, int status, struct str bytes)
{
	struct download *d = ctx;

	/* All of it, though the rest was asked for. */
	if (d->fresh && status == 200 && d->size > 0) {
		if (ftruncate(d->fd, 0) != 0 || lseek(d->fd, 0, SEEK_SET) != 0)
			return failed("write", d->part);
		d->size = d->told = 0;
	}
	d->fresh = false;
	while (bytes.n > 0) {
		ssize_t n = write(d->fd, bytes.p, bytes.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed("write", d->part);
		bytes = str_of(bytes.p + n, bytes.n - (size_t)n);
		d->size += n;
	}
	tell(d);
	return OK;
}

static bool
may_pass(err_t e)
{
	return err_is(e, ERR_UNREACHABLE) || err_is(e, ERR_TIMEOUT) || err_is(e, ERR_BUSY);
}

static err_t
fill(struct download *d, const char *path)
{
	const struct fetch_sink sink = { put, d };

	for (int tries = 0;; tries++) {
		int64_t before = d->size;
		err_t e;

		d->fresh = true;
		e = api_get_into(d->cli, path, d->size, &sink);
		if (err_ok(e))
			break;
		if (d->size > before)
			tries = 0;
		if (!may_pass(e) || tries == TRIES)
			return e;
		err_forget(e);
		poll(NULL, 0, WAIT_MS * (tries + 1));
	}
	return fsync(d->fd) == 0 ? OK : failed("sync", d->part);
}

err_t
download(struct cli *c, const char *path, const char *file, int64_t *ret)
{
	struct download d = { .cli = c, .part = arena_printf(c->arena, "%s.part", file) };
	auto_fd int fd = open(d.part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err_t e;

	if (fd < 0)
		return failed("create", d.part);
	d.fd = fd;
	e = fill(&d, path);
	out_progress(c, "");
	if (err_ok(e) && rename(d.part, file) != 0)
		e = failed("rename", d.part);
	if (!err_ok(e)) {
		unlink(d.part);
		return e;
	}
	*ret = d.size;
	return OK;
}
