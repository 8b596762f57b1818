/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: what is refused. */
#include "scratch.h"

#include <fcntl.h>
#include <sqlite3.h>

static void
sql(const char *path, const char *text)
{
	sqlite3 *h = NULL;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(h);
}

static void
made(const char *path)
{
	struct db *db = NULL;

	expect_ok(db_open(path, STORE_SERVICE, true, &db));
	db_close(db);
}

static void
a_database_of_a_newer_version_is_refused(void **state)
{
	struct scratch *x = *state;
	struct db *db = NULL;

	made(x->path);
	sql(x->path, "PRAGMA user_version = 999");
	expect_err(ERR_STORE_NEWER, db_open(x->path, STORE_SERVICE, true, &db));
	assert_null(db);
}

static void
a_database_of_the_other_schema_is_refused(void **state)
{
	struct scratch *x = *state;
	struct db *db = NULL;

	made(x->path);
	expect_err(ERR_STORE, db_open(x->path, STORE_CA, true, &db));
	made(x->path);
}

static void
a_file_that_is_no_database_is_refused(void **state)
{
	struct scratch *x = *state;
	struct db *db = NULL;
	int fd = open(x->path, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(write(fd, "This is not a database, whatever else it may be.\n", 49), 49);
	close(fd);
	expect_err(ERR_STORE, db_open(x->path, STORE_SERVICE, true, &db));
}

static void
a_folder_that_is_not_there_is_refused(void **state)
{
	struct db *db = NULL;

	(void)state;
	expect_err(ERR_STORE, db_open("/nonexistent/x.db", STORE_SERVICE, true, &db));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_PATH(a_database_of_a_newer_version_is_refused),
		ON_PATH(a_database_of_the_other_schema_is_refused),
		ON_PATH(a_file_that_is_no_database_is_refused),
		ON_PATH(a_folder_that_is_not_there_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
