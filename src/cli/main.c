/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery: the command line. It reads what is asked against the tables, runs the one verb, and turns a failure into
 * three lines and an exit status.
 */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>

#include "cli/api.h"
#include "cli/args.h"
#include "cli/help.h"
#include "cli/out.h"

static int
report(struct cli *c, err_t e)
{
	struct err_report rep;
	const struct err_info *info;

	err_take(e, &rep);
	info = err_info(rep.code);
	out_progress(c, "");
	fflush(stdout);
	fprintf(stderr, "chancery: %s\n", info->text);
	if (rep.detail[0] != '\0')
		fprintf(stderr, "detail: %s\n", text_safe(c->arena, str_c(rep.detail)));
	if (info->hint[0] != '\0')
		fprintf(stderr, "hint: %s\n", info->hint);
	return info->exit;
}

static bool
is_help(const char *s)
{
	return str_eq_c(str_c(s), "--help") || str_eq_c(str_c(s), "-h") ||
	    str_eq_c(str_c(s), "help");
}

static err_t
run_verb(struct cli *c, const struct command *cmd, const struct verb *verb, int argc, char **argv)
{
	struct args args;

	TRY(args_parse(c->arena, verb, (size_t)argc, argv, &args));
	if (args.help) {
		help_verb(stdout, cmd, verb);
		return OK;
	}
	c->args = &args;
	c->json = args.json;
	TRY(verb->run(c));
	out_progress(c, "");
	/* A reader that has seen enough is no failure. */
	if (fflush(stdout) != 0 && errno != EPIPE)
		FAIL(ERR_FILE, "the output could not be written");
	return OK;
}

/* argv: what follows the program's name, at least one word. */
static err_t
run(struct cli *c, int argc, char **argv)
{
	const struct command *cmd;
	const struct verb *verb;

	TRY(args_command(command_table, command_count, argv[0], &cmd));
	if (cmd->verbs[0].name == NULL)
		return run_verb(c, cmd, &cmd->verbs[0], argc - 1, argv + 1);
	if (argc == 1 || is_help(argv[1])) {
		help_command(argc == 1 ? stderr : stdout, cmd);
		if (argc == 1)
			FAIL(ERR_USAGE, "\"chancery %s\" needs a verb", cmd->name);
		return OK;
	}
	TRY(args_verb(cmd, argv[1], &verb));
	return run_verb(c, cmd, verb, argc - 2, argv + 2);
}

int
main(int argc, char **argv)
{
	auto_arena struct arena *a = arena_new();
	struct cli c = { .arena = a };
	int status = EXIT_OK;
	err_t e;

	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		help_program(stderr);
		return EXIT_USAGE;
	}
	if (is_help(argv[1])) {
		help_program(stdout);
		return EXIT_OK;
	}
	if (str_eq_c(str_c(argv[1]), "--version")) {
		puts("chancery " CHANCERY_VERSION);
		return EXIT_OK;
	}
	e = run(&c, argc - 1, argv + 1);
	if (!err_ok(e))
		status = report(&c, e);
	api_free(c.api);
	return status;
}
