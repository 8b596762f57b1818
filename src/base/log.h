/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of programs: one line an event, key=value, to standard error. Only programs call this (layers below return
 * errors), once, where an error stops travelling.
 *
 *   t=2026-02-01T10:00:00.123Z level=info role=service proc=front pid=12 msg="ready" addr=127.0.0.1:8443
 *
 * Values are quoted when they hold anything but [A-Za-z0-9._:/@+-]; control characters come out as \xNN, so nobody
 * can forge a line. Never pass a secret.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_KV, LOG_FORMAT_JSON };

/* Once per process, after fork. The strings are kept by reference. */
void log_setup(const char *role, const char *proc, enum log_level min, enum log_format format);

/* Pairs of key and text after the message, ended by NULL: log_event(LOG_LEVEL_INFO, "ready", "addr", addr, NULL). */
void log_event(enum log_level level, const char *msg, ...) __attribute__((sentinel));
/* An error, with its id, text, detail, trail and hint. Consumes the trail. */
void log_error(const char *msg, err_t e);
void log_report(const char *msg, const struct err_report *rep);
/* The error that ends a program, for who started it: text, detail and hint, a line each, whatever the log is set to.
 * Consumes the trail. Returns the exit status. */
int log_end(const char *program, err_t e);

#endif
