/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process connector/link: everything of the connector that touches the network, outbound only.
 *
 *   loop (one thread each): poll the service, bringing the last result ──► job ──► run it ──► poll with its result
 *
 * Completing a job and leasing the next is one exchange. A result that could not be brought is kept and brought again; the
 * service refuses it by its fence when the job went elsewhere meanwhile. Nothing of a job is kept on disk: what is lost
 * here comes again when the lease is over.
 *
 *   state_dir/link/service.pem, ca.pem   this host's keys towards service and CA; service-b.pem takes turns with the first
 *   state_dir/link/join.json             where both are, whom to trust, our certificates; written once all is there
 *
 * The certificate towards the service is renewed when two thirds of its life are over (renew.c): a new key, then join.json
 * is replaced, then each loop goes over to it. The service takes the old one until the new one was used.
 *
 * Not here: private keys of users or devices (connector/keys).
 */
#ifndef CONNECTOR_LINK_H
#define CONNECTOR_LINK_H

#include "codec/json.h"
#include "net/fetch.h"
#include "net/ipc.h"
#include "pki/key.h"

#include <pthread.h>
#include <stdatomic.h>

#define LINK_LOOPS_MAX 16

struct link_conf {
	const char *dir;         /* state_dir/link */
	const char *version;     /* four parts, as Graph clients read it */
	struct ipc_client *keys; /* connector/keys; borrowed */
	unsigned loops;          /* jobs at the same time: 1 .. LINK_LOOPS_MAX */
};

/* What was settled when the connector joined. In its own arena. */
struct join {
	const char *id, *name;
	const char *service_url, *ca_url;
	const char *backend; /* which kind of CA that is: name of a row of backend_table */
	const char **cas;    /* names of the CAs it reaches */
	size_t ncas;
	struct tls_client_conf service, ca;
	unsigned service_key;       /* index of the key in use towards the service */
	when_t renew_at;            /* of the certificate towards the service */
	when_t service_end, ca_end; /* when our certificates are over */
	uint8_t holder[32];         /* SHA-256 of our certificate towards the CA */
};

struct link {
	struct link_conf conf;
	struct arena *arena;
	const char *machine;
	struct key *service_keys[2]; /* one in use, one of before or NULL */
	struct key *ca_key;
	pthread_mutex_t lock; /* of join, arena, the loops, polling, using, trouble */
	struct join *join; /* NULL: not joined; replaced by a renewal, never freed before the end */
	const struct join *using[LINK_LOOPS_MAX]; /* by a loop at the moment */
	pthread_t loop[LINK_LOOPS_MAX];
	struct fetch *polling[LINK_LOOPS_MAX]; /* to be interrupted at the end */
	unsigned nloops;
	const struct join *watching; /* by the watch */
	pthread_t watch;             /* runs when nloops > 0 */
	atomic_bool stop;
	struct err_report trouble; /* newest failure of a poll; code ERR_NONE: none yet */
	_Atomic int64_t jobs, failures, last_contact; /* shown by connector.show */
};

err_t link_open(const struct link_conf *conf, struct link **ret);
/* Starts the loops if joined; connector.join starts them otherwise. */
err_t link_start(struct link *l);
void link_close(struct link *l);

/* join.c: ERR_NOT_JOINED. */
err_t join_load(struct link *l, struct join **ret);
/* What join.json says, all in the arena. ERR_JSON, ERR_BAD_REQUEST, ERR_KEY_MISMATCH when it is for another key of ours. */
err_t join_parse(const struct link *l, struct arena *a, struct str text, struct join **ret);
/* renew.c: is it time, and are all loops done with the certificate before? Then a new one is got and is l->join's. */
bool link_renewal_due(struct link *l);
err_t link_renew(struct link *l);
/* The name of service_keys[i], which is its file name, too. */
const char *link_key_name(unsigned i);

/* The administrator's verbs connector.csr, connector.join, connector.show; context: struct link. */
extern const struct ipc_verb link_admin_verbs[];

/* poll.c: one loop; arg is struct loop_arg. */
struct loop_arg {
	struct link *link;
	unsigned index;
};
void *poll_loop(void *arg);

/* watch.c: tells the service what the CA revoked; arg is struct link. */
void *watch_loop(void *arg);

#endif
