/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: a code from the one catalogue of failures, and a trail of what was being done.
 *
 * Every function that can fail returns err_t; the compiler refuses to let one drop. The code names a row of
 * errors.tbl, which holds everything a boundary needs (HTTP status, Graph code, HRESULT, SCEP failInfo, exit status,
 * who must act, the sentence for people, the next step). A row is also what the design calls a fault: its id is what
 * the store, the API and the command line show.
 *
 * The trail (a detail line and the frames it passed) belongs to the thread and is that of the newest failure. Take it
 * with err_take() where the error stops travelling, before anything else can fail.
 *
 * Not here: logging. Layers below the programs never log.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum err_code {
#define E(code, id, http, graph, hresult, scep, exit, who, text, hint) ERR_##code,
#include "base/errors.tbl"
#undef E
	ERR_COUNT
};

typedef struct [[nodiscard]] err {
	enum err_code code;
} err_t;

#define OK ((err_t){ ERR_NONE })

enum err_who { WHO_NOBODY, WHO_CALLER, WHO_ADMIN, WHO_CA_ADMIN, WHO_DEVICE_USER, WHO_SUPPORT };

struct err_info {
	enum err_code code;
	const char *name;  /* "USER_MAIL_MISSING" */
	const char *id;    /* "user-mail-missing": stable; stored and shown */
	int http;          /* HTTP status */
	const char *graph; /* error.code of the Graph API */
	uint32_t hresult;  /* what Windows administrators search for; 0: none */
	int scep;          /* RFC 8894 3.2.1.5 failInfo; -1: none */
	int exit;          /* exit status of commands (EXIT_* below) */
	enum err_who who;  /* who must act */
	const char *text;  /* one sentence for people, no trailing period */
	const char *hint;  /* the one next step; "" if there is none */
};

/* Exit statuses of the command line, by kind of failure. */
enum {
	EXIT_OK = 0,
	EXIT_FAULT = 1,
	EXIT_USAGE = 2,
	EXIT_DENIED = 3,
	EXIT_MISSING = 4,
	EXIT_UNREACHABLE = 5,
	EXIT_CONFLICT = 6
};

#define ERR_DETAIL_MAX 1024

/* What one failure left behind; a value, free to copy. */
struct err_report {
	enum err_code code;
	char detail[ERR_DETAIL_MAX]; /* may be "" */
	char trail[ERR_DETAIL_MAX];  /* "file:line < file:line ...", for logs and support only */
};

const struct err_info *err_info(enum err_code code);
/* By its id ("user-mail-missing"); NULL if there is no such row. */
const struct err_info *err_info_by_id(const char *id);
const char *err_who_name(enum err_who who);

/* Copies out the thread's trail for `e` and clears it. */
void err_take(err_t e, struct err_report *ret);
/* Drops the trail: for an error that was expected and handled. */
void err_forget(err_t e);
/* Puts a report back as the thread's trail (it came from another process) and returns its error. */
err_t err_raise(const struct err_report *rep);
/* The detail of the newest failure of this thread, "" if none. Valid until the next failure. */
const char *err_detail(void);

static inline bool
err_is(err_t e, enum err_code code)
{
	return e.code == code;
}

static inline bool
err_ok(err_t e)
{
	return e.code == ERR_NONE;
}

err_t err_make(enum err_code code, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5), cold));
err_t err_pass(err_t e, const char *file, int line) __attribute__((cold));
err_t err_context(err_t e, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5), cold));

/*
 * The macros return the code that they tested or were given, not what the function gives back, so that the compiler
 * sees that a failure is never OK and does not warn of outputs that only success sets.
 */

/* Starts a failure with a detail for people: FAIL(ERR_KEY_SIZE, "key is %d bits", n). Use "%s", "" for none. */
#define ERROR(code_, ...) \
	({ \
		const enum err_code err_code_ = (code_); \
		(void)err_make(err_code_, __FILE__, __LINE__, __VA_ARGS__); \
		(err_t){ err_code_ }; \
	})
#define FAIL(code_, ...) return ERROR(code_, __VA_ARGS__)

#define TRY(expr) \
	do { \
		const err_t err_try_ = (expr); \
		if (__builtin_expect(!err_ok(err_try_), 0)) { \
			(void)err_pass(err_try_, __FILE__, __LINE__); \
			return err_try_; \
		} \
	} while (0)

/* As TRY, and puts "context: " before the detail. */
#define TRY_CTX(expr, ...) \
	do { \
		const err_t err_try_ = (expr); \
		if (__builtin_expect(!err_ok(err_try_), 0)) { \
			(void)err_context(err_try_, __FILE__, __LINE__, __VA_ARGS__); \
			return err_try_; \
		} \
	} while (0)

#endif
