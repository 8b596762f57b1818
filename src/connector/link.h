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
 *   state_dir/link/service.pem, ca.pem   this host's keys towards service and CA
 *   state_dir/link/join.json             where both are, whom to trust, our certificates; written once all is there
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
	uint8_t holder[32]; /* SHA-256 of our certificate towards the CA */
};

struct link {
	struct link_conf conf;
	struct arena *arena;
	const char *machine;
	struct key *service_key, *ca_key;
	pthread_mutex_t lock; /* of join, the loops, polling, trouble */
	struct join *join;    /* NULL: not joined; set once */
	pthread_t loop[LINK_LOOPS_MAX];
	struct fetch *polling[LINK_LOOPS_MAX]; /* to be interrupted at the end */
	unsigned nloops;
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
/* The administrator's verbs connector.csr, connector.join, connector.show; context: struct link. */
extern const struct ipc_verb link_admin_verbs[];

/* poll.c: one loop; arg is struct loop_arg. */
struct loop_arg {
	struct link *link;
	unsigned index;
};
void *poll_loop(void *arg);

#endif
