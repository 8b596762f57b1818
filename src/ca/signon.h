/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Principals that show who they are by name and password.
 *
 *   - A stored password is stretched (pki/password.h), so a check costs memory and time: few run at once, the others
 *     wait, and beyond SIGNON_QUEUE of them are refused with ERR_BUSY.
 *   - A right one is remembered for a minute, as a keyed hash in this process's memory only, so that a client which
 *     enrols for many certificates is not held up.
 *   - Brake: after SIGNON_TRIES wrong ones for a name the name is refused for a quarter of an hour, also with the
 *     right password, remembered or not. Names that nobody has are counted alike, so that the brake tells no one which
 *     names there are. A principal's certificate goes on working meanwhile.
 *   - No such principal, a principal without a password and a wrong password are one failure, after the same work.
 *
 * Not here: what the principal may do, and whether it is enabled (caller.h).
 */
#ifndef CA_SIGNON_H
#define CA_SIGNON_H

#include "base/arena.h"

struct signon;
struct store;

enum { SIGNON_TRIES = 5, SIGNON_BRAKE = 900, SIGNON_MEMORY = 60, SIGNON_QUEUE = 2 };
/* Of a password that is set: bytes. */
enum { SIGNON_PASSWORD_MIN = 10, SIGNON_PASSWORD_MAX = 256 };

struct signon *signon_new(void);
void signon_free(struct signon *so); /* NULL is fine */

/* ret_hash: the stored password that matched, in the arena. ERR_CREDENTIALS, ERR_LOGIN_LIMIT, ERR_BUSY. */
err_t signon_check(struct signon *so, struct store *s, struct arena *a, const char *user,
    const char *password, const char **ret_hash);
/* The name starts afresh: its password was set anew. */
void signon_forget(struct signon *so, const char *user);

/* What the record keeps of a new password. ERR_RANGE: too short or too long. */
err_t signon_hash(struct arena *a, const char *password, const char **ret);

#endif
