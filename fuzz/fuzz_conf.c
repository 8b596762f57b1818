/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration file. */
#include "codec/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct settings {
	const char *dir;
	int64_t port;
	bool fast;
	const char **hosts;
};

static const struct conf_opt opts[] = {
	CONF(struct settings, dir, CONF_TEXT, .section = "main", .name = "dir", .fallback = "x"),
	CONF(struct settings, port, CONF_INT, .section = "main", .name = "port", .max = 65535,
	    .fallback = "1"),
	CONF(struct settings, fast, CONF_BOOL, .section = "more", .name = "fast", .fallback = "no"),
	CONF(struct settings, hosts, CONF_TEXTS, .section = "more", .name = "hosts",
	    .fallback = "a,b"),
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct settings s;

	err_forget(conf_parse(a, "x", str_of(data, size), opts, COUNT(opts), &s));
	return 0;
}
