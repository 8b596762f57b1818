/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process connector/link: everything of the connector that touches the network, outbound only.
 *
 *   service ──► ask ──► desk ──► workers (one job each) ──► desk ──► bring ──► service
 *                         ▲                                            │
 *                         └────────────────── jobs ◄───────────────────┘
 *
 * Completing jobs and leasing the next is one exchange, for as many as there are. A result that could not be brought is
 * kept and brought again; the service refuses it by its fence when the job went elsewhere meanwhile. Nothing of a job is
 * kept on disk: what is lost here is free again when the connector asks anew, or else when the lease is over.
 *
 *   state_dir/link/service.pem, ca.pem   this host's keys towards service and CA; service-b.pem takes turns with the first
 *   state_dir/link/ca.secret             password or API key towards the CA, if that is how it knows us
 *   state_dir/link/krb5cc, client.keytab Kerberos towards the CA: a ticket cache, or a key to get tickets with
 *   state_dir/link/join.json             where both are, whom to trust, our certificates; written once all is there
 *
 * The certificate towards the service is renewed when two thirds of its life are over (renew.c): a new key, then join.json
 * is replaced, then all go over to it. The service takes the old one until the new one was used.
 *
 * Not here: private keys of users or devices (connector/keys).
 */
#ifndef CONNECTOR_LINK_H
#define CONNECTOR_LINK_H

#include "connector/desk.h"
#include "net/fetch.h"
#include "net/ipc.h"
#include "pki/key.h"

#include <stdatomic.h>

#define LINK_LOOPS_MAX 16
#define LINK_PROTOCOL 1 /* of the messages between connector and service */

struct link_conf {
	const char *dir;         /* state_dir/link */
	const char *version;     /* four parts, as Graph clients read it */
	struct ipc_client *keys; /* connector/keys; borrowed */
	unsigned loops;          /* jobs at the same time: 1 .. LINK_LOOPS_MAX */
	struct ipc_client
	    *update; /* connector/update; borrowed. NULL: this connector does not update itself */
	bool update_fetch; /* it takes what the service offers */
};

/* A release that the service offers; id "": none. */
struct update_offer {
	char id[ID_TEXT], version[32], sha256[65];
	int64_t size;
};

/* How we show the CA who we are. */
enum ca_login {
	CA_LOGIN_CERTIFICATE,
	CA_LOGIN_PASSWORD, /* a name and a password */
	CA_LOGIN_KERBEROS, /* the ticket cache link/krb5cc, or link/client.keytab */
	CA_LOGIN_KEY       /* the key of an API */
};

/* What was settled when the connector joined. In its own arena. */
struct join {
	const char *id, *name;
	const char *service_url, *ca_url;
	enum ca_login ca_login;
	const char *ca_user; /* CA_LOGIN_PASSWORD; else "" */
	const char
	    *ca_secret; /* CA_LOGIN_PASSWORD, CA_LOGIN_KEY; never shown. From a file of its own */
	/* HTTP proxies; "": none. May hold a password: never shown whole */
	const char *proxy, *ca_proxy;
	const char *backend; /* which kind of CA that is: name of a row of backend_table */
	const char **cas;    /* names of the CAs it reaches */
	size_t ncas;
	const char **features; /* that it was told to serve; none: all it can */
	size_t nfeatures;
	struct tls_client_conf service,
	    ca;               /* ca without anchors: the system's; without chain: no certificate */
	unsigned service_key; /* index of the key in use towards the service */
	when_t renew_at;      /* of the certificate towards the service */
	when_t service_end, ca_end; /* when our certificates are over; ca_end 0: there is none */
	uint8_t holder
	    [32]; /* SHA-256 of our certificate towards the CA; without one join_ca.c says what */
};

struct link {
	struct link_conf conf;
	struct arena *arena;
	const char *machine;
	struct key *service_keys[2]; /* one in use, one of before or NULL */
	struct key *ca_key;
	struct desk *desk;
	pthread_mutex_t changing; /* held while join.json is written anew; taken before lock */
	pthread_mutex_t lock;     /* of join, arena, all threads, polling, using, trouble */
	struct join *join; /* NULL: not joined; replaced by a renewal, never freed before the end */
	pthread_t poller[2];         /* ask, bring; run when nworkers > 0, as the watch does */
	const struct join *using[2]; /* by ask and bring at the moment */
	struct fetch *polling[2];    /* to be interrupted */
	pthread_t worker[LINK_LOOPS_MAX];
	unsigned nworkers;
	const struct join *watching; /* by the watch */
	pthread_t watch;
	pthread_t reporter;
	char report
	    [2048]; /* what is said of us: JSON; "": nothing yet. Under lock, as the two below */
	struct update_offer offer;
	struct fetch *fetching; /* of a release; to be interrupted */
	atomic_bool stop;       /* all but bring end as soon as they can */
	atomic_bool lost;       /* the service did not answer the last time */
	atomic_bool asked;      /* ask has ended */
	atomic_bool last;       /* nothing is leased any more: bring ends after one more exchange */
	atomic_bool again;      /* ask was interrupted to ask anew */
	struct err_report trouble;  /* newest failure of a poll; code ERR_NONE: none yet */
	when_t trouble_at, started; /* started: the threads; 0: not yet */
	_Atomic int64_t jobs, failures, last_contact; /* shown by connector.show */
};

err_t link_open(const struct link_conf *conf, struct link **ret);
/* Starts the threads if joined; connector.join starts them otherwise. */
err_t link_start(struct link *l);
void link_close(struct link *l);
/* Asks the service anew, at once: what we can or want has changed. */
void link_ask_again(struct link *l);

/* join.c: ERR_NOT_JOINED. */
err_t join_load(struct link *l, struct join **ret);
/* What join.json says, all in the arena. ERR_JSON, ERR_BAD_REQUEST, ERR_KEY_MISMATCH when it is for another key of ours. */
err_t join_parse(const struct link *l, struct arena *a, struct str text, struct join **ret);
/* join.json with these members instead of its own; from there on it is what counts. key: takes the place of
 * service_keys[i] with it, and is ours then; NULL: they stay. */
err_t join_change(
    struct link *l, struct arena *a, const json *members, unsigned i, struct key *key);
const char *join_login_name(enum ca_login login); /* "certificate", ... */
/* join_ca.c: the CA's part of join.json, and the secret of the file beside it. ERR_BAD_REQUEST, ERR_KEY_MISMATCH. */
err_t join_read_ca(const struct link *l, struct arena *a, const json *obj, struct join *j);
/* Puts the member ca_secret of args, if there is one, into its file. ERR_BAD_REQUEST: empty, too long, not ASCII. Takes effect with the next reading of
 * join.json. */
err_t join_keep_secret(const struct link *l, struct arena *a, const json *args);
/* Tells connector/keys by which key the service seals its orders: PEM. ERR_JOINED: it was told another one before. */
err_t join_name_order_key(struct link *l, struct arena *a, const char *pem);
/* ERR_BAD_REQUEST: not empty and no http://[USER:PASSWORD@]HOST:PORT; `what` is named. */
err_t join_proxy_check(const char *what, const char *url);
/* PEM text of one or more certificates, as DER in the arena. */
err_t join_pem_list(
    struct arena *a, const json *obj, const char *key, const struct str **ret, size_t *retn);
/* A connection to the service: our certificate, the proxy. */
err_t join_fetch(const struct join *j, struct fetch **ret);
/* Whether it serves this feature. */
bool join_does(const struct join *j, const char *feature);
/* renew.c: is it time, and are all done with the certificate before? Then a new one is got and is l->join's. */
bool link_renewal_due(struct link *l);
err_t link_renew(struct link *l);
/* The name of service_keys[i], which is its file name, too. */
const char *link_key_name(unsigned i);

/* What it serves, each feature once; j NULL: all that there are. */
json *link_features(const struct join *j);
/* ERR_FEATURE: the list names one that no job of ours has. */
err_t link_features_check(const json *list);
/* join.c: two verbs of admin.c. */
err_t join_verb_csr(void *ctx, struct arena *a, const json *args, json *answer);
err_t join_verb_join(void *ctx, struct arena *a, const json *args, json *answer);
/* The administrator's verbs (admin.c); context: struct link. */
extern const struct ipc_verb link_admin_verbs[];

/* poll.c, work.c: the threads; arg is struct link. */
void *ask_loop(void *arg);
void *bring_loop(void *arg);
void *work_loop(void *arg);

/* watch.c: tells the service what the CA revoked; arg is struct link. */
void *watch_loop(void *arg);

#endif
