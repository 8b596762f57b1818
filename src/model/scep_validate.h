/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a challenge stands for, for RAs that are not ours: somebody else's CA asks before it issues, and tells what became
 * of it. The codes are those of the public client for such CAs (microsoft/Intune-Resource-Access).
 *
 *   scep_validate   may this request be granted? Compared with directory and profile as they are at this moment; the timeline
 *                   says so, and what was wrong when it was not
 *   scep_issued     it was; the timeline says with which serial. Refused for a key that was not granted it, and when the
 *                   profile left meanwhile: the certificate must not be handed out then
 *   scep_failed     it was not; the slot says why. Of another key than it was granted to, the timeline alone
 *
 * A challenge is good for one key: who asks again with the same may have the same answer, another is refused.
 */
#ifndef MODEL_SCEP_VALIDATE_H
#define MODEL_SCEP_VALIDATE_H

#include "model/kind.h"
#include "net/ipc.h"
#include "pki/csr.h"

/* "<32 hexadecimal digits: the request><32: its MAC>": the service finds the request by it and keeps nothing. */
err_t scep_challenge_of(
    struct ipc_client *keys, struct arena *a, struct id request, uint64_t fence, const char **ret);

/* What is refused is no error: *ret_code is a word of the public client's list, *ret_why says more. "Success": granted. */
err_t scep_validate(struct store *s, struct ipc_client *keys, struct arena *a,
    const struct csr *csr, const char **ret_code, const char **ret_why);
/* Of a challenge that is not ours: the same words. by: the CA's name for itself. */
err_t scep_issued(struct store *s, struct ipc_client *keys, struct arena *a, const struct csr *csr,
    const char *serial, const char *by, const char **ret_code);
err_t scep_failed(struct store *s, struct ipc_client *keys, struct arena *a, const struct csr *csr,
    int64_t hresult, const char *why, const char **ret_code);

#endif
