/* SPDX-License-Identifier: Apache-2.0 */
/* See enrolled.h. */
#include "model/enrolled.h"

err_t
enrolled_names(struct arena *a, const struct cert *leaf, struct str subject, struct str san)
{
	struct dn want, got;
	struct san *want_san = NULL, *got_san = NULL;
	size_t nwant = 0, ngot = 0;

	TRY(dn_decode(a, subject, &want));
	TRY(dn_decode(a, cert_subject_der(leaf), &got));
	if (!dn_same_parts(&want, &got))
		FAIL(ERR_LEAF_MISMATCH, "subject is \"%s\", ordered was \"%s\"", cert_subject(leaf),
		    dn_print(a, &want));
	if (san.n > 0)
		TRY(san_decode(a, san, &want_san, &nwant));
	if (cert_san_der(leaf).n > 0)
		TRY(san_decode(a, cert_san_der(leaf), &got_san, &ngot));
	if (!san_equal(want_san, nwant, got_san, ngot))
		FAIL(ERR_LEAF_MISMATCH, "alternative names are \"%s\", ordered were \"%s\"",
		    san_print(a, got_san, ngot), san_print(a, want_san, nwant));
	return OK;
}

err_t
enrolled_check(struct arena *a, struct str der, const struct primitive *what)
{
	auto_cert struct cert *leaf = NULL;

	TRY(cert_parse(der, &leaf));
	if (cert_is_ca(leaf))
		FAIL(ERR_LEAF_MISMATCH, "%s", "it is a CA's certificate");
	if (cert_not_after(leaf) <= when_now())
		FAIL(ERR_LEAF_MISMATCH, "it ended at %s", when_text(a, cert_not_after(leaf)));
	return enrolled_names(a, leaf, what->subject, what->san);
}
