/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile kinds: what a profile is about, whatever the platform. A kind has rows for its settings and reduces a profile
 * for one device to a primitive that platforms can render. Which platform's type has which setting is a column of
 * the rows (struct field, only); beyond that and rules between settings, kinds do not know platforms.
 *
 * One file in model/kind/ a kind; the build makes kind_table from the list in its meson.build. Which API types exist
 * (kind x platform) is a table of rows in model/profile_type.c.
 */
#ifndef MODEL_KIND_H
#define MODEL_KIND_H

#include "codec/dn.h"
#include "codec/field.h"
#include "codec/san.h"
#include "pki/key.h"
#include "store/slot.h"
#include "store/profile.h"

/* PRIM_NETWORK: a network to join; nothing that is issued. */
enum primitive_kind { PRIM_TRUST = 1, PRIM_ENROL, PRIM_DELIVER, PRIM_IMPORT, PRIM_NETWORK };

/* keyStorageProvider of Windows; KEY_STORE_ANY elsewhere. */
enum key_store {
	KEY_STORE_ANY = -1,
	KEY_STORE_TPM_OR_SOFTWARE = 0,
	KEY_STORE_TPM = 1,
	KEY_STORE_PASSPORT = 2,
	KEY_STORE_SOFTWARE = 3
};

/* destinationStore of Windows */
enum trust_store { TRUST_MACHINE_ROOT, TRUST_MACHINE_CA, TRUST_USER_CA };

enum hash_algorithms { HASH_SHA1 = 1, HASH_SHA2 = 2 };

/* Who on the device may use the key: of macOS and of Android device owners. */
struct key_access {
	bool all_apps;         /* macOS: every program, without asking */
	bool user_channel;     /* macOS: the login keychain */
	const char **packages; /* Android: these, without asking */
	size_t npackages;
};

/* What one device shall have because of one profile. Everything in the arena of the call. */
struct use;
struct primitive {
	enum primitive_kind kind;
	struct str der; /* TRUST: the CA certificate */
	enum trust_store trust_store;
	/* ENROL: the device makes the key and requests by SCEP from one of these */
	const char **urls;
	size_t nurls;
	unsigned hashes;   /* HASH_* that the device may sign with */
	bool est;          /* by EST at the service, not by SCEP */
	uint8_t key_usage; /* ENROL, DELIVER: as in X.509, first byte */
	/* IMPORT: records of the user, longest validity first, brought by a connector that can open them */
	const struct user_pfx *pfx;
	size_t npfx;
	/* DELIVER: made by a connector, sealed to the device */
	const char *ca, *ca_host, *template;
	struct str subject; /* DER Name */
	struct str san;     /* DER GeneralNames; empty: none */
	const char *sid;
	const char **ekus;
	size_t nekus;
	enum key_alg key_alg;
	unsigned key_bits; /* of the RSA modulus, or of the curve */
	enum key_store key_store;
	bool of_machine; /* else of the user who is signed in */
	struct key_access access;
	int validity_days;   /* a wish, part of the order; the CA decides */
	struct id root;      /* trusted-root profile that must be on the device first; zero: none */
	int renewal_percent; /* renew when so much of the life is left */
	/* What goes with it in one piece, and uses it (model/use.h); NETWORK: all there is to it. NULL: nothing. */
	const struct use *use;
	const struct id *needs; /* profiles that must be on the device first, besides root */
	size_t nneeds;
	struct str hash; /* SHA-256 over everything above that makes it "the same content" */
};

/* Who a profile is reduced for. */
struct used;
struct subject_of {
	const struct device *device;
	const struct user *user;    /* NULL: none */
	const struct user_pfx *pfx; /* imported for the user: store_pfx_of_user() */
	size_t npfx;
	const struct used *used; /* profiles that the one to be reduced names: refs_load() */
	size_t nused;
};

/* Platforms as API types tell them apart. */
enum family {
	ON_IOS = 1 << 0,
	ON_MACOS = 1 << 1,
	ON_WINDOWS = 1 << 2,     /* 8.1, 10, 11 */
	ON_PHONE = 1 << 3,       /* Windows Phone 8.1 */
	ON_ANDROID = 1 << 4,     /* device administrator */
	ON_FORWORK = 1 << 5,     /* personally owned work profile, older names */
	ON_WORKPROFILE = 1 << 6, /* personally owned work profile */
	ON_OWNER = 1 << 7,       /* fully managed, dedicated, corporate-owned work profile */
	ON_AOSP = 1 << 8,        /* Android without Google's services */
	ON_LINUX = 1 << 9,
	ON_FORERUNNER = 1 << 10 /* windows10PFXImportCertificateProfile */
};
/* Types of Windows 10X: Windows, with other properties and under another path; a bit of ROOT() and SCEP() that no platform has. */
#define AS_10X (1 << 11)
#define OF_10X (ROOT(AS_10X) | SCEP(AS_10X))
#define NOT_10X (~OF_10X)
/* A type of VPN that has a table of its own; a bit of USES() that no platform's rows have. */
#define USES_IKEV2 (1 << 11)
#define ON_APPLE (ON_IOS | ON_MACOS)
#define ON_ENTERPRISE (ON_FORWORK | ON_WORKPROFILE | ON_OWNER | ON_AOSP)
#define ON_ANY 0x7ffu

/* The types that have a row, for struct field's `only`: families of one kind, joined by | with those of others. */
#define ROOT(families) ((uint64_t)(families))
#define PKCS(families) ((uint64_t)(families) << 12)
#define SCEP(families) ((uint64_t)(families) << 24)
#define PFX(families) ((uint64_t)(families) << 36)
#define USES(families) ((uint64_t)(families) << 48) /* Wi-Fi, VPN, mail: kinds that share no rows */

struct profile_type;
struct warnings;

/* Rows of a kind, a part of them: several kinds share some. */
struct rows_of {
	const struct field *v;
	size_t n;
};

/* A name under which profiles of a kind refer to others (model/refs.h). */
/* REF_ISSUER: the root above the certificate that is used. */
enum reference_to { REF_ROOT = 1, REF_CERTIFICATE, REF_ISSUER };
struct reference {
	const char *name; /* "identityCertificate" */
	enum reference_to to;
	bool many;
	uint64_t only; /* as of struct field */
};

struct kind {
	const char *name;              /* "pkcs": stored in slots */
	const char *title;             /* "PKCS certificate" */
	const struct rows_of *rows[4]; /* in the order in which they are shown; NULL: no more */
	size_t size;                   /* of the struct that the rows describe */
	bool needs_user;               /* its slots belong to the user of the device, too */
	bool needs_root;               /* refers to a trusted-root profile */
	bool needs_pfx;                /* wants subject_of.pfx */
	/* A reference that these settings cannot do without; NULL: the first to a certificate will do. */
	const char *(*must)(const void *settings);
	/* Whether these settings use a certificate at all; NULL: they do. */
	bool (*certified)(const void *settings);
	const struct reference *refs; /* ended by name NULL; NULL: wants no subject_of.used */
	/* What the settings are where a type has no row for them; NULL: zeroes. */
	void (*begin)(void *settings);
	/* Rules over the whole settings, after the fields were read; what is allowed and deserves a look is added to
	 * warn. */
	err_t (*check)(struct arena *a, const struct profile_type *t, const void *settings,
	    struct warnings *warn);
	/* What follows from the settings as they are: secrets that they have no use for are forgotten, what is shown of them
	 * is said. After check, and whenever they are read. NULL: nothing does. */
	void (*settle)(void *settings);
	/* A failure here is the slot's fault: it names user, field and next step. */
	err_t (*reduce)(struct arena *a, const struct profile *p, const void *settings,
	    const struct subject_of *who, struct primitive *ret);
	/* One of several things that reduce() gave, each of which gets a slot of its own: the i-th of what->npfx. NULL: there
	 * is only one. */
	err_t (*item)(
	    struct arena *a, const struct primitive *what, size_t i, struct primitive *ret);
};

extern const struct kind *const kind_table[];
extern const size_t kind_count;

/* In which order a device gets things: trusted roots 0, certificates 1, what uses them 2. They go the other way round. */
enum { KIND_RANKS = 3 };
int kind_rank(const struct kind *k);
int kind_rank_of(const char *name);

/* Kinds whose slots have no certificate of the device's own. */
#define KIND_TRUSTED_ROOT "trusted-root"
#define KIND_NETWORK "network"
#define KIND_WIFI_KEY "wifi-key"
bool kind_has_certificate(const char *name);

#endif
