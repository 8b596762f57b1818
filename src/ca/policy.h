/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy: decides whether a certificate may be made, and is the only maker of what the signing code demands as
 * evidence. struct approval is opaque; mint.h takes one and asks policy_still() again inside the transaction that puts
 * the intent on disk.
 *
 * For a request from outside there are these gates, in this order, each with an error row of its own:
 *   1. the caller: a certificate of ours, valid, not revoked, of an enabled principal         (caller.h)
 *   2. the right to request on the CA                                                         0x80094011
 *   3. the template: named once, known, published on this CA, issued on request               0x80094801 02 00 09
 *   4. the right to enrol for it; deny wins                                                   0x80094012
 * then the request itself (proof of possession, kind and size of the key 0x80094811), then, where the template demands
 * it or one was sent, the order: seal, time, CA, template, holder, key, and each name by its decoded value.
 *
 * Names in the certificate are the order's bytes. Key usage and purposes are the template's; a wish for more is refused.
 * Without an order only a template whose requester may name itself is issued, never one for logging on (ESC1).
 *
 * Not here: fences and records (mint.h), what a template writes (template.h).
 */
#ifndef CA_POLICY_H
#define CA_POLICY_H

#include "ca/caller.h"
#include "ca/template.h"
#include "codec/order.h"
#include "pki/csr.h"

struct approval;

/* What an approval says. */
struct grant {
	const struct ca *ca;
	struct template_row template;
	const char *requester;               /* principal, or "administrator" */
	struct key *key;                     /* to certify; its public half is used */
	struct str spki;                     /* SHA-256 of it */
	struct str subject;                  /* DER Name */
	struct str san;                      /* DER GeneralNames; empty: none */
	const char *sid;                     /* "" if none */
	const char *subject_text, *san_text; /* for people */
	uint8_t key_usage;
	when_t not_before, not_after;
	bool is_ca;
	int path_len;
	bool ordered; /* the next ones come from an order */
	struct id order, slot, device, user, profile;
	uint64_t fence;
};

void approval_free(struct approval *ap);
static inline void
approval_cleanup(struct approval **ap)
{
	approval_free(*ap);
}
#define auto_approval __attribute__((cleanup(approval_cleanup)))
const struct grant *approval_grant(const struct approval *ap);

/* A request from outside. The approval borrows from `a` and `h`. */
err_t policy_request(struct store *s, const struct hierarchy *h, struct arena *a,
    const struct ca_submit_req *q, struct approval **ret);
/* Do the records still say what the approval was made from? Expects a transaction. */
err_t policy_still(struct tx *tx, struct arena *a, const struct approval *ap);

/* What the administrator of this machine states himself, on the issuer's own socket. */
struct policy_admin {
	const char *template;
	struct str csr; /* PKCS#10; its names are not looked at. Empty: `key` is certified */
	const struct key *key;
	const char *common_name;
	const struct san *sans;
	size_t nsans;
};
err_t policy_admin(struct store *s, const struct ca *ca, struct arena *a,
    const struct policy_admin *q, struct approval **ret);
/* A CA's own certificate. signer->cert NULL: it signs itself. */
err_t policy_ca(struct store *s, const struct ca *signer, struct arena *a, const char *common_name,
    const struct key *key, const char *template, int years, int path_len, struct approval **ret);

/* Opens a sealed order of an admitted service; checks seal, kind, time and holder. *ret points into `sealed`. */
err_t policy_order_open(struct store *s, struct arena *a, enum order_kind kind, struct str sealed,
    const uint8_t caller_sha256[32], struct order *ret);

#endif
