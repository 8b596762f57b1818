/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates as Graph beta shows them: deviceConfigurationsAllManagedDeviceCertificateStates, one row for each that a
 * device has or had, and managedDeviceCertificateStates below one profile, each slot with its way there.
 */
#include "api/reach.h"
#include "api/slot.h"

#define NEVER "0001-01-01T00:00:00Z"

static bool
is_identity(const struct slot *s)
{
	return kind_has_certificate(s->kind);
}

static void
set_when(struct arena *a, json *j, const char *name, when_t t)
{
	json_set_text(j, name, t == 0 ? NEVER : when_text(a, t));
}

static err_t
revoke_status(struct tx *tx, struct arena *a, const struct slot *s, json *j, bool with_time)
{
	const char *word;
	when_ms_t at;

	TRY(slot_revoked(tx, a, s, &word, &at));
	json_set_text(j, "certificateRevokeStatus", word);
	if (with_time)
		set_when(a, j, "certificateRevokeStatusLastChangeDateTime", at / 1000);
	return OK;
}

static err_t
all_json(struct tx *tx, struct arena *a, const struct slot *s, json **ret)
{
	auto_json json *j = json_object_new();
	struct slot_names names;

	TRY(slot_names(tx, a, s, &names));
	json_set_id(a, j, "id", s->id);
	json_set_text(j, "managedDeviceDisplayName", names.device);
	json_set_text(j, "userPrincipalName", names.upn);
	json_set_text(j, "certificateSubjectName", s->subject);
	json_set_text(j, "certificateIssuerName", s->issuer);
	json_set_text(j, "certificateSerialNumber", s->serial);
	json_set_text(j, "certificateThumbprint", s->thumbprint);
	json_set_text(j, "certificateExtendedKeyUsages", NULL);
	json_set(j, "certificateKeyUsages", json_null_new());
	set_when(a, j, "certificateIssuanceDateTime", s->not_before);
	set_when(a, j, "certificateExpirationDateTime", s->not_after);
	TRY(revoke_status(tx, a, s, j, true));
	*ret = steal(j);
	return OK;
}

static err_t
read_all(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct slot_filter f = { .serial = odata_demands(q->o.filter, "certificateSerialNumber"),
		.thumbprint = odata_demands(q->o.filter, "certificateThumbprint"),
		.text = q->o.search };
	struct slot_hit *v;
	struct id last;
	size_t n;

	TRY(reach_profiles(tx, a, arg, PERM_CONFIG_READ, &f.only));
	TRY(store_slot_search(tx, a, &f, p, 0, &v, &n, &last, more));
	for (size_t i = 0; i < n; i++) {
		json *j;

		if (!is_identity(&v[i].slot) || *v[i].slot.serial == '\0')
			continue;
		TRY(all_json(tx, a, &v[i].slot, &j));
		rows_add(rows, v[i].key, j);
	}
	rows_pass(rows, last);
	return OK;
}

static const char *const searched[] = { "certificateSubjectName", "certificateSerialNumber",
	"certificateThumbprint", "managedDeviceDisplayName", "userPrincipalName", NULL };

static err_t
list_all(struct http_req *r)
{
	static const struct collection all = {
		.set = "deviceManagement/deviceConfigurationsAllManagedDeviceCertificateStates",
		.page = LIMIT_PAGE,
		.read = read_all,
		.by_caller = true,
		.search = searched,
		.bounded = true
	};

	return reply_collection(r, &all, 0);
}

/* ---- below a profile ---- */

struct of_profile {
	struct id id;
	const char *cast; /* of the path */
};

/* certificateIssuanceStates */
static const char *
issuance(const struct slot *s, const struct status *st)
{
	bool refused = strcmp(st->fault, err_info(ERR_DEVICE_REFUSED)->id) == 0;

	switch (st->state) {
	case STATUS_WAITING:
		return "requested";
	case STATUS_ISSUING:
		return "issuePending";
	case STATUS_READY:
		return "issued";
	case STATUS_OFFERED:
		return "responsePending";
	case STATUS_INSTALLED:
		return "installed";
	case STATUS_RENEWING:
		return "renewalRequested";
	case STATUS_FAILED:
		return refused ? "installFailed" : "issueFailed";
	case STATUS_REMOVING:
		return "removedFromCollection";
	case STATUS_REMOVED:
		return *s->serial == '\0' ? "removedFromCollection" : "deleted";
	}
	return "unknown";
}

/* What the profile asks for, under the names that the state has for it. */
static const struct {
	const char *setting, *name;
} asked[] = {
	{ "certificateValidityPeriodValue", "certificateValidityPeriod" },
	{ "certificateValidityPeriodScale", "certificateValidityPeriodUnits" },
	{ "keyStorageProvider", "certificateKeyStorageProvider" },
	{ "subjectNameFormat", "certificateSubjectNameFormat" },
	{ "subjectNameFormatString", "certificateSubjectNameFormatString" },
	{ "subjectAlternativeNameType", "certificateSubjectAlternativeNameFormat" },
	{ "subjectAlternativeNameFormatString", "certificateSubjectAlternativeNameFormatString" },
	{ "keyUsage", "certificateKeyUsage" },
	{ "keySize", "certificateKeyLength" },
};

static err_t
put_asked(const struct profile *p, json *j)
{
	auto_json json *settings = NULL;

	TRY(json_parse(str_c(p->settings), LIMIT_HTTP_BODY, &settings));
	for (size_t i = 0; i < COUNT(asked); i++) {
		json *v = json_get(settings, asked[i].setting);

		json_set(j, asked[i].name, v == NULL ? json_null_new() : json_ref(v));
	}
	return OK;
}

static err_t
one_json(struct tx *tx, struct arena *a, const struct profile *p, const struct slot *s, json **ret)
{
	auto_json json *j = json_object_new();
	struct slot_names names;
	const struct err_info *info;
	struct status st;

	TRY(status_of(tx, a, s, &st));
	TRY(slot_names(tx, a, s, &names));
	info = err_info_by_id(st.fault);
	json_set_id(a, j, "id", s->id);
	json_set_text(j, "devicePlatform", p->platform);
	json_set_text(j, "deviceDisplayName", names.device);
	json_set_text(j, "userDisplayName", names.user);
	json_set_text(j, "certificateProfileDisplayName", p->display_name);
	json_set_text(j, "certificateIssuanceState", issuance(s, &st));
	TRY(revoke_status(tx, a, s, j, false));
	json_set_int(j, "certificateErrorCode", info == NULL ? 0 : (int32_t)info->hresult);
	json_set_text(j, "certificateIssuer", s->issuer);
	json_set_text(j, "certificateThumbprint", s->thumbprint);
	json_set_text(j, "certificateSerialNumber", s->serial);
	set_when(a, j, "certificateIssuanceDateTime", s->not_before);
	set_when(a, j, "certificateExpirationDateTime", s->not_after);
	set_when(a, j, "certificateLastIssuanceStateChangedDateTime", s->since / 1000);
	set_when(a, j, "lastCertificateStateChangeDateTime", s->since / 1000);
	json_set_text(j, "certificateEnhancedKeyUsage", NULL);
	TRY(put_asked(p, j));
	json_set_text(j, "@chancery.state", st.word);
	json_set_text(j, "@chancery.fault", *st.fault == '\0' ? NULL : st.fault);
	json_set_text(j, "@chancery.reason", st.why);
	json_set_text(j, "@chancery.nextStep", st.next);
	*ret = steal(j);
	return OK;
}

static err_t
check_cast(struct arena *a, const struct profile *p, const char *cast)
{
	const char *own = strrchr(p->type, '.'), *name = strrchr(cast, '.');

	if (own == NULL || name == NULL || !str_ieq_c(str_c(own), name))
		FAIL(ERR_NOT_FOUND, "the profile is no %s", text_safe(a, str_c(cast)));
	return OK;
}

static err_t
read_one(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	const struct of_profile *of = arg;
	struct slot_filter f = { .profile = of->id };
	struct profile profile;
	struct slot_hit *v;
	struct id last;
	size_t n;

	(void)q;
	TRY(store_profile_get(tx, a, of->id, &profile));
	TRY(check_cast(a, &profile, of->cast));
	TRY(store_slot_search(tx, a, &f, p, 0, &v, &n, &last, more));
	for (size_t i = 0; i < n; i++) {
		json *j;

		TRY(one_json(tx, a, &profile, &v[i].slot, &j));
		rows_add(rows, v[i].key, j);
	}
	rows_pass(rows, last);
	return OK;
}

static err_t
list_one(struct http_req *r)
{
	struct of_profile of = { .cast = http_param(r, "cast") };
	struct collection c = {
		.set = "deviceManagement/deviceConfigurations/managedDeviceCertificateStates",
		.page = LIMIT_PAGE,
		.read = read_one,
		.arg = &of,
		.bounded = true
	};

	TRY(rights_profile(r, PERM_CONFIG_READ));
	TRY(param_id(r, "id", &of.id));
	return reply_collection(r, &c, 0);
}

#define ONE "/deviceManagement/deviceConfigurations/{id}"

static const struct http_route routes[] = {
	GRAPH(GET, "/deviceManagement/deviceConfigurationsAllManagedDeviceCertificateStates",
	    PERM_CONFIG_READ | PERM_SCOPED, list_all),
	GRAPH(GET, ONE "/{cast}/managedDeviceCertificateStates", PERM_CONFIG_READ | PERM_SCOPED,
	    list_one),
	{ 0 },
};

const struct resource resource_certificate_states = { "certificate_states", routes };
