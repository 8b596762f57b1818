/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery pfx import: many PKCS#12 files, checked here one by one, packed and encrypted by as many threads as there
 * are cores, sent in portions. The service has one record for each user and certificate, so an import that was
 * stopped is run again and goes on with what is missing. What is wrong with a file is told at the end and keeps no
 * other file back.
 */
#ifndef CLI_PFX_IMPORT_H
#define CLI_PFX_IMPORT_H

#include "cli/command.h"

/* The options of the verb stand in cli/cmd/pfx.c. ERR_IMPORT after what is wrong was shown. */
err_t pfx_import_run(struct cli *c);

#endif
