/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job says of the form in which a key reaches the device: "pack" (agent, windows, apple; agent when it is not
 * said), "format" of the PKCS#12 file (aes, 3des; aes when it is not said), and "frame" for apple.
 */
#ifndef CONNECTOR_JOB_PACK_H
#define CONNECTOR_JOB_PACK_H

#include "codec/json.h"
#include "codec/pack.h"

err_t job_pack_read(struct arena *a, const json *job, struct pack *ret);

#endif
