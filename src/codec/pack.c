/* SPDX-License-Identifier: Apache-2.0 */
/* See pack.h. */
#include "codec/pack.h"

#include "base/limits.h"

static const char *const forms[] = {
	[PACK_AGENT] = "agent",
	[PACK_WINDOWS] = "windows",
	[PACK_APPLE] = "apple",
};

static const char *const formats[] = {
	[PFX_FORMAT_AES] = "aes",
	[PFX_FORMAT_3DES] = "3des",
};

err_t
pack_check(const struct pack *p)
{
	if (p->form < PACK_AGENT || p->form > PACK_APPLE)
		FAIL(ERR_UNSUPPORTED, "form %u", (unsigned)p->form);
	if (p->format != PFX_FORMAT_AES && p->format != PFX_FORMAT_3DES)
		FAIL(ERR_UNSUPPORTED, "format %u", (unsigned)p->format);
	if ((p->form == PACK_APPLE) != (p->frame.n > 0))
		FAIL(
		    ERR_MALFORMED, "form %s with a frame of %zu bytes", forms[p->form], p->frame.n);
	return OK;
}

err_t
pack_put(struct buf *out, const struct pack *p)
{
	TRY(pack_check(p));
	TRY(wr_u8(out, (uint8_t)p->form));
	TRY(wr_u8(out, (uint8_t)p->format));
	return wr_blob(out, p->frame);
}

err_t
pack_take(struct str *in, struct pack *ret)
{
	struct pack p;
	uint8_t form, format;

	TRY(rd_u8(in, &form));
	TRY(rd_u8(in, &format));
	TRY(rd_blob(in, LIMIT_PACK_FRAME, &p.frame));
	p.form = (enum pack_form)form;
	p.format = (enum pfx_format)format;
	TRY(pack_check(&p));
	*ret = p;
	return OK;
}

const char *
pack_form_name(enum pack_form f)
{
	return forms[f];
}

const char *
pack_format_name(enum pfx_format f)
{
	return formats[f];
}

err_t
pack_form_by_name(const char *name, enum pack_form *ret)
{
	for (size_t i = PACK_AGENT; i < COUNT(forms); i++)
		if (str_eq_c(str_c(name), forms[i])) {
			*ret = (enum pack_form)i;
			return OK;
		}
	FAIL(ERR_UNSUPPORTED, "form %.32s", name);
}

err_t
pack_format_by_name(const char *name, enum pfx_format *ret)
{
	for (size_t i = PFX_FORMAT_AES; i < COUNT(formats); i++)
		if (str_eq_c(str_c(name), formats[i])) {
			*ret = (enum pfx_format)i;
			return OK;
		}
	FAIL(ERR_UNSUPPORTED, "format %.32s", name);
}

/* Where the mark begins; it must be there once. */
static err_t
find_mark(struct str in, struct str mark, size_t *ret)
{
	size_t at = 0, n = 0;

	for (size_t i = 0; i + mark.n <= in.n; i++)
		if (memcmp(in.p + i, mark.p, mark.n) == 0) {
			at = i;
			n++;
		}
	if (n != 1)
		FAIL(ERR_MALFORMED, "the frame has %s %zu times", (const char *)mark.p, n);
	*ret = at;
	return OK;
}

err_t
pack_fill(struct str frame, struct str pfx_base64, struct str password, struct buf *out)
{
	struct str marks[2] = { LIT(PACK_MARK_PFX), LIT(PACK_MARK_PASSWORD) };
	struct str values[2] = { pfx_base64, password };
	size_t at[2], first, from = 0;

	for (size_t i = 0; i < 2; i++)
		TRY(find_mark(frame, marks[i], &at[i]));
	first = at[0] < at[1] ? 0 : 1;
	for (size_t k = 0; k < 2; k++) {
		size_t i = k == 0 ? first : 1 - first;

		TRY(buf_put(out, str_of(frame.p + from, at[i] - from)));
		TRY(buf_put(out, values[i]));
		from = at[i] + marks[i].n;
	}
	return buf_put(out, str_of(frame.p + from, frame.n - from));
}
