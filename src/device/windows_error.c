/* SPDX-License-Identifier: Apache-2.0 */
#include "device/windows_error.h"

static const struct {
	uint32_t from, to;
	enum err_code fault;
	const char *text;
} hresults[] = {
	{ 0x80070005, 0x80070005, ERR_DEVICE_RIGHTS, "access denied" },
	{ 0x80070056, 0x80070056, ERR_DEVICE_PFX,
	    "the password of the PFX file is wrong, or its form is too new" },
	{ 0x80070057, 0x80070057, ERR_DEVICE_PROFILE, "a parameter is not right" },
	{ 0x80072EE7, 0x80072EE7, ERR_DEVICE_SCEP_UNREACHABLE,
	    "the name of the server is not known" },
	{ 0x80072EFD, 0x80072EFD, ERR_DEVICE_SCEP_UNREACHABLE, "no connection to the server" },
	{ 0x80072F78, 0x80072F78, ERR_DEVICE_SCEP_UNREACHABLE, "the server's answer is not one" },
	{ 0x80072F8F, 0x80072F8F, ERR_DEVICE_SCEP_UNREACHABLE,
	    "the TLS certificate of the server is not trusted, or the clock is wrong" },
	{ 0x80072EE2, 0x80072EE2, ERR_DEVICE_SCEP_UNREACHABLE,
	    "the server did not answer in time" },
	{ 0x801900C8, 0x801900C8, ERR_DEVICE_SCEP_UNREACHABLE, "the answer has no usable content" },
	{ 0x80190190, 0x801901F3, ERR_DEVICE_SCEP_REFUSED,
	    "the server answered with an HTTP error" },
	{ 0x801901F4, 0x80190257, ERR_DEVICE_SCEP_UNREACHABLE,
	    "the server answered with an HTTP error" },
	{ 0x80090003, 0x80090003, ERR_DEVICE_KEY_SIZE, "the key cannot be used" },
	{ 0x80090005, 0x80090005, ERR_DEVICE_CANNOT_DECRYPT,
	    "sealed to another certificate than the device has" },
	{ 0x80090016, 0x80090016, ERR_DEVICE_HELLO,
	    "the container of Windows Hello for Business is not there" },
	{ 0x80090029, 0x80090029, ERR_DEVICE_NO_HARDWARE,
	    "the key storage does not support it: no TPM, or a key that it does not take" },
	{ 0x8009002D, 0x8009002D, ERR_DEVICE_NO_HARDWARE,
	    "an internal error of the key storage, as TPMs have with keys of this size" },
	{ 0x8009310B, 0x8009310B, ERR_DEVICE_CERTIFICATE, "the certificate cannot be read" },
	{ 0x8010002C, 0x8010002C, ERR_DEVICE_SCEP_CA,
	    "no usable certificate in the answer to GetCACert" },
	{ 0x80094001, 0x80094FFF, ERR_DEVICE_SCEP_REFUSED, "the certification authority refused" },
	{ 0x86000005, 0x86000005, ERR_DEVICE_NO_USER, "nobody is signed in" },
};

static const struct {
	uint32_t status;
	enum err_code fault;
	const char *text;
} statuses[] = {
	{ 400, ERR_DEVICE_PROFILE, "the device does not understand the command" },
	{ 401, ERR_DEVICE_RIGHTS, "credentials refused" },
	{ 403, ERR_DEVICE_RIGHTS, "forbidden" },
	{ 404, ERR_DEVICE_OS_OLD, "the node does not exist" },
	{ 405, ERR_DEVICE_OS_OLD, "the command is not allowed there" },
	{ 406, ERR_DEVICE_OS_OLD, "the feature is not supported" },
	{ 407, ERR_DEVICE_RIGHTS, "credentials are missing" },
	{ 408, ERR_DEVICE_REFUSED, "timeout" },
	{ 412, ERR_DEVICE_PROFILE, "the command is incomplete" },
	{ 415, ERR_DEVICE_PROFILE, "the format is not supported" },
	{ 418, ERR_DEVICE_REFUSED, "it exists already" },
	{ 420, ERR_DEVICE_STORE, "the device is full" },
	{ 425, ERR_DEVICE_RIGHTS, "permission denied" },
	{ 500, ERR_DEVICE_REFUSED, "the command failed" },
	{ 507, ERR_DEVICE_REFUSED, "the command failed as a whole" },
	{ 516, ERR_DEVICE_REFUSED, "the command failed and could not be taken back" },
};

void
windows_error(struct arena *a, uint32_t status, uint32_t hresult, struct report_result *ret)
{
	enum err_code fault = ERR_DEVICE_REFUSED;
	const char *text = "";

	for (size_t i = 0; i < COUNT(statuses); i++)
		if (statuses[i].status == status) {
			fault = statuses[i].fault;
			text = statuses[i].text;
		}
	for (size_t i = 0; i < COUNT(hresults); i++)
		if (hresult >= hresults[i].from && hresult <= hresults[i].to) {
			fault = hresults[i].fault;
			text = hresults[i].text;
		}
	ret->status = RESULT_ERROR;
	ret->fault = err_info(fault)->id;
	ret->code = hresult != 0 ? arena_printf(a, "0x%08X", (unsigned)hresult) :
				   arena_printf(a, "%u", (unsigned)status);
	ret->detail = arena_printf(a, "%s%s", text,
	    status != 0 && hresult != 0 ? arena_printf(a, " (status %u)", (unsigned)status) : "");
}
