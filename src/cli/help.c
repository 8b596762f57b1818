/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

void
help_program(FILE *to)
{
	fputs("usage: chancery NOUN VERB [options]\n"
	      "       chancery NOUN --help\n"
	      "       chancery --version\n\n",
	    to);
	for (size_t i = 0; i < command_count; i++)
		fprintf(to, "  %-10s  %s\n", command_table[i]->name, command_table[i]->help);
	fputs(
	    "\nEvery command takes --help and --json.\n"
	    "Exit status: 0 done, 1 failed, 2 wrong use, 3 denied, 4 not there, 5 unreachable, 6 conflict.\n",
	    to);
}

static void
put_usage(FILE *to, const struct command *cmd, const struct verb *v)
{
	fprintf(to, "chancery %s", cmd->name);
	if (v->name != NULL)
		fprintf(to, " %s", v->name);
	if (v->operands != NULL)
		fprintf(to, " %s", v->operands);
}

void
help_command(FILE *to, const struct command *cmd)
{
	if (cmd->verbs[0].name == NULL) {
		help_verb(to, cmd, &cmd->verbs[0]);
		return;
	}
	fprintf(to, "usage: chancery %s VERB [options]\n\n%s\n\n", cmd->name, cmd->help);
	for (const struct verb *v = cmd->verbs; v->run != NULL; v++)
		fprintf(to, "  %-14s  %s\n", v->name, v->help);
	fprintf(to, "\nchancery %s VERB --help says more.\n", cmd->name);
}

void
help_verb(FILE *to, const struct command *cmd, const struct verb *v)
{
	int width = 6; /* --help */

	for (const struct opt *o = v->opts; o != NULL && o->name != NULL; o++) {
		int n =
		    (int)strlen(o->name) + 2 + (o->value == NULL ? 0 : (int)strlen(o->value) + 1);

		width = n > width ? n : width;
	}
	fputs("usage: ", to);
	put_usage(to, cmd, v);
	fprintf(to, " [options]\n\n%s\n\n", v->help);
	for (const struct opt *o = v->opts; o != NULL && o->name != NULL; o++) {
		int n = fprintf(to, "  --%s%s%s", o->name, o->value == NULL ? "" : " ",
		    o->value == NULL ? "" : o->value);

		if (o->letter != '\0')
			fprintf(to, "%*s  -%c %s: %s%s\n", width + 2 - n, "", o->letter, o->value,
			    o->help, o->required ? " Needed." : "");
		else
			fprintf(to, "%*s  %s%s%s\n", width + 2 - n, "", o->help,
			    o->required ? " Needed." : "",
			    o->many ? " More than one: repeat it, or with commas." : "");
	}
	fprintf(to, "  %-*s  %s\n  %-*s  %s\n", width, "--json", "Print JSON.", width, "--help",
	    "Show this help.");
}
