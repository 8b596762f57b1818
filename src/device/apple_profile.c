/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_profile.h"

#include "base/secret.h"
#include "codec/dn.h"
#include "codec/san.h"
#include "device/apple_use.h"
#include "pki/cert.h"
#include "pki/cms.h"

/* Rights of the management: inspect and install profiles, lock, erase, query device and network. */
enum { ACCESS_RIGHTS = 1 | 2 | 4 | 8 | 16 | 32 };
/* SCEP's Key Usage. */
enum { USE_SIGN = 1, USE_ENCRYPT = 4 };
/* Bytes of a UUID, and of those the ones that say that it is a network's. */
enum { UUID_BYTES = 16, UUID_NETWORK = 4 };
enum { SCEP_RETRIES = 3, SCEP_DELAY = 10 };

const char *
apple_uuid(struct arena *a, struct str sha256)
{
	struct id id;
	char *text;

	memcpy(id.b, sha256.p, sizeof(id.b));
	text = id_text(a, id);
	for (char *p = text; *p != '\0'; p++)
		*p = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
	return text;
}

const char *
apple_uuid_for(struct arena *a, const char *part, const char *of)
{
	uint8_t hash[32];

	hash_sha256(str_c(arena_printf(a, "%s %s", part, of)), hash);
	return apple_uuid(a, STR(hash));
}

const char *
apple_uuid_used(struct arena *a, const char *alias, const uint8_t sha256[32])
{
	return apple_uuid_for(a, alias, text_hex(a, str_of(sha256, 32)));
}

const char *
apple_uuid_network(struct arena *a, const char *alias, struct str sha256)
{
	uint8_t hash[32], uuid[UUID_BYTES];

	hash_sha256(str_c(arena_printf(a, "network %s", alias)), hash);
	memcpy(uuid, hash, UUID_NETWORK);
	memcpy(uuid + UUID_NETWORK, sha256.p, sizeof(uuid) - UUID_NETWORK);
	return apple_uuid(a, STR(uuid));
}

bool
apple_uuid_is_network(struct arena *a, const char *alias, const char *uuid)
{
	static const uint8_t any[32] = { 0 };

	return strncmp(uuid, apple_uuid_network(a, alias, STR(any)), UUID_NETWORK * 2u) == 0;
}

const char *
apple_uuid_of(struct arena *a, const struct command *c)
{
	uint8_t hash[32];

	if (c->kind == COMMAND_INSTALL_NETWORK)
		return apple_uuid_network(a, c->alias, c->sha256);

	if (c->kind == COMMAND_ENROL)
		return apple_uuid_for(a, "profile", c->id);
	hash_sha256(c->kind == COMMAND_INSTALL_CA ? c->der : c->leaf, hash);
	return c->what != NULL && c->what->use != NULL ? apple_uuid_used(a, c->alias, hash) :
							 apple_uuid(a, STR(hash));
}

struct pl *
apple_payload(
    struct arena *a, const char *type, const char *identifier, const char *uuid, const char *name)
{
	struct pl *p = pl_dict(a);

	pl_set_text(a, p, "PayloadType", type);
	pl_set_int(a, p, "PayloadVersion", 1);
	pl_set_text(a, p, "PayloadIdentifier", identifier);
	pl_set_text(a, p, "PayloadUUID", uuid);
	pl_set_text(a, p, "PayloadDisplayName", text_safe(a, str_c(name)));
	return p;
}

static struct pl *
certificate_payload(
    struct arena *a, struct str der, bool root, const char *identifier, const char *name)
{
	struct pl *p =
	    apple_payload(a, root ? "com.apple.security.root" : "com.apple.security.pkcs1",
		identifier, apple_uuid_for(a, "payload", identifier), name);

	pl_set_text(a, p, "PayloadCertificateFileName", "certificate.cer");
	pl_set_data(a, p, "PayloadContent", der);
	return p;
}

/* Attribute names that a SCEP payload has; others go by their number. */
static const char *
attribute(const char *oid)
{
	static const struct {
		const char *oid, *name;
	} names[] = { { "2.5.4.3", "CN" }, { "2.5.4.6", "C" }, { "2.5.4.7", "L" },
		{ "2.5.4.8", "ST" }, { "2.5.4.10", "O" }, { "2.5.4.11", "OU" } };

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(oid, names[i].oid) == 0)
			return names[i].name;
	return oid;
}

static struct pl *
subject(struct arena *a, const struct dn *dn)
{
	struct pl *rdns = pl_array(a);

	for (size_t i = 0; i < dn->n; i++) {
		struct pl *rdn = pl_add(rdns, pl_array(a));

		for (size_t k = 0; k < dn->rdn[i].n; k++) {
			struct pl *pair = pl_add(rdn, pl_array(a));

			pl_add(pair, pl_text(a, attribute(dn->rdn[i].ava[k].oid)));
			pl_add(pair, pl_text(a, dn->rdn[i].ava[k].value));
		}
	}
	return rdns;
}

static const char *
san_key(enum san_type type)
{
	switch (type) {
	case SAN_EMAIL:
		return "rfc822Name";
	case SAN_DNS:
		return "dNSName";
	case SAN_URI:
		return "uniformResourceIdentifier";
	case SAN_UPN:
		return "ntPrincipalName";
	case SAN_IP:
	case SAN_DIRECTORY:
	case SAN_OTHER:
		break;
	}
	return NULL;
}

static size_t
count_of(const struct san *v, size_t n, enum san_type type)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += v[i].type == type;
	return k;
}

/* One of a kind is a text, as Apple's schema has it; several are a list, which its devices take as well. */
static err_t
names(struct arena *a, struct str der, struct pl **ret)
{
	struct pl *out = pl_dict(a);
	struct san *v = NULL;
	size_t n = 0;

	if (der.n > 0)
		TRY(san_decode(a, der, &v, &n));
	for (size_t i = 0; i < n; i++) {
		const char *key = san_key(v[i].type);
		struct pl *list = key == NULL ? NULL : pl_get(out, key);

		if (key == NULL)
			FAIL(ERR_APPLE_SCEP, "alternative name of the kind %s",
			    san_type_name(v[i].type));
		if (v[i].type == SAN_UPN && list != NULL)
			FAIL(ERR_APPLE_SCEP, "more than one user principal name");
		if (v[i].type == SAN_UPN || count_of(v, n, v[i].type) == 1) {
			pl_set_text(a, out, key, v[i].value);
			continue;
		}
		if (list == NULL)
			list = pl_set(a, out, key, pl_array(a));
		pl_add(list, pl_text(a, v[i].value));
	}
	*ret = out;
	return OK;
}

static err_t
scep_content(
    struct arena *a, const struct command *c, const struct device_enrol *e, struct pl **ret)
{
	const struct primitive *w = c->what;
	struct pl *d = pl_dict(a), *sans;
	uint8_t root[20];
	struct dn dn;

	if (w->key_bits != 2048 && w->key_bits != 4096)
		FAIL(ERR_APPLE_SCEP, "key of %u bits", w->key_bits);
	if (e->nurls == 0)
		FAIL(ERR_APPLE_SCEP, "no address");
	TRY(dn_decode(a, w->subject, &dn));
	TRY(names(a, w->san, &sans));
	pl_set_text(a, d, "URL", e->urls[0]);
	pl_set(a, d, "Subject", subject(a, &dn));
	if (pl_count(sans) > 0)
		pl_set(a, d, "SubjectAltName", sans);
	pl_set_text(a, d, "Challenge", e->challenge);
	/* Whoever carries the messages could put an RA of his own in the place of the CA's, and read the challenge. Other
	 * CAs may answer without their root, which the device would refuse then. */
	if (w->ca[0] != '\0' && c->root.n > 0) {
		hash_sha1(c->root, root);
		pl_set_data(a, d, "CAFingerprint", arena_str(a, STR(root)));
	}
	pl_set_int(a, d, "Keysize", w->key_bits);
	pl_set_text(a, d, "Key Type", "RSA");
	pl_set_int(a, d, "Key Usage",
	    ((w->key_usage & 0x80) != 0 ? USE_SIGN : 0) |
		((w->key_usage & 0x20) != 0 ? USE_ENCRYPT : 0));
	pl_set_int(a, d, "Retries", SCEP_RETRIES);
	pl_set_int(a, d, "RetryDelay", SCEP_DELAY);
	pl_set_bool(a, d, "KeyIsExtractable", false);
	pl_set_bool(a, d, "AllowAllAppsAccess", w->access.all_apps);
	*ret = d;
	return OK;
}

err_t
apple_subject_of(struct arena *a, const struct command *c, const char **ret)
{
	struct dn dn;

	TRY(dn_decode(a, c->what->subject, &dn));
	*ret = dn_print(a, &dn);
	return OK;
}

static struct pl *
top(struct arena *a, const char *identifier, const char *uuid, const char *name, bool of_user)
{
	struct pl *p = apple_payload(a, "Configuration", identifier, uuid, name);

	pl_set_text(a, p, "PayloadScope", of_user ? "User" : "System");
	return p;
}

static err_t
ca_content(struct arena *a, const struct command *c, struct pl *content)
{
	auto_cert struct cert *cert = NULL;

	TRY(cert_parse(c->der, &cert));
	pl_add(content,
	    certificate_payload(a, c->der, cert_self_issued(cert),
		arena_printf(a, "%s.ca", c->alias), c->profile->display_name));
	return OK;
}

err_t
apple_profile_print(
    struct arena *a, const struct command *c, const struct device_enrol *enrol, struct str *ret)
{
	const char *name = c->profile->display_name;
	struct pl *p = top(a, c->alias, apple_uuid_of(a, c), name, c->what->access.user_channel);
	const char *uuid = apple_uuid_for(a, "payload", c->id);
	struct pl *content = pl_array(a), *scep, *d;

	switch (c->kind) {
	case COMMAND_INSTALL_CA:
		TRY(ca_content(a, c, content));
		break;
	case COMMAND_ENROL:
		TRY(scep_content(a, c, enrol, &d));
		scep = apple_payload(
		    a, "com.apple.security.scep", arena_printf(a, "%s.scep", c->alias), uuid, name);
		pl_set(a, scep, "PayloadContent", d);
		pl_add(content, scep);
		if (c->what->use != NULL)
			TRY(apple_use_print(a, c->what->use, "", c->alias, uuid,
			    c->what->access.user_channel, content));
		break;
	case COMMAND_INSTALL_IDENTITY:
		pl_set_bool(a, p, "IsEncrypted", true);
		pl_set_data(a, p, "EncryptedPayloadContent", c->pfx);
		return pl_print(a, p, ret);
	case COMMAND_REMOVE_CA:
	case COMMAND_REMOVE_IDENTITY:
	case COMMAND_WIPE:
	case COMMAND_INSTALL_NETWORK:
	case COMMAND_REMOVE_NETWORK:
		FAIL(ERR_INTERNAL, "this command needs no profile");
	}
	pl_set(a, p, "PayloadContent", content);
	return pl_print(a, p, ret);
}

/* Only this device reads it; what was clear is wiped. */
static err_t
encrypt_content(struct arena *a, struct str identity, const struct pl *content, struct pl *p)
{
	auto_cert struct cert *to = NULL;
	struct str clear, sealed;
	err_t e;

	TRY(cert_parse(identity, &to));
	TRY(pl_print(a, content, &clear));
	e = cms_seal(a, to, clear, &sealed);
	secret_wipe((void *)(uintptr_t)clear.p, clear.n);
	TRY(e);
	pl_set_bool(a, p, "IsEncrypted", true);
	pl_set_data(a, p, "EncryptedPayloadContent", sealed);
	return OK;
}

err_t
apple_network_print(
    struct arena *a, const struct command *c, const char *key, struct str identity, struct str *ret)
{
	bool user = c->what->access.user_channel;
	struct pl *p = top(a, c->alias, apple_uuid_of(a, c), c->profile->display_name, user);
	struct pl *content = pl_array(a);

	TRY(apple_use_print(a, c->what->use, key, c->alias, "", user, content));
	if (key[0] == '\0')
		pl_set(a, p, "PayloadContent", content);
	else
		TRY(encrypt_content(a, identity, content, p));
	return pl_print(a, p, ret);
}

err_t
apple_frame(struct arena *a, const struct job *j, struct str *ret)
{
	const char *identifier = arena_printf(a, "%s.pkcs12", j->alias);
	const char *uuid = apple_uuid_for(a, identifier, id_text(a, j->request));
	struct pl *content = pl_array(a);
	struct pl *p = apple_payload(
	    a, "com.apple.security.pkcs12", identifier, uuid, j->profile.display_name);

	pl_set_text(a, p, "PayloadCertificateFileName", "identity.p12");
	pl_set(a, p, "PayloadContent", pl_data_mark(a, PACK_MARK_PFX));
	pl_set_text(a, p, "Password", PACK_MARK_PASSWORD);
	pl_set_bool(a, p, "KeyIsExtractable", false);
	pl_set_bool(a, p, "AllowAllAppsAccess", j->what.access.all_apps);
	pl_add(content, p);
	if (j->what.use != NULL)
		TRY(apple_use_print(
		    a, j->what.use, "", j->alias, uuid, j->what.access.user_channel, content));
	return pl_print(a, content, ret);
}

static err_t
identity_payload(
    struct arena *a, const struct apple_enrolment *e, const char *uuid, struct pl **ret)
{
	struct pl *p = apple_payload(
	    a, "com.apple.security.scep", APPLE_ENROLMENT ".identity", uuid, "Device identity");
	struct pl *d = pl_dict(a);
	struct dn dn;

	TRY(dn_decode(a, e->subject, &dn));
	pl_set_text(a, d, "URL", e->scep_url);
	pl_set(a, d, "Subject", subject(a, &dn));
	pl_set_text(a, d, "Challenge", e->challenge);
	pl_set_int(a, d, "Keysize", 2048);
	pl_set_text(a, d, "Key Type", "RSA");
	pl_set_int(a, d, "Key Usage", USE_SIGN | USE_ENCRYPT);
	pl_set_int(a, d, "Retries", SCEP_RETRIES);
	pl_set_int(a, d, "RetryDelay", SCEP_DELAY);
	pl_set_bool(a, d, "KeyIsExtractable", false);
	pl_set(a, p, "PayloadContent", d);
	*ret = p;
	return OK;
}

static struct pl *
mdm_payload(struct arena *a, const struct apple_enrolment *e, const char *identity)
{
	const char *device = id_text(a, e->device);
	struct pl *p = apple_payload(a, "com.apple.mdm", APPLE_ENROLMENT ".management",
	    apple_uuid_for(a, "management", device), "Management");
	struct pl *can = pl_array(a);

	pl_add(can, pl_text(a, "com.apple.mdm.per-user-connections"));
	pl_set_text(a, p, "IdentityCertificateUUID", identity);
	pl_set_text(a, p, "Topic", e->topic);
	pl_set_text(a, p, "ServerURL", e->server_url);
	pl_set_text(a, p, "CheckInURL", e->checkin_url);
	pl_set_bool(a, p, "SignMessage", true);
	pl_set_int(a, p, "AccessRights", ACCESS_RIGHTS);
	pl_set_bool(a, p, "CheckOutWhenRemoved", true);
	pl_set(a, p, "ServerCapabilities", can);
	if (e->development)
		pl_set_bool(a, p, "UseDevelopmentAPNS", true);
	return p;
}

err_t
apple_enrolment_print(struct arena *a, const struct apple_enrolment *e, struct str *ret)
{
	const char *device = id_text(a, e->device);
	const char *identity = apple_uuid_for(a, "identity", e->challenge);
	struct pl *p =
	    top(a, APPLE_ENROLMENT, apple_uuid_for(a, "enrolment", device), "Management", false);
	struct pl *content = pl_array(a), *scep;

	for (size_t i = 0; i < e->nroots; i++)
		pl_add(content,
		    certificate_payload(a, e->roots[i], true,
			arena_printf(a, APPLE_ENROLMENT ".root%zu", i), "Root of the service"));
	TRY(identity_payload(a, e, identity, &scep));
	pl_add(content, scep);
	pl_add(content, mdm_payload(a, e, identity));
	pl_set_text(a, p, "PayloadOrganization", text_safe(a, str_c(e->organization)));
	pl_set_text(a, p, "PayloadDescription",
	    "Lets the organization install certificates on this device.");
	pl_set(a, p, "PayloadContent", content);
	return pl_print(a, p, ret);
}
