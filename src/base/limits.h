/* SPDX-License-Identifier: Apache-2.0 */
/* Every size that comes from outside meets one of these before it is used to allocate or to loop. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define LIMIT_HTTP_BODY (8u << 20)    /* request body */
#define LIMIT_HTTP_BODIES (64u << 20) /* request bodies of one server, all together */
#define LIMIT_HTTP_STRANGER 65536u    /* request body of who has no certificate yet */
#define LIMIT_HTTP_HEADERS \
	98304u /* request line and headers: SCEP by GET brings 64 kB of address */
#define LIMIT_HTTP_REPLY (32u << 20)  /* answer that our client takes in */
#define LIMIT_HTTP_FIELDS 128u        /* header fields of one request */
#define LIMIT_HTTP_SEGMENTS 32u       /* of a path */
#define LIMIT_HTTP_PAIRS 128u         /* of a query or a form */
#define LIMIT_HTTP_CONNECTIONS 16384u /* of one server */
#define LIMIT_HTTP_STRANGERS 12288u   /* of them, at the device port, by who shows no certificate */
#define LIMIT_HTTP_FIRST 1024u        /* beside them, for connectors; by one of these as many */
#define LIMIT_HTTP_HELD 512u          /* of them, by the certificate of one device */
#define LIMIT_HTTP_STREAMS 64u        /* answers of one server that are made while they are sent */
#define LIMIT_HTTP_PIECE (256u << 10) /* of such an answer, that is in memory */
#define LIMIT_IPC_MESSAGE (1u << 20)
#define LIMIT_JSON_DEPTH 32u
#define LIMIT_XML_BYTES (1u << 20)
#define LIMIT_XML_DEPTH 64u
#define LIMIT_XML_NODES 20000u
#define LIMIT_PLIST_BYTES (1u << 20)    /* a property list */
#define LIMIT_APPLE_REPORT (768u << 10) /* a status report of a device, as JSON */
#define LIMIT_APPLE_TOLD 1024u          /* certificates in one */
#define LIMIT_PLIST_DEPTH 32u
#define LIMIT_PLIST_NODES 20000u
#define LIMIT_PLIST_KEYS 1024u      /* in one dictionary */
#define LIMIT_SYNCML_COMMANDS 2048u /* in one message of a device */
#define LIMIT_SYNCML_ITEMS 64u      /* in one command */
#define LIMIT_SYNCML_URI 1024u      /* bytes in a path */
#define LIMIT_SYNCML_DATA (128u << 10)
#define LIMIT_WINDOWS_NODES 1152u  /* of one device, that are asked for in one session */
#define LIMIT_WINDOWS_SENT 256u    /* commands that one device was told and that are not settled */
#define LIMIT_SECURITY_TOKEN 4096u /* of a Windows enrolment */
#define LIMIT_CERT_BYTES 32768u
#define LIMIT_CHAIN_CERTS 8u
#define LIMIT_CERTS 64u /* in one bag or one set of anchors */
#define LIMIT_CRL_ENTRIES 2000000u
#define LIMIT_CRL_BYTES (160u << 20)
#define LIMIT_CRL_SHARDS 1024u      /* parts of one CA's list */
#define LIMIT_CRL_PART (512u << 10) /* of a list, in one message between our processes */
#define LIMIT_OCSP_BYTES 16384u     /* an OCSP request */
#define LIMIT_OCSP_CERTS 32u        /* in one request */
#define LIMIT_OCSP_NONCE 128u       /* RFC 9654 2.1 */
#define LIMIT_OCSP_ANSWER (64u << 10)
#define LIMIT_CSR_BYTES 32768u
#define LIMIT_CMS_BYTES (512u << 10)
#define LIMIT_PFX_BYTES (256u << 10)
#define LIMIT_PACK_FRAME 65536u   /* plist around a key */
#define LIMIT_IMPORT_KEYS 256u    /* of one connector, and that it admits */
#define LIMIT_PFX_ROUNDS 2000000u /* of key derivation, in a PKCS#12 file from outside */
#define LIMIT_KEY_BYTES 16384u    /* a private key in PEM */
#define LIMIT_RENEWALS 24u        /* new identities of one device in a day */
#define LIMIT_EXTENSIONS 64u      /* in one certificate or request */
#define LIMIT_ORDER_BYTES 16384u
#define LIMIT_NAME_AVAS 64u     /* attribute values in one distinguished name */
#define LIMIT_NAME_VALUE 1024u  /* bytes in one of them */
#define LIMIT_NAME_FORMAT 2048u /* bytes in a subject format */
#define LIMIT_SANS 64u
#define LIMIT_SAN_VALUE 2048u
#define LIMIT_EKUS 64u
#define LIMIT_OID_TEXT 128u
#define LIMIT_HIDDEN 2048u /* a secret that is kept, sealed or not */
#define LIMIT_TEXT 256u    /* display names and their like */
#define LIMIT_LONG_TEXT 4096u
#define LIMIT_JWT_BYTES 16384u
#define LIMIT_CONF_BYTES (256u << 10)
#define LIMIT_INVENTORY 256u /* items one device may report */
#define LIMIT_RESULTS 256u
#define LIMIT_DEVICE_STATE (1u << 20) /* that a platform keeps of one device and channel */
#define LIMIT_MEMO_TEXT 65536u        /* bytes of a text of which what was made of it is kept */
#define LIMIT_PAGE 1000u
#define LIMIT_CA_ATTRIBUTES 16u /* name/value pairs with one request to a CA */
#define LIMIT_CA_ATTRIBUTE \
	32768u /* bytes in one of them; a sealed order in base64 is the largest */
#define LIMIT_SCEP_BYTES (128u << 10) /* one pkiMessage */
#define LIMIT_RELAYS 1024u            /* SCEP messages on their way to CAs at a time */
#define LIMIT_RELAYS_EACH 8u          /* of one request */
#define LIMIT_CHALLENGE 64u           /* bytes in a challenge of ours */
#define LIMIT_SCEP_NONCE 64u
#define LIMIT_SCEP_CERTS 16u     /* certificates in one pkiMessage */
#define LIMIT_SCEP_RECIPIENTS 4u /* of its envelope: each costs an RSA operation */
#define LIMIT_POLICIES 1024u     /* templates in one answer */
#define LIMIT_POLICY_EXTS 16u    /* extensions that one of them writes */
#define LIMIT_CAS 64u            /* CAs of one issuer */
#define LIMIT_FILTER 4096u       /* bytes in one query option */
#define LIMIT_RATE_ANY \
	4000u /* requests of one caller in 20 s; the API reference names 1,000 to 4,000 */
#define LIMIT_RATE_WRITE 2000u  /* of them, those that change something */
#define LIMIT_RATE_STRANGER 60u /* sign-ins that one address begins or tries in 20 s */
#define LIMIT_LOGINS 2000u      /* sign-ins under way at a time */
#define LIMIT_REFRESHES 50u     /* sign-ins of one administrator that go on by themselves */
#define LIMIT_BATCH 20u         /* requests in one $batch */
#define LIMIT_RULE 3072u        /* bytes in the rule of an assignment filter */
#define LIMIT_JWKS 64u          /* keys of one outside issuer */
#define LIMIT_JWKS_BYTES (256u << 10)
#define LIMIT_CLAIM_GROUPS 256u  /* groups in one token of an outside issuer */
#define LIMIT_ROLE_MEMBERS 256u  /* of one role assignment */
#define LIMIT_NOTICE_TARGETS 64u /* webhooks and addresses */
#define LIMIT_FILTER_DEPTH 16u
#define LIMIT_REPORTS 64u                /* that are kept at a time */
#define LIMIT_REPORTS_BYTES (8ull << 30) /* of all that are kept */
#define LIMIT_RELEASE_BYTES (48u << 20)  /* of the connector, as one file */
#define LIMIT_RELEASE_HEAD 65536u        /* what it says of itself */
#define LIMIT_RELEASE_FILES 16u
#define LIMIT_FILTER_ITEMS 256u /* terms of one filter, names of one list */

#endif
