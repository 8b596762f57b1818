/* SPDX-License-Identifier: Apache-2.0 */
/* The root that the server of a network shows, for tests of what devices are told about networks. */
#ifndef TESTS_UNIT_DEVICE_RADIUS_H
#define TESTS_UNIT_DEVICE_RADIUS_H

#include "pki/made.h"

struct radius {
	struct arena *a;
	struct made root;
	struct str der;
};

static inline int
radius_setup(void **state)
{
	struct radius *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->a = arena_new();
	f->root = made_root(f->a, "Radius Root", KEY_EC, KEY_P256);
	f->der = cert_der(f->root.cert);
	*state = f;
	return 0;
}

static inline int
radius_teardown(void **state)
{
	struct radius *f = *state;

	made_free(&f->root);
	arena_free(f->a);
	free(f);
	return 0;
}

#endif
