/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of libcrypto and libssl: wiped whenever it is given back.
 *
 * libcrypto wipes what it knows to be a key, but not each encoding and each number on the way to it. With this, none of
 * its memory that is free holds anything, so what a process was done with cannot be read from it later.
 *
 * Not here: memory that is in use; our own (arenas and buffers wipe themselves, base/arena.h, base/str.h); JSON
 * (codec/json.h).
 */
#ifndef PKI_MEM_H
#define PKI_MEM_H

#include "base/err.h"

/* First thing in main(): ERR_CRYPTO once libcrypto has memory. */
err_t mem_wipe_on_free(void);

#endif
