/* SPDX-License-Identifier: Apache-2.0 */
/* chancery crl: revocation lists. */
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

static const struct column columns[] = {
	{ .head = "CA", .key = "ca" },
	{ .head = "KEY", .key = "key" },
	{ .head = "KIND", .key = "kind" },
	{ .head = "SHARD", .key = "shard" },
	{ .head = "NUMBER", .key = "number" },
	{ .head = "FROM", .key = "this_update" },
	{ .head = "NEXT", .key = "next_publish" },
	{ .head = "UNTIL", .key = "next_update" },
	{ .head = "URL", .key = "url", .wrap = true },
	{ 0 },
};

static const struct sock_verb list = { "ca", "crl.list", .part = "crls", .columns = columns };
static const struct sock_verb publish = { "ca", "crl.publish" };

static const struct opt socket_opts[] = { SOCK_OPT("ca"), { 0 } };

static const struct verb verbs[] = {
	{ "list", "The newest CRLs: number, dates, address.", NULL, socket_opts, sock_run,
	    .call = &list },
	{ "publish", "Make a new CRL of every CA now.", NULL, socket_opts, sock_run,
	    .call = &publish },
	{ 0 },
};

const struct command command_crl = { "crl", "Revocation lists (on the CA's host).", verbs };
