/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile kinds: what a profile is about, whatever the platform. A kind has a field table for its settings and reduces a
 * profile for one device to a primitive that every platform can render. Kinds do not know platforms.
 *
 * One file in model/kind/ a kind; the build makes kind_table from the list in its meson.build. Which API types exist
 * (kind x platform) is a table of rows in model/profile_type.h.
 */
#ifndef MODEL_KIND_H
#define MODEL_KIND_H

#include "codec/dn.h"
#include "codec/field.h"
#include "codec/san.h"
#include "store/slot.h"
#include "store/profile.h"

enum primitive_kind { PRIM_TRUST = 1, PRIM_ENROL, PRIM_DELIVER };

/* What one device shall have because of one profile. Everything in the arena of the call. */
struct primitive {
	enum primitive_kind kind;
	struct str der; /* TRUST: the CA certificate */
	/* DELIVER: made by a connector, sealed to the device */
	const char *ca, *ca_host, *template;
	struct str subject; /* DER Name */
	struct str san;     /* DER GeneralNames; empty: none */
	const char *sid;
	const char **ekus;
	size_t nekus;
	unsigned key_bits;
	struct id root;      /* trusted-root profile that must be on the device first; zero: none */
	int renewal_percent; /* renew when so much of the life is left */
	struct str hash;     /* SHA-256 over everything above that makes it "the same content" */
};

/* Who a profile is reduced for. */
struct subject_of {
	const struct device *device;
	const struct user *user; /* NULL: none */
};

struct kind {
	const char *name;  /* "pkcs": stored in slots */
	const char *title; /* "PKCS certificate" */
	const struct field *fields;
	size_t nfields;
	size_t size;     /* of the struct that fields describe */
	bool needs_user; /* its slots belong to the user of the device, too */
	bool needs_root; /* refers to a trusted-root profile */
	/* Rules over the whole settings, after the fields were read. */
	err_t (*check)(struct arena *a, const void *settings);
	/* A failure here is the slot's fault: it names user, field and next step. */
	err_t (*reduce)(struct arena *a, const struct profile *p, const void *settings,
	    const struct subject_of *who, struct primitive *ret);
};

extern const struct kind *const kind_table[];
extern const size_t kind_count;

#endif
