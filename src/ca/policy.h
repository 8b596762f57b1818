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
 *   4. the rights to read it and to enrol for it; deny wins                                   0x80094012
 * then the request itself (proof of possession, kind and size of the key 0x80094811), then, where the template demands
 * it or one was sent, the order: seal, time, CA, template, holder, key and its maker, and each name by its decoded value.
 *
 * Names in the certificate are the order's bytes. Key usage and purposes are the template's; a wish for more is refused.
 * Without an order only a template whose requester may name itself is issued, and only while no rule of lint.h stands
 * against that. Attributes of a request can shorten the validity, where the CA's setting lets them, and nothing else.
 *
 * Templates with a manager's approval give an approval that says `pend`: pending.h keeps the request, and asks here
 * again when the manager has said yes.
 *
 * Not here: fences and records (mint.h), what a template writes (template.h).
 */
#ifndef CA_POLICY_H
#define CA_POLICY_H

#include "ca/caller.h"
#include "ca/template.h"
#include "codec/order.h"
#include "pki/csr.h"

/* How far the clocks of those who check may be behind ours, in seconds: certificates and orders are good that much earlier. */
enum { POLICY_CLOCK_SKEW = 300 };

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
	int64_t wish_days; /* the order's, if it is heard; 0: none */
	bool is_ca;
	int path_len;
	bool ordered; /* an order or a challenge states this one, and its fence decides */
	/* Of the order; a renewal without one stays under that of the certificate that it renews. */
	struct id order, slot, device, user, profile;
	uint64_t fence;
	int64_t renewed; /* the record of the certificate that is renewed; 0: none */
	bool pend;       /* a manager must approve it first (pending.h): mint() refuses it */
	/* The earlier request under the same order that a manager approved; 0: none. */
	int64_t approved;
	const struct issue_ext
	    *more; /* of a CA's certificate: what its renewals say of themselves */
	size_t nmore;
	const char *ignored; /* request attributes that were not listened to; "": none */
};

void approval_free(struct approval *ap);
static inline void
approval_cleanup(struct approval **ap)
{
	approval_free(*ap);
}
#define auto_approval __attribute__((cleanup(approval_cleanup)))
const struct grant *approval_grant(const struct approval *ap);

/* A request from outside, by somebody who has shown who it is; q's caller, user and password are not looked at. The
 * approval borrows from `a` and `h`. A request that renews must name what the certificate in q->renews names, and is for that one's template. */
err_t policy_request_by(struct store *s, const struct hierarchy *h, struct arena *a,
    const struct ca_submit_req *q, const struct proof *who, struct approval **ret);
/* The gates alone, for who must do costly work before there is a request: ret is the template that q and its CSR
 * name. The request itself goes through policy_request_by() all the same. */
err_t policy_gates(struct store *s, const struct hierarchy *h, struct arena *a,
    const struct ca_submit_req *q, const struct csr *csr, const struct proof *who,
    struct template_row *ret);
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
	uint8_t more_usage; /* bits of key usage beside the template's */
};
err_t policy_admin(struct store *s, const struct ca *ca, struct arena *a,
    const struct policy_admin *q, struct approval **ret);
/* A CA's own certificate. signer->cert NULL: it signs itself. */
err_t policy_ca(struct store *s, const struct ca *signer, struct arena *a, const char *common_name,
    const struct key *key, const char *template, int years, int path_len, struct approval **ret);
/* A certificate by one CA here for the key and the name of another, until the first of the two ends. */
err_t policy_cross(struct store *s, const struct ca *signer, struct arena *a, const struct ca *of,
    struct approval **ret);
/* More extensions for a CA's own certificate. They must outlive the approval. */
void policy_ca_says(struct approval *ap, const struct issue_ext *more, size_t n);
/* A certificate for a CA elsewhere: its request is a key, a proof that its holder has it, and the name of that CA, which
 * the administrator vouches for. */
err_t policy_subordinate(struct store *s, const struct ca *signer, struct arena *a, struct str csr,
    int years, int path_len, struct approval **ret);

/* By whom and with what an order is shown. */
struct policy_shown {
	/* SHA-256 of the certificate of who shows it (seal_holder() of a name); empty: a device that shows a challenge */
	struct str holder;
	struct str
	    challenge; /* SHA-256 of the challenge that it lay behind; empty: it was shown itself */
	when_t at;     /* 0: now */
};
/* Opens a sealed order of an admitted service; checks seal, kind, time, holder and challenge. *ret points into `sealed`.
 * ERR_ORDER_*. */
err_t policy_order_open(struct store *s, struct arena *a, enum order_kind kind, struct str sealed,
    const struct policy_shown *by, struct order *ret);

/* What may end between the look at an order and the intent: the order, and the admission of the key that sealed it. */
struct policy_order {
	when_t expires; /* 0: there is no order */
	uint8_t key[32];
};
/* Of one that policy_order_open() took. */
void policy_order_note(struct str sealed, const struct order *o, struct policy_order *ret);
/* Is it what this request under the same order asks for? Who asks by order asks again with a new key and a higher fence.
 * The SID is no part of the record: who rests on an approval looks at it as well. */
bool policy_order_same(const struct issued *row, const struct grant *g);
/* The same of a request that waits, and for the same SID. `was` is what was asked then. */
err_t policy_order_waits(struct arena *a, const struct issued *row, const struct ca_submit_req *was,
    const struct grant *g, bool *ret);
/* The request under the grant's order that a manager approved, if it is the same and its certificate is of the same SID;
 * 0: none. */
err_t policy_order_approved(struct store *s, struct arena *a, const struct grant *g, int64_t *ret);
/* ERR_ORDER_EXPIRED. */
err_t policy_order_in_time(struct arena *a, const struct policy_order *o, when_t now);
/* The same, and its key is still admitted. Expects a transaction. ERR_ORDER_EXPIRED, ERR_ORDER_SIGNATURE. */
err_t policy_order_still(struct tx *tx, struct arena *a, const struct policy_order *o, when_t now);

#endif
