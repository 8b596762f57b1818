/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statements of the store: each has a name, and each backend has its text in a table of its own (sqlite/ holds
 * SQLite's). A statement that saves a record takes the record's columns as ?1, ?2 ... in the order of its struct, and
 * what it compares with after them.
 */
#ifndef STORE_STMT_H
#define STORE_STMT_H

enum stmt_id {
#define Q(name, sql) STMT_##name,
#include "store/sqlite/all.tbl"
#undef Q
	STMT_COUNT
};

const char *stmt_sql(enum stmt_id q);
const char *stmt_name(enum stmt_id q);

#endif
