/* SPDX-License-Identifier: Apache-2.0 */
/* chancery user: the people that certificates are for. */
#include "cli/api.h"
#include "cli/args.h"
#include "cli/effect.h"
#include "cli/entity.h"
#include "cli/find.h"
#include "cli/import.h"
#include "cli/out.h"

static const struct column columns[] = {
	{ .head = "USER", .key = "userPrincipalName" },
	{ .head = "NAME", .key = "displayName" },
	{ .head = "MAIL", .key = "mail" },
	{ .head = "ENABLED", .key = "accountEnabled" },
	{ .head = "ID", .key = "id" },
	{ 0 },
};

static const struct entity users = { "/v1.0/users", .columns = columns, .find = find_user };

static err_t
create(struct cli *c)
{
	auto_json json *body = json_object_new();
	const char *upn = args_text(c->args, "upn");

	if (upn == NULL && c->args->noperands == 1)
		upn = c->args->operands[0];
	if (upn == NULL)
		FAIL(ERR_USAGE, "USER is missing: its principal name, name@domain");
	if (c->args->noperands == 1 && args_has(c->args, "upn"))
		FAIL(ERR_USAGE, "USER and --upn are the same; give one of them");
	json_set_text(body, "userPrincipalName", upn);
	json_set_text(body, "displayName", upn);
	TRY(args_body(c->arena, c->args, body));
	return entity_create(c, &users, body);
}

static err_t
update(struct cli *c)
{
	auto_json json *body = json_object_new();
	const char *path;

	TRY(args_body(c->arena, c->args, body));
	if (json_count(body) == 0)
		FAIL(ERR_USAGE, "nothing to change was given");
	effect_now(c, body);
	TRY(entity_path(c, &users, "", &path));
	TRY(api_send(c, "PATCH", path, body, NULL));
	out_say(c, "changed");
	return OK;
}

#define USER_OPTS \
	{ .name = "upn", \
		.value = "UPN", \
		.property = "userPrincipalName", \
		.help = "Principal name, name@domain." }, \
	    { .name = "name", \
		    .value = "TEXT", \
		    .property = "displayName", \
		    .help = "Name for people." }, \
	    { .name = "mail", \
		    .value = "MAIL", \
		    .property = "mail", \
		    .help = "E-mail address; {{EmailAddress}}." }, \
	    { .name = "given-name", \
		    .value = "TEXT", \
		    .property = "givenName", \
		    .help = "First name." }, \
	    { .name = "surname", .value = "TEXT", .property = "surname", .help = "Last name." }, \
	    { .name = "mail-nickname", \
		    .value = "TEXT", \
		    .property = "mailNickname", \
		    .help = "Mail alias." }, \
	    { .name = "job-title", .value = "TEXT", .property = "jobTitle", .help = "Title." }, \
	    { .name = "department", \
		    .value = "TEXT", \
		    .property = "department", \
		    .help = "Department." }, \
	    { .name = "employee-id", \
		    .value = "TEXT", \
		    .property = "employeeId", \
		    .help = "Personnel number." }, \
	    { .name = "sam-account", \
		    .value = "TEXT", \
		    .property = "onPremisesSamAccountName", \
		    .help = "Short log-on name in Active Directory." }, \
	    { .name = "dn", \
		    .value = "DN", \
		    .property = "onPremisesDistinguishedName", \
		    .help = "Distinguished name in Active Directory." }, \
	    { .name = "sid", \
		    .value = "SID", \
		    .property = "onPremisesSecurityIdentifier", \
		    .help = "Security identifier in Active Directory." }, \
	    { .name = "immutable-id", \
		    .value = "TEXT", \
		    .property = "onPremisesImmutableId", \
		    .help = \
			"Key in the directory that the user comes from; finds who was renamed." }, \
	    { .name = "on-premises-upn", \
		    .value = "UPN", \
		    .property = "onPremisesUserPrincipalName", \
		    .help = "Principal name in Active Directory." }, \
	    { .name = "domain", \
		    .value = "NAME", \
		    .property = "onPremisesDomainName", \
		    .help = "DNS name of the domain." }, \
	    { .name = "office", \
		    .value = "TEXT", \
		    .property = "officeLocation", \
		    .help = "Office." }, \
	    { .name = "mobile", \
		    .value = "TEXT", \
		    .property = "mobilePhone", \
		    .help = "Mobile number." }, \
	    { .name = "company", .value = "TEXT", .property = "companyName", .help = "Company." }, \
	{ \
		.name = "enabled", .value = "BOOL", .property = "accountEnabled", .is_bool = true, \
		.help = "false: certificates are removed and revoked." \
	}

static const struct opt user_opts[] = { USER_OPTS, { 0 } };
static const struct opt update_opts[] = { USER_OPTS, EFFECT_NOW_OPT, { 0 } };
static const struct opt import_opts[] = { IMPORT_OPTS,
	{ .name = "yes", .help = "Also where many certificates are issued again for it." }, { 0 } };

static err_t
import_users(struct cli *c)
{
	return import_run(c, "users", user_opts);
}

static const struct verb verbs[] = {
	{ "create", "Make a user.", "[USER]", user_opts, create },
	{ "list", "The users.", NULL, NULL, entity_list, &users },
	{ "show", "One user.", "USER", NULL, entity_show, &users },
	{ "update", "Change a user; certificates follow.", "USER", update_opts, update },
	{ "delete", "Delete a user; certificates are removed and revoked.", "USER", NULL,
	    entity_delete, &users },
	{ "import", "Users of a CSV or JSON file, all or none; those that are there are changed.",
	    "FILE", import_opts, import_users },
	{ 0 },
};

const struct command command_user = { "user", "The people that certificates are for.", verbs };
