/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCEP challenges of the service: 32 hexadecimal digits, short enough for every client and of characters that every client
 * can encode. One stands for a request under one of its fencing numbers. It is derived by service/keys and kept nowhere;
 * the CA has its hash and the sealed order that it stands for, left there before the device hears of it.
 */
#ifndef MODEL_CHALLENGE_H
#define MODEL_CHALLENGE_H

#include "base/text.h"
#include "net/ipc.h"

err_t challenge_of(
    struct ipc_client *keys, struct arena *a, struct id request, uint64_t fence, const char **ret);

#endif
