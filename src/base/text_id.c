/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers of base/text.h. */
#include "base/secret.h"
#include "base/text.h"
#include "base/when.h"

struct id
id_new(void) /* RFC 4122 4.4 */
{
	struct id id;

	rand_bytes(id.b, sizeof(id.b));
	id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x40);
	id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
	return id;
}

struct id
id_new_ordered(void) /* RFC 9562 5.7 */
{
	uint64_t ms = (uint64_t)when_now_ms();
	struct id id;

	rand_bytes(id.b, sizeof(id.b));
	for (int i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
	id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x70);
	id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
	return id;
}

bool
id_eq(struct id a, struct id b)
{
	return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

bool
id_is_zero(struct id a)
{
	return id_eq(a, (struct id){ { 0 } });
}

/* Groups of a GUID, in bytes. Written in the order of the bytes, not as Windows keeps it in memory. */
static const uint8_t groups[] = { 4, 2, 2, 2, 6 };

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

err_t
id_parse(struct str s, struct id *ret)
{
	struct id id;
	const uint8_t *p = s.p;
	size_t n = 0;

	if (s.n == ID_TEXT + 1 && s.p[0] == '{' && s.p[s.n - 1] == '}') {
		p++;
		s.n -= 2;
	}
	if (s.n != ID_TEXT - 1)
		FAIL(ERR_ID, "%zu characters; an identifier has %d", s.n, ID_TEXT - 1);
	for (size_t g = 0; g < COUNT(groups); g++) {
		if (g > 0 && *p++ != '-')
			FAIL(ERR_ID, "a dash is missing");
		for (size_t i = 0; i < groups[g]; i++, p += 2) {
			int high = hex_value(p[0]);
			int low = hex_value(p[1]);

			if (high < 0 || low < 0)
				FAIL(ERR_ID, "not a hexadecimal digit");
			id.b[n++] = (uint8_t)(high << 4 | low);
		}
	}
	*ret = id;
	return OK;
}

char *
id_text(struct arena *a, struct id id)
{
	const char *hex = text_hex(a, STR(id.b));

	return arena_printf(
	    a, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

struct str
id_str(const struct id *id)
{
	return STR(id->b);
}
