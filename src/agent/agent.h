/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery-agent: keeps one Linux device in the state that the service wants. Small enough to be read whole.
 *
 *   state_dir/identity.pem      its own key (0600), unless that lives in a token
 *   state_dir/enrolment.json    who it is: device id, identity certificate, whom it trusts; written once enrolled
 *   state_dir/certs/<alias>/    a delivered certificate: key.pem (0600) or key.uri, cert.pem (with its chain), chain.pem;
 *                               the folder is a link that moves to the new version whole
 *   state_dir/lock              held while an agent works here
 *   trust dir/<alias>.crt       an installed CA certificate, in the folder that update-ca-certificates reads
 *
 * It never says what it was told to have, only what it finds on the disk.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <signal.h>

#include "codec/conf.h"
#include "codec/json.h"
#include "net/fetch.h"
#include "pki/cert.h"
#include "pki/token.h"

struct agent_conf {
	const char *url, *trust;           /* service: address and CA file */
	const char *state_dir;
	const char *trust_dir, *etc_dir;   /* where CA certificates go; where the system's TLS libraries look */
	bool trust_update;                 /* run update-ca-certificates */
	const char *device_name;           /* "": the host's */
	const char *token_module, *token_label, *token_pin_file; /* module "": key in a file */
	const char *log_level, *log_format;
};
extern const struct conf_opt agent_opts[];
extern const size_t agent_nopts;

struct agent {
	const struct agent_conf *conf;
	struct arena *arena;
	int lock;               /* descriptor */
	struct token *token;    /* NULL: none configured */
	struct key *key;        /* of the identity */
	const char *device_id;  /* NULL: not enrolled */
	struct cert *identity;
	struct tls_client_conf tls;
};

/* Takes the lock and loads what there is. ERR_AGENT_BUSY: another agent works in this folder. */
err_t agent_open(const struct agent_conf *conf, struct agent **ret);
void agent_close(struct agent *g);

/* enrol.c */
err_t agent_enrol(struct agent *g, const char *code);
err_t agent_unenrol(struct agent *g);

/* checkin.c: until *stop is set; once: one check-in and what follows from it, then return. */
err_t agent_run(struct agent *g, bool once, volatile sig_atomic_t *stop);

/* facts.c */
json *agent_facts(struct arena *a, const struct agent *g);

/* trust.c: CA certificates. */
err_t trust_install(const struct agent *g, struct arena *a, const char *alias, struct str der);
err_t trust_remove(const struct agent *g, struct arena *a, const char *alias);
err_t trust_inventory(const struct agent *g, struct arena *a, json *list);

/* store.c: delivered certificates with their keys. */
err_t identity_install(const struct agent *g, struct arena *a, const char *alias, struct str pfx, struct str password,
    struct str sha256);
err_t identity_remove(const struct agent *g, struct arena *a, const char *alias);
err_t identity_inventory(const struct agent *g, struct arena *a, json *list);

/* An alias becomes a file name: letters, digits, '-', '_', '.', not first '.'. ERR_ALIAS. */
err_t alias_check(const char *alias);

#endif
