/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCEP messages (RFC 8894 3): SignedData with SCEP's attributes over an EnvelopedData.
 *
 * Reading is in three steps, so that bytes from outside are taken apart where no key is:
 *
 *   scep_parse    BER of a client -> its parts, each in DER or a number       process without keys
 *   scep_verify   digest, attributes, signature, from the parts alone         there, and again beside the key
 *   scep_open     the envelope, with the RA's key                             beside the key
 *
 * Whether the signer may ask for anything is not looked at here: a first request is signed by a certificate that the
 * client made itself. Taken are RSA keys of 2048 to 8192 bits with PKCS #1 v1.5 or PSS, SHA-1 (where the caller says
 * so), SHA-256, SHA-384, SHA-512, and AES or triple DES in CBC mode. MD5, single DES and RC2 are ERR_SCEP_ALGORITHM.
 */
#ifndef PKI_SCEP_H
#define PKI_SCEP_H

#include "codec/scep_head.h"
#include "pki/cert.h"

/* What FIPS mode has against it: sealing and opening are ERR_FIPS_REFUSED. */
#define SCEP_UNAPPROVED "RSA PKCS #1 v1.5 encryption, by which SCEP seals"

enum scep_digest { SCEP_NO_DIGEST, SCEP_SHA1, SCEP_SHA256, SCEP_SHA384, SCEP_SHA512 };
enum scep_cipher { SCEP_NO_CIPHER, SCEP_DES3, SCEP_AES128, SCEP_AES192, SCEP_AES256 };

/* The parts of one message. */
struct scep_msg {
	struct str signer;       /* certificate, DER */
	struct str attrs;        /* signed attributes: the SET, DER */
	struct str signature;    /* over them */
	struct str content;      /* the envelope as it came, BER; empty: none */
	enum scep_digest digest; /* SCEP_NO_DIGEST: one that is not taken */
	bool pss;
};

/* One signer, whose certificate is in the message; at most LIMIT_SCEP_BYTES. ERR_SCEP. */
err_t scep_parse(struct arena *a, struct str ber, struct scep_msg *ret);
/* ERR_SCEP, ERR_SCEP_ALGORITHM, ERR_SIGNATURE, ERR_CERTIFICATE. */
err_t scep_verify(struct arena *a, const struct scep_msg *m, bool sha1, struct scep_head *ret_head,
    struct cert **ret_signer);
/* How the envelope is sealed; ERR_SCEP_ALGORITHM, ERR_SCEP. */
err_t scep_envelope(struct arena *a, struct str envelope, enum scep_cipher *ret);
/* ERR_SCEP_SEALED, without saying whether key, padding or content was wrong. CBC shows a wrong key by the padding alone: now and
 * then one brings bytes, which are no request. */
err_t scep_open(struct arena *a, const struct key *k, struct str envelope, struct str *ret);

/* EnvelopedData to one certificate, RSA PKCS #1 v1.5 (what every client opens). */
err_t scep_seal(struct arena *a, const struct cert *to, enum scep_cipher cipher, struct str content,
    struct str *ret);

struct scep_spec {
	struct scep_head head; /* all but digest; a number that is -1 is left out */
	struct str content;    /* envelope; empty: the message has none */
	const struct cert *signer;
	const struct key *key;
	enum scep_digest digest;
	const struct str *certs; /* more certificates to put in, DER */
	size_t ncerts;
};
err_t scep_make(struct arena *a, const struct scep_spec *s, struct str *ret);

/* degenerate SignedData with one CRL: the content of the answer to GetCRL (RFC 8894 3.3.4). */
err_t scep_crl(struct arena *a, struct str crl, struct str *ret);
/* The answer to GetNextCACert (RFC 8894 4.7.1): certs, a certs-only SignedData, signed by a CA's key, with SHA-256; RSA
 * or EC. */
err_t scep_next_ca(struct arena *a, const struct cert *signer, const struct key *key,
    struct str certs, struct str *ret);
/* IssuerAndSerialNumber (GetCert, GetCRL): issuer's DER Name, serial as cert_serial() has it. ERR_SCEP. */
err_t scep_issuer_serial(
    struct arena *a, struct str der, struct str *ret_issuer, const char **ret_serial);

#endif
