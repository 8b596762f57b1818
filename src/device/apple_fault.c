/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_fault.h"

#include "base/str.h"

/* The first row whose domain and range fit. */
static const struct {
	const char *domain;
	int64_t from, to;
	enum err_code code;
} rows[] = {
	{ "MCProfileErrorDomain", 1006, 1006, ERR_DEVICE_CANNOT_DECRYPT },
	{ "MCProfileErrorDomain", 1000, 1999, ERR_DEVICE_PROFILE },
	{ "MCPayloadErrorDomain", 2000, 2999, ERR_DEVICE_PROFILE },
	{ "MCInstallationErrorDomain", 4004, 4004, ERR_DEVICE_USER_DECLINED },
	{ "MCInstallationErrorDomain", 4005, 4005, ERR_DEVICE_PASSCODE },
	{ "MCInstallationErrorDomain", 4009, 4009, ERR_DEVICE_PASSCODE },
	{ "MCInstallationErrorDomain", 4014, 4014, ERR_DEVICE_CANNOT_DECRYPT },
	{ "MCInstallationErrorDomain", 4000, 4999, ERR_DEVICE_PROFILE },
	{ "MCKeychainErrorDomain", 6000, 6999, ERR_DEVICE_STORE },
	{ "MCEmailErrorDomain", 7003, 7004, ERR_DEVICE_CERTIFICATE },
	{ "MCCertificateErrorDomain", 9000, 9001, ERR_DEVICE_PFX },
	{ "MCCertificateErrorDomain", 9002, 9004, ERR_DEVICE_STORE },
	{ "MCCertificateErrorDomain", 9005, 9006, ERR_DEVICE_CERTIFICATE },
	{ "MCMDMErrorDomain", 12000, 12000, ERR_DEVICE_RIGHTS },
	{ "MCMDMErrorDomain", 12001, 12001, ERR_DEVICE_RIGHTS },
	{ "MCMDMErrorDomain", 12002, 12002, ERR_DEVICE_CHECK_IN },
	{ "MCMDMErrorDomain", 12004, 12004, ERR_APPLE_TOPIC },
	{ "MCMDMErrorDomain", 12005, 12005, ERR_DEVICE_STORE },
	{ "MCMDMErrorDomain", 12006, 12006, ERR_DEVICE_CHECK_IN },
	{ "MCMDMErrorDomain", 12007, 12007, ERR_DEVICE_RIGHTS },
	{ "MCMDMErrorDomain", 12008, 12008, ERR_DEVICE_PROFILE },
	{ "MCMDMErrorDomain", 12009, 12013, ERR_DEVICE_RIGHTS },
	{ "MCMDMErrorDomain", 12016, 12016, ERR_DEVICE_STORE },
	{ "MCMDMErrorDomain", 12020, 12020, ERR_DEVICE_CHECK_IN },
	{ "MCMDMErrorDomain", 12021, 12021, ERR_DEVICE_OS_OLD },
	{ "MCMDMErrorDomain", 12022, 12022, ERR_APPLE_TOPIC },
	{ "MCMDMErrorDomain", 12075, 12075, ERR_DEVICE_RIGHTS },
	{ "MCMDMErrorDomain", 12076, 12076, ERR_DEVICE_NO_USER_CHANNEL },
	{ "MCWiFiErrorDomain", 13001, 13002, ERR_DEVICE_PROFILE },
	{ "MCWiFiErrorDomain", 13000, 13999, ERR_DEVICE_CERTIFICATE },
	{ "MCVPNErrorDomain", 15000, 15000, ERR_DEVICE_PROFILE },
	{ "MCVPNErrorDomain", 15003, 15003, ERR_DEVICE_CERTIFICATE },
	{ "MCEASErrorDomain", 21006, 21006, ERR_DEVICE_CANNOT_DECRYPT },
	{ "MCEASErrorDomain", 21007, 21007, ERR_DEVICE_PROFILE },
	{ "MCSCEPErrorDomain", 22002, 22002, ERR_DEVICE_SCEP_UNREACHABLE },
	{ "MCSCEPErrorDomain", 22003, 22003, ERR_DEVICE_SCEP_UNREACHABLE },
	{ "MCSCEPErrorDomain", 22005, 22005, ERR_DEVICE_SCEP_UNREACHABLE },
	{ "MCSCEPErrorDomain", 22006, 22006, ERR_SCEP_CAPS },
	{ "MCSCEPErrorDomain", 22007, 22007, ERR_DEVICE_SCEP_REFUSED },
	{ "MCSCEPErrorDomain", 22013, 22013, ERR_DEVICE_SCEP_REFUSED },
	{ "MCSCEPErrorDomain", 22000, 22001, ERR_DEVICE_SCEP_KEY },
	{ "MCSCEPErrorDomain", 22004, 22004, ERR_DEVICE_SCEP_KEY },
	{ "MCSCEPErrorDomain", 22008, 22012, ERR_DEVICE_STORE },
	{ "MCHTTPTransactionErrorDomain", 23000, 23999, ERR_DEVICE_SCEP_UNREACHABLE },
	{ "MDM-SCEP", 15002, 15002, ERR_DEVICE_SCEP_REFUSED },
	{ "NSOSStatusErrorDomain", -25293, -25293, ERR_DEVICE_PFX },
	{ "NSOSStatusErrorDomain", -50, -50, ERR_DEVICE_PROFILE },
	{ "NSOSStatusErrorDomain", -67731, -67731, ERR_DEVICE_SCEP_REFUSED },
	{ "NSURLErrorDomain", -9999, -1, ERR_DEVICE_SCEP_UNREACHABLE },
	{ "NSPOSIXErrorDomain", 1, 1, ERR_DEVICE_NO_USER_CHANNEL },
	{ "MDMClientError", INT64_MIN, INT64_MAX, ERR_DEVICE_PROFILE },
	{ "CPProfileManagerErrorDomain", INT64_MIN, INT64_MAX, ERR_DEVICE_PROFILE },
	{ APPLE_FORMAT_ERROR, 0, 0, ERR_DEVICE_PROFILE },
};

/* Says that an installation failed, around what says why. */
static bool
is_wrapper(const struct apple_link *l)
{
	return strcmp(l->domain, "MCInstallationErrorDomain") == 0 && l->number == 4001;
}

static const char *
fault_of(const struct apple_link *l)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(l->domain, rows[i].domain) == 0 && l->number >= rows[i].from &&
		    l->number <= rows[i].to)
			return err_info(rows[i].code)->id;
	return NULL;
}

const char *
apple_fault(const struct apple_link *v, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		const char *fault = i + 1 < n && is_wrapper(&v[i]) ? NULL : fault_of(&v[i]);

		if (fault != NULL)
			return fault;
	}
	return err_info(ERR_DEVICE_REFUSED)->id;
}

bool
apple_gone_already(const struct apple_link *v, size_t n)
{
	static const struct apple_link gone[] = { { "MCMDMErrorDomain", 12075 },
		{ "MCMDMErrorDomain", 12013 }, { "MCInstallationErrorDomain", 4024 } };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < COUNT(gone); k++)
			if (strcmp(v[i].domain, gone[k].domain) == 0 &&
			    v[i].number == gone[k].number)
				return true;
	return false;
}
