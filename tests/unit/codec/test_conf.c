/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "codec/conf.h"

struct settings {
	const char *dir;
	int64_t port;
	bool fast;
	const char **hosts;
};

static const struct conf_opt opts[] = {
	CONF(struct settings, dir, CONF_TEXT, .section = "main", .name = "state_dir",
	    .help = "Where things are."),
	CONF(struct settings, port, CONF_INT, .section = "main", .name = "port", .min = 1,
	    .max = 65535, .fallback = "8443", .help = "TCP port."),
	CONF(struct settings, fast, CONF_BOOL, .section = "more", .name = "fast", .fallback = "no"),
	CONF(
	    struct settings, hosts, CONF_TEXTS, .section = "more", .name = "hosts", .fallback = ""),
};

static err_t
parse(struct arena *a, const char *text, struct settings *s)
{
	return conf_parse(a, "x.conf", str_c(text), opts, COUNT(opts), s);
}

static void
reads_values_and_fallbacks(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct settings s = { 0 };

	(void)state;
	expect_ok(parse(a,
	    "# comment\n[main]\nstate_dir = /var/lib/x ; why\n[more]\nfast=Yes\nhosts = a, b ,c\n",
	    &s));
	assert_string_equal(s.dir, "/var/lib/x");
	assert_int_equal(s.port, 8443);
	assert_true(s.fast);
	assert_string_equal(s.hosts[1], "b");
	assert_string_equal(s.hosts[2], "c");
	assert_null(s.hosts[3]);
	expect_ok(parse(a, "[main]\nstate_dir=x\nport=1", &s));
	assert_int_equal(s.port, 1);
	assert_null(s.hosts[0]);
}

static void
rejects_with_file_and_line(void **state)
{
	static const struct {
		const char *text, *detail;
	} bad[] = {
		{ "", "x.conf: \"state_dir\" in [main] must be given" },
		{ "[main]\nstate_dir=x\nprot=1\n",
		    "x.conf:3: unknown option \"prot\" in [main]; did you mean \"port\"?" },
		{ "[main]\nstate_dir=x\nport=0\n",
		    "x.conf:3: \"port\" must be a whole number from 1 to 65535" },
		{ "[main]\nstate_dir=x\nport=x\n",
		    "x.conf:3: \"port\" must be a whole number from 1 to 65535" },
		{ "[main]\nstate_dir=x\nstate_dir=y\n",
		    "x.conf:3: \"state_dir\" is given again, first in line 2" },
		{ "[nope]\na=b\n", "x.conf:2: unknown section [nope]" },
		{ "a=b\n", "x.conf:1: \"a\" stands before any [section]" },
		{ "[main]\nstate_dir=x\n[more]\nfast=2\n",
		    "x.conf:4: \"fast\": true or false is expected, not \"2\"" },
		{ "[main]\nstate_dir=x\n[more]\nhosts=a,,b\n",
		    "x.conf:4: \"hosts\": an element of the list is empty" },
		{ "[main]\nstate_dir=x\nnonsense\n",
		    "x.conf:3: neither [section] nor name = value" },
		{ "\xff", "x.conf: not UTF-8" },
	};
	auto_arena struct arena *a = arena_new();
	struct settings s = { .port = 5 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err_report rep;

		err_take(parse(a, bad[i].text, &s), &rep);
		assert_int_equal(rep.code, ERR_CONF);
		assert_string_equal(rep.detail, bad[i].detail);
	}
	assert_int_equal(s.port, 5);
}

static void
rejects_a_line_that_is_too_long(void **state)
{
	auto_arena struct arena *a = arena_new();
	char text[600];
	struct settings s;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "[main]\nstate_dir=", 17);
	expect_err(ERR_CONF, parse(a, text, &s));
}

static void
the_sample_names_every_option(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, 1000);
	expect_ok(conf_sample(opts, COUNT(opts), &b));
	expect_ok(buf_putc(&b, 0));
	assert_string_equal((const char *)b.p,
	    "[main]\n# Where things are.\n# (must be given)\n#state_dir =\n"
	    "# TCP port.\n#port = 8443\n\n[more]\n# fast\n#fast = no\n# hosts\n"
	    "#hosts = \n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_values_and_fallbacks),
		cmocka_unit_test(rejects_with_file_and_line),
		cmocka_unit_test(rejects_a_line_that_is_too_long),
		cmocka_unit_test(the_sample_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
