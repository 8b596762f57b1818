/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/browser.h"

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/secret.h"
#include "cli/out.h"
#include "net/http.h"
#include "net/proc.h"

enum { OPEN_TO_ALL = 1 }; /* the permission of its one route */

struct browser {
	const struct browser_ask *ask;
	struct http *http;
	const char *address;
	pthread_mutex_t lock;
	pthread_cond_t came;
	bool answered;
	/* Of the answer, once there is one: a code, or why not. */
	char code[LIMIT_LONG_TEXT], why[512];
};

static err_t
page(struct http_req *r, int status, const char *text)
{
	http_reply_header(
	    r, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
	http_reply_header(r, "X-Content-Type-Options", "nosniff");
	http_reply_header(r, "Referrer-Policy", "no-referrer");
	http_reply_header(r, "Cache-Control", "no-store");
	return http_reply(r, status, "text/html; charset=utf-8",
	    str_c(arena_printf(http_arena(r),
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		"<title>Chancery sign-in</title></head><body><main><h1>Chancery sign-in</h1>"
		"<p>%s</p></main></body></html>\n",
		text)));
}

/* Why the answer is none to go on with; NULL: it has a code. */
static const char *
refused(struct http_req *r, const struct browser_ask *ask)
{
	struct arena *a = http_arena(r);
	const char *iss = http_query(r, "iss"), *code = http_query(r, "code");
	const char *error = http_query(r, "error");
	const char *words = http_query(r, "error_description");

	if (iss == NULL ? ask->must_name_issuer : strcmp(iss, ask->issuer) != 0)
		return arena_printf(a, "the answer is of another issuer, \"%.128s\"",
		    iss == NULL ? "" : text_safe(a, str_c(iss)));
	if (error != NULL)
		return arena_printf(a, "%.64s%s%.300s", text_safe(a, str_c(error)),
		    words == NULL ? "" : ": ", words == NULL ? "" : text_safe(a, str_c(words)));
	if (code == NULL || code[0] == '\0' || strlen(code) >= LIMIT_LONG_TEXT)
		return "the answer has no code";
	return NULL;
}

/* The first answer with our state counts, and no other. */
static bool
take(struct browser *b, const char *code, const char *why)
{
	bool first;

	pthread_mutex_lock(&b->lock);
	first = !b->answered;
	if (first) {
		snprintf(b->code, sizeof(b->code), "%s", why == NULL ? code : "");
		snprintf(b->why, sizeof(b->why), "%s", why == NULL ? "" : why);
		b->answered = true;
	}
	pthread_mutex_unlock(&b->lock);
	return first;
}

static err_t
answer(struct http_req *r)
{
	struct browser *b = http_ctx(r);
	const char *state = http_query(r, "state"), *why;
	err_t e;

	if (state == NULL || !secret_eq(str_c(state), str_c(b->ask->state)))
		return page(r, 400, "This is no answer to the sign-in that is under way.");
	why = refused(r, b->ask);
	if (!take(b, http_query(r, "code"), why))
		return page(r, 410, "The sign-in was answered already. You may close this page.");
	e = page(r, 200,
	    why == NULL ? "The program has its answer. You may close this page." :
			  "Nobody was signed in. The program says why. You may close this page.");
	pthread_mutex_lock(&b->lock);
	pthread_cond_signal(&b->came);
	pthread_mutex_unlock(&b->lock);
	return e;
}

static err_t
gate(struct http_req *r, unsigned perm)
{
	(void)r;
	if (perm != OPEN_TO_ALL)
		FAIL(ERR_FORBIDDEN, "%s", "");
	return OK;
}

static void
on_error(struct http_req *r, err_t e)
{
	struct err_report rep;

	err_take(e, &rep);
	err_forget(page(r, err_info(rep.code)->http, "There is nothing here."));
}

static const struct http_route routes[] = {
	ROUTE(GET, "/back", OPEN_TO_ALL, answer),
	{ 0 },
};

err_t
browser_listen(struct arena *a, const struct browser_ask *ask, struct browser **ret)
{
	auto_browser struct browser *b = calloc(1, sizeof(*b));
	struct http_mount mount = { .routes = routes, .gate = gate, .on_error = on_error };
	struct http_conf conf = { .name = "browser", .workers = 1, .mounts = &mount, .nmounts = 1 };
	pthread_condattr_t attr;
	unsigned port;

	if (b == NULL)
		abort();
	b->ask = ask;
	pthread_mutex_init(&b->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->came, &attr);
	pthread_condattr_destroy(&attr);
	mount.ctx = b;
	TRY(net_listen("127.0.0.1:0", &conf.listen_fd, &port));
	TRY(http_new(&conf, &b->http));
	TRY(http_start(b->http));
	b->address = arena_printf(a, "http://127.0.0.1:%u/back", port);
	*ret = steal(b);
	return OK;
}

const char *
browser_address(const struct browser *b)
{
	return b->address;
}

static bool
is_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

/* The address is an argument, never a line for a shell. */
static void
start(const char *program, const char *url)
{
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)url, NULL };
	posix_spawn_file_actions_t quiet;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	/* Where it cannot be started the person has the address on the screen. */
	(void)posix_spawnp(&pid, program, &quiet, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&quiet);
}

void
browser_open(struct cli *c, const char *url)
{
	fprintf(stderr, "To sign in, open this page in a browser on this machine:\n%s\n",
	    text_safe(c->arena, str_c(url)));
	if (is_set("BROWSER"))
		start(getenv("BROWSER"), url);
	else if (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"))
		start("xdg-open", url);
}

err_t
browser_wait(struct browser *b, struct arena *a, int64_t seconds, const char **ret_code)
{
	struct timespec end;
	bool answered;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	pthread_mutex_lock(&b->lock);
	while (!b->answered && pthread_cond_timedwait(&b->came, &b->lock, &end) == 0)
		;
	answered = b->answered;
	b->answered = true; /* nothing that comes later counts */
	pthread_mutex_unlock(&b->lock);
	http_stop(b->http);
	if (!answered)
		FAIL(ERR_SIGN_IN, "nobody came back from the browser within %lld s",
		    (long long)seconds);
	if (b->why[0] != '\0')
		FAIL(ERR_SIGN_IN, "%s", b->why);
	*ret_code = arena_strdup(a, b->code);
	return OK;
}

void
browser_free(struct browser *b)
{
	if (b == NULL)
		return;
	http_free(b->http);
	pthread_cond_destroy(&b->came);
	pthread_mutex_destroy(&b->lock);
	secret_wipe(b->code, sizeof(b->code));
	free(b);
}
