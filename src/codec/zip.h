/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ZIP archive of one file that is not compressed (APPNOTE.TXT 4.3.6: local header, data, central directory, end
 * record): what goes before and after the file's own bytes. The name is ASCII. Where 4 GiB are near, the sizes stand where
 * 4.5.3 (ZIP64) has them.
 *
 * Not here: reading of archives.
 */
#ifndef CODEC_ZIP_H
#define CODEC_ZIP_H

#include "base/arena.h"
#include "base/str.h"
#include "base/when.h"

/* CRC-32 of what came before (0 at first) and these bytes. */
uint32_t zip_crc(uint32_t before, struct str bytes);

struct zip_file {
	const char *name;
	uint32_t crc;
	uint64_t size;
	when_t modified;
};
err_t zip_head(struct arena *a, const struct zip_file *f, struct str *ret);
err_t zip_tail(struct arena *a, const struct zip_file *f, struct str *ret);

#endif
