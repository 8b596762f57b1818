/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/attribute.h"

/* What would set a name, a purpose or a place to publish to. */
static const char *const never[] = { "SAN", "CertificateUsage", "CertType", "UPN", "RequesterName",
	"certfile", "CN", "CommonName", "O", "Organization", "OU", "OrgUnit", "OrganizationalUnit",
	"E", "EMail", "DC", "DomainComponent", "L", "Locality", "S", "State", "C", "Country" };

static bool
skipped(char c)
{
	return c == ' ' || c == '-';
}

static bool
same_name(const char *a, const char *b)
{
	for (;;) {
		char x[2] = { 0 };

		while (skipped(*a))
			a++;
		while (skipped(*b))
			b++;
		x[0] = *b;
		if (!str_ieq_c(str_of(a, *a != '\0' ? 1 : 0), x))
			return false;
		if (*a == '\0')
			return true;
		a++;
		b++;
	}
}

const char *
attribute_get(const struct ca_submit_req *q, const char *name)
{
	for (size_t i = 0; i < q->nattributes; i++) {
		if (same_name(q->attributes[i].name, name))
			return q->attributes[i].value;
	}
	return "";
}

const char *
attribute_ignored(struct arena *a, const struct ca_submit_req *q)
{
	const char *list = "";

	for (size_t i = 0; i < COUNT(never); i++) {
		if (attribute_get(q, never[i])[0] != '\0')
			list =
			    arena_printf(a, "%s%s%s", list, list[0] != '\0' ? "," : "", never[i]);
	}
	return list;
}
