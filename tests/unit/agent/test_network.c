/* SPDX-License-Identifier: Apache-2.0 */
/* Networks as keyfiles of NetworkManager: what is written, what counts as held, and what is never taken. */
#include "agent/network.h"
#include "box.h"

#define NETWORK "chancery-11111111-1111-4111-8111-111111111111"
#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* A program of the system is a script of this text from now on. */
static void
replace(struct box *b, const char *name, const char *text)
{
	const char *bin = arena_printf(b->a, "%s/bin", b->dir);

	expect_ok(dir_make(bin, 0755));
	expect_ok(file_write(arena_printf(b->a, "%s/%s", bin, name), str_c(text), 0755));
	setenv("PATH", arena_printf(b->a, "%s:/usr/sbin:/usr/bin:/sbin:/bin", bin), 1);
}

static void
replace_nmcli(struct box *b, const char *text)
{
	replace(b, "nmcli", text);
}

static int
begin(void **state)
{
	struct box *b;
	const char *folder;
	int r = setup(state);

	b = *state;
	folder = arena_printf(b->a, "%s/certs/" ALIAS, b->conf.state_dir);
	expect_ok(dir_make(b->conf.nm_dir, 0755));
	expect_ok(dir_make(arena_printf(b->a, "%s/certs", b->conf.state_dir), 0755));
	expect_ok(dir_make(folder, 0755));
	expect_ok(file_write(arena_printf(b->a, "%s/cert.pem", folder), LIT("c"), 0644));
	expect_ok(file_write(arena_printf(b->a, "%s/key.pem", folder), LIT("k"), 0600));
	replace_nmcli(b, arena_printf(b->a, "#!/bin/sh\necho \"$@\" >> %s/said\n", b->dir));
	return r;
}

static int
end(void **state)
{
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	return teardown(state);
}

static json *
command_of(struct box *b)
{
	json *c = json_object_new(), *n = json_object_new(), *list = json_array_new();

	json_set_text(c, "id", "x:1");
	json_set_text(c, "kind", "install_network");
	json_set_text(c, "alias", NETWORK);
	json_set_text(c, "name", " Office \\ Lab");
	json_set_text(c, "sha256", HASH);
	json_set_text(n, "ssid", "office;1");
	json_set_bool(n, "automatic", true);
	json_set_bool(n, "hidden", false);
	json_set_text(n, "security", "wpa2-eap");
	json_set_text(n, "eap", "tls");
	json_set_text(n, "certificate", ALIAS);
	json_set_text(n, "identity", "ada@example.test");
	json_add(list, json_text_new("radius.example.test"));
	json_add(list, json_text_new("radius2.example.test"));
	json_set(n, "servers", list);
	list = json_array_new();
	json_add(list, json_text_new(text_base64(b->a, cert_der(keys.root.cert))));
	json_set(n, "roots", list);
	json_set(c, "network", n);
	return c;
}

static err_t
obey(struct box *b, const json *c)
{
	struct outcome o;

	return agent_command(b->g, b->a, c, &o);
}

static const char *
keyfile(struct box *b)
{
	return arena_printf(b->a, "%s/" NETWORK ".nmconnection", b->conf.nm_dir);
}

static const char *
text_of(struct box *b, const char *path)
{
	struct str text;

	expect_ok(file_read(b->a, path, 65536, &text));
	return arena_cstr(b->a, text);
}

static size_t
reported(struct box *b)
{
	auto_json json *list = json_array_new();

	expect_ok(network_inventory(b->g, b->a, list));
	if (json_count(list) > 0) {
		assert_string_equal(json_text(json_get(json_at(list, 0), "kind")), "network");
		assert_string_equal(json_text(json_get(json_at(list, 0), "sha256")), HASH);
	}
	return json_count(list);
}

static void
a_network_is_a_keyfile_that_names_the_certificate_that_is_held(void **state)
{
	struct box *b = *state;
	auto_json json *c = command_of(b);
	const char *text;
	struct stat st;

	assert_int_equal(reported(b), 0);
	expect_ok(obey(b, c));
	text = text_of(b, keyfile(b));
	assert_non_null(strstr(text, "\nid=\\sOffice \\\\ Lab\n"));
	assert_non_null(strstr(text, "\nssid=111;102;102;105;99;101;59;49;\n"));
	assert_non_null(strstr(text, "\nautoconnect=true\n"));
	assert_non_null(strstr(text, "\nproto=rsn;\n"));
	assert_non_null(strstr(text, "\nidentity=ada@example.test\n"));
	assert_non_null(strstr(text,
	    arena_printf(b->a, "\nclient-cert=%s/certs/" ALIAS "/cert.pem\n", b->conf.state_dir)));
	assert_non_null(strstr(text,
	    arena_printf(b->a, "\nprivate-key=%s/certs/" ALIAS "/key.pem\n", b->conf.state_dir)));
	assert_non_null(strstr(text, "\ndomain-match=radius.example.test;radius2.example.test\n"));
	assert_int_equal(stat(keyfile(b), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_non_null(
	    strstr(text_of(b, arena_printf(b->a, "%s/said", b->dir)), "connection load"));
	assert_int_equal(reported(b), 1);
	expect_ok(obey(b, c));
	assert_int_equal(reported(b), 1);
}

static void
a_network_that_somebody_changed_or_deleted_is_not_held(void **state)
{
	struct box *b = *state;
	auto_json json *c = command_of(b);

	expect_ok(obey(b, c));
	expect_ok(file_write(keyfile(b), LIT("[connection]\n"), 0600));
	assert_int_equal(reported(b), 0);
	expect_ok(obey(b, c));
	assert_int_equal(reported(b), 1);
	expect_ok(file_remove(keyfile(b)));
	assert_int_equal(reported(b), 0);
}

static void
a_network_that_networkmanager_does_not_take_is_not_held(void **state)
{
	struct box *b = *state;
	auto_json json *c = command_of(b);

	replace_nmcli(b, "#!/bin/sh\necho it will not >&2\nexit 8\n");
	expect_err(ERR_DOT1X, obey(b, c));
	assert_int_equal(reported(b), 0);
	/* It goes nevertheless: the file is ours, and who is asked to delete it and does not is to look again. */
	replace_nmcli(b,
	    arena_printf(
		b->a, "#!/bin/sh\necho \"$@\" >> %s/said\ntest \"$2\" != delete\n", b->dir));
	expect_ok(network_remove(b->g, b->a, NETWORK));
	assert_false(file_exists(keyfile(b)));
	assert_non_null(
	    strstr(text_of(b, arena_printf(b->a, "%s/said", b->dir)), "connection reload"));
}

static void
removing_leaves_nothing_and_nothing_of_others_is_touched(void **state)
{
	struct box *b = *state;
	auto_json json *c = command_of(b);
	const char *other = arena_printf(b->a, "%s/home.nmconnection", b->conf.nm_dir);

	expect_ok(file_write(other, LIT("mine"), 0600));
	expect_ok(obey(b, c));
	expect_ok(network_remove_all(b->g, b->a));
	assert_false(file_exists(keyfile(b)));
	assert_true(file_exists(other));
	assert_false(file_exists(box_path(b, "networks")));
	assert_non_null(
	    strstr(text_of(b, arena_printf(b->a, "%s/said", b->dir)), "connection delete uuid"));
	expect_ok(network_remove(b->g, b->a, NETWORK));
	expect_err(ERR_ALIAS, network_remove(b->g, b->a, "../home"));
	expect_err(ERR_ALIAS, network_remove(b->g, b->a, "home"));
	assert_true(file_exists(other));
}

static void
what_is_no_network_is_refused_and_nothing_is_written(void **state)
{
	static const struct {
		const char *member, *value;
		enum err_code code;
	} rows[] = {
		{ "ssid", "", ERR_BAD_REQUEST },
		{ "ssid", "a network with a name of more than 32 bytes", ERR_BAD_REQUEST },
		{ "ssid", "a\n[connection]", ERR_BAD_REQUEST },
		{ "identity", "", ERR_BAD_REQUEST },
		{ "identity", "ada\npermissions=", ERR_BAD_REQUEST },
		{ "eap", "peap", ERR_UNSUPPORTED },
		{ "security", "wep", ERR_UNSUPPORTED },
		{ "certificate", "chancery-not-here", ERR_DOT1X_CERTIFICATE },
		{ "certificate", "../../etc/shadow", ERR_ALIAS },
		{ "certificate", "", ERR_ALIAS },
	};
	struct box *b = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_json json *c = command_of(b);

		json_set_text(json_get(c, "network"), rows[i].member, rows[i].value);
		expect_err(rows[i].code, obey(b, c));
		assert_false(file_exists(keyfile(b)));
	}
	for (size_t i = 0; i < 5; i++) {
		auto_json json *c = command_of(b);
		json *n = json_get(c, "network");
		struct err_report rep;

		if (i == 0)
			json_set(n, "servers", json_text_new("x"));
		else if (i == 1)
			json_add(json_get(n, "servers"), json_text_new("a\nb"));
		else if (i == 2)
			json_add(json_get(n, "roots"), json_text_new("AAAA"));
		else if (i == 3)
			json_set_text(c, "sha256", "xyz");
		else
			json_set(c, "network", json_array_new());
		err_take(obey(b, c), &rep);
		assert_int_not_equal(rep.code, ERR_NONE);
		assert_false(file_exists(keyfile(b)));
	}
}

static void
a_machine_without_networkmanager_says_so(void **state)
{
	struct box *b = *state;
	auto_json json *c = command_of(b);

	b->conf.nm_dir = arena_printf(b->a, "%s/none", b->dir);
	expect_err(ERR_DOT1X, obey(b, c));
	expect_ok(network_remove_all(b->g, b->a));
}

/* A machine with a wpa_supplicant of its own: it runs, and knows what the file has if `reads`. */
static void
have_wpa(struct box *b, bool reads)
{
	b->conf.wpa_interface = "wlan0";
	expect_ok(dir_make(b->conf.wpa_dir, 0755));
	expect_ok(file_write(arena_printf(b->a, "%s/wlan0", b->conf.wpa_dir), STR_EMPTY, 0600));
	replace(b, "wpa_cli",
	    arena_printf(b->a,
		"#!/bin/sh\nshift 6\necho \"$@\" >> %s/said\ncase $1 in\nreconfigure) echo OK ;;\n"
		"list_networks) printf 'network id / ssid / bssid / flags\\n0\\tx\\tany\\t\\n' ;;\n"
		"get_network) echo '\"%s\"' ;;\nesac\n",
		b->dir, reads ? NETWORK : "home"));
}

static void
a_machine_of_wpa_supplicant_gets_a_file_that_it_reads(void **state)
{
	struct box *b = *state;
	auto_json json *c = command_of(b);
	const char *text, *second = "chancery-22222222-2222-4222-8222-222222222222";
	auto_json json *other = command_of(b);
	struct stat st;

	have_wpa(b, true);
	expect_ok(obey(b, c));
	text = text_of(b, b->conf.wpa_file);
	assert_non_null(
	    strstr(text, "\nnetwork={\n\tid_str=\"" NETWORK "\"\n\tssid=6f66666963653b31\n"));
	assert_non_null(strstr(text, "\n\tkey_mgmt=WPA-EAP\n\teap=TLS\n"));
	assert_non_null(strstr(text, "\n\tidentity=616461406578616d706c652e74657374\n"));
	assert_non_null(strstr(text, "\n\tproto=RSN\n"));
	assert_non_null(
	    strstr(text, "\n\tdomain_match=\"radius.example.test;radius2.example.test\"\n"));
	assert_null(strstr(text, "disabled"));
	assert_null(strstr(text, "Office"));
	assert_int_equal(stat(b->conf.wpa_file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_false(file_exists(keyfile(b)));
	assert_non_null(strstr(text_of(b, arena_printf(b->a, "%s/said", b->dir)), "reconfigure\n"));
	assert_int_equal(reported(b), 1);
	/* A second one lies beside it, and goes alone. */
	json_set_text(other, "alias", second);
	expect_err(ERR_DOT1X, obey(b, other)); /* the stub knows of the first alone */
	assert_non_null(strstr(text_of(b, b->conf.wpa_file), second));
	expect_ok(network_remove(b->g, b->a, second));
	assert_string_equal(text_of(b, b->conf.wpa_file), text);
	assert_int_equal(reported(b), 1);
	expect_ok(network_remove_all(b->g, b->a));
	assert_string_equal(text_of(b, b->conf.wpa_file), "");
	assert_false(file_exists(box_path(b, "networks")));
}

static void
a_file_of_wpa_supplicant_that_somebody_changed_is_written_again(void **state)
{
	struct box *b = *state;
	auto_json json *c = command_of(b);
	const char *text;

	have_wpa(b, true);
	expect_ok(obey(b, c));
	text = text_of(b, b->conf.wpa_file);
	expect_ok(file_write(b->conf.wpa_file, str_c(arena_printf(b->a, "%s#\n", text)), 0600));
	assert_int_equal(reported(b), 0);
	expect_ok(obey(b, c));
	assert_string_equal(text_of(b, b->conf.wpa_file), text);
	assert_int_equal(reported(b), 1);
	expect_ok(file_remove(b->conf.wpa_file));
	assert_int_equal(reported(b), 0);
}

static void
a_wpa_supplicant_that_does_not_read_the_file_is_told_of(void **state)
{
	struct box *b = *state;
	auto_json json *c = command_of(b);

	have_wpa(b, false);
	expect_err(ERR_DOT1X, obey(b, c));
	assert_int_equal(reported(b), 0);
	replace(b, "wpa_cli", "#!/bin/sh\necho FAIL\n");
	expect_err(ERR_DOT1X, obey(b, c));
	assert_int_equal(reported(b), 0);
	/* One that does not run reads it when it starts. */
	expect_ok(file_remove(arena_printf(b->a, "%s/wlan0", b->conf.wpa_dir)));
	expect_ok(obey(b, c));
	assert_int_equal(reported(b), 1);
}

static void
who_changes_from_one_way_to_the_other_has_nothing_left_of_the_first(void **state)
{
	struct box *b = *state;
	auto_json json *c = command_of(b);

	expect_ok(obey(b, c));
	assert_true(file_exists(keyfile(b)));
	have_wpa(b, true);
	assert_int_equal(reported(b), 0);
	expect_ok(obey(b, c));
	assert_false(file_exists(keyfile(b)));
	assert_int_equal(reported(b), 1);
	b->conf.wpa_interface = "";
	assert_int_equal(reported(b), 0);
	expect_ok(obey(b, c));
	assert_string_equal(text_of(b, b->conf.wpa_file), "");
	assert_true(file_exists(keyfile(b)));
	assert_int_equal(reported(b), 1);
}

static size_t
times_read(struct box *b)
{
	const char *said = text_of(b, arena_printf(b->a, "%s/said", b->dir));
	size_t n = 0;

	while ((said = strstr(said, "reconfigure\n")) != NULL) {
		said++;
		n++;
	}
	return n;
}

/* Looks with this certificate under the network's alias, and this one of somebody else; NULL: there is none. */
static err_t
look(struct box *b, json *state, const char *own, const char *others)
{
	struct holding v[2];
	struct holdings h = { .v = v };

	if (others != NULL)
		v[h.n++] = (struct holding){ .alias = "chancery-x", .sha256 = others };
	if (own != NULL)
		v[h.n++] = (struct holding){ .alias = ALIAS, .sha256 = own };
	return consumer_networks.sync(b->g, b->a, &h, state);
}

static void
networks_are_read_again_for_a_new_certificate_of_theirs_also_after_there_was_none(void **state)
{
	struct box *b = *state;
	auto_json json *c = command_of(b);
	auto_json json *kept = json_object_new();

	have_wpa(b, true);
	assert_false(consumer_networks.wanted(b->g));
	expect_ok(obey(b, c));
	assert_true(consumer_networks.wanted(b->g));
	expect_ok(look(b, kept, "aa", NULL)); /* read with the network itself */
	assert_int_equal(times_read(b), 1);
	expect_ok(look(b, kept, NULL, NULL));
	expect_ok(look(b, kept, "aa", "xx"));
	expect_ok(look(b, kept, "aa", "yy"));
	assert_int_equal(times_read(b), 1);
	expect_ok(look(b, kept, NULL, "yy"));
	expect_ok(look(b, kept, "bb", "yy"));
	assert_int_equal(times_read(b), 2);
	expect_ok(look(b, kept, "bb", NULL));
	assert_int_equal(times_read(b), 2);
	/* What was refused is due still. */
	replace(b, "wpa_cli", "#!/bin/sh\necho FAIL\n");
	expect_err(ERR_DOT1X, look(b, kept, "cc", NULL));
	have_wpa(b, true);
	expect_ok(look(b, kept, "cc", NULL));
	assert_int_equal(times_read(b), 3);
	expect_ok(network_remove(b->g, b->a, NETWORK));
	expect_ok(look(b, kept, "dd", NULL));
	assert_int_equal(json_count(kept), 0);
}

static void
a_network_that_comes_later_is_looked_at_with_the_certificate_that_is_there(void **state)
{
	struct box *b = *state;
	const char *second = "chancery-22222222-2222-4222-8222-222222222222", *one;
	auto_json json *c = command_of(b);
	auto_json json *other = command_of(b);

	have_wpa(b, true);
	expect_ok(obey(b, c));
	one = consumer_networks.mark(b->g, b->a);
	json_set_text(other, "alias", second);
	expect_err(ERR_DOT1X, obey(b, other)); /* the stub knows of the first alone */
	assert_string_not_equal(consumer_networks.mark(b->g, b->a), one);
	expect_ok(network_remove(b->g, b->a, second));
	assert_string_equal(consumer_networks.mark(b->g, b->a), one);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

/* ---- without certificates ---- */

static json *
command_with(struct box *b, const char *security, const char *key)
{
	json *c = command_of(b), *n = json_object_new();
	struct str sealed;

	json_set(c, "network", n);
	json_set_text(n, "ssid", "guests");
	json_set_bool(n, "automatic", true);
	json_set_bool(n, "hidden", true);
	json_set_text(n, "security", security);
	if (key != NULL) {
		expect_ok(cms_seal(b->a, keys.identity.cert, str_c(key), &sealed));
		json_set_base64(b->a, n, "key", sealed);
	}
	return c;
}

static void
a_network_by_a_key_has_what_was_sealed_to_this_device(void **state)
{
	struct box *b = *state;
	auto_json json *c = command_with(b, "wpa2-psk", " correct \\ horse ");
	const char *text;
	struct stat st;

	expect_ok(obey(b, c));
	text = text_of(b, keyfile(b));
	assert_non_null(strstr(text, "\nkey-mgmt=wpa-psk\nproto=rsn;\n"));
	assert_non_null(strstr(text, "\npsk=\\scorrect \\\\ horse\\s\n"));
	assert_non_null(strstr(text, "\nhidden=true\n"));
	assert_null(strstr(text, "[802-1x]"));
	assert_int_equal(stat(keyfile(b), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(reported(b), 1);
	expect_ok(network_remove(b->g, b->a, NETWORK));
	assert_int_equal(reported(b), 0);
	assert_false(file_exists(keyfile(b)));
}

static void
an_open_network_has_no_section_for_security(void **state)
{
	struct box *b = *state;
	auto_json json *c = command_with(b, "open", NULL);
	const char *text;

	expect_ok(obey(b, c));
	text = text_of(b, keyfile(b));
	assert_non_null(strstr(text, "\n[wifi]\n"));
	assert_null(strstr(text, "security"));
	assert_int_equal(reported(b), 1);
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
wpa_supplicant_gets_the_key_as_it_reads_it(void **state)
{
	static const struct {
		const char *security, *key, *lines;
	} rows[] = {
		{ "wpa2-psk", " say \"please\" ",
		    "\n\tkey_mgmt=WPA-PSK\n\tpsk=\" say \"please\" \"\n\tproto=RSN\n" },
		{ "wpa-psk", HEX, "\n\tkey_mgmt=WPA-PSK\n\tpsk=" HEX "\n" },
		{ "open", NULL, "\n\tkey_mgmt=NONE\n\tscan_ssid=1\n}\n" },
	};
	struct box *b = *state;
	struct stat st;

	have_wpa(b, true);
	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_json json *c = command_with(b, rows[i].security, rows[i].key);

		expect_ok(obey(b, c));
		assert_non_null(strstr(text_of(b, b->conf.wpa_file), rows[i].lines));
		assert_int_equal(stat(network_record(b->g, b->a, NETWORK, "wpa"), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_int_equal(reported(b), 1);
	}
}

static void
a_key_that_is_none_or_of_another_device_is_refused(void **state)
{
	static const char *const bad[] = { "short", "with a\nline break in it", HEX "0",
		"not hexadecimal, and as long as if it were: 64 characters in all" };
	struct box *b = *state;
	auto_json json *none = command_with(b, "wpa-psk", NULL);
	auto_json json *other = command_with(b, "wpa-psk", NULL);
	struct made stranger = made_under(b->a, &keys.identity_ca, "x", KEY_RSA, KEY_RSA_2048);
	struct str sealed;

	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_json json *c = command_with(b, "wpa-psk", bad[i]);

		expect_err(ERR_BAD_REQUEST, obey(b, c));
	}
	expect_err(ERR_BAD_REQUEST, obey(b, none));
	expect_ok(cms_seal(b->a, stranger.cert, LIT("correct horse"), &sealed));
	json_set_base64(b->a, json_get(other, "network"), "key", sealed);
	expect_err(ERR_CMS, obey(b, other));
	made_free(&stranger);
	assert_false(file_exists(keyfile(b)));
	assert_int_equal(reported(b), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_network_is_a_keyfile_that_names_the_certificate_that_is_held),
		T(a_network_that_somebody_changed_or_deleted_is_not_held),
		T(a_network_by_a_key_has_what_was_sealed_to_this_device),
		T(an_open_network_has_no_section_for_security),
		T(wpa_supplicant_gets_the_key_as_it_reads_it),
		T(a_key_that_is_none_or_of_another_device_is_refused),
		T(a_network_that_networkmanager_does_not_take_is_not_held),
		T(removing_leaves_nothing_and_nothing_of_others_is_touched),
		T(what_is_no_network_is_refused_and_nothing_is_written),
		T(a_machine_without_networkmanager_says_so),
		T(a_machine_of_wpa_supplicant_gets_a_file_that_it_reads),
		T(a_file_of_wpa_supplicant_that_somebody_changed_is_written_again),
		T(a_wpa_supplicant_that_does_not_read_the_file_is_told_of),
		T(networks_are_read_again_for_a_new_certificate_of_theirs_also_after_there_was_none),
		T(a_network_that_comes_later_is_looked_at_with_the_certificate_that_is_there),
		T(who_changes_from_one_way_to_the_other_has_nothing_left_of_the_first),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
