/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules for templates: which settings, together with the rights on them, hand out more than anybody meant to. One row a
 * rule, named after the weakness as auditors know it (ESC1 ... ESC17). Asked whenever a template or a right on it is
 * saved, and for the whole list by "template lint".
 *
 * A rule that refuses can be set aside for one template by naming it; that is kept with the template and journalled.
 * Weaknesses that this CA cannot have at all (a SAN from a request attribute, NTLM, RPC, extensions that can be
 * switched off, mappings of a directory) have no row: doc/ca.md says why, and a test each shows it.
 *
 * Not here: rules for certificates (pki/issue.h).
 */
#ifndef CA_LINT_H
#define CA_LINT_H

#include "base/when.h"
#include "store/ca.h"

struct lint_in {
	const struct template_row *t;
	const struct template_right *rights;
	size_t nrights;
	int64_t ca_left; /* seconds that the CA with the shortest life still has; 0: not known */
};

enum lint_severity { LINT_WARN, LINT_REFUSE };

struct lint_rule {
	const char *id;
	enum lint_severity severity;
	enum err_code code; /* of a refusal */
	bool (*applies)(const struct lint_in *in);
	const char *reason, *change;
};
extern const struct lint_rule lint_rules[];
extern const size_t lint_nrules;

struct lint_found {
	const struct lint_rule *rule;
	bool overridden;
};
/* Every rule that the template breaks; *ret is in the arena. */
void lint_all(struct arena *a, const struct lint_in *in, struct lint_found **ret, size_t *retn);
/* The first that refuses and is not set aside, as its error. CA templates are ERR_TEMPLATE_MANUAL. */
err_t lint_save(const struct lint_in *in);
/* With the rights as they are. Expects a transaction. */
err_t lint_saved(struct tx *tx, struct arena *a, const struct template_row *t);
/* May a requester name itself in a certificate of this template? What lint_save() asks, without rights. */
err_t lint_requester_names(const struct template_row *t);

/* Adds names of rules to those that the template sets aside. ERR_NOT_FOUND: there is no such rule, or it only warns. */
err_t lint_override(struct arena *a, struct template_row *t, const char *const *ids, size_t n);

#endif
