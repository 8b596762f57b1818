/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chanceryd: the servers of Chancery. One program, three roles.
 *
 *   chanceryd ca|service|connector --config FILE [--check]
 *   chanceryd ca|service|connector --sample
 */
#include "base/log.h"
#include "codec/json.h"
#include "daemon/role.h"
#include "pki/mem.h"

#include <getopt.h>
#include <signal.h>

static const struct role *const roles[] = { &role_ca, &role_service, &role_connector };

static void
usage(FILE *to)
{
	fputs("usage: chanceryd ROLE --config FILE [--check]\n"
	      "       chanceryd ROLE --sample\n"
	      "       chanceryd --version\n\n"
	      "  --config FILE  read this configuration and run\n"
	      "  --check        only say whether the configuration is good\n"
	      "  --sample       print every option with its meaning and default\n\n"
	      "roles:\n",
	    to);
	for (size_t i = 0; i < COUNT(roles); i++)
		fprintf(to, "  %-13s  %s\n", roles[i]->name, roles[i]->help);
}

static int
sample(const struct role *role)
{
	err_t e = conf_sample_print(role->opts, role->nopts, stdout);

	return err_ok(e) ? EXIT_OK : log_end("chanceryd", e);
}

static const struct role *
role_by_name(const char *name)
{
	for (size_t i = 0; i < COUNT(roles); i++)
		if (str_eq_c(str_c(name), roles[i]->name))
			return roles[i];
	return NULL;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'n' },
		{ "sample", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	auto_arena struct arena *a = arena_new();
	const char *path = NULL;
	bool check = false, want_sample = false;
	const struct role *role;
	void *conf;
	err_t e;
	int c;

	while ((c = getopt_long(argc, argv, "c:nsh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 'n':
			check = true;
			break;
		case 's':
			want_sample = true;
			break;
		case 'V':
			puts("chanceryd " CHANCERY_VERSION);
			return EXIT_OK;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	role = optind + 1 == argc ? role_by_name(argv[optind]) : NULL;
	if (role == NULL || (path == NULL && !want_sample)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (want_sample)
		return sample(role);
	signal(SIGPIPE, SIG_IGN);
	conf = arena_alloc(a, role->conf_size);
	json_wipe_on_free();
	e = mem_wipe_on_free();
	if (err_ok(e))
		e = conf_read(a, path, role->opts, role->nopts, conf);
	if (err_ok(e))
		e = role->run(a, conf, check);
	return err_ok(e) ? EXIT_OK : log_end("chanceryd", e);
}
