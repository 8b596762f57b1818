/* SPDX-License-Identifier: Apache-2.0 */
/* Names of certificates: see cert_name.h. */
#include "model/cert_name.h"

#include <assert.h>

#include "model/subject.h"

/* KB5014754: how a security identifier stands in an alternative name. */
#define SID_URI "tag:microsoft.com,2022-09-14:sid:"
#define SID_VARIABLE "{{OnPremisesSecurityIdentifier}}"

/* What the members other than custom stand for. */
static const struct {
	int64_t format;
	const char *of_user, *of_machine;
} name_texts[] = {
	{ NAME_COMMON, "CN={{UserName}}", "CN={{AAD_Device_ID}}" },
	{ NAME_COMMON_AND_EMAIL, "CN={{UserName}},E={{EmailAddress}}", NULL },
	{ NAME_EMAIL, "CN={{EmailAddress}}", NULL },
	{ NAME_IMEI, "CN={{IMEINumber}}", NULL },
	{ NAME_SERIAL, "CN={{SerialNumber}}", NULL },
	{ NAME_AAD_DEVICE, "CN={{AAD_Device_ID}}", NULL },
	{ NAME_INTUNE_DEVICE, "CN={{DeviceId}}", NULL },
	{ NAME_DURABLE_DEVICE, "CN={{DeviceId}}", NULL },
};

/* How each is encoded, and its value where the profile gives none; NULL: it always needs one. */
static const struct alt_kind {
	int64_t type;
	enum san_type san;
	const char *text;
	const char *name;
} alts[] = {
	{ ALT_EMAIL, SAN_EMAIL, "{{EmailAddress}}", "emailAddress" },
	{ ALT_UPN, SAN_UPN, "{{UserPrincipalName}}", "userPrincipalName" },
	/* A name for log-on from another attribute than the usual one. */
	{ ALT_ATTRIBUTE, SAN_UPN, NULL, "customAzureADAttribute" },
	{ ALT_DNS, SAN_DNS, "{{FullyQualifiedDomainName}}", "domainNameService" },
	{ ALT_URI, SAN_URI, NULL, "universalResourceIdentifier" },
};

static bool
given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static bool
of_machine(const struct cert_profile *p)
{
	return p->store == CERT_OF_MACHINE;
}

static const char *
name_text(const struct cert_profile *p)
{
	int64_t format = p->name_format;

	if (format == FIELD_UNSET)
		format = given(p->name_text) ? NAME_CUSTOM : NAME_COMMON;
	for (size_t i = 0; i < COUNT(name_texts); i++)
		if (name_texts[i].format == format)
			return of_machine(p) && name_texts[i].of_machine != NULL ?
			    name_texts[i].of_machine :
			    name_texts[i].of_user;
	return p->name_text;
}

static const struct alt_kind *
alt_kind(int64_t type)
{
	for (size_t i = 0; i < COUNT(alts); i++)
		if (alts[i].type == type)
			return &alts[i];
	return NULL;
}

/* An alternative name to be made. */
struct wanted {
	const struct alt_kind *kind;
	const char *format;
};

/* Those of the list; else one for each flag, where the one text that there is belongs to the one flag that is set. */
static size_t
wanted(const struct cert_profile *p, struct wanted v[LIMIT_SANS])
{
	const struct alt *custom = p->alts.v;
	int64_t flags = p->alt_types == FIELD_UNSET ? 0 : p->alt_types;
	bool one = (flags & (flags - 1)) == 0 && given(p->alt_format);
	size_t n = 0;

	assert(p->alts.n <= LIMIT_SANS);
	for (size_t i = 0; i < p->alts.n; i++)
		v[n++] = (struct wanted){ alt_kind(custom[i].type), custom[i].format };
	for (size_t i = 0; p->alts.n == 0 && i < COUNT(alts); i++)
		if ((flags & alts[i].type) != 0)
			v[n++] = (struct wanted){ &alts[i], one ? p->alt_format : alts[i].text };
	return n;
}

/* The property that has the alternative names of this type. */
static const char *
alts_name(const struct profile_type *t)
{
	return (t->only & OF_10X) != 0 ? "subjectAlternativeNameFormats" :
					 "customSubjectAlternativeNames";
}

err_t
cert_name_check(struct arena *a, const struct profile_type *t, const struct cert_profile *p)
{
	struct subject_use use = { .family = t->family, .of_machine = of_machine(p) };
	struct wanted v[LIMIT_SANS];
	const char *text = name_text(p);
	size_t n;

	if (!given(text))
		FAIL(ERR_MODEL_INVALID,
		    "\"subjectNameFormatString\" is needed with \"subjectNameFormat\" custom");
	TRY_CTX(subject_use_check(a, &use, text), "\"%s\"",
	    text == p->name_text ? "subjectNameFormatString" : "subjectNameFormat");
	for (size_t i = 0; i < p->alts.n; i++) {
		const struct alt *x = (const struct alt *)p->alts.v + i;

		if (x->type == ALT_NONE || !given(x->format))
			FAIL(ERR_MODEL_INVALID,
			    "\"%s\", element %zu needs a \"sanType\" and a \"name\"", alts_name(t),
			    i);
	}
	n = wanted(p, v);
	for (size_t i = 0; i < n; i++) {
		if (!given(v[i].format))
			FAIL(ERR_MODEL_INVALID,
			    "\"subjectAlternativeNameType\" %s needs a value in "
			    "\"customSubjectAlternativeNames\"",
			    v[i].kind->name);
		use.for_logon = v[i].kind->san == SAN_UPN;
		TRY_CTX(subject_use_check(a, &use, v[i].format), "\"%s\", %s",
		    p->alts.n > 0 ? alts_name(t) : "subjectAlternativeNameType", v[i].kind->name);
	}
	return OK;
}

static err_t
alt_make(struct arena *a, const struct wanted *w, const struct subject_of *who, struct san *ret)
{
	TRY_CTX(dn_text_resolve(a, w->format, subject_lookup, (void *)(uintptr_t)who, &ret->value),
	    "alternative name %s", san_type_name(w->kind->san));
	ret->type = w->kind->san;
	if (ret->type == SAN_URI && str_ieq_c(str_c(w->format), SID_VARIABLE))
		ret->value = arena_printf(a, SID_URI "%s", ret->value);
	return OK;
}

err_t
cert_name_make(struct arena *a, const struct cert_profile *p, const struct subject_of *who,
    struct str *ret_subject, struct str *ret_san)
{
	struct wanted v[LIMIT_SANS];
	struct san san[LIMIT_SANS];
	struct dn_format *format;
	struct dn name;
	size_t n = wanted(p, v);

	TRY(dn_format_parse(a, name_text(p), &format));
	TRY(dn_resolve(a, format, subject_lookup, (void *)(uintptr_t)who, &name));
	TRY(dn_encode(a, &name, ret_subject));
	for (size_t i = 0; i < n; i++)
		TRY(alt_make(a, &v[i], who, &san[i]));
	*ret_san = STR_EMPTY;
	return n == 0 ? OK : san_encode(a, san, n, ret_san);
}
