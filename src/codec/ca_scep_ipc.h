/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCEP messages from ca/front to ca/issuer, beside those of ca_ipc.h. The front has taken the client's message apart;
 * the issuer gets its parts and checks the signature over them itself.
 *
 *   type             request             reply
 *   CA_SCEP          ca_scep_req         ca_der_rep        a CertRep, whatever became of it
 *   CA_SCEP_REFUSE   ca_scep_refuse_req  ca_der_rep        a CertRep that says failure
 *   CA_SCEP_INFO     ca_name_req         ca_scep_info_rep  what GetCACert and GetCACaps answer
 *   CA_SCEP_NEXT     ca_name_req         ca_der_rep        what GetNextCACert answers; ERR_SCEP_NEXT: there is nothing
 *   CA_SCEP_DEPOSIT  ca_deposit_req      (empty)           a sealed order, for who shows the challenge with this hash
 */
#ifndef CODEC_CA_SCEP_IPC_H
#define CODEC_CA_SCEP_IPC_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"

enum ca_scep_msg { CA_SCEP = 0x0181, CA_SCEP_REFUSE, CA_SCEP_INFO, CA_SCEP_NEXT, CA_SCEP_DEPOSIT };

struct ca_scep_req {
	const char *ca;                               /* "": the issuing CA */
	const char *template;                         /* of the address; "": none */
	const char *peer;                             /* address of the client, for the journal */
	struct str signer, attrs, signature, content; /* struct scep_msg of pki/scep.h */
	uint8_t digest, cipher;
	bool pss;
};

struct ca_scep_refuse_req {
	const char *ca, *peer;
	const char *transaction;
	struct str nonce;   /* the sender's */
	const char *fault;  /* id in the catalogue */
	const char *detail; /* for people */
};

struct ca_scep_info_rep {
	struct str certs; /* certs-only SignedData */
	bool sha1;        /* is it taken? */
	bool next;        /* does GetNextCACert have an answer? */
};

struct ca_deposit_req {
	struct str caller; /* certificate, DER */
	struct str order;  /* sealed */
	struct str sha256; /* of the challenge */
};

err_t ca_deposit_req_encode(const struct ca_deposit_req *q, struct buf *out);
err_t ca_deposit_req_parse(struct arena *a, struct str in, struct ca_deposit_req *ret);
err_t ca_scep_req_encode(const struct ca_scep_req *q, struct buf *out);
err_t ca_scep_req_parse(struct arena *a, struct str in, struct ca_scep_req *ret);
err_t ca_scep_refuse_req_encode(const struct ca_scep_refuse_req *q, struct buf *out);
err_t ca_scep_refuse_req_parse(struct arena *a, struct str in, struct ca_scep_refuse_req *ret);
err_t ca_scep_info_rep_encode(const struct ca_scep_info_rep *q, struct buf *out);
err_t ca_scep_info_rep_parse(struct arena *a, struct str in, struct ca_scep_info_rep *ret);

#endif
