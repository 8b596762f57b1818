/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which form a key with its certificate reaches a device (codec/pack.h), by its platform: a row a platform, and what
 * its importer opens.
 *
 * AES-256 with SHA-256 is what current importers take. Apple's and Android's take 3DES with SHA-1 alone on every release;
 * so does Windows before 10 version 1709 (build 16299). The file travels inside of an envelope to the device, or under a
 * random password, so the older one costs nothing.
 */
#ifndef MODEL_PACKING_H
#define MODEL_PACKING_H

#include "codec/pack.h"
#include "store/device.h"

struct packing {
	enum pack_form form;
	enum pfx_format format;
};

/* An unknown platform: as an agent, AES. */
struct packing packing_of(const struct device *d);

#endif
