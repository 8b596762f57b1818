/* SPDX-License-Identifier: Apache-2.0 */
/* Object identifiers: see oid.h. X.690 8.19. */
#include "codec/oid.h"

#include "base/limits.h"

static const struct {
	const char *oid, *name;
} names[] = {
	{ OID_EKU_SERVER_AUTH, "Server Authentication" },
	{ OID_EKU_CLIENT_AUTH, "Client Authentication" },
	{ "1.3.6.1.5.5.7.3.3", "Code Signing" },
	{ OID_EKU_EMAIL, "Secure Email" },
	{ "1.3.6.1.5.5.7.3.8", "Time Stamping" },
	{ OID_EKU_OCSP_SIGNING, "OCSP Signing" },
	{ "1.3.6.1.5.2.3.4", "PKINIT Client Authentication" },
	{ "1.3.6.1.5.2.3.5", "KDC Authentication" },
	{ "1.3.6.1.5.5.7.3.17", "IP Security IKE Intermediate" },
	{ "1.3.6.1.4.1.311.20.2.2", "Smart Card Logon" },
	{ OID_EKU_EFS, "Encrypting File System" },
	{ "1.3.6.1.4.1.311.10.3.12", "Document Signing" },
	{ "2.5.29.37.0", "Any Purpose" },
};

/* One arc of the text; *in stands behind it and behind the dot that follows. */
static bool
arc_take(struct str *in, uint64_t *ret)
{
	struct str part = str_cut(in, '.');
	uint64_t v = 0;

	if (part.n == 0 || (part.n > 1 && part.p[0] == '0'))
		return false;
	for (size_t i = 0; i < part.n; i++) {
		uint64_t digit = (uint64_t)part.p[i] - '0';

		if (part.p[i] < '0' || digit > 9 || v > ((uint64_t)INT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*ret = v;
	return true;
}

/* Writes v base 128 at p (10 bytes are always enough); how many were used. */
static size_t
arc_put(uint64_t v, uint8_t *p)
{
	size_t n = 1;

	for (uint64_t t = v >> 7; t != 0; t >>= 7)
		n++;
	for (size_t i = n; i-- > 0; v >>= 7)
		p[i] = (v & 0x7f) | (i + 1 < n ? 0x80 : 0);
	return n;
}

/* out has room for the whole: no arc of k digits needs more than k + 1 bytes. */
static bool
content_put(struct str text, uint8_t *out, size_t *retn)
{
	uint64_t first, second;
	size_t n = 0;

	/* A dot at the end would vanish in str_cut(). */
	if (text.n == 0 || text.n > LIMIT_OID_TEXT || text.p[text.n - 1] == '.')
		return false;
	if (!arc_take(&text, &first) || first > 2 || text.n == 0 || !arc_take(&text, &second))
		return false;
	if (second > (first < 2 ? 39 : (uint64_t)INT64_MAX - 80))
		return false;
	n += arc_put(first * 40 + second, out);
	while (text.n > 0) {
		uint64_t v;

		if (!arc_take(&text, &v))
			return false;
		n += arc_put(v, out + n);
	}
	*retn = n;
	return true;
}

err_t
oid_content(struct arena *a, const char *text, struct str *ret)
{
	uint8_t bytes[2 * LIMIT_OID_TEXT + 16];
	size_t n;

	if (text == NULL || !content_put(str_c(text), bytes, &n))
		FAIL(ERR_DER, "not an object identifier: %.140s", text == NULL ? "" : text);
	*ret = arena_str(a, str_of(bytes, n));
	return OK;
}

bool
oid_valid(const char *text)
{
	uint8_t bytes[2 * LIMIT_OID_TEXT + 16];
	size_t n;

	return text != NULL && content_put(str_c(text), bytes, &n);
}

static err_t
arc_decode(struct str *in, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < in->n; i++) {
		if (i == 0 && in->p[0] == 0x80)
			FAIL(ERR_DER, "object identifier with a padded arc");
		if (v >> 56 != 0)
			FAIL(ERR_DER, "object identifier with an arc past 63 bits");
		v = v << 7 | (in->p[i] & 0x7f);
		if ((in->p[i] & 0x80) == 0) {
			in->p += i + 1;
			in->n -= i + 1;
			*ret = v;
			return OK;
		}
	}
	FAIL(ERR_DER, "object identifier ends within an arc");
}

/* In digits, after a dot unless it is the first. */
static bool
arc_print(uint64_t v, char *out, size_t *at)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	if (*at + n + 1 > LIMIT_OID_TEXT)
		return false;
	if (*at > 0)
		out[(*at)++] = '.';
	while (n > 0)
		out[(*at)++] = digits[--n];
	return true;
}

err_t
oid_text(struct arena *a, struct str content, const char **ret)
{
	char text[LIMIT_OID_TEXT];
	uint64_t v, first;
	size_t n = 0;
	bool fits;

	if (content.n == 0)
		FAIL(ERR_DER, "object identifier without content");
	TRY(arc_decode(&content, &v));
	first = v < 80 ? v / 40 : 2;
	fits = arc_print(first, text, &n) && arc_print(v - first * 40, text, &n);
	while (fits && content.n > 0) {
		TRY(arc_decode(&content, &v));
		fits = arc_print(v, text, &n);
	}
	if (!fits)
		FAIL(ERR_TOO_LARGE, "object identifier longer than %u characters", LIMIT_OID_TEXT);
	*ret = arena_cstr(a, str_of(text, n));
	return OK;
}

const char *
oid_name(const char *text)
{
	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i].oid, text) == 0)
			return names[i].name;
	return text;
}
