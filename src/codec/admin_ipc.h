/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one message of the administrator's sockets (run_dir/admin.sock of each role): a verb with
 * JSON arguments, and a JSON answer. Which verbs there are is a table of the role that serves them.
 *
 *   request: text verb | text JSON object        reply: text JSON
 */
#ifndef CODEC_ADMIN_IPC_H
#define CODEC_ADMIN_IPC_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"

enum admin_msg { ADMIN = 0x0001 };

struct admin_req {
	const char *verb;      /* "service.admit": lower-case letters, digits, '.', '-', '_' */
	const char *arguments; /* JSON text; the server parses it with codec/json.h */
};

struct admin_rep {
	const char *answer; /* JSON text */
};

err_t admin_req_encode(const struct admin_req *q, struct buf *out);
err_t admin_req_parse(struct arena *a, struct str in, struct admin_req *ret);
err_t admin_rep_encode(const struct admin_rep *q, struct buf *out);
err_t admin_rep_parse(struct arena *a, struct str in, struct admin_rep *ret);

#endif
