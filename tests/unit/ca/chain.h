/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of a lab's CAs and their chains, for the openssl command to judge. */
#ifndef TESTS_UNIT_CA_CHAIN_H
#define TESTS_UNIT_CA_CHAIN_H

#include "lab.h"

static inline const struct ca *
now_ca(struct lab *l, const char *name)
{
	const struct ca *ca = NULL;

	expect_ok(hierarchy_find(issuer_hierarchy(l->is), name, &ca));
	return ca;
}

static inline struct str
issue_one(struct lab *l, const char *ca)
{
	struct want w = lab_want(l);
	struct ca_submit_rep rep;
	const char *all = "";

	w.ca = w.order.ca = ca;
	rep = lab_submit(l, w);
	if (rep.disposition != CA_ISSUED)
		print_error("denied: %s\n", rep.message);
	assert_int_equal(rep.disposition, CA_ISSUED);
	assert_true(rep.chain.n >= 1);
	for (size_t i = 0; i < rep.chain.n; i++)
		all =
		    arena_printf(l->a, "%s%s", all, text_pem(l->a, "CERTIFICATE", rep.chain.v[i]));
	lab_write(l, "chain.pem", str_c(all));
	return rep.leaf;
}

/* Does the leaf verify to the root over the chain that came with it? */
static inline bool
verifies(struct lab *l, struct str leaf, const char *root, const char *chain)
{
	lab_write(l, "leaf.pem", str_c(text_pem(l->a, "CERTIFICATE", leaf)));
	return strstr(lab_run(l,
			  arena_printf(l->a, "openssl verify -CAfile %s -untrusted %s leaf.pem",
			      root, chain)),
		   "leaf.pem: OK") != NULL;
}

static inline void
write_cert(struct lab *l, const char *file, const struct ca *ca)
{
	lab_write(l, file, str_c(text_pem(l->a, "CERTIFICATE", cert_der(ca->cert))));
}

static inline void
renew(struct lab *l, const char *name, bool new_key)
{
	json *args = lab_args("ca", name, NULL);

	json_set_bool(args, "new_key", new_key);
	lab_do(l, "ca.renew", args);
}

static inline const char *
text_of(struct lab *l, const char *file)
{
	struct str s;

	expect_ok(file_read(l->a, arena_printf(l->a, "%s/%s", l->dir, file), 1 << 20, &s));
	return arena_cstr(l->a, s);
}

#endif
