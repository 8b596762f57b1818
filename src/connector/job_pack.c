/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/job_pack.h"

#include "base/limits.h"

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
	*ret = p;
	return OK;
}
