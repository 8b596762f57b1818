/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"
#include "agent/consumer.h"
#include "base/file.h"
#include "base/log.h"
#include "codec/json.h"
#include "pki/keyprov.h"
#include "pki/mem.h"

#include <getopt.h>
#include <sys/stat.h>

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void
usage(FILE *to)
{
	fputs(
	    "usage: chancery-agent COMMAND [--config FILE] [options]\n\n"
	    "  enrol               join the service with a one-time code of the administrator\n"
	    "  run                 keep this device as the service wants it; until ended\n"
	    "  sync                check in now, do what is due, and end\n"
	    "  show                what this device is and holds, as JSON\n"
	    "  unenrol             remove what was delivered and leave the service\n"
	    "  sample              print every option of the configuration file\n\n"
	    "  --config FILE       default /etc/chancery/agent.conf\n"
	    "  --code-file FILE    enrol: file with the code in its first line; -: standard input\n"
	    "  --code CODE         enrol: the code itself, which the list of processes shows meanwhile\n"
	    "  --version, --help\n",
	    to);
}

static err_t
cmd_enrol(struct agent *g, const char *code)
{
	if (code == NULL)
		FAIL(ERR_USAGE, "enrol needs --code-file or --code");
	return agent_enrol(g, code);
}

static err_t
cmd_run(struct agent *g, const char *code)
{
	(void)code;
	return agent_run(g, false, &stop);
}

static err_t
cmd_sync(struct agent *g, const char *code)
{
	(void)code;
	return agent_run(g, true, &stop);
}

static err_t
cmd_show(struct agent *g, const char *code)
{
	auto_json json *out = json_object_new();
	json *inventory = json_array_new(), *consumers = json_array_new(),
	     *waiting = json_array_new();
	struct str text;

	(void)code;
	json_set_text(out, "device_id", g->device_id);
	json_set_text(out, "service", g->conf->url);
	json_set(out, "facts", agent_facts(g->arena, g));
	json_set(out, "inventory", inventory);
	json_set(out, "consumers", consumers);
	json_set(out, "waiting", waiting);
	TRY(pending_show(g, g->arena, waiting));
	TRY(consumers_show(g, g->arena, consumers));
	TRY(trust_inventory(g, g->arena, inventory));
	TRY(identity_inventory(g, g->arena, inventory));
	TRY(network_inventory(g, g->arena, inventory));
	TRY(json_print_pretty(g->arena, out, &text));
	fwrite(text.p, 1, text.n, stdout);
	putchar('\n');
	return OK;
}

static err_t
cmd_unenrol(struct agent *g, const char *code)
{
	(void)code;
	return agent_unenrol(g);
}

static const struct {
	const char *name;
	err_t (*run)(struct agent *g, const char *code);
} commands[] = {
	{ "enrol", cmd_enrol },
	{ "run", cmd_run },
	{ "sync", cmd_sync },
	{ "show", cmd_show },
	{ "unenrol", cmd_unenrol },
};

struct given {
	const char *config, *code, *code_file; /* code, code_file: NULL: not given */
};

static err_t
code_of(struct arena *a, const struct given *o, const char **ret)
{
	*ret = o->code;
	if (o->code_file == NULL)
		return OK;
	if (o->code != NULL)
		FAIL(ERR_USAGE, "one of --code-file and --code");
	TRY_CTX(file_first_line(a, o->code_file, ret), "--code-file");
	return OK;
}

static err_t
run(const char *name, const struct given *o)
{
	auto_arena struct arena *a = arena_new();
	struct agent_conf conf = { 0 };
	struct agent *g = NULL;
	const char *code;
	err_t e;

	TRY(code_of(a, o, &code));
	TRY(conf_read(a, o->config, agent_opts, agent_nopts, &conf));
	log_setup("agent", name,
	    str_eq_c(str_c(conf.log_level), "debug") ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
	    str_eq_c(str_c(conf.log_format), "json") ? LOG_FORMAT_JSON : LOG_FORMAT_KV);
	TRY(keyprov_init());
	for (size_t i = 0; i < COUNT(commands); i++) {
		if (!str_eq_c(str_c(name), commands[i].name))
			continue;
		TRY(agent_open(&conf, &g));
		e = commands[i].run(g, code);
		agent_close(g);
		return e;
	}
	FAIL(ERR_USAGE, "no command %s", name);
}

static int
sample(void)
{
	err_t e = conf_sample_print(agent_opts, agent_nopts, stdout);

	return err_ok(e) ? EXIT_OK : log_end("chancery-agent", e);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "code", required_argument, NULL, 'k' },
		{ "code-file", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct given o = { .config = "/etc/chancery/agent.conf" };
	struct sigaction act = { .sa_handler = on_signal };
	err_t e;
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o.config = optarg;
			break;
		case 'k':
			o.code = optarg;
			break;
		case 'f':
			o.code_file = optarg;
			break;
		case 'V':
			puts("chancery-agent " CHANCERY_VERSION);
			return EXIT_OK;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind + 1 != argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (str_eq_c(str_c(argv[optind]), "sample"))
		return sample();
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	json_wipe_on_free();
	e = mem_wipe_on_free();
	if (err_ok(e))
		e = run(argv[optind], &o);
	return err_ok(e) ? EXIT_OK : log_end("chancery-agent", e);
}
