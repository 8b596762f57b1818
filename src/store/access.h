/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may use the API (applications, administrators, pending device log-ins), settings of the installation, and the audit
 * chain. Every function expects a transaction.
 */
#ifndef STORE_ACCESS_H
#define STORE_ACCESS_H

#include "store/directory.h"

struct app {
	struct id id;
	const char *name, *secret_hash; /* secret_hash "": public client (device code) */
	const char *permissions;        /* blank-separated, as roles of its tokens */
	bool enabled;
	when_t created;
};
err_t store_app_insert(struct tx *tx, const struct app *x);
err_t store_app_get(struct tx *tx, struct arena *a, struct id id, struct app *ret);
err_t store_app_list(struct tx *tx, struct arena *a, struct app **ret, size_t *retn);
err_t store_app_delete(struct tx *tx, struct id id); /* ERR_NOT_FOUND */

struct admin {
	struct id id;
	const char *name, *password_hash, *permissions;
	bool enabled;
	when_t created;
};
err_t store_admin_insert(struct tx *tx, const struct admin *x); /* ERR_CONFLICT: name taken */
err_t store_admin_get(struct tx *tx, struct arena *a, struct id id, struct admin *ret);
err_t store_admin_by_name(struct tx *tx, struct arena *a, const char *name, struct admin *ret);
err_t store_admin_list(struct tx *tx, struct arena *a, struct admin **ret, size_t *retn);
err_t store_admin_delete(struct tx *tx, struct id id); /* and its sign-ins; ERR_NOT_FOUND */

enum login_state { LOGIN_PENDING = 1, LOGIN_APPROVED, LOGIN_DECLINED, LOGIN_USED };
struct login {
	struct str code_hash;  /* SHA-256 of the device code */
	const char *user_code; /* what the person types, upper case */
	struct id app, admin;
	const char *scope;
	enum login_state state;
	unsigned failures; /* wrong passwords against it */
	when_t created, expires, polled;
	/* Of an authorization code (RFC 6749 4.1), made when the person has signed in already; "" of a device code. */
	const char *challenge; /* PKCE: base64url of SHA-256 of the verifier */
	const char *redirect;  /* where the code went */
	bool offline;          /* the client asked for a refresh token */
};
err_t store_login_insert(
    struct tx *tx, const struct login *x); /* ERR_BUSY: LIMIT_LOGINS have not expired */
err_t store_login_by_code(struct tx *tx, struct arena *a, struct str code_hash, struct login *ret);
err_t store_login_by_user_code(
    struct tx *tx, struct arena *a, const char *user_code, struct login *ret);
err_t store_login_update(struct tx *tx, const struct login *x, enum login_state from);

/* A sign-in that goes on by itself (RFC 6749 6): the refresh token changes with each use (RFC 9700 4.14.2), and who comes with
 * the one before shows that it was copied. */
struct refresh {
	struct id id; /* of the sign-in */
	struct str hash,
	    before; /* SHA-256 of the token that is good; of the one before it, empty: none */
	struct id app, admin;
	const char *scope; /* blank-separated names; "": everything */
	when_t created, used, expires;
};
/* The oldest of the administrator's past LIMIT_REFRESHES go, and all that are over. */
err_t store_refresh_insert(struct tx *tx, const struct refresh *x);
/* By the token that is good, or the one before it. ERR_NOT_FOUND. */
err_t store_refresh_by_hash(struct tx *tx, struct arena *a, struct str hash, struct refresh *ret);
/* ERR_STATE_MOVED: `from` is no longer the good one. */
err_t store_refresh_update(struct tx *tx, const struct refresh *x, struct str from);
err_t store_refresh_delete(struct tx *tx, struct id id); /* success also when there is none */

/* Settings: small named values (certificates of the service, names of its CAs). ERR_NOT_FOUND. */
err_t store_setting_put(struct tx *tx, const char *name, struct str value);
err_t store_setting_get(struct tx *tx, struct arena *a, const char *name, struct str *ret);

/* One audit line; hash = SHA-256(hash of the line before, the line), so that a removed or changed one shows. */
struct audit {
	int64_t seq;
	when_ms_t when;
	const char *actor, *action, *target, *before, *after; /* before, after: JSON text or "" */
	struct str hash;
};
err_t store_audit_add(struct tx *tx, const char *actor, const char *action, const char *target,
    const char *before, const char *after);
err_t store_audit_list(
    struct tx *tx, struct arena *a, int64_t after, size_t limit, struct audit **ret, size_t *retn);
/* The number after which the events since that moment are. */
err_t store_audit_before(struct tx *tx, when_ms_t at, int64_t *ret);
err_t store_audit_verify(
    struct tx *tx, int64_t *ret_bad); /* 0: whole; else the first seq that does not fit */

#endif
