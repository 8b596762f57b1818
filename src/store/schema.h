/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema files, in order, as the build took them from schema/service and schema/ca. Number n brings a database
 * from schema n - 1 to n. Files are added, never edited.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stddef.h>

struct migration {
	const char *name;
	const char *sql;
};

extern const struct migration schema_service[];
extern const size_t schema_service_count;
extern const struct migration schema_ca[];
extern const size_t schema_ca_count;

#endif
