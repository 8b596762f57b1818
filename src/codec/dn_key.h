/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attribute types that names may have: keyword, OID, string type and upper bound (X.520, RFC
 * 5280 appendix A, RFC 4519). Serves the files of codec/dn.h only.
 */
#ifndef CODEC_DN_KEY_H
#define CODEC_DN_KEY_H

#include "base/str.h"

enum dn_string { DN_DIRECTORY, DN_PRINTABLE, DN_IA5 };

struct dn_key {
	const char *name;
	const char *oid;
	enum dn_string string;
	size_t max; /* characters; 0: LIMIT_NAME_VALUE bytes and no other */
};

#define DN_OID_COUNTRY "2.5.4.6"

/* By keyword, case ignored; NULL: none. */
const struct dn_key *dn_key_by_name(struct str name);
/* The row that gives the type its printed name; NULL: none. */
const struct dn_key *dn_key_by_oid(const char *oid);

bool dn_printable(const char *s); /* fits PrintableString; X.680 41.4 */
bool dn_ia5(const char *s);
bool dn_has_control(const char *s); /* C0, DEL or C1 */
/* X.520 upper bounds and character sets: ERR_NAME_TOO_LONG, ERR_NAME_CHARACTERS, naming the
 * attribute. */
err_t dn_value_check(const char *oid, const char *value);

#endif
