/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/job_pack.h"

#include "base/limits.h"
#include "connector/pack.h"
#include "pki/fips.h"
#include "pki/pfx.h"

static const char *
otherwise(const char *said, const char *fallback)
{
	return said == NULL || said[0] == '\0' ? fallback : said;
}

err_t
job_pack_read(struct arena *a, const json *job, struct pack *ret)
{
	const char *form, *format;
	struct pack p = { 0 };

	TRY(json_want_text(job, "pack", 16, &form));
	TRY(json_want_text(job, "format", 16, &format));
	TRY(pack_form_by_name(otherwise(form, "agent"), &p.form));
	TRY(pack_format_by_name(otherwise(format, "aes"), &p.format));
	TRY(json_want_base64(a, job, "frame", LIMIT_PACK_FRAME, &p.frame));
	TRY(pack_check(&p));
	/* Before a CA issues what could not be delivered. */
	if (p.form != PACK_AGENT)
		TRY(fips_refuse(PACK_UNAPPROVED));
	if (p.format == PFX_FORMAT_3DES)
		TRY(fips_refuse(PFX_UNAPPROVED));
	*ret = p;
	return OK;
}
