/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of certificates from the settings of a profile: which format stands for which text, which alternative names
 * there are, which variables they may have, and what they are for one user and device.
 */
#ifndef MODEL_CERT_NAME_H
#define MODEL_CERT_NAME_H

#include "model/cert_profile.h"

enum name_format {
	NAME_COMMON = 0,
	NAME_COMMON_AND_EMAIL = 1,
	NAME_EMAIL = 2,
	NAME_CUSTOM = 3,
	NAME_IMEI = 5,
	NAME_SERIAL = 6,
	NAME_AAD_DEVICE = 7,
	NAME_INTUNE_DEVICE = 8,
	NAME_DURABLE_DEVICE = 9
};

/* subjectAlternativeNameType */
enum alt_type {
	ALT_NONE = 0,
	ALT_EMAIL = 1,
	ALT_UPN = 2,
	ALT_ATTRIBUTE = 4,
	ALT_DNS = 8,
	ALT_URI = 16
};

enum channel { CHANNEL_DEVICE, CHANNEL_USER };
enum access_type { ACCESS_APPROVAL, ACCESS_APPS };
extern const struct field_member cert_channels[];

/* There is a subject, every alternative name has a value, and their variables are those that this type of certificate
 * may have on this platform. */
err_t cert_name_check(struct arena *a, const struct profile_type *t, const struct cert_profile *p);
/* DER of subject and of alternative names (empty: none). A machine's certificate has no user: who->user is NULL. */
err_t cert_name_make(struct arena *a, const struct cert_profile *p, const struct subject_of *who,
    struct str *ret_subject, struct str *ret_san);

#endif
