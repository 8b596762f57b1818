/* SPDX-License-Identifier: Apache-2.0 */
/* API types of profiles: a row a type. */
#include "model/refs.h"
#include "model/secret.h"

#include <assert.h>

#include "base/memo.h"

extern const struct kind kind_trusted_root;
extern const struct kind kind_pkcs;
extern const struct kind kind_scep;
extern const struct kind kind_imported_pfx;

extern const struct kind kind_wifi;
extern const struct kind kind_wifi_key;
extern const struct kind kind_network;
extern const struct kind kind_vpn;
extern const struct kind kind_mail;

#define GRAPH_TYPE(name_) "#microsoft.graph." name_
#define OWN_TYPE(name_) "#chancery." name_
#define TRUSTED(name_, platform_, family_) \
	{ \
		name_, platform_, &kind_trusted_root, family_, ROOT(family_), ROOT_NONE, \
		    SET_CONFIGURATIONS \
	}
#define DELIVERED(name_, platform_, family_, root_) \
	{ \
		name_, platform_, &kind_pkcs, family_, PKCS(family_), root_, SET_CONFIGURATIONS \
	}
#define ENROLLED(name_, platform_, family_, root_) \
	{ \
		name_, platform_, &kind_scep, family_, SCEP(family_), root_, SET_CONFIGURATIONS \
	}
#define IMPORTED(name_, platform_, family_, root_) \
	{ \
		name_, platform_, &kind_imported_pfx, family_, PFX(family_), root_, \
		    SET_CONFIGURATIONS \
	}
#define USING(name_, platform_, kind_, family_) \
	{ \
		name_, platform_, &kind_, family_, USES(family_), ROOT_NONE, SET_CONFIGURATIONS \
	}
/* A type of a platform that other rows of the same kind tell apart by its second bit. */
#define USING_AS(name_, platform_, kind_, family_, as_) \
	{ \
		name_, platform_, &kind_, family_, USES(as_), ROOT_NONE, SET_CONFIGURATIONS \
	}

/* Windows 10X: Windows, but for what the types look like. */
#define OF_ACCESS(name_, kind_, as_, root_) \
	{ \
		name_, "windows", &kind_, ON_WINDOWS, as_, root_, SET_ACCESS \
	}

static const struct profile_type types[] = {
	TRUSTED(GRAPH_TYPE("iosTrustedRootCertificate"), "ios", ON_IOS),
	DELIVERED(GRAPH_TYPE("iosPkcsCertificateProfile"), "ios", ON_IOS, ROOT_NONE),
	IMPORTED(GRAPH_TYPE("iosImportedPFXCertificateProfile"), "ios", ON_IOS, ROOT_NONE),
	ENROLLED(GRAPH_TYPE("iosScepCertificateProfile"), "ios", ON_IOS, ROOT_MAY),
	USING(GRAPH_TYPE("iosEnterpriseWiFiConfiguration"), "ios", kind_wifi, ON_IOS),
	USING(GRAPH_TYPE("iosWiFiConfiguration"), "ios", kind_wifi_key, ON_IOS),
	USING(GRAPH_TYPE("iosVpnConfiguration"), "ios", kind_vpn, ON_IOS),
	USING_AS(GRAPH_TYPE("iosikEv2VpnConfiguration"), "ios", kind_vpn, ON_IOS, USES_IKEV2),
	USING(GRAPH_TYPE("iosEasEmailProfileConfiguration"), "ios", kind_mail, ON_IOS),

	TRUSTED(GRAPH_TYPE("macOSTrustedRootCertificate"), "macos", ON_MACOS),
	DELIVERED(GRAPH_TYPE("macOSPkcsCertificateProfile"), "macos", ON_MACOS, ROOT_NONE),
	IMPORTED(GRAPH_TYPE("macOSImportedPFXCertificateProfile"), "macos", ON_MACOS, ROOT_NONE),
	ENROLLED(GRAPH_TYPE("macOSScepCertificateProfile"), "macos", ON_MACOS, ROOT_MAY),
	USING(GRAPH_TYPE("macOSEnterpriseWiFiConfiguration"), "macos", kind_wifi, ON_MACOS),
	USING(GRAPH_TYPE("macOSWiFiConfiguration"), "macos", kind_wifi_key, ON_MACOS),
	USING(GRAPH_TYPE("macOSVpnConfiguration"), "macos", kind_vpn, ON_MACOS),

	TRUSTED(GRAPH_TYPE("androidTrustedRootCertificate"), "android", ON_ANDROID),
	DELIVERED(GRAPH_TYPE("androidPkcsCertificateProfile"), "android", ON_ANDROID, ROOT_MAY),
	IMPORTED(
	    GRAPH_TYPE("androidImportedPFXCertificateProfile"), "android", ON_ANDROID, ROOT_MAY),
	ENROLLED(GRAPH_TYPE("androidScepCertificateProfile"), "android", ON_ANDROID, ROOT_MAY),

	/* Older and newer names of what one device takes. */
	TRUSTED(
	    GRAPH_TYPE("androidForWorkTrustedRootCertificate"), "androidWorkProfile", ON_FORWORK),
	DELIVERED(GRAPH_TYPE("androidForWorkPkcsCertificateProfile"), "androidWorkProfile",
	    ON_FORWORK, ROOT_MAY),
	IMPORTED(GRAPH_TYPE("androidForWorkImportedPFXCertificateProfile"), "androidWorkProfile",
	    ON_FORWORK, ROOT_MAY),
	ENROLLED(GRAPH_TYPE("androidForWorkScepCertificateProfile"), "androidWorkProfile",
	    ON_FORWORK, ROOT_MAY),
	TRUSTED(GRAPH_TYPE("androidWorkProfileTrustedRootCertificate"), "androidWorkProfile",
	    ON_WORKPROFILE),
	DELIVERED(GRAPH_TYPE("androidWorkProfilePkcsCertificateProfile"), "androidWorkProfile",
	    ON_WORKPROFILE, ROOT_MAY),
	ENROLLED(GRAPH_TYPE("androidWorkProfileScepCertificateProfile"), "androidWorkProfile",
	    ON_WORKPROFILE, ROOT_MAY),

	TRUSTED(
	    GRAPH_TYPE("androidDeviceOwnerTrustedRootCertificate"), "androidDeviceOwner", ON_OWNER),
	DELIVERED(GRAPH_TYPE("androidDeviceOwnerPkcsCertificateProfile"), "androidDeviceOwner",
	    ON_OWNER, ROOT_MAY),
	IMPORTED(GRAPH_TYPE("androidDeviceOwnerImportedPFXCertificateProfile"),
	    "androidDeviceOwner", ON_OWNER, ROOT_MAY),
	ENROLLED(GRAPH_TYPE("androidDeviceOwnerScepCertificateProfile"), "androidDeviceOwner",
	    ON_OWNER, ROOT_MAY),

	TRUSTED(GRAPH_TYPE("aospDeviceOwnerTrustedRootCertificate"), "androidAOSP", ON_AOSP),
	DELIVERED(
	    GRAPH_TYPE("aospDeviceOwnerPkcsCertificateProfile"), "androidAOSP", ON_AOSP, ROOT_MAY),
	ENROLLED(
	    GRAPH_TYPE("aospDeviceOwnerScepCertificateProfile"), "androidAOSP", ON_AOSP, ROOT_MAY),

	/* Windows 10 and 11 have the names of 8.1 for roots and SCEP. */
	TRUSTED(GRAPH_TYPE("windows81TrustedRootCertificate"), "windows", ON_WINDOWS),
	DELIVERED(GRAPH_TYPE("windows10PkcsCertificateProfile"), "windows", ON_WINDOWS, ROOT_NONE),
	IMPORTED(
	    GRAPH_TYPE("windows10ImportedPFXCertificateProfile"), "windows", ON_WINDOWS, ROOT_NONE),
	ENROLLED(GRAPH_TYPE("windows81SCEPCertificateProfile"), "windows", ON_WINDOWS, ROOT_MAY),
	IMPORTED(GRAPH_TYPE("windows10PFXImportCertificateProfile"), "windows", ON_FORERUNNER,
	    ROOT_NONE),

	USING(GRAPH_TYPE("windowsWifiEnterpriseEAPConfiguration"), "windows", kind_network,
	    ON_WINDOWS),
	USING(GRAPH_TYPE("windowsWifiConfiguration"), "windows", kind_wifi_key, ON_WINDOWS),
	OF_ACCESS(GRAPH_TYPE("windows10XTrustedRootCertificate"), kind_trusted_root, ROOT(AS_10X),
	    ROOT_NONE),
	OF_ACCESS(
	    GRAPH_TYPE("windows10XSCEPCertificateProfile"), kind_scep, SCEP(AS_10X), ROOT_MAY),

	TRUSTED(GRAPH_TYPE("windowsPhone81TrustedRootCertificate"), "windowsPhone", ON_PHONE),
	IMPORTED(GRAPH_TYPE("windowsPhone81ImportedPFXCertificateProfile"), "windowsPhone",
	    ON_PHONE, ROOT_NONE),
	ENROLLED(
	    GRAPH_TYPE("windowsPhone81SCEPCertificateProfile"), "windowsPhone", ON_PHONE, ROOT_MAY),

	USING(GRAPH_TYPE("androidWorkProfileEnterpriseWiFiConfiguration"), "androidWorkProfile",
	    kind_network, ON_WORKPROFILE),
	USING(GRAPH_TYPE("androidWorkProfileWiFiConfiguration"), "androidWorkProfile",
	    kind_wifi_key, ON_WORKPROFILE),
	USING(GRAPH_TYPE("androidDeviceOwnerEnterpriseWiFiConfiguration"), "androidDeviceOwner",
	    kind_network, ON_OWNER),
	USING(GRAPH_TYPE("androidDeviceOwnerWiFiConfiguration"), "androidDeviceOwner",
	    kind_wifi_key, ON_OWNER),

	TRUSTED(OWN_TYPE("linuxTrustedRootCertificate"), "linux", ON_LINUX),
	DELIVERED(OWN_TYPE("linuxPkcsCertificateProfile"), "linux", ON_LINUX, ROOT_MUST),
	IMPORTED(OWN_TYPE("linuxImportedPFXCertificateProfile"), "linux", ON_LINUX, ROOT_MAY),
	ENROLLED(OWN_TYPE("linuxScepCertificateProfile"), "linux", ON_LINUX, ROOT_MUST),
	USING(OWN_TYPE("linuxEnterpriseWiFiConfiguration"), "linux", kind_network, ON_LINUX),
	USING(OWN_TYPE("linuxWiFiConfiguration"), "linux", kind_wifi_key, ON_LINUX),
	{ 0 },
};
const struct profile_type *const profile_types = types;

const char *const profile_set_names[] = {
	[SET_CONFIGURATIONS] = "deviceConfigurations", [SET_ACCESS] = "resourceAccessProfiles"
};

/* Bases of the types above, which nothing can be made of. */
static const char *const abstract[] = { "deviceConfiguration", "iosCertificateProfile",
	"appleVpnConfiguration", "easEmailProfileConfigurationBase", "iosCertificateProfileBase",
	"macOSCertificateProfileBase", "androidCertificateProfileBase",
	"androidForWorkCertificateProfileBase", "androidWorkProfileCertificateProfileBase",
	"androidDeviceOwnerCertificateProfileBase", "aospDeviceOwnerCertificateProfileBase",
	"windowsCertificateProfileBase", "windows10CertificateProfileBase",
	"windows81CertificateProfileBase", "windowsPhone81CertificateProfileBase",
	"deviceManagementResourceAccessProfileBase", "windows10XCertificateProfile" };

/* The last part of a name with a namespace. */
static const char *
last_part(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot == NULL ? name : dot + 1;
}

/* Graph's own spelling, without '#', the last part alone, or what leaks into exports: the same types in another
 * namespace. */
static bool
is_named(const struct profile_type *t, const char *bare)
{
	const char *inner = "microsoft.management.services.api.";
	size_t n = strlen(inner);

	if (str_ieq_c(str_c(bare), t->name + 1) || str_ieq_c(str_c(bare), last_part(t->name)))
		return true;
	return t->family != ON_LINUX && strlen(bare) > n && str_ieq_c(str_of(bare, n), inner) &&
	    str_ieq_c(str_c(bare + n), last_part(t->name));
}

err_t
profile_type_find(const char *name, const struct profile_type **ret)
{
	const char *bare = name[0] == '#' ? name + 1 : name;
	const struct profile_type *near = NULL;
	size_t best = 16; /* a type of another platform still finds ours */

	for (const struct profile_type *t = types; t->name != NULL; t++)
		if (is_named(t, bare)) {
			*ret = t;
			return OK;
		}
	for (const struct profile_type *t = types; t->name != NULL; t++) {
		size_t d = text_distance(bare, t->name + 1, best);

		if (d < best) {
			best = d;
			near = t;
		}
	}
	for (size_t i = 0; i < COUNT(abstract); i++)
		if (str_ieq_c(str_c(last_part(bare)), abstract[i]))
			FAIL(ERR_PROFILE_TYPE, "Cannot create an abstract class: \"%.128s\"", name);
	if (near == NULL)
		FAIL(ERR_PROFILE_TYPE, "\"%.128s\"", name);
	FAIL(ERR_PROFILE_TYPE, "\"%.128s\"; did you mean \"%s\"?", name, near->name);
}

/* Rows that have one of the bits; without any, all. */
static const struct field *
rows_with(struct arena *a, const struct kind *k, uint64_t only, size_t *retn)
{
	struct field *out;
	size_t n = 0;

	for (size_t i = 0; i < COUNT(k->rows) && k->rows[i] != NULL; i++)
		n += k->rows[i]->n;
	out = arena_array(a, n + 1, sizeof(*out));
	n = 0;
	for (size_t i = 0; i < COUNT(k->rows) && k->rows[i] != NULL; i++)
		for (size_t j = 0; j < k->rows[i]->n; j++) {
			const struct field *f = &k->rows[i]->v[j];

			if (f->only == 0 || only == 0 || (f->only & only) != 0)
				out[n++] = *f;
		}
	*retn = n;
	return out;
}

const struct field *
profile_type_fields(struct arena *a, const struct profile_type *t, size_t *retn)
{
	return rows_with(a, t->kind, t->only, retn);
}

const struct field *
profile_kind_fields(struct arena *a, const struct kind *k, size_t *retn)
{
	return rows_with(a, k, 0, retn);
}

static err_t
make_settings(struct arena *a, struct str text, const void *type, void **ret)
{
	static const char *const kept[] = { REFS_STORED, SECRETS_STORED, NULL };
	const struct profile_type *t = type;
	auto_json json *j = NULL;
	void *settings = arena_alloc(a, t->kind->size);
	const struct field *f;
	size_t n;

	if (t->kind->begin != NULL)
		t->kind->begin(settings);
	f = profile_type_fields(a, t, &n);
	TRY(json_parse(text, LIMIT_HTTP_BODY, &j));
	TRY(field_read(a, f, n, j, FIELD_CREATE, kept, settings));
	secrets_load(a, f, n, j, settings);
	if (t->kind->settle != NULL)
		t->kind->settle(settings);
	*ret = settings;
	return OK;
}

err_t
profile_settings(struct arena *a, const struct kind *k, const struct profile *p, void **ret)
{
	const struct profile_type *t;

	TRY(profile_type_find(p->type, &t));
	assert(t->kind == k);
	return make_settings(a, str_c(p->settings), t, ret);
}

err_t
profile_settings_shared(struct tx *tx, struct arena *a, const struct profile_type *t,
    const struct profile *p, const void **ret)
{
	return memo_get(
	    tx_memo(tx), a, id_str(&p->id), t, str_c(p->settings), make_settings, t, ret);
}

int
kind_rank(const struct kind *k)
{
	if (k->refs != NULL || strcmp(k->name, KIND_WIFI_KEY) == 0)
		return 2;
	return k->needs_root ? 1 : 0;
}

bool
kind_has_certificate(const char *name)
{
	return strcmp(name, KIND_TRUSTED_ROOT) != 0 && strcmp(name, KIND_NETWORK) != 0 &&
	    strcmp(name, KIND_WIFI_KEY) != 0;
}

int
kind_rank_of(const char *name)
{
	for (size_t i = 0; i < kind_count; i++)
		if (strcmp(kind_table[i]->name, name) == 0)
			return kind_rank(kind_table[i]);
	return 0;
}
