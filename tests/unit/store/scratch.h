/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scratch database in a folder of its own. For records: one writing transaction on the thread of the test, so that
 * expectations stand beside the calls. For the engine: the path alone.
 */
#ifndef TESTS_UNIT_STORE_SCRATCH_H
#define TESTS_UNIT_STORE_SCRATCH_H

#include "expect.h"

#include <dirent.h>
#include <unistd.h>

#include "store/row.h"

struct scratch {
	char dir[64], path[96];
	struct arena *a;
	struct db *db;
	struct tx tx;
};

static inline struct scratch *
scratch_new(void)
{
	struct scratch *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	snprintf(x->dir, sizeof(x->dir), "/tmp/store-XXXXXX");
	assert_non_null(mkdtemp(x->dir));
	snprintf(x->path, sizeof(x->path), "%s/x.db", x->dir);
	x->a = arena_new();
	return x;
}

static inline int
scratch_free(void **state)
{
	struct scratch *x = *state;
	char path[400];
	DIR *d;

	db_close(x->db);
	arena_free(x->a);
	d = opendir(x->dir);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		snprintf(path, sizeof(path), "%s/%s", x->dir, e->d_name);
		unlink(path);
	}
	closedir(d);
	rmdir(x->dir);
	free(x);
	return 0;
}

static inline int
scratch_open(void **state)
{
	*state = scratch_new();
	return 0;
}

static inline int
scratch_begin(void **state, enum store_schema schema)
{
	struct scratch *x = scratch_new();

	expect_ok(db_open(x->path, schema, true, &x->db));
	expect_ok(db_begin(x->db));
	x->tx = (struct tx){ .db = x->db, .writes = true, .a = x->a };
	*state = x;
	return 0;
}

static inline int
scratch_service(void **state)
{
	return scratch_begin(state, STORE_SERVICE);
}

static inline int
scratch_ca(void **state)
{
	return scratch_begin(state, STORE_CA);
}

/* An id that sorts by n. */
static inline struct id
id_n(unsigned n)
{
	struct id id = { { 0 } };

	id.b[13] = (uint8_t)(n >> 16);
	id.b[14] = (uint8_t)(n >> 8);
	id.b[15] = (uint8_t)n;
	return id;
}

#define ON_SERVICE(f) cmocka_unit_test_setup_teardown(f, scratch_service, scratch_free)
#define ON_CA(f) cmocka_unit_test_setup_teardown(f, scratch_ca, scratch_free)
#define ON_PATH(f) cmocka_unit_test_setup_teardown(f, scratch_open, scratch_free)
#define IN(state) \
	struct scratch *x = *(state); \
	struct tx *tx = &x->tx; \
	struct arena *a = x->a; \
	(void)a; \
	(void)tx

#endif
