/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign-ins, counted: tokens by grant, and passwords of administrators. What is refused goes to the audit log by
 * model/refusal.h.
 */
#ifndef API_SIGN_IN_H
#define API_SIGN_IN_H

#include "base/err.h"
#include "base/metric.h"

enum sign_in_grant { GRANT_CLIENT, GRANT_DEVICE, GRANT_CODE, GRANT_REFRESH, GRANT_KINDS };
enum sign_in_password { PASSWORD_RIGHT, PASSWORD_WRONG, PASSWORD_BRAKED, PASSWORD_KINDS };

struct sign_ins {
	struct metric granted[GRANT_KINDS], refused[GRANT_KINDS];
	struct metric password[PASSWORD_KINDS];
};

/* m may be NULL. */
void sign_ins_init(struct sign_ins *s, struct metrics *m);
/* fault ERR_NONE: it got a token. What nobody decided yet and what failed here is no outcome. */
void sign_ins_grant(struct sign_ins *s, enum sign_in_grant grant, enum err_code fault);
void sign_ins_password(struct sign_ins *s, enum sign_in_password how);

#endif
