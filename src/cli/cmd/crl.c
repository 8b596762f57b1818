/* SPDX-License-Identifier: Apache-2.0 */
/* chancery crl: revocation lists, and the CA's journal behind them. */
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

static err_t
publish(struct cli *c)
{
	return sock_verb(c, &(struct sock_verb){ .role = "ca", .verb = "crl.publish" }, NULL);
}

static err_t
verify_journal(struct cli *c)
{
	return sock_verb(c, &(struct sock_verb){ .role = "ca", .verb = "journal.verify" }, NULL);
}

static const struct opt socket_opts[] = { SOCK_OPT("ca"), { 0 } };

static const struct verb verbs[] = {
	{ "publish", "Make a new CRL of every CA now.", NULL, socket_opts, publish },
	{ "verify-journal", "Check the CA's journal for removed or changed lines.", NULL,
	    socket_opts, verify_journal },
	{ 0 },
};

const struct command command_crl = { "crl", "Revocation lists (on the CA's host).", verbs };
