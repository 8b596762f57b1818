/* SPDX-License-Identifier: Apache-2.0 */
/* chancery-fleet: see usage() and fleet.h. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "codec/json.h"
#include "step.h"

enum { LIST_MAX = 64 << 20, LINE_MAX_BYTES = 256, THREADS_MAX = 64, STEPS_MAX = 64 };

static const char usage_text[] =
    "usage: chancery-fleet --url URL --trust FILE --devices FILE [OPTION...] STEP...\n"
    "\n"
    "Acts as many devices at once, each by the protocol of its platform, against an installation.\n"
    "\n"
    "steps, one after the other (\"-\": read them from standard input, one a line):\n"
    "  enrol        each device, with its code\n"
    "  sync         check-ins until there is nothing left to do\n"
    "  checkins=N   N check-ins of each device\n"
    "  live=N       connected and waiting (or coming by) until each holds N certificates\n"
    "  live         the same until a line on standard input, or the time is over\n"
    "  leave        each leaves management\n"
    "\n"
    "  --url URL       the device port of the service, https://host:port\n"
    "  --trust FILE    certificates that its own must chain to, PEM\n"
    "  --devices FILE  a line for each: PLATFORM CODE [USER], PLATFORM being linux, android, ios or windows;\n"
    "                  USER (the principal name that the code is for) is needed for windows\n"
    "  --threads N     threads (default 1)\n"
    "  --parallel N    devices that are busy at a time, without those that wait (default 64)\n"
    "  --keys N        key pairs that all devices share (default 4)\n"
    "  --poll MS       live: between check-ins of platforms that cannot wait (default 5000)\n"
    "  --seconds N     the longest that one step may take (default 600)\n"
    "  --open          linux, android: open what is delivered, as ios and windows always do\n"
    "  --reconnect     each check-in over a connection of its own\n"
    "  --json          one JSON object a line for each step on standard output\n"
    "  --quiet         no progress on standard error\n"
    "\n"
    "Ctrl-C ends the step and says how far it got; the next Ctrl-C ends the program at once.\n"
    "\n"
    "Exit status: 0, 1 if a device failed, a step ran out of time or was broken off, 2 for a wrong call.\n";

struct options {
	const char *url, *trust, *devices;
	int64_t threads, parallel, keys, poll, seconds;
	bool open, reconnect, json, quiet;
};

static int
refuse(const char *what)
{
	fprintf(stderr, "chancery-fleet: %s\n", what);
	return 2;
}

static int
refuse_error(err_t e, const char *what)
{
	struct err_report why;

	err_take(e, &why);
	fprintf(stderr, "chancery-fleet: %s: %s: %s\n", what, err_info(why.code)->text, why.detail);
	return 2;
}

/* A mistake of the call in one line; the whole of what there is would hide it. */
static bool
wrong(const char *what)
{
	fprintf(stderr, "chancery-fleet: %s; chancery-fleet --help says more\n", what);
	return false;
}

static bool
number(const char *option, const char *text, int64_t max, int64_t *ret)
{
	auto_arena struct arena *a = arena_new();
	err_t e = text_i64(str_c(text), 1, max, ret);

	err_forget(e);
	return err_ok(e) ||
	    wrong(arena_printf(a, "--%s is a number from 1 to %lld, not \"%s\"", option,
		(long long)max, text_safe(a, str_c(text))));
}

/* "https://host:port" alone: what devices ask for there they know themselves. */
static bool
url_good(struct arena *a, struct options *o)
{
	struct str url = str_c(o->url), rest;

	while (url.n > 0 && url.p[url.n - 1] == '/')
		url.n--;
	rest = url;
	if (!str_starts(url, LIT("https://")))
		return wrong("--url begins with https://");
	rest = str_of(rest.p + 8, rest.n - 8);
	if (rest.n == 0 || memchr(rest.p, '/', rest.n) != NULL)
		return wrong("--url is https://host:port, without a path");
	o->url = arena_cstr(a, url);
	return true;
}

static bool
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "trust", required_argument, NULL, 't' },
		{ "devices", required_argument, NULL, 'd' },
		{ "threads", required_argument, NULL, 'T' },
		{ "parallel", required_argument, NULL, 'p' },
		{ "keys", required_argument, NULL, 'k' },
		{ "poll", required_argument, NULL, 'P' },
		{ "seconds", required_argument, NULL, 's' },
		{ "open", no_argument, NULL, 'o' },
		{ "reconnect", no_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 },
	};
	bool good = true;
	int c, at;

	while ((c = getopt_long(argc, argv, "", longs, &at)) != -1) {
		switch (c) {
		case 'u':
			o->url = optarg;
			break;
		case 't':
			o->trust = optarg;
			break;
		case 'd':
			o->devices = optarg;
			break;
		case 'T':
			good &= number(longs[at].name, optarg, THREADS_MAX, &o->threads);
			break;
		case 'p':
			good &= number(longs[at].name, optarg, 1000000, &o->parallel);
			break;
		case 'k':
			good &= number(longs[at].name, optarg, KEYS_MAX, &o->keys);
			break;
		case 'P':
			good &= number(longs[at].name, optarg, 86400000, &o->poll);
			break;
		case 's':
			good &= number(longs[at].name, optarg, 864000, &o->seconds);
			break;
		case 'o':
			o->open = true;
			break;
		case 'r':
			o->reconnect = true;
			break;
		case 'j':
			o->json = true;
			break;
		case 'q':
			o->quiet = true;
			break;
		default:
			good = false;
		}
	}
	if (good && (o->url == NULL || o->trust == NULL || o->devices == NULL || optind == argc))
		return wrong("--url, --trust, --devices and a step are needed");
	return good;
}

/* ---- the devices ---- */

static const struct platform *
platform_named(struct str name)
{
	static const struct platform *const all[] = { &platform_linux, &platform_android,
		&platform_ios, &platform_windows };

	for (size_t i = 0; i < COUNT(all); i++)
		if (str_eq_c(name, all[i]->name))
			return all[i];
	return NULL;
}

static err_t
add_device(struct arena *a, struct fleet *fleet, struct str line)
{
	struct device *d = &fleet->v[fleet->n];
	struct str name = str_cut(&line, ' '), code = str_cut(&line, ' ');

	*d = (struct device){ .fleet = fleet,
		.platform = platform_named(name),
		.number = fleet->n,
		.code = arena_cstr(a, code),
		.user = arena_cstr(a, str_trim(line)),
		.key = fleet->keys[fleet->n % fleet->nkeys] };
	if (d->platform == NULL || code.n == 0)
		FAIL(ERR_BAD_REQUEST, "line of device %zu: PLATFORM CODE [USER]", fleet->n);
	if (d->platform == &platform_windows && d->user[0] == '\0')
		FAIL(ERR_BAD_REQUEST, "line of device %zu: windows needs the user", fleet->n);
	link_init(&d->link, fleet->tls);
	fleet->n++;
	return OK;
}

static err_t
read_devices(struct arena *a, struct fleet *fleet, const char *path)
{
	struct str text, rest;
	size_t lines = 1;

	TRY(file_read(a, path, LIST_MAX, &text));
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	fleet->v = arena_array(a, lines, sizeof(*fleet->v));
	rest = text;
	while (rest.n > 0) {
		struct str line = str_trim(str_cut(&rest, '\n'));

		if (line.n > 0 && line.p[0] != '#')
			TRY(add_device(a, fleet, line));
	}
	if (fleet->n == 0)
		FAIL(ERR_BAD_REQUEST, "%s names no device", path);
	return OK;
}

static err_t
set_up(struct arena *a, struct fleet *fleet, const struct options *o)
{
	struct rlimit files = { 0 };

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	fleet->url = o->url;
	fleet->poll_ms = o->poll;
	fleet->open = o->open;
	fleet->reconnect = o->reconnect;
	fleet->tls = link_context(o->trust);
	if (fleet->tls == NULL)
		FAIL(ERR_BAD_REQUEST, "%s has no certificates", o->trust);
	for (; fleet->nkeys < (size_t)o->keys; fleet->nkeys++)
		TRY(key_make_by(
		    KEY_MAKER_CHANCERY, KEY_RSA, KEY_RSA_2048, &fleet->keys[fleet->nkeys]));
	TRY(read_devices(a, fleet, o->devices));
	fleet->nloops = (size_t)o->threads;
	fleet->parallel = ((size_t)o->parallel + fleet->nloops - 1) / fleet->nloops;
	fleet->loops = arena_array(a, fleet->nloops, sizeof(struct loop *));
	for (size_t i = 0; i < fleet->nloops; i++)
		fleet->loops[i] = loop_new(&fleet->stop);
	if (files.rlim_cur != RLIM_INFINITY && files.rlim_cur < fleet->n + 64)
		FAIL(ERR_BAD_REQUEST, "%zu devices need as many open files; the limit is %llu",
		    fleet->n, (unsigned long long)files.rlim_cur);
	return OK;
}

static void
tear_down(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->n; i++) {
		fleet->v[i].platform->forget(&fleet->v[i]);
		link_free(&fleet->v[i].link);
		cert_free(fleet->v[i].identity);
	}
	for (size_t i = 0; i < fleet->nloops; i++)
		loop_free(fleet->loops[i]);
	for (size_t i = 0; i < fleet->nkeys; i++)
		key_free(fleet->keys[i]);
	SSL_CTX_free(fleet->tls);
}

/* ---- what is said ---- */

static void
say_event(const char *event)
{
	printf("{\"event\":\"%s\"}\n", event);
	fflush(stdout);
}

static json *
real(struct arena *a, double v)
{
	return json_text_new(arena_printf(a, "%.3f", v));
}

static err_t
say_json(const struct fleet *fleet, const struct step *s, const struct outcome *o)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *line = json_object_new();
	json *faults = json_array_new();
	struct str text;

	json_set_text(line, "step", s->name);
	json_set_bool(line, "whole", o->whole);
	json_set_bool(line, "brokenOff", o->broken_off);
	json_set(line, "seconds", real(a, o->seconds));
	json_set(line, "cpuSeconds", real(a, o->cpu));
	json_set_int(line, "operations", (int64_t)o->ops);
	json_set(line, "p50Ms", real(a, o->p50_ms));
	json_set(line, "p99Ms", real(a, o->p99_ms));
	json_set(line, "maxMs", real(a, o->max_ms));
	json_set_int(line, "enrolled", (int64_t)o->enrolled);
	json_set_int(line, "checkins", (int64_t)o->checkins);
	json_set_int(line, "commands", (int64_t)o->commands);
	json_set_int(line, "certificates", (int64_t)o->certificates);
	json_set_int(line, "newestP50", o->newest_p50);
	json_set_int(line, "newestP99", o->newest_p99);
	json_set_int(line, "newestLast", o->newest_last);
	json_set_int(line, "failed", (int64_t)o->failed);
	for (size_t i = 0; i < fleet->nfaults; i++) {
		json *f = json_object_new();

		json_set_text(f, "id", fleet->faults[i].id);
		json_set_text(f, "detail", text_safe(a, str_c(fleet->faults[i].detail)));
		json_set_int(f, "count", (int64_t)fleet->faults[i].n);
		json_add(faults, f);
	}
	json_set(line, "faults", faults);
	TRY(json_print(a, line, &text));
	printf("%.*s\n", (int)text.n, (const char *)text.p);
	return OK;
}

static void
say_plain(const struct fleet *fleet, const struct step *s, const struct outcome *o)
{
	printf(
	    "%-9s %8.2f s  %zu operations, %.1f a second, p50 %.1f ms, p99 %.1f ms; %zu enrolled, %zu check-ins, "
	    "%zu commands, %zu certificates, %zu failures%s\n",
	    s->name, o->seconds, o->ops, (double)o->ops / o->seconds, o->p50_ms, o->p99_ms,
	    o->enrolled, o->checkins, o->commands, o->certificates, o->failed,
	    o->broken_off ? ", broken off" :
		o->whole  ? "" :
			    ", out of time");
	for (size_t i = 0; i < fleet->nfaults; i++)
		printf("  %s, %zu times: %s\n", fleet->faults[i].id, fleet->faults[i].n,
		    fleet->faults[i].detail);
}

static bool
do_step(struct fleet *fleet, const struct options *o, const struct step *s, bool interactive)
{
	struct outcome got;

	step_run(fleet, s, o->seconds, interactive, !o->quiet, o->json ? say_event : NULL, &got);
	if (o->json)
		err_forget(say_json(fleet, s, &got));
	else
		say_plain(fleet, s, &got);
	fflush(stdout);
	fleet->broken_off = got.broken_off;
	return got.whole && got.failed == 0;
}

/* By single bytes: what follows the line is left to the step. */
static bool
read_line(char line[LINE_MAX_BYTES])
{
	size_t n = 0;
	char c;

	while (read(STDIN_FILENO, &c, 1) == 1) {
		if (c == '\n') {
			line[n] = '\0';
			return true;
		}
		if (n + 1 < LINE_MAX_BYTES)
			line[n++] = c;
	}
	return false;
}

static int
follow_input(struct fleet *fleet, const struct options *o)
{
	char line[LINE_MAX_BYTES];
	bool good = true;

	while (!fleet->broken_off && read_line(line)) {
		struct str text = str_trim(str_c(line));
		struct step s;
		err_t e;

		if (text.n == 0)
			continue;
		e = step_parse(text, &s);
		if (!err_ok(e))
			return refuse_error(e, line);
		good &= do_step(fleet, o, &s, true);
	}
	return good ? 0 : 1;
}

static int
run(struct arena *a, const struct options *o, int n, char **words)
{
	struct fleet fleet = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct step steps[STEPS_MAX];
	bool good = true, interactive = n == 1 && strcmp(words[0], "-") == 0;
	int status;
	err_t e;

	if (n > STEPS_MAX)
		return refuse("too many steps");
	for (int i = 0; i < n && !interactive; i++) {
		e = step_parse(str_c(words[i]), &steps[i]);
		if (!err_ok(e))
			return refuse_error(e, words[i]);
	}
	e = set_up(a, &fleet, o);
	if (err_ok(e)) {
		for (int i = 0; i < n && !interactive && !fleet.broken_off; i++)
			good &= do_step(&fleet, o, &steps[i], false);
		status = interactive ? follow_input(&fleet, o) : good ? 0 : 1;
	} else {
		status = refuse_error(e, "the fleet");
	}
	tear_down(&fleet);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o = {
		.threads = 1, .parallel = 64, .keys = 4, .poll = 5000, .seconds = 600
	};
	struct arena *a = arena_new();
	int status;

	/* Who writes to a service that has gone fails alone. */
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage_text, stdout);
		status = 0;
	} else if (!read_options(argc, argv, &o) || !url_good(a, &o)) {
		status = 2;
	} else {
		status = run(a, &o, argc - optind, argv + optind);
	}
	arena_free(a);
	return status;
}
