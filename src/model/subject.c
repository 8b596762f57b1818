/* SPDX-License-Identifier: Apache-2.0 */
/* Variables of names: see subject.h. */
#include "model/subject.h"

/* OF_HOLDER: of the user, or of the device when the certificate is the device's. */
enum owner { OF_USER, OF_DEVICE, OF_HOLDER };

/* SAID: the device says so itself, and might say anything. PERSONAL: identifies the piece of hardware; platforms keep
 * it from who manages a device that belongs to somebody else. */
enum { SAID = 1, PERSONAL = 2 };

struct variable {
	const char *name;
	enum owner owner;
	const char *field; /* of the directory, as the API names it */
	const char *(*get)(struct arena *a, const struct subject_of *who);
	unsigned on; /* families that have it; 0: all */
	unsigned flags;
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
GET(sid, who->user != NULL ? who->user->sid : who->device->sid)
GET(on_premises_upn, who->user->op_upn)
GET(job_title, who->user->job_title)
GET(department, who->user->department)
GET(employee_id, who->user->employee_id)
GET(device_id, id_text(a, who->device->id))
GET(device_serial, who->device->serial)
GET(device_name, who->device->name)
GET(meid, who->device->meid)
GET(wifi_mac, who->device->wifi_mac)
/* clang-format on */

/* The part of the user principal name before '@'. */
static const char *
get_user_name(struct arena *a, const struct subject_of *who)
{
	struct str upn = str_c(who->user->upn);

	return arena_cstr(a, str_cut(&upn, '@'));
}

/* Of computers that joined a domain; what joined or registered with a cloud directory alone has a name and no domain.
 * */
static const char *
get_fqdn(struct arena *a, const struct subject_of *who)
{
	const struct device *d = who->device;

	(void)a;
	return d->join_type == JOIN_REGISTERED || d->join_type == JOIN_JOINED ? NULL : d->fqdn;
}

/* Devices show it in groups. */
static const char *
get_imei(struct arena *a, const struct subject_of *who)
{
	const char *imei = who->device->imei;
	char *out;
	size_t n = 0;

	if (imei == NULL)
		return NULL;
	out = arena_array(a, strlen(imei) + 1, 1);
	for (const char *p = imei; *p != '\0'; p++)
		if (*p != ' ' && *p != '-')
			out[n++] = *p;
	return out;
}

#define HAS_CELLULAR (ON_ANY & ~(ON_MACOS | ON_LINUX))

/* Several names for one value: forms of different ages write them differently. */
static const struct variable variables[] = {
	{ "UserName", OF_USER, "userPrincipalName", get_user_name, 0, 0 },
	{ "UserPrincipalName", OF_USER, "userPrincipalName", get_upn, 0, 0 },
	{ "EmailAddress", OF_USER, "mail", get_mail, 0, 0 },
	{ "DisplayName", OF_USER, "displayName", get_display_name, 0, 0 },
	{ "GivenName", OF_USER, "givenName", get_given_name, 0, 0 },
	{ "SurName", OF_USER, "surname", get_surname, 0, 0 },
	{ "MailNickname", OF_USER, "mailNickname", get_mail_nickname, 0, 0 },
	{ "JobTitle", OF_USER, "jobTitle", get_job_title, 0, 0 },
	{ "Department", OF_USER, "department", get_department, 0, 0 },
	{ "EmployeeId", OF_USER, "employeeId", get_employee_id, 0, 0 },
	{ "OnPremisesSamAccountName", OF_USER, "onPremisesSamAccountName", get_sam_account, 0, 0 },
	{ "OnPrem_Distinguished_Name", OF_USER, "onPremisesDistinguishedName", get_dn, 0, 0 },
	{ "OnPremisesDistinguishedName", OF_USER, "onPremisesDistinguishedName", get_dn, 0, 0 },
	{ "OnPremisesUserPrincipalName", OF_USER, "onPremisesUserPrincipalName",
	    get_on_premises_upn, 0, 0 },
	{ "OnPremisesSecurityIdentifier", OF_HOLDER, "onPremisesSecurityIdentifier", get_sid, 0,
	    0 },
	{ "AAD_Device_ID", OF_DEVICE, "azureADDeviceId", get_device_id, 0, 0 },
	{ "AADDeviceId", OF_DEVICE, "azureADDeviceId", get_device_id, 0, 0 },
	{ "AzureADDeviceId", OF_DEVICE, "azureADDeviceId", get_device_id, 0, 0 },
	{ "DeviceId", OF_DEVICE, "id", get_device_id, 0, 0 },
	{ "Device_Serial", OF_DEVICE, "serialNumber", get_device_serial, 0, SAID | PERSONAL },
	{ "SerialNumber", OF_DEVICE, "serialNumber", get_device_serial, 0, SAID | PERSONAL },
	{ "Device_IMEI", OF_DEVICE, "imei", get_imei, HAS_CELLULAR, SAID | PERSONAL },
	{ "IMEINumber", OF_DEVICE, "imei", get_imei, HAS_CELLULAR, SAID | PERSONAL },
	{ "IMEI", OF_DEVICE, "imei", get_imei, HAS_CELLULAR, SAID | PERSONAL },
	{ "MEID", OF_DEVICE, "meid", get_meid, HAS_CELLULAR & ~(ON_WINDOWS | ON_PHONE),
	    SAID | PERSONAL },
	{ "WiFiMacAddress", OF_DEVICE, "wiFiMacAddress", get_wifi_mac, 0, SAID | PERSONAL },
	{ "DeviceName", OF_DEVICE, "deviceName", get_device_name, 0, SAID },
	{ "FullyQualifiedDomainName", OF_DEVICE, "fullyQualifiedDomainName", get_fqdn,
	    ON_WINDOWS | ON_LINUX, SAID },
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

/* Why this variable must not stand in this place; NULL: it may. */
static const char *
misplaced(const struct subject_use *use, const struct variable *v)
{
	if (use->of_machine && v->owner == OF_USER)
		return "is the user's, and the certificate is the device's (certificateStore machine)";
	if (v->on != 0 && (v->on & use->family) == 0)
		return "does not exist on this platform";
	if (use->for_logon && (v->flags & SAID) != 0)
		return "is what a device says of itself, and this name is one to log on with";
	return NULL;
}

err_t
subject_use_check(struct arena *a, const struct subject_use *use, const char *format)
{
	const char *const *names;
	size_t n;

	TRY(dn_text_variables(a, format, &names, &n));
	for (size_t i = 0; i < n; i++) {
		const struct variable *v = variable_by_name(names[i]);
		const char *why;

		if (v == NULL)
			return variable_unknown(names[i]);
		why = misplaced(use, v);
		if (why != NULL)
			FAIL(ERR_VARIABLE_PLACE, "{{%s}} %s", v->name, why);
	}
	return OK;
}

static bool
listed(const char *list, const char *name)
{
	struct str rest = str_c(list == NULL ? "" : list);

	while (rest.n > 0)
		if (str_ieq_c(str_trim(str_cut(&rest, ',')), name))
			return true;
	return false;
}

static bool
begins(const char *s, const char *with)
{
	return s != NULL && strncmp(s, with, strlen(with)) == 0;
}

/* Apple's user enrolment and, from Android 12 on, personally owned work profiles tell no identifiers of the hardware.
 * What was on record before stays good. */
static bool
withheld(const struct device *d, const struct variable *v)
{
	struct str version = str_c(d->os_version == NULL ? "" : d->os_version);
	int64_t major = 0;

	if (listed(d->withheld, v->field))
		return true;
	if ((v->flags & PERSONAL) == 0 || d->platform == NULL)
		return false;
	if (strcmp(d->platform, "ios") == 0 || strcmp(d->platform, "macos") == 0)
		return begins(d->enrol_type, "appleUserEnrollment");
	err_forget(text_i64(str_cut(&version, '.'), 0, INT32_MAX, &major));
	return strcmp(d->platform, "androidWorkProfile") == 0 && major >= 12;
}

static err_t
device_lacks(struct arena *a, const struct device *d, const struct variable *v)
{
	const char *name = d->name == NULL || d->name[0] == '\0' ? id_text(a, d->id) : d->name;

	if (withheld(d, v))
		FAIL(ERR_VARIABLE_WITHHELD, "{{%s}}: device %s: \"%s\" is unavailable by policy",
		    v->name, name, v->field);
	FAIL(ERR_VARIABLE_EMPTY, "{{%s}}: device %s has no \"%s\"%s", v->name, name, v->field,
	    v->get == get_fqdn && d->platform != NULL && strcmp(d->platform, "windows") == 0 ?
		": it is not joined to a domain" :
		"");
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
	if (v->owner == OF_DEVICE || who->user == NULL)
		return device_lacks(a, who->device, v);
	FAIL(
	    ERR_VARIABLE_EMPTY, "{{%s}}: user %s has no \"%s\"", v->name, who->user->upn, v->field);
}

size_t
subject_variables(struct arena *a, const struct subject_variable **ret)
{
	struct subject_variable *out = arena_array(a, COUNT(variables), sizeof(*out));

	for (size_t i = 0; i < COUNT(variables); i++)
		out[i] = (struct subject_variable){ variables[i].name,
			variables[i].owner != OF_DEVICE, variables[i].owner != OF_USER,
			variables[i].on == 0 ? ON_ANY : variables[i].on, variables[i].field };
	*ret = out;
	return COUNT(variables);
}
