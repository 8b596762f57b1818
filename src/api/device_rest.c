/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of managedDevice that scripts select and that have one value here, as nothing reports another. */
#include "api/users.h"

#define LONG_AGO "0001-01-01T00:00:00Z"
#define NEVER_ENDS "9999-12-31T23:59:59Z"

void
device_rest_json(json *j)
{
	static const struct {
		const char *name, *text; /* NULL: null */
	} texts[] = { { "hardwareInformation", NULL }, { "iccid", NULL }, { "phoneNumber", NULL },
		{ "subscriberCarrier", NULL }, { "easDeviceId", NULL }, { "usersLoggedOn", NULL },
		{ "activationLockBypassCode", NULL }, { "remoteAssistanceSessionUrl", NULL },
		{ "remoteAssistanceSessionErrorDetails", NULL }, { "chromeOSDeviceInfo", NULL },
		{ "configurationManagerClientEnabledFeatures", NULL },
		{ "deviceHealthAttestationState", NULL }, { "androidSecurityPatchLevel", NULL },
		{ "requireUserEnrollmentApproval", NULL }, { "enrolledByUserPrincipalName", NULL },
		{ "chassisType", "unknown" }, { "managementFeatures", "none" },
		{ "partnerReportedThreatState", "unknown" }, { "lostModeState", "disabled" },
		{ "exchangeAccessState", "none" }, { "exchangeAccessStateReason", "none" },
		{ "exchangeLastSuccessfulSyncDateTime", LONG_AGO },
		{ "easActivationDateTime", LONG_AGO }, { "retireAfterDateTime", LONG_AGO },
		{ "complianceGracePeriodExpirationDateTime", NEVER_ENDS } };
	static const char *const no[] = { "isEncrypted", "isSupervised", "easActivated",
		"autopilotEnrolled", "bootstrapTokenEscrowed" };
	static const char *const zero[] = { "skuNumber", "totalStorageSpaceInBytes",
		"freeStorageSpaceInBytes", "physicalMemoryInBytes", "windowsActiveMalwareCount",
		"windowsRemediatedMalwareCount" };

	for (size_t i = 0; i < COUNT(texts); i++)
		json_set_text(j, texts[i].name, texts[i].text);
	for (size_t i = 0; i < COUNT(no); i++)
		json_set_bool(j, no[i], false);
	for (size_t i = 0; i < COUNT(zero); i++)
		json_set_int(j, zero[i], 0);
	json_set(j, "deviceActionResults", json_array_new());
}
