/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of SCEP in the issuer share. Not for other layers. */
#ifndef CA_SCEP_INT_H
#define CA_SCEP_INT_H

#include "ca/scep_ra.h"
#include "ca/submit.h"
#include "codec/ca_scep_ipc.h"
#include "pki/scep.h"

/* One message. */
struct scep_job {
	struct issuer *is;
	struct arena *a;
	const struct hierarchy *h;
	const struct ca_scep_req *q;
	const struct ca *ca;
	struct scep_ra ra;
	struct scep_head head;
	struct cert *signer;
	bool sha1, renewal_allowed; /* settings */
};

/* What becomes of it; denied and pending have no content. */
struct scep_answer {
	enum scep_status status;
	int fail_info;         /* -1 unless it is a failure */
	const char *fail_text; /* "" unless it is a failure */
	struct str content;    /* to be sealed: certs-only SignedData, or one with a CRL */
};

err_t scep_job_open(struct issuer *is, struct arena *a, const char *ca, struct scep_job *j);

/* By message type. An error is a refusal when its row says that it is the caller's (scep.c). */
err_t scep_enrol(struct scep_job *j, struct scep_answer *ret);
err_t scep_poll(struct scep_job *j, struct scep_answer *ret);
err_t scep_get_cert(struct scep_job *j, struct scep_answer *ret);
err_t scep_get_crl(struct scep_job *j, struct scep_answer *ret);

#endif
