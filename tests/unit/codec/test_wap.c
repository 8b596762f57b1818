/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "codec/wap.h"
#include "codec/xml.h"

static const struct wap_doc full = {
	.own = { "B1D2", { (const uint8_t *)"own", 3 } },
	.root = { "8F3C", { (const uint8_t *)"root", 4 } },
	.renew_days = 60,
	.renew_every = 4,
	.provider = "Chancery",
	.name = "Chancery",
	.addr = "https://mdm.example.test/m?a=1&b=2",
	.subject = "OU=Chancery Devices,CN=0a-1b",
	.upn = "ada@example.test",
	.device_id = "0a-1b",
	.device_name = "PC \"7\"",
	.poll_minutes = 60,
};

static struct xml_node *
printed(struct arena *a, const struct wap_doc *d)
{
	auto_buf struct buf b = { 0 };
	struct xml_node *root = NULL;

	buf_init(&b, 1 << 20);
	expect_ok(wap_print(a, d, &b));
	expect_ok(xml_parse(a, buf_str(&b), &root));
	return root;
}

static struct xml_node *
at(struct xml_node *n, const char *type)
{
	for (struct xml_node *k = n == NULL ? NULL : n->child; k != NULL; k = k->next)
		if (strcmp(k->name, "characteristic") == 0 &&
		    strcmp(xml_attr(k, "type"), type) == 0)
			return k;
	return NULL;
}

static const char *
parm(struct xml_node *n, const char *name)
{
	for (struct xml_node *k = n == NULL ? NULL : n->child; k != NULL; k = k->next)
		if (strcmp(k->name, "parm") == 0 && strcmp(xml_attr(k, "name"), name) == 0)
			return xml_attr(k, "value");
	return "(none)";
}

static void
a_device_finds_its_certificate_and_its_management(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct xml_node *doc = printed(a, &full), *store = at(doc, "CertificateStore"),
			*app = at(doc, "APPLICATION");
	struct xml_node *own = at(at(at(store, "My"), "User"), "B1D2");

	(void)state;
	assert_string_equal(parm(own, "EncodedCertificate"), "b3du");
	assert_non_null(at(own, "PrivateKeyContainer"));
	assert_string_equal(
	    parm(at(at(at(store, "Root"), "System"), "8F3C"), "EncodedCertificate"), "cm9vdA==");
	assert_null(at(store, "CA"));
	assert_string_equal(parm(app, "ADDR"), "https://mdm.example.test/m?a=1&b=2");
	assert_string_equal(parm(app, "SSLCLIENTCERTSEARCHCRITERIA"),
	    "Subject=OU%3DChancery%20Devices%2CCN%3D0a-1b&Stores=My%5CUser");
	assert_string_equal(
	    parm(at(at(at(doc, "DMClient"), "Provider"), "Chancery"), "EntDeviceName"), "PC \"7\"");
}

static void
a_certificate_of_the_machine_goes_to_its_store(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct wap_doc d = full;
	struct xml_node *doc;

	(void)state;
	d.of_machine = true;
	doc = printed(a, &d);
	assert_non_null(at(at(at(at(doc, "CertificateStore"), "My"), "System"), "B1D2"));
	assert_non_null(
	    strstr(parm(at(doc, "APPLICATION"), "SSLCLIENTCERTSEARCHCRITERIA"), "My%5CSystem"));
}

static void
a_renewal_brings_the_certificate_alone(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct wap_doc d = { .own = full.own, .renew_days = 60, .renew_every = 4, .renewal = true };
	struct xml_node *doc = printed(a, &d);

	(void)state;
	assert_null(at(doc, "APPLICATION"));
	assert_null(at(doc, "DMClient"));
	assert_null(at(at(doc, "CertificateStore"), "Root"));
	assert_string_equal(
	    parm(at(at(at(at(doc, "CertificateStore"), "My"), "WSTEP"), "Renew"), "ROBOSupport"),
	    "true");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_finds_its_certificate_and_its_management),
		cmocka_unit_test(a_certificate_of_the_machine_goes_to_its_store),
		cmocka_unit_test(a_renewal_brings_the_certificate_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
