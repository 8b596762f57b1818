/* SPDX-License-Identifier: Apache-2.0 */
/* Variables of names: see subject.h. */
#include "model/subject.h"

enum owner { OF_USER, OF_DEVICE };

struct variable {
	const char *name;
	enum owner owner;
	const char *field; /* of the directory, as the API names it */
	const char *(*get)(struct arena *a, const struct subject_of *who);
};

#define GET(name, expr) \
	static const char *get_##name(struct arena *a, const struct subject_of *who) \
	{ \
		(void)a; \
		return expr; \
	}

/* clang-format off */
GET(upn, who->user->upn)
GET(mail, who->user->mail)
GET(display_name, who->user->display_name)
GET(given_name, who->user->given_name)
GET(surname, who->user->surname)
GET(mail_nickname, who->user->mail_nickname)
GET(sam_account, who->user->sam_account)
GET(dn, who->user->dn)
GET(sid, who->user->sid)
GET(job_title, who->user->job_title)
GET(department, who->user->department)
GET(employee_id, who->user->employee_id)
GET(device_id, id_text(a, who->device->id))
GET(device_serial, who->device->serial)
GET(device_name, who->device->name)
GET(fqdn, who->device->fqdn)
/* clang-format on */

/* The part of the user principal name before '@'. */
static const char *
get_user_name(struct arena *a, const struct subject_of *who)
{
	struct str upn = str_c(who->user->upn);

	return arena_cstr(a, str_cut(&upn, '@'));
}

/* Several names for one value: forms of different ages write them differently. */
static const struct variable variables[] = {
	{ "UserName", OF_USER, "userPrincipalName", get_user_name },
	{ "UserPrincipalName", OF_USER, "userPrincipalName", get_upn },
	{ "EmailAddress", OF_USER, "mail", get_mail },
	{ "DisplayName", OF_USER, "displayName", get_display_name },
	{ "GivenName", OF_USER, "givenName", get_given_name },
	{ "SurName", OF_USER, "surname", get_surname },
	{ "MailNickname", OF_USER, "mailNickname", get_mail_nickname },
	{ "JobTitle", OF_USER, "jobTitle", get_job_title },
	{ "Department", OF_USER, "department", get_department },
	{ "EmployeeId", OF_USER, "employeeId", get_employee_id },
	{ "OnPremisesSamAccountName", OF_USER, "onPremisesSamAccountName", get_sam_account },
	{ "OnPrem_Distinguished_Name", OF_USER, "onPremisesDistinguishedName", get_dn },
	{ "OnPremisesSecurityIdentifier", OF_USER, "onPremisesSecurityIdentifier", get_sid },
	{ "AAD_Device_ID", OF_DEVICE, "azureADDeviceId", get_device_id },
	{ "AzureADDeviceId", OF_DEVICE, "azureADDeviceId", get_device_id },
	{ "DeviceId", OF_DEVICE, "id", get_device_id },
	{ "Device_Serial", OF_DEVICE, "serialNumber", get_device_serial },
	{ "SerialNumber", OF_DEVICE, "serialNumber", get_device_serial },
	{ "DeviceName", OF_DEVICE, "deviceName", get_device_name },
	{ "FullyQualifiedDomainName", OF_DEVICE, "fullyQualifiedDomainName", get_fqdn },
};

static const struct variable *
variable_by_name(const char *name)
{
	for (size_t i = 0; i < COUNT(variables); i++)
		if (str_ieq_c(str_c(name), variables[i].name))
			return &variables[i];
	return NULL;
}

static err_t
variable_unknown(const char *name)
{
	const char *near = NULL;
	size_t best = 5; /* farther than this is another word */

	for (size_t i = 0; i < COUNT(variables); i++) {
		size_t d = text_distance(name, variables[i].name, best);

		if (d < best) {
			best = d;
			near = variables[i].name;
		}
	}
	if (near == NULL)
		FAIL(ERR_VARIABLE_UNKNOWN, "{{%s}} does not exist", name);
	FAIL(ERR_VARIABLE_UNKNOWN, "{{%s}} does not exist; did you mean {{%s}}?", name, near);
}

err_t
subject_variable_check(const char *variable)
{
	if (variable_by_name(variable) == NULL)
		return variable_unknown(variable);
	return OK;
}

err_t
subject_format_check(struct arena *a, const char *format)
{
	struct dn_format *f;
	const char *const *names;
	size_t n;

	TRY(dn_format_parse(a, format, &f));
	n = dn_format_variables(f, &names);
	for (size_t i = 0; i < n; i++)
		TRY(subject_variable_check(names[i]));
	return OK;
}

err_t
subject_text_check(struct arena *a, const char *format)
{
	const char *const *names;
	size_t n;

	TRY(dn_text_variables(a, format, &names, &n));
	for (size_t i = 0; i < n; i++)
		TRY(subject_variable_check(names[i]));
	return OK;
}

err_t
subject_lookup(void *ctx, struct arena *a, const char *variable, const char **ret)
{
	const struct subject_of *who = ctx;
	const struct variable *v = variable_by_name(variable);
	const char *value;

	if (v == NULL)
		return variable_unknown(variable);
	if (v->owner == OF_USER && who->user == NULL)
		FAIL(ERR_NO_USER, "{{%s}} needs a user", v->name);
	value = v->get(a, who);
	if (value != NULL && value[0] != '\0') {
		*ret = value;
		return OK;
	}
	if (v->owner == OF_USER)
		FAIL(ERR_VARIABLE_EMPTY, "{{%s}}: user %s has no \"%s\"", v->name, who->user->upn,
		    v->field);
	FAIL(ERR_VARIABLE_EMPTY, "{{%s}}: device %s has no \"%s\"", v->name,
	    who->device->name == NULL || who->device->name[0] == '\0' ?
		id_text(a, who->device->id) :
		who->device->name,
	    v->field);
}

size_t
subject_variables(struct arena *a, const struct subject_variable **ret)
{
	struct subject_variable *out = arena_array(a, COUNT(variables), sizeof(*out));

	for (size_t i = 0; i < COUNT(variables); i++)
		out[i] = (struct subject_variable){ variables[i].name,
			variables[i].owner == OF_USER, variables[i].field };
	*ret = out;
	return COUNT(variables);
}
