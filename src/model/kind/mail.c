/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind: a mail account (Exchange ActiveSync) that logs on, signs or decrypts by a certificate.
 */
#include "model/subject.h"
#include "model/use.h"

enum domain_source { DOMAIN_FULL, DOMAIN_NETBIOS };

static const struct field_member addresses[] = {
	{ "userPrincipalName", MAIL_UPN },
	{ "primarySmtpAddress", MAIL_SMTP },
	{ 0 },
};

static const struct field_member users[] = {
	{ "userPrincipalName", MAIL_UPN },
	{ "primarySmtpAddress", MAIL_SMTP },
	{ "samAccountName", MAIL_SAM },
	{ 0 },
};

static const struct field_member domains[] = {
	{ "fullDomainName", DOMAIN_FULL },
	{ "netBiosDomainName", DOMAIN_NETBIOS },
	{ 0 },
};

/* Values are those of Apple's MailNumberOfPastDaysToSync; userDefined is left to the person. */
static const struct field_member spans[] = {
	{ "userDefined", FIELD_UNSET - 1 },
	{ "oneDay", 1 },
	{ "threeDays", 3 },
	{ "oneWeek", 7 },
	{ "twoWeeks", 14 },
	{ "oneMonth", 31 },
	{ "unlimited", 0 },
	{ 0 },
};

static const struct field_member services[] = {
	{ "none", 0 },
	{ "calendars", MAIL_CALENDARS },
	{ "contacts", MAIL_CONTACTS },
	{ "email", MAIL_MAIL },
	{ "notes", MAIL_NOTES },
	{ "reminders", MAIL_REMINDERS },
	{ 0 },
};

#define SWITCH(member_, name_, help_) \
	FIELD(struct mail, member_, FIELD_BOOL, .name = name_, .help = help_)

static const struct field fields[] = {
	FIELD(struct mail, user_source, FIELD_ENUM, .name = "usernameSource", .members = addresses,
	    .fallback = MAIL_UPN, .help = "What the account logs on as."),
	FIELD(struct mail, user_other, FIELD_ENUM, .name = "usernameAADSource",
	    .flags = FIELD_NULLABLE, .members = users, .fallback = FIELD_UNSET,
	    .help = "The same with more to choose from; null: as usernameSource says."),
	FIELD(struct mail, domain_source, FIELD_ENUM, .name = "userDomainNameSource",
	    .flags = FIELD_NULLABLE, .members = domains, .fallback = FIELD_UNSET,
	    .help = "Domain before a samAccountName; null: none, or customDomainName."),
	FIELD(struct mail, domain, FIELD_TEXT, .name = "customDomainName", .flags = FIELD_NULLABLE,
	    .help = "Domain before a samAccountName, in place of the user's own."),
	FIELD(struct mail, account, FIELD_TEXT, .name = "accountName", .flags = FIELD_REQUIRED,
	    .help = "Name of the account, for people."),
	FIELD(struct mail, authentication, FIELD_ENUM, .name = "authenticationMethod",
	    .members = (const struct field_member[]){ { "usernameAndPassword", 1 },
		{ "certificate", USE_CERTIFICATE }, { 0 } },
	    .fallback = USE_CERTIFICATE,
	    .help = "What the account shows; a password the person enters."),
	SWITCH(keep_messages, "blockMovingMessagesToOtherEmailAccounts",
	    "Messages stay in this account."),
	SWITCH(apps_blocked, "blockSendingEmailFromThirdPartyApps", "Only Mail sends with it."),
	SWITCH(recents_private, "blockSyncingRecentlyUsedEmailAddresses",
	    "Addresses that were used stay on the device."),
	FIELD(struct mail, days, FIELD_ENUM, .name = "durationOfEmailToSync", .members = spans,
	    .fallback = FIELD_UNSET - 1, .help = "How far back mail is brought."),
	FIELD(struct mail, address_source, FIELD_ENUM, .name = "emailAddressSource",
	    .members = addresses, .fallback = MAIL_SMTP, .help = "Which is the mail address."),
	FIELD(struct mail, services, FIELD_FLAGS, .name = "easServices", .members = services,
	    .fallback = MAIL_CALENDARS | MAIL_CONTACTS | MAIL_MAIL | MAIL_NOTES | MAIL_REMINDERS,
	    .help = "What is brought."),
	SWITCH(services_override, "easServicesUserOverrideEnabled",
	    "The person may change what is brought."),
	FIELD(struct mail, host, FIELD_TEXT, .name = "hostName", .flags = FIELD_REQUIRED,
	    .help = "Exchange server."),
	SWITCH(required, "requireSmime", "Mail is signed and encrypted."),
	SWITCH(per_message, "smimeEnablePerMessageSwitch",
	    "The person chooses for each message whether it is encrypted."),
	SWITCH(encrypt, "smimeEncryptByDefaultEnabled", "Messages are encrypted."),
	SWITCH(signing, "smimeSigningEnabled", "Messages are signed."),
	SWITCH(signing_override, "smimeSigningUserOverrideEnabled",
	    "The person may change whether messages are signed."),
	SWITCH(encrypt_override, "smimeEncryptByDefaultUserOverrideEnabled",
	    "The person may change whether messages are encrypted."),
	SWITCH(signing_choice, "smimeSigningCertificateUserOverrideEnabled",
	    "The person may choose another certificate to sign with."),
	SWITCH(encryption_choice, "smimeEncryptionCertificateUserOverrideEnabled",
	    "The person may choose another certificate for encryption."),
	FIELD(struct mail, ssl, FIELD_BOOL, .name = "requireSsl", .fallback = 1,
	    .help = "The server is spoken to by TLS; anything else is refused."),
	SWITCH(oauth, "useOAuth", "Log on by OAuth."),
};

static const struct reference refs[] = {
	{ "identityCertificate", REF_CERTIFICATE, false, USES(ON_IOS) },
	{ "smimeSigningCertificate", REF_CERTIFICATE, false, USES(ON_IOS) },
	{ "smimeEncryptionCertificate", REF_CERTIFICATE, false, USES(ON_IOS) },
	{ 0 },
};

static err_t
check(struct arena *a, const struct profile_type *t, const void *settings, struct warnings *w)
{
	const struct mail *s = settings;

	(void)a;
	(void)w;
	TRY(applicability_check(t, &s->rules));
	if (s->host[0] == '\0')
		FAIL(ERR_MODEL_INVALID, "\"hostName\" must not be empty");
	if (!s->ssl)
		FAIL(ERR_MODEL_INVALID,
		    "\"requireSsl\" must be true: mail is not carried in the clear");
	if (s->domain_source == DOMAIN_NETBIOS)
		FAIL(ERR_MODEL_INVALID,
		    "\"userDomainNameSource\" netBiosDomainName is not known here: give it in "
		    "\"customDomainName\"");
	if (s->oauth && s->authentication == USE_CERTIFICATE)
		FAIL(ERR_MODEL_INVALID,
		    "\"useOAuth\" goes with \"authenticationMethod\" usernameAndPassword");
	return OK;
}

static err_t
person(struct arena *a, const struct subject_of *who, int64_t source, const char **ret)
{
	static const char *const formats[] = {
		[MAIL_UPN] = "{{UserPrincipalName}}",
		[MAIL_SMTP] = "{{EmailAddress}}",
		[MAIL_SAM] = "{{onPremisesSamAccountName}}",
	};

	return use_text(a, who, formats[source], ret);
}

static err_t
log_on_name(struct arena *a, const struct mail *s, const struct subject_of *who, const char **ret)
{
	int64_t source = s->user_other != FIELD_UNSET ? s->user_other : s->user_source;
	const char *name, *upn, *domain = s->domain;

	TRY(person(a, who, source, &name));
	*ret = name;
	if (source != MAIL_SAM)
		return OK;
	if ((domain == NULL || domain[0] == '\0') && s->domain_source == DOMAIN_FULL) {
		TRY(person(a, who, MAIL_UPN, &upn));
		domain = strchr(upn, '@') == NULL ? "" : strchr(upn, '@') + 1;
	}
	if (domain != NULL && domain[0] != '\0')
		*ret = arena_printf(a, "%s\\%s", domain, name);
	return OK;
}

static bool
names(const struct subject_of *who, const char *reference)
{
	for (size_t i = 0; i < who->nused; i++)
		if (strcmp(who->used[i].as->name, reference) == 0)
			return true;
	return false;
}

static const char *
must(const void *settings)
{
	const struct mail *s = settings;

	return s->authentication == USE_CERTIFICATE ? "identityCertificate" : NULL;
}

static err_t
reduce(struct arena *a, const struct profile *p, const void *settings, const struct subject_of *who,
    struct primitive *ret)
{
	const struct mail *s = settings;
	struct use u = { .kind = USE_MAIL, .mail = s };

	if (who->user == NULL)
		FAIL(ERR_NO_USER, "profile \"%s\" is the mail account of a user", p->display_name);
	TRY(log_on_name(a, s, who, &u.user));
	TRY(person(a, who, s->address_source, &u.address));
	u.logs_on = s->authentication == USE_CERTIFICATE && names(who, "identityCertificate");
	u.signs = names(who, "smimeSigningCertificate");
	u.encrypts = names(who, "smimeEncryptionCertificate");
	return use_reduce(a, p, who, &u, ret);
}

extern const struct kind kind_mail;
const struct kind kind_mail = {
	.name = "mail",
	.title = "Mail account by certificate",
	.rows = { &applicability_rows, &(const struct rows_of){ fields, COUNT(fields) } },
	.size = sizeof(struct mail),
	.needs_user = true,
	.needs_root = true,
	.needs_pfx = true,
	.refs = refs,
	.must = must,
	.check = check,
	.reduce = reduce,
};
