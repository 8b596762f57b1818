/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of results: what a device says in one word, and the fault that tells an administrator what to do about it. */
#include "base/limits.h"
#include "device/agent_msg.h"

static const struct {
	const char *code;
	enum err_code fault;
} codes[] = {
	{ "decrypt_failed", ERR_DEVICE_CANNOT_DECRYPT },
	{ "bad_password", ERR_DEVICE_CANNOT_DECRYPT },
	{ "no_hardware_key", ERR_DEVICE_NO_HARDWARE },
	{ "key_size_unsupported", ERR_DEVICE_KEY_SIZE },
	{ "user_locked", ERR_DEVICE_LOCKED },
	{ "user_approval", ERR_DEVICE_APPROVAL },
	{ "user_declined", ERR_DEVICE_USER_DECLINED },
	{ "no_user", ERR_DEVICE_NO_USER },
	{ "store_failed", ERR_DEVICE_STORE },
	{ "not_permitted", ERR_DEVICE_FORBIDDEN },
	{ "alias_in_use", ERR_DEVICE_STORE },
	{ "variable_unavailable", ERR_VARIABLE_WITHHELD },
	{ "cert_mismatch", ERR_LEAF_MISMATCH },
	{ "scep_network", ERR_DEVICE_SCEP_UNREACHABLE },
	{ "scep_caps", ERR_SCEP_CAPS },
	{ "scep_pending_timeout", ERR_SCEP_PENDING_LONG },
	/* Our own agent says the catalogue's. */
	{ "bad-cms", ERR_DEVICE_CANNOT_DECRYPT },
	{ "pfx-password", ERR_DEVICE_CANNOT_DECRYPT },
	{ "delivery-mismatch", ERR_DEVICE_CANNOT_DECRYPT },
	{ "key-size", ERR_DEVICE_KEY_SIZE },
	{ "trust-store", ERR_TRUST_STORE },
	{ "dot1x", ERR_DOT1X },
	{ "dot1x-certificate", ERR_DOT1X_CERTIFICATE },
	{ "token-device", ERR_TOKEN_DEVICE },
	{ "token-pin", ERR_TOKEN_PIN },
	{ "scep-caps", ERR_SCEP_CAPS },
	{ "scep-failed", ERR_DEVICE_SCEP_REFUSED },
	{ "scep-answer", ERR_SCEP_ANSWER },
	{ "scep-pending", ERR_SCEP_PENDING_LONG },
	{ "ca-pending", ERR_CA_PENDING },
	{ "ca-denied", ERR_CA_DENIED },
	{ "chain", ERR_CHAIN },
	{ "unreachable", ERR_DEVICE_SCEP_UNREACHABLE },
	{ "tls", ERR_DEVICE_SCEP_UNREACHABLE },
	{ "timeout", ERR_DEVICE_SCEP_UNREACHABLE },
	{ "http-status", ERR_DEVICE_SCEP_UNREACHABLE },
};

const char *
agent_code_fault(const char *code)
{
	struct str c = str_c(code);

	for (size_t i = 0; i < COUNT(codes); i++)
		if (str_eq_c(c, codes[i].code))
			return err_info(codes[i].fault)->id;
	/* With a number of the server's after it. */
	if (str_starts(c, LIT("scep_http_")))
		return err_info(ERR_DEVICE_SCEP_UNREACHABLE)->id;
	if (str_starts(c, LIT("scep_failinfo_")))
		return err_info(ERR_DEVICE_SCEP_REFUSED)->id;
	return NULL;
}
