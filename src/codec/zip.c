/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/zip.h"

#include <time.h>

#define NAME_MAX_BYTES 255u
#define LOCAL_BYTES 30u
#define CENTRAL_BYTES 46u
#define WIDE_BYTES 20u             /* 4.5.3: the extra field with two sizes */
#define WIDE_END_BYTES (56u + 20u) /* 4.3.14, 4.3.15 */
#define IN_WIDE 0xffffffffu        /* "see the extra field" */

uint32_t
zip_crc(uint32_t before, struct str bytes)
{
	uint32_t crc = ~before;

	for (size_t i = 0; i < bytes.n; i++) {
		crc ^= bytes.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
	}
	return ~crc;
}

static err_t
put(struct buf *b, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		TRY(buf_putc(b, (uint8_t)(v >> (8 * i))));
	return OK;
}

/* 4.4.6: MS-DOS date and time, in UTC here; steps of two seconds, from 1980. */
static void
dos_time(when_t t, uint32_t *ret_date, uint32_t *ret_time)
{
	time_t at = (time_t)t;
	struct tm tm = { 0 };

	gmtime_r(&at, &tm);
	*ret_date = tm.tm_year < 80 ?
	    0x21 :
	    (uint32_t)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday);
	*ret_time = (uint32_t)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2);
}

static bool
is_wide(const struct zip_file *f)
{
	return f->size >= IN_WIDE - 1024; /* what stands around the bytes counts, too */
}

static unsigned
version(const struct zip_file *f)
{
	return is_wide(f) ? 45 : 10; /* 4.4.3.2 */
}

/* What local header and central directory share (4.3.7, 4.3.12): version needed to extract file length. */
static err_t
put_common(struct buf *b, const struct zip_file *f)
{
	uint32_t date, time;

	dos_time(f->modified, &date, &time);
	TRY(put(b, version(f), 2));
	TRY(put(b, 0, 2));
	TRY(put(b, 0, 2)); /* stored */
	TRY(put(b, time, 2));
	TRY(put(b, date, 2));
	TRY(put(b, f->crc, 4));
	TRY(put(b, is_wide(f) ? IN_WIDE : f->size, 4));
	TRY(put(b, is_wide(f) ? IN_WIDE : f->size, 4));
	TRY(put(b, strlen(f->name), 2));
	return put(b, is_wide(f) ? WIDE_BYTES : 0, 2);
}

static err_t
put_name(struct buf *b, const struct zip_file *f)
{
	TRY(buf_put(b, str_c(f->name)));
	if (!is_wide(f))
		return OK;
	TRY(put(b, 1, 2));
	TRY(put(b, 16, 2));
	TRY(put(b, f->size, 8));
	return put(b, f->size, 8);
}

/* 4.3.14, 4.3.15: end record and where it lies. */
static err_t
put_wide_end(struct buf *b, uint64_t central_at, uint64_t central)
{
	TRY(put(b, 0x06064b50, 4));
	TRY(put(b, 44, 8)); /* bytes that follow */
	TRY(put(b, 45, 2));
	TRY(put(b, 45, 2));
	TRY(put(b, 0, 8)); /* disks */
	TRY(put(b, 1, 8));
	TRY(put(b, 1, 8));
	TRY(put(b, central, 8));
	TRY(put(b, central_at, 8));
	TRY(put(b, 0x07064b50, 4));
	TRY(put(b, 0, 4));
	TRY(put(b, central_at + central, 8));
	return put(b, 1, 4);
}

err_t
zip_head(struct arena *a, const struct zip_file *f, struct str *ret)
{
	auto_buf struct buf b = { 0 };

	if (strlen(f->name) > NAME_MAX_BYTES)
		FAIL(ERR_TOO_LARGE, "file name");
	buf_init(&b, LOCAL_BYTES + NAME_MAX_BYTES + WIDE_BYTES);
	TRY(put(&b, 0x04034b50, 4));
	TRY(put_common(&b, f));
	TRY(put_name(&b, f));
	*ret = arena_str(a, buf_str(&b));
	return OK;
}

err_t
zip_tail(struct arena *a, const struct zip_file *f, struct str *ret)
{
	uint64_t n = strlen(f->name), extra = is_wide(f) ? WIDE_BYTES : 0;
	uint64_t central = CENTRAL_BYTES + n + extra,
		 central_at = LOCAL_BYTES + n + extra + f->size;
	auto_buf struct buf b = { 0 };

	if (n > NAME_MAX_BYTES)
		FAIL(ERR_TOO_LARGE, "file name");
	buf_init(&b, CENTRAL_BYTES + NAME_MAX_BYTES + WIDE_BYTES + WIDE_END_BYTES + 22);
	TRY(put(&b, 0x02014b50, 4));
	TRY(put(&b, version(f), 2)); /* made by */
	TRY(put_common(&b, f));
	TRY(put(&b, 0, 2)); /* comment */
	TRY(put(&b, 0, 2)); /* disk */
	TRY(put(&b, 0, 2)); /* internal attributes */
	TRY(put(&b, 0, 4)); /* external attributes */
	TRY(put(&b, 0, 4)); /* the local header is at the start */
	TRY(put_name(&b, f));
	if (is_wide(f))
		TRY(put_wide_end(&b, central_at, central));
	TRY(put(&b, 0x06054b50, 4));
	TRY(put(&b, 0, 4)); /* disks */
	TRY(put(&b, 1, 2));
	TRY(put(&b, 1, 2));
	TRY(put(&b, central, 4));
	TRY(put(&b, central_at >= IN_WIDE ? IN_WIDE : central_at, 4));
	TRY(put(&b, 0, 2));
	*ret = arena_str(a, buf_str(&b));
	return OK;
}
