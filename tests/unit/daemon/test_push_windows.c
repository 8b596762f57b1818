/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the channels that are kept are called. */
#include "expect.h"

#include <unistd.h>

#include "daemon/push_windows.h"
#include "store/device.h"
#include "store/device_state.h"

#define FAMILY "Contoso.Management_8wekyb3d8bbwe"
/* Nobody listens there. */
#define NOWHERE "https://localhost:1/"

struct kept {
	struct id device;
	const char *uri;
};

static err_t
keep(struct tx *tx, void *arg)
{
	const struct kept *k = arg;
	auto_arena struct arena *a = arena_new();
	struct device d = { .id = k->device,
		.name = "pc",
		.platform = "windows",
		.state = DEVICE_ACTIVE,
		.identity = LIT("der"),
		.identity_sha256 = LIT("hash"),
		.enrolled = 7,
		.inventory = "[]" };
	struct channel_state s = { .device = k->device, .channel = "push", .updated = 7 };

	s.state = str_c(arena_printf(
	    a, "{\"uri\":\"%s\",\"family\":\"" FAMILY "\",\"status\":0,\"silent\":0}", k->uri));
	TRY(store_device_insert(tx, &d));
	return store_device_state_put(tx, &s);
}

/* What becomes of a wake-up by this channel, where channels are at this host. */
static err_t
woken(const char *host, const char *uri, enum push_end *ret)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-lock" };
	auto_arena struct arena *a = arena_new();
	char *path = arena_printf(a, "/tmp/push-windows-%d.db", (int)getpid());
	struct store_conf sc = { .path = path, .schema = STORE_SERVICE };
	struct kept k = { id_new(), uri };
	struct push_windows_conf conf = { .family = FAMILY,
		.host = host,
		.wns = {
		    .client = "ms-app://s-1", .tenant = "", .secret = "s", .token_url = NOWHERE } };
	struct push_result r = { .end = 0 };
	struct push_windows *c;
	struct push_way way;
	struct fetch *f;
	err_t e;

	expect_ok(store_open(&sc, &conf.store));
	expect_ok(store_write(conf.store, keep, &k));
	c = push_windows_new(&conf);
	way = push_windows_way(c);
	expect_ok(way.open(way.ctx, &f));
	e = way.wake(way.ctx, f, a, k.device, &r);
	fetch_free(f);
	push_windows_free(c);
	store_close(conf.store);
	for (size_t i = 0; i < COUNT(ends); i++)
		unlink(arena_printf(a, "%s%s", path, ends[i]));
	*ret = r.end;
	return e;
}

static void
a_channel_at_the_push_service_is_gone_for_a_token(void **state)
{
	enum push_end end;

	(void)state;
	expect_err(ERR_UNREACHABLE,
	    woken("notify.windows.com", "https://db5.notify.windows.com/?token=1", &end));
}

/* The host may be another one than when the device said it. */
static void
one_that_is_elsewhere_is_called_no_more(void **state)
{
	static const char *const elsewhere[] = { "https://db5.notify.windows.com/?token=1", NOWHERE,
		"http://push.example/", "https://push.example:8443/",
		"https://push.example@evil.example/" };

	(void)state;
	for (size_t i = 0; i < COUNT(elsewhere); i++) {
		enum push_end end = 0;

		expect_ok(woken("push.example", elsewhere[i], &end));
		assert_int_equal(end, PUSH_NOBODY);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_channel_at_the_push_service_is_gone_for_a_token),
		cmocka_unit_test(one_that_is_elsewhere_is_called_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
