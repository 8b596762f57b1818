/* SPDX-License-Identifier: Apache-2.0 */
#include "device/windows_key.h"

#include "base/text.h"
#include "codec/san.h"
#include "pki/cert.h"
#include "pki/key.h"

enum { BITS_OF_CHIPS = 2048, RETRY_COUNT = 3, RETRY_MINUTES = 1 };
/* KeyLocation and KeyProtection, in the order of enum key_store */
static const int places[] = { 2, 1, 4, 3 };
enum { PLACE_CHIP = 1, PLACE_CHIP_OR_SOFTWARE = 2, PLACE_SOFTWARE = 3, PLACE_HELLO = 4 };

/* Keys beyond what chips take, and those on curves, go to software, unless the profile demands a chip: then the device says
 * no. */
static int
place_of(const struct primitive *what, enum key_alg alg, unsigned bits)
{
	int place = what->key_store < 0 || (size_t)what->key_store >= COUNT(places) ?
	    PLACE_CHIP_OR_SOFTWARE :
	    places[what->key_store];

	return place == PLACE_CHIP_OR_SOFTWARE && (alg != KEY_RSA || bits > BITS_OF_CHIPS) ?
	    PLACE_SOFTWARE :
	    place;
}

/* ---- PFX ---- */

static err_t
key_of(struct str leaf, enum key_alg *ret_alg, unsigned *ret_bits)
{
	auto_cert struct cert *cert = NULL;
	auto_key struct key *key = NULL;

	TRY(cert_parse(leaf, &cert));
	TRY(cert_key(cert, &key));
	*ret_alg = key_algorithm(key);
	*ret_bits = key_bits(key);
	return OK;
}

/* The blob starts the import, so it is last; keys are never exportable, which is not the default. */
err_t
windows_key_pfx(struct windows_telling *t, const struct command *c, const char *uri)
{
	enum key_alg alg;
	unsigned bits;
	int place;

	TRY(key_of(c->leaf, &alg, &bits));
	place = place_of(c->what, alg, bits);
	TRY(windows_clear(t, uri));
	TRY(syncml_atomic_open(t->b, ++t->id));
	TRY(windows_add_number(t, uri, "KeyLocation", place));
	if (place == PLACE_HELLO)
		TRY(windows_add(t, uri, "ContainerName", "chr", strrchr(uri, '/') + 1));
	TRY(windows_add(t, uri, "PFXKeyExportable", "bool", "false"));
	TRY(windows_add_number(t, uri, "PFXCertPasswordEncryptionType", 1));
	TRY(windows_add(t, uri, "PFXCertPassword", "chr", text_base64(t->a, c->password)));
	TRY(windows_add(t, uri, "PFXCertBlob", "chr", text_base64(t->a, c->pfx)));
	return syncml_atomic_close(t->b);
}

/* ---- SCEP ---- */

static const char *
joined(struct arena *a, const char *const *v, size_t n, const char *between)
{
	const char *out = "";

	for (size_t i = 0; i < n; i++)
		out = arena_printf(a, "%s%s%s", out, i == 0 ? "" : between, v[i]);
	return out;
}

/* "11+ada@example.test;3+pc.example.test". There is no way to write a semicolon within a value. */
static err_t
names(struct arena *a, struct str der, const char **ret)
{
	static const int kinds[] = {
		[SAN_EMAIL] = 2, [SAN_DNS] = 3, [SAN_URI] = 7, [SAN_UPN] = 11, [SAN_OTHER] = 0
	};
	const char *out = "";
	struct san *v = NULL;
	size_t n = 0;

	if (der.n > 0)
		TRY(san_decode(a, der, &v, &n));
	for (size_t i = 0; i < n; i++) {
		int kind = (size_t)v[i].type < COUNT(kinds) ? kinds[v[i].type] : 0;

		if (kind == 0 || strchr(v[i].value, ';') != NULL)
			FAIL(ERR_DEVICE_PROFILE, "Windows cannot request the alternative name %s",
			    san_print(a, &v[i], 1));
		out = arena_printf(a, "%s%s%d+%s", out, i == 0 ? "" : ";", kind, v[i].value);
	}
	*ret = out;
	return OK;
}

static const char *
hashes(unsigned set)
{
	if (set == HASH_SHA1)
		return "SHA-1";
	return set == (HASH_SHA1 | HASH_SHA2) ? "SHA-1+SHA-2" : "SHA-2";
}

static err_t
tell_scep_texts(struct windows_telling *t, const struct command *c, const char *install)
{
	const struct primitive *what = c->what;
	struct device_enrol e;
	const char *sans;
	struct dn subject;

	if (c->root.n == 0)
		FAIL(ERR_SCEP_NO_ROOT, "%s", "");
	TRY(device_enrol_of(t->edge, t->a, c, &e));
	TRY(dn_decode(t->a, what->subject, &subject));
	TRY(names(t->a, what->san, &sans));
	TRY(windows_add(t, install, "ServerURL", "chr", joined(t->a, e.urls, e.nurls, ";")));
	TRY(windows_add(t, install, "Challenge", "chr", e.challenge));
	TRY(windows_add(t, install, "SubjectName", "chr", dn_print(t->a, &subject)));
	if (sans[0] != '\0')
		TRY(windows_add(t, install, "SubjectAlternativeNames", "chr", sans));
	TRY(windows_add(
	    t, install, "EKUMapping", "chr", joined(t->a, what->ekus, what->nekus, "+")));
	TRY(windows_add(t, install, "HashAlgorithm", "chr", hashes(what->hashes)));
	return windows_add(t, install, "CAThumbprint", "chr", windows_sha1(t->a, c->root));
}

err_t
windows_key_scep(struct windows_telling *t, const struct command *c, const char *uri)
{
	const char *install = arena_printf(t->a, "%s/Install", uri);
	int place = place_of(c->what, KEY_RSA, c->what->key_bits);

	TRY(windows_clear(t, uri));
	TRY(syncml_atomic_open(t->b, ++t->id));
	TRY(windows_put(t, "Add", uri, "node", NULL));
	TRY(tell_scep_texts(t, c, install));
	TRY(windows_add_number(t, install, "KeyUsage", c->what->key_usage));
	TRY(windows_add_number(t, install, "KeyLength", c->what->key_bits));
	TRY(windows_add_number(t, install, "KeyProtection", place));
	if (place == PLACE_HELLO)
		TRY(windows_add(t, install, "ContainerName", "chr", strrchr(uri, '/') + 1));
	if (c->what->validity_days > 0) {
		TRY(windows_add(t, install, "ValidPeriod", "chr", "Days"));
		TRY(windows_add_number(t, install, "ValidPeriodUnits", c->what->validity_days));
	}
	TRY(windows_add_number(t, install, "RetryCount", RETRY_COUNT));
	TRY(windows_add_number(t, install, "RetryDelay", RETRY_MINUTES));
	TRY(windows_put(t, "Exec", arena_printf(t->a, "%s/Enroll", install), "null", NULL));
	return syncml_atomic_close(t->b);
}
