/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a caller may see of the CA's policy: the answer to CA_POLICIES (codec/ca_ipc.h), which MS-XCEP and EST's CSR
 * attributes are made from.
 */
#ifndef CODEC_POLICIES_IPC_H
#define CODEC_POLICIES_IPC_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/when.h"

struct policies_req {
	struct str caller; /* as in ca_submit_req */
	const char *user, *password;
};

struct policy_ext {
	const char *oid;
	bool critical;
	struct str value; /* content of extnValue */
};

/* One template that the caller may read. Flags are those of MS-CRTD 2. */
struct policy_template {
	const char *name, *display_name, *oid;
	uint32_t schema, major, minor;
	uint32_t flags, name_flags, enrolment_flags, private_key_flags;
	uint32_t min_key_bits;
	bool rsa, p256, p384;      /* which keys are taken */
	int64_t validity, overlap; /* seconds */
	bool enrol, autoenrol;     /* may the caller? */
	uint64_t cas;              /* bit i: issued by the CA at index i of policies_rep.cas */
	struct policy_ext *exts;   /* <= LIMIT_POLICY_EXTS */
	size_t nexts;
};

struct policy_ca {
	const char *name;
	struct str certificate;
	bool enrol; /* may the caller request there? */
};

struct policies_rep {
	struct id id; /* of this set of policies; stable for the life of the installation */
	const char *name;
	when_t changed;        /* nothing that anybody sees here has changed since */
	struct policy_ca *cas; /* <= LIMIT_CAS */
	size_t ncas;
	struct policy_template *v; /* <= LIMIT_POLICIES */
	size_t n;
};

err_t policies_req_encode(const struct policies_req *q, struct buf *out);
err_t policies_req_parse(struct arena *a, struct str in, struct policies_req *ret);
err_t policies_rep_encode(const struct policies_rep *q, struct buf *out);
err_t policies_rep_parse(struct arena *a, struct str in, struct policies_rep *ret);

#endif
