/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small while nothing happens: before a long wait, pages of programs and libraries that were read from their files, and free
 * memory of the heap, go back to the system. What is needed again is found in the page cache.
 *
 * Only mappings of files that cannot be written to and of which no page was changed (relocations are changes).
 */
#include "agent/agent.h"
#include "base/file.h"
#include "base/text.h"

#include <malloc.h>
#include <sys/mman.h>

enum { LIMIT_SMAPS = 4 << 20 };

struct mapping {
	uint64_t from, to;
	bool of_file, touched;
};

static bool
hex(struct str *in, uint8_t end, uint64_t *ret)
{
	struct str digits = str_cut(in, end);
	uint64_t v = 0;

	if (digits.n == 0 || digits.n > 16)
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		int c = digits.p[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret = v;
	return true;
}

/* "7f..-7f.. r-xp 00000000 08:01 1234   /usr/lib/libx.so"; proc(5) */
static bool
mapping_read(struct str line, struct mapping *ret)
{
	struct mapping m = { 0 };
	struct str mode;

	if (!hex(&line, '-', &m.from) || !hex(&line, ' ', &m.to))
		return false;
	mode = str_cut(&line, ' ');
	m.of_file = mode.n == 4 && mode.p[1] == '-' && memchr(line.p, '/', line.n) != NULL;
	*ret = m;
	return true;
}

static void
give_back(const struct mapping *m)
{
	if (m->of_file && !m->touched)
		(void)madvise((void *)(uintptr_t)m->from, m->to - m->from, MADV_DONTNEED);
}

void
idle_trim(struct arena *a)
{
	struct mapping m = { 0 }, next;
	struct str text;
	err_t e;

	(void)malloc_trim(0);
	e = file_read(a, "/proc/self/smaps", LIMIT_SMAPS, &text);
	if (!err_ok(e)) {
		err_forget(e); /* it is a courtesy */
		return;
	}
	while (text.n > 0) {
		struct str line = str_cut(&text, '\n');

		if (mapping_read(line, &next)) {
			give_back(&m);
			m = next;
		} else if (str_starts(line, LIT("Anonymous:"))) {
			m.touched =
			    !str_eq(str_trim(str_of(line.p + 10, line.n - 10)), LIT("0 kB"));
		}
	}
	give_back(&m);
}
