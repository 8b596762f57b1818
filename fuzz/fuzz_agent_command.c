/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as a command of the service to a Linux machine: whatever it says, what is written for NetworkManager and for
 * wpa_supplicant has the settings that it shall have, each once and on a line of its own, and no others. */
#include <assert.h>

#include "agent/network.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ALIAS "chancery-37cf1ab6-9c41-4977-966e-4efb1d7749d7"

static const char *const keyfile[] = { "# Written by chancery-agent; a change is taken back.",
	"[connection]", "id=", "uuid=", "type=wifi", "autoconnect=", "[wifi]",
	"mode=infrastructure", "ssid=", "hidden=", "[wifi-security]", "key-mgmt=wpa-eap",
	"key-mgmt=wpa-psk", "psk=", "proto=rsn;", "[802-1x]", "eap=tls;",
	"identity=", "client-cert=/s/c", "private-key=/s/k", "private-key-password-flags=4",
	"ca-cert=/s/r", "domain-match=" };
static const char *const block[] = { "network={", "\tid_str=\"" ALIAS "\"",
	"\tssid=", "\tkey_mgmt=WPA-EAP", "\tkey_mgmt=WPA-PSK", "\tkey_mgmt=NONE",
	"\tpsk=", "\teap=TLS", "\tidentity=", "\tclient_cert=\"/s/c\"", "\tprivate_key=\"/s/k\"",
	"\tproto=RSN", "\tscan_ssid=1", "\tdisabled=1", "\tca_cert=\"/s/r\"", "\tdomain_match=\"",
	"}" };

static void
expect_lines(struct str text, const char *const *known, size_t n)
{
	size_t seen[COUNT(keyfile)] = { 0 };

	assert(text.n > 0 && text.p[text.n - 1] == '\n');
	assert(memchr(text.p, '\0', text.n) == NULL);
	while (text.n > 0) {
		struct str line = str_cut(&text, '\n');
		size_t hit = n;

		for (size_t i = 0; i < n; i++)
			if (str_starts(line, str_c(known[i])))
				hit = i;
		assert(line.n == 0 || hit < n);
		assert(hit == n || ++seen[hit] == 1);
	}
}

static void
configure(struct arena *a, const struct network *n)
{
	const struct network_paths paths = { "/s/c", "/s/k", n->nroots > 0 ? "/s/r" : "" };
	auto_buf struct buf nm = { 0 };
	auto_buf struct buf wpa = { 0 };

	buf_init(&nm, NETWORK_FILE_MAX);
	buf_init(&wpa, NETWORK_FILE_MAX);
	assert(err_ok(network_by_nm.print(a, n, &paths, &nm)));
	expect_lines(buf_str(&nm), keyfile, COUNT(keyfile));
	assert(err_ok(network_by_wpa.print(a, n, &paths, &wpa)));
	expect_lines(buf_str(&wpa), block, COUNT(block));
}

/* What would be sealed stands there as it is. */
static err_t
take_key(struct arena *a, struct network *n)
{
	TRY(network_key_check(n->sealed));
	return text_cstr(a, n->sealed, &n->key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *command = NULL;
	struct network n;
	struct own_order o;
	err_t e;

	if (size > 20000)
		return 0;
	e = json_parse(str_of(data, size), 20000, &command);
	if (!err_ok(e)) {
		err_forget(e);
		return 0;
	}
	e = network_read(a, ALIAS, command, &n);
	if (err_ok(e) && n.protection == PROTECT_BY_KEY)
		e = take_key(a, &n);
	if (err_ok(e))
		configure(a, &n);
	err_forget(e);
	e = own_order_read(a, command, &o);
	assert(!err_ok(e) || (o.bits >= KEY_P256 && o.bits <= KEY_RSA_4096));
	err_forget(e);
	return 0;
}
