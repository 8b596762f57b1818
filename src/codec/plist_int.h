/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of plist.h. */
#ifndef CODEC_PLIST_INT_H
#define CODEC_PLIST_INT_H

#include "base/str.h"

bool pl_is_binary(struct str in);

#endif
