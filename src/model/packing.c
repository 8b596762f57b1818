/* SPDX-License-Identifier: Apache-2.0 */
/* See packing.h. */
#include "model/packing.h"

#include "base/text.h"

enum { WINDOWS_AES_BUILD = 16299 };

static const struct {
	const char *platform;
	struct packing packing;
} rows[] = {
	{ "linux", { PACK_AGENT, PFX_FORMAT_AES } },
	{ "ios", { PACK_APPLE, PFX_FORMAT_3DES } },
	{ "macos", { PACK_APPLE, PFX_FORMAT_3DES } },
	{ "windows", { PACK_WINDOWS, PFX_FORMAT_AES } },
	{ "windowsPhone", { PACK_WINDOWS, PFX_FORMAT_3DES } },
	{ "android", { PACK_AGENT, PFX_FORMAT_3DES } },
	{ "androidWorkProfile", { PACK_AGENT, PFX_FORMAT_3DES } },
	{ "androidDeviceOwner", { PACK_AGENT, PFX_FORMAT_3DES } },
	{ "androidAOSP", { PACK_AGENT, PFX_FORMAT_3DES } },
};

/* "10.0.22631.1": the third number is the build. What cannot be read counts as old: that opens everywhere. */
static bool
windows_opens_aes(const char *version)
{
	struct str rest = str_c(version == NULL ? "" : version), part = STR_EMPTY;
	int64_t build = 0;
	err_t e;

	for (int i = 0; i < 3; i++)
		part = str_cut(&rest, '.');
	e = text_i64(part, 0, INT32_MAX, &build);
	if (!err_ok(e)) {
		err_forget(e);
		return false;
	}
	return build >= WINDOWS_AES_BUILD;
}

struct packing
packing_of(const struct device *d)
{
	struct packing p = { PACK_AGENT, PFX_FORMAT_AES };
	const char *platform = d->platform == NULL ? "" : d->platform;

	for (size_t i = 0; i < COUNT(rows); i++)
		if (str_ieq_c(str_c(platform), rows[i].platform))
			p = rows[i].packing;
	if (p.form == PACK_WINDOWS && p.format == PFX_FORMAT_AES &&
	    !windows_opens_aes(d->os_version))
		p.format = PFX_FORMAT_3DES;
	return p;
}
