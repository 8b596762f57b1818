/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery-agent: keeps one Linux device in the state that the service wants. Small enough to be read whole.
 *
 *   state_dir/identity.pem, identity-b.pem   its own key (0600), unless that lives in a token: one in use, one of before
 *   state_dir/enrolment.json    who it is: device id, identity certificate, whom it trusts; written once enrolled
 *   state_dir/certs/<alias>/    a delivered certificate: key.pem (0600) or key.uri, cert.pem (with its chain), chain.pem;
 *                               the folder is a link that moves to the new version whole
 *   state_dir/pend-<alias>.<hash>  key of a certificate that was requested and is not here yet
 *   state_dir/unsettled-<alias> a CA certificate was changed and the system's bundle not yet
 *   state_dir/lock              held while an agent works here
 *   state_dir/networks/         what networks were made of; see network.h
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
#include "pki/csr.h"
#include "pki/pfx.h"
#include "pki/token.h"

#define IDENTITY_LABEL "chancery-identity" /* our own key in the token, and the same with "-b" */

struct agent_conf {
	const char *url, *trust; /* service: address and CA file */
	const char *state_dir;
	const char *trust_dir,
	    *etc_dir;      /* where CA certificates go; where the system's TLS libraries look */
	bool trust_update; /* run update-ca-certificates */
	const char *device_name;                                 /* "": the host's */
	bool wipe;                                               /* the service may wipe it */
	const char *token_module, *token_label, *token_pin_file; /* module "": key in a file */
	const char **nss_databases;
	const char *nss_password_file;
	const char **nm_connections;
	const char *nm_dir; /* of its keyfiles */
	const char **wpa_networks;
	const char *wpa_dir; /* of its control sockets */
	/* the networks of the service: of which interface, in which file; "": NetworkManager has them */
	const char *wpa_interface, *wpa_file;
	bool dot1x_ca; /* connections get our CA certificates, too */
	const char *hooks_dir;
	int64_t hooks_timeout; /* seconds */
	const char *log_level, *log_format;
};
extern const struct conf_opt agent_opts[];
extern const size_t agent_nopts;

struct agent {
	const struct agent_conf *conf;
	struct arena *arena;
	int lock;              /* descriptor */
	struct token *token;   /* NULL: none configured */
	const char *key_name;  /* of it; see renew.c */
	struct key *key;       /* of the identity */
	const char *device_id; /* NULL: not enrolled */
	struct cert *identity;
	when_t obtained;     /* when the identity came, by the clock of this device; 0: not known */
	struct cert *former; /* before the last renewal; NULL: none */
	struct key *former_key;
	struct tls_client_conf tls;
};

/* Takes the lock and loads what there is. ERR_AGENT_BUSY: another agent works in this folder. */
err_t agent_open(const struct agent_conf *conf, struct agent **ret);
void agent_close(struct agent *g);
/* The text of enrolment.json into g, or nothing of it. ERR_KEY_MISMATCH: it is for another key than ours. */
err_t agent_enrolment_read(struct agent *g, struct str text);
/* Certificates in base64, at most LIMIT_CHAIN_CERTS, as DER in the arena. */
err_t agent_certs_read(
    struct arena *a, const json *obj, const char *member, const struct str **ret, size_t *retn);

/* enrol.c */
err_t agent_enrol(struct agent *g, const char *code);
/* What was delivered goes, the service is told so, then the enrolment and the key go; also when the service has retired
 * this device already. */
err_t agent_unenrol(struct agent *g);
/* The end of that: here nothing is left but the lock. The agent can only be closed after it. */
err_t agent_forget(const struct agent *g, struct arena *a);
/* The service wants this device wiped. ERR_DEVICE_NO_WIPE: its own configuration does not allow it; else what was delivered
 * is gone. */
err_t agent_wipe_begin(const struct agent *g, struct arena *a);
/* The service heard of it: the hooks get the word, and the enrolment and the key go. The agent can only be closed after it. */
err_t agent_wipe_end(const struct agent *g);
/* What the enrolment answers: a certificate for our key that chains to a root that came with it. */
err_t agent_answer_check(const struct agent *g, struct arena *a, const json *answer);

/* renew.c: the key that enrolment.json names, made when it is missing. */
err_t agent_key_open(struct agent *g);
err_t agent_keys_remove(const struct agent *g, struct arena *a);
/* The identity before this one, if it is still there. */
void agent_former_load(struct agent *g, const json *enrolment);
/* Two thirds of the identity's life are over, and a third has gone by since it came. */
bool agent_renewal_due(const struct agent *g);
bool agent_identity_over(const struct agent *g); /* expired */
/* Renews the identity, which must not be over. After a success connections made with g->tls before are of the past. */
err_t agent_renew(struct agent *g);
/* The two halves of that: a new key, and what the service answered for it. The key is g's after a success. */
err_t agent_renewal_begin(struct agent *g, struct key **ret);
err_t agent_renewal_take(struct agent *g, struct key *key, json *answer);

/* checkin.c: until *stop is set; once: one check-in and what follows from it, then return. */
err_t agent_run(struct agent *g, bool once, volatile sig_atomic_t *stop);
/* One check-in: facts, what is held, and what came of the commands before; the service waits up to `wait` seconds for
 * commands. */
err_t agent_report(const struct agent *g, struct fetch *f, struct arena *a, const json *results,
    int wait, json **ret);
/* Does one command. ERR_UNSUPPORTED, ERR_BAD_REQUEST, ERR_ALIAS, and what its kind may end with. */
struct outcome {
	/* OK: done. Else it is under way, and the same command comes again later: what it waits for, as a fault, */
	enum err_code waits;
	const char *detail; /* and in words; NULL: none */
	struct str leaf;    /* of a certificate that was requested here: DER */
};
err_t agent_command(
    const struct agent *g, struct arena *a, const json *command, struct outcome *ret);

/* post.c: one exchange of JSON with the service; path: "/agent/v1/checkin". The service's own fault
 * when it names one that we know, else ERR_HTTP_STATUS. */
err_t agent_post(const struct agent *g, struct fetch *f, struct arena *a, const char *path,
    const json *msg, int64_t timeout_ms, json **ret);

/* facts.c */
json *agent_facts(struct arena *a, const struct agent *g);
/* The address that the first radio was made with, of those in this folder of the kernel's: not one that a network is shown
 * for a while. NULL: there is none. */
const char *agent_wifi_mac(struct arena *a, const char *folder);

/* trust.c: CA certificates. */
err_t trust_install(const struct agent *g, struct arena *a, const char *alias, struct str der);
err_t trust_remove(const struct agent *g, struct arena *a, const char *alias);
err_t trust_remove_all(const struct agent *g, struct arena *a);
/* Finishes what was cut off between a change and the system's own bundle. */
err_t trust_settle(const struct agent *g, struct arena *a);
err_t trust_inventory(const struct agent *g, struct arena *a, json *list);
/* Whom this device trusts by the service's word: what enrolment brought and what is installed. DER; at most LIMIT_CERTS. */
err_t trust_anchors(const struct agent *g, struct arena *a, const struct str **ret, size_t *retn);

/* network.c: Wi-Fi networks, by NetworkManager or wpa_supplicant. ERR_BAD_REQUEST, ERR_UNSUPPORTED, ERR_ALIAS, ERR_DOT1X,
 * ERR_DOT1X_CERTIFICATE. */
err_t network_install(
    const struct agent *g, struct arena *a, const char *alias, const json *command);
err_t network_remove(const struct agent *g, struct arena *a, const char *alias);
err_t network_remove_all(const struct agent *g, struct arena *a);
err_t network_inventory(const struct agent *g, struct arena *a, json *list);

/* sealed.c */
struct sealed_pair {
	struct str pfx, password; /* CMS */
	struct str sha256;        /* of the leaf that must be inside */
};
/* Anything that was sealed to this device; the caller wipes *ret. ERR_CMS. */
err_t sealed_bytes(const struct agent *g, struct arena *a, struct str sealed, struct str *ret);
/* ERR_CMS, ERR_PFX..., ERR_DELIVERY_MISMATCH. */
err_t sealed_open(
    const struct agent *g, struct arena *a, const struct sealed_pair *d, struct pfx *ret);

/* store.c: certificates with their keys. */
struct version {
	struct str leaf;
	const struct str *chain;
	size_t nchain;
	const struct key *key; /* goes into the token, or into a file */
	const char *label;     /* NULL, or: it is in the token already, under this label */
	const char *name;      /* of the profile, for people */
};
err_t identity_put(
    const struct agent *g, struct arena *a, const char *alias, const struct version *v);
err_t identity_install(const struct agent *g, struct arena *a, const char *alias,
    const struct sealed_pair *sealed, const char *name);
err_t identity_remove(const struct agent *g, struct arena *a, const char *alias);
err_t identity_remove_all(const struct agent *g, struct arena *a);
/* Removes what was half written. */
err_t identity_sweep(const struct agent *g, struct arena *a);
err_t identity_inventory(const struct agent *g, struct arena *a, json *list);

/* label.c: the name in the token of the key that belongs to what is under this alias. */
const char *identity_label(const struct agent *g, struct arena *a, const char *alias);
/* The key under this alias is about to have another name. */
err_t label_retire(const struct agent *g, struct arena *a, const char *alias, const char *next);
/* Keys in the token whose version has gone. */
err_t label_sweep(const struct agent *g, struct arena *a);

/* pending.c: the key of a certificate that this device requests itself, until it is there. */
struct pending {
	const char *path;  /* of its file */
	const char *label; /* in the token; NULL: it is in the file */
	struct key *key;   /* owned */
	/* The server said that it will take its time: since when it does (0: it never did), with what it said last, and the
	 * request as it was sent, which is sent again as it is (a signature on a curve is another one each time). */
	when_t since;
	const char *said;
	struct str csr;
};
struct own_order;
/* The key for this command: made when it is missing; keys for other commands of the alias go. */
err_t pending_open(const struct agent *g, struct arena *a, const char *alias,
    const struct own_order *o, struct pending *ret);
/* It takes its time; p->since is set by the first that says so. */
err_t pending_asked(struct arena *a, struct pending *p, struct str csr, const char *said);
/* For "show": [{"alias", "since", "detail"}] of those that wait for somebody's decision. */
err_t pending_show(const struct agent *g, struct arena *a, json *list);
/* What is pending for the alias goes, but for the key that the certificate under it has. */
err_t pending_drop(const struct agent *g, struct arena *a, const char *alias);
err_t pending_drop_all(const struct agent *g, struct arena *a);
/* The same for requests that nobody came back to in a week. */
err_t pending_sweep(const struct agent *g, struct arena *a);

/* own_key.c: a certificate for a key that is made here, as commands order it. ERR_BAD_REQUEST, ERR_KEY_SIZE, ERR_UNSUPPORTED. */
struct own_order {
	const char *id; /* of the command */
	const char *name;
	enum key_alg alg;
	unsigned bits;
	struct csr_spec csr; /* without a challenge */
};
struct own_got {
	struct str leaf;
	const struct str *chain;
	size_t nchain;
};
err_t own_order_read(struct arena *a, const json *command, struct own_order *ret);
/* Where the certificate must lead to: DER. */
err_t own_anchors(const struct agent *g, struct arena *a, const json *command,
    const struct str **ret, size_t *retn);
/* In place of what was under the alias; nothing is pending after it. */
err_t own_keep(const struct agent *g, struct arena *a, const char *alias, const struct own_order *o,
    const struct pending *p, const struct own_got *got);

/* enrol_est.c: the same as enrol_scep(), by EST; net/est.h for what it ends with, and ERR_CHAIN. ret->waits ERR_CA_PENDING: with
 * what the service said and since when. */
err_t enrol_est(const struct agent *g, struct arena *a, const char *alias, const json *command,
    struct outcome *ret);

/* enrol_scep.c: makes a key, requests a certificate by SCEP, keeps both. ret->waits ERR_SCEP_PENDING_LONG: the CA has not decided
 * yet. ERR_BAD_REQUEST, ERR_KEY_SIZE, ERR_UNSUPPORTED (a key on a curve), and what net/scep_client.h ends with. */
err_t enrol_scep(const struct agent *g, struct arena *a, const char *alias, const json *command,
    struct outcome *ret);

/* idle.c: gives memory back before a long wait. */
void idle_trim(struct arena *a);

/* An alias becomes a file name: letters, digits, '-', '_', '.', not first '.'. ERR_ALIAS. */
err_t alias_check(const char *alias);
/* The same for what lies in a folder that is not ours alone: it also begins with ALIAS_PREFIX, so that no file of somebody
 * else is written or taken away. ERR_ALIAS. */
#define ALIAS_PREFIX "chancery-"
err_t alias_check_ours(const char *alias);

#endif
