/* SPDX-License-Identifier: Apache-2.0 */
/* Attribute types of names: see dn_key.h. */
#include "codec/dn_key.h"

#include "base/limits.h"
#include "base/text.h"

/* Of several rows with one OID the first is what is printed. */
static const struct dn_key keys[] = {
	{ "CN", "2.5.4.3", DN_DIRECTORY, 64 },
	{ "SN", "2.5.4.4", DN_DIRECTORY, 40 },
	{ "SERIALNUMBER", "2.5.4.5", DN_PRINTABLE, 64 },
	{ "C", DN_OID_COUNTRY, DN_PRINTABLE, 2 },
	{ "L", "2.5.4.7", DN_DIRECTORY, 128 },
	{ "ST", "2.5.4.8", DN_DIRECTORY, 128 },
	{ "S", "2.5.4.8", DN_DIRECTORY, 128 },
	{ "STREET", "2.5.4.9", DN_DIRECTORY, 128 },
	{ "O", "2.5.4.10", DN_DIRECTORY, 64 },
	{ "OU", "2.5.4.11", DN_DIRECTORY, 64 },
	{ "T", "2.5.4.12", DN_DIRECTORY, 64 },
	{ "TITLE", "2.5.4.12", DN_DIRECTORY, 64 },
	{ "DESCRIPTION", "2.5.4.13", DN_DIRECTORY, 1024 },
	{ "POSTALCODE", "2.5.4.17", DN_DIRECTORY, 40 },
	{ "G", "2.5.4.42", DN_DIRECTORY, 64 },
	{ "GIVENNAME", "2.5.4.42", DN_DIRECTORY, 64 },
	{ "I", "2.5.4.43", DN_DIRECTORY, 64 },
	{ "INITIALS", "2.5.4.43", DN_DIRECTORY, 64 },
	{ "DNQUALIFIER", "2.5.4.46", DN_PRINTABLE, 64 },
	{ "UID", "0.9.2342.19200300.100.1.1", DN_DIRECTORY, 256 },
	{ "USERID", "0.9.2342.19200300.100.1.1", DN_DIRECTORY, 256 },
	{ "DC", "0.9.2342.19200300.100.1.25", DN_IA5, 63 },
	{ "E", "1.2.840.113549.1.9.1", DN_IA5, 255 },
	{ "EMAIL", "1.2.840.113549.1.9.1", DN_IA5, 255 },
	{ "EMAILADDRESS", "1.2.840.113549.1.9.1", DN_IA5, 255 },
	{ "UNSTRUCTUREDNAME", "1.2.840.113549.1.9.2", DN_DIRECTORY, 255 },
	{ "UNSTRUCTUREDADDRESS", "1.2.840.113549.1.9.8", DN_DIRECTORY, 255 },
};

const struct dn_key *
dn_key_by_name(struct str name)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		if (str_ieq_c(name, keys[i].name))
			return &keys[i];
	return NULL;
}

const struct dn_key *
dn_key_by_oid(const char *oid)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		if (strcmp(oid, keys[i].oid) == 0)
			return &keys[i];
	return NULL;
}

static bool
letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
dn_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (!letter(*s) && (*s < '0' || *s > '9') && strchr(" '()+,-./:=?", *s) == NULL)
			return false;
	return true;
}

bool
dn_ia5(const char *s)
{
	for (; *s != '\0'; s++)
		if ((uint8_t)*s >= 0x80)
			return false;
	return true;
}

static size_t
characters(const char *utf8)
{
	size_t n = 0;

	for (; *utf8 != '\0'; utf8++)
		n += ((uint8_t)*utf8 & 0xc0) != 0x80;
	return n;
}

bool
dn_has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((uint8_t)*s < 0x20 || *s == 0x7f ||
		    ((uint8_t)s[0] == 0xc2 && (uint8_t)s[1] >= 0x80 && (uint8_t)s[1] < 0xa0))
			return true;
	return false;
}

err_t
dn_value_check(const char *oid, const char *value)
{
	const struct dn_key *k = dn_key_by_oid(oid);
	const char *name = k == NULL ? oid : k->name;
	enum dn_string type = k == NULL ? DN_DIRECTORY : k->string;

	if (value[0] == '\0')
		FAIL(ERR_NAME_CHARACTERS, "%s is empty", name);
	if (strlen(value) > LIMIT_NAME_VALUE)
		FAIL(ERR_NAME_TOO_LONG, "%s has %zu bytes, at most %u", name, strlen(value),
		    LIMIT_NAME_VALUE);
	if (!err_ok(text_utf8(str_c(value))))
		FAIL(ERR_NAME_CHARACTERS, "%s is not UTF-8", name);
	if (dn_has_control(value))
		FAIL(ERR_NAME_CHARACTERS, "%s has a control character", name);
	if (strcmp(oid, DN_OID_COUNTRY) == 0 &&
	    (strlen(value) != 2 || !letter(value[0]) || !letter(value[1])))
		FAIL(ERR_NAME_CHARACTERS, "C must be a country code of two letters, not \"%s\"",
		    value);
	if (k != NULL && k->max != 0 && characters(value) > k->max)
		FAIL(ERR_NAME_TOO_LONG, "%s has %zu characters, at most %zu", name,
		    characters(value), k->max);
	if (type == DN_PRINTABLE && !dn_printable(value))
		FAIL(ERR_NAME_CHARACTERS,
		    "%s allows letters, digits, blanks and '()+,-./:=? only, not \"%s\"", name,
		    value);
	if (type == DN_IA5 && !dn_ia5(value))
		FAIL(ERR_NAME_CHARACTERS, "%s allows ASCII only, not \"%s\"", name, value);
	return OK;
}
