/* SPDX-License-Identifier: Apache-2.0 */
/* See scep_validate.h. */
#include "model/scep_validate.h"

#include "base/secret.h"
#include "model/asked.h"
#include "model/challenge.h"
#include "model/desired.h"
#include "model/request.h"

enum { HALF = 32 };

#define SUCCESS "Success"

struct asked {
	struct arena *a;
	const struct csr *csr;
	struct id id;
	struct str mac; /* as the request brings it */
	struct request request;
	struct slot slot;
	const char *code, *why;
	const char *serial, *by;
	int64_t hresult;
};

err_t
scep_challenge_of(
    struct ipc_client *keys, struct arena *a, struct id request, uint64_t fence, const char **ret)
{
	const char *mac;

	TRY(challenge_of(keys, a, request, fence, &mac));
	*ret = arena_printf(a, "%s%s", text_hex(a, id_str(&request)), mac);
	return OK;
}

static err_t
refuse(struct asked *k, const char *code, const char *why)
{
	k->code = code;
	k->why = why;
	return OK;
}

static err_t
take_apart(struct asked *k)
{
	struct str text = str_trim(str_c(k->csr->challenge)), id;
	err_t e;

	k->code = SUCCESS;
	k->why = "";
	if (text.n == 0)
		return refuse(k, "ChallengePasswordMissing", "");
	if (text.n != 2 * HALF)
		return refuse(k, "ChallengeDecodingError", "it is none of this service");
	e = text_unhex(k->a, str_of(text.p, HALF), &id);
	if (!err_ok(e)) {
		err_forget(e);
		return refuse(k, "ChallengeDecodingError", "it is none of this service");
	}
	memcpy(k->id.b, id.p, sizeof(k->id.b));
	k->mac = str_of(text.p + HALF, HALF);
	return OK;
}

static err_t
find(struct tx *tx, void *arg)
{
	struct asked *k = arg;
	err_t e = store_request_get(tx, k->a, k->id, &k->request);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return refuse(k, "BadCertificateRequestIdInChallenge", "");
	}
	TRY(e);
	if (k->request.kind != REQUEST_ENROL || k->request.ca[0] != '\0')
		return refuse(k, "BadCertificateRequestIdInChallenge", "");
	return store_slot_get(tx, k->a, k->request.slot, &k->slot);
}

/* Finds the request behind the challenge; what is wrong with it is in k->code. */
static err_t
look_up(struct store *s, struct ipc_client *keys, struct asked *k)
{
	const char *mac;

	TRY(take_apart(k));
	if (strcmp(k->code, SUCCESS) != 0)
		return OK;
	TRY(store_read(s, find, k));
	if (strcmp(k->code, SUCCESS) != 0)
		return OK;
	TRY(challenge_of(keys, k->a, k->id, k->request.fence, &mac));
	if (!secret_eq(str_c(mac), k->mac))
		return refuse(
		    k, "ChallengeDecryptionError", "it was made anew, or is none of this service");
	if (k->request.lease_until <= when_now())
		return refuse(k, "ChallengeExpired", "");
	return OK;
}

/* The slot's content as things are; *found false: nothing of the kind is wanted any more. */
static err_t
wanted(struct tx *tx, struct asked *k, struct primitive *ret, bool *found)
{
	struct desired *v;
	struct device d;
	size_t n;

	*found = false;
	TRY(store_device_get(tx, k->a, k->slot.device, &d));
	TRY(desired_for(tx, k->a, &d, &v, &n));
	for (size_t i = 0; i < n; i++)
		if (v[i].fault == NULL && id_eq(v[i].profile.id, k->slot.profile) &&
		    id_eq(v[i].user, k->slot.user) && v[i].what.kind == PRIM_ENROL &&
		    str_eq(v[i].what.hash, k->request.hash)) {
			*ret = v[i].what;
			*found = true;
		}
	return OK;
}

/* Marked with the key that it was granted to: no other may use it. */
static err_t
grant(struct tx *tx, struct asked *k)
{
	const char *key = text_hex(k->a, str_of(k->csr->spki_sha256, 20));
	struct request next = k->request;

	if (next.keep != NULL && next.keep[0] != '\0')
		return strcmp(next.keep, key) == 0 ?
		    OK :
		    refuse(k, "ChallengeExpired", "it was used with another key");
	next.keep = key;
	TRY(store_request_move(tx, &next, next.state, next.fence));
	return request_note(tx, &k->slot, next.id, "authority", "validated", "");
}

static err_t
validate(struct tx *tx, void *arg)
{
	struct asked *k = arg;
	struct primitive what = { 0 };
	const char *code, *why;
	bool found;

	k->code = SUCCESS;
	TRY(find(tx, k));
	TRY(wanted(tx, k, &what, &found));
	if (!found ||
	    (k->request.state != REQUEST_READY && k->request.state != REQUEST_OFFERED &&
		k->request.state != REQUEST_DONE))
		return refuse(k, "ScepProfileNoLongerTargetedToTheClient", "");
	TRY(asked_match(k->a, k->csr, &what, &code, &why));
	if (code != NULL)
		return refuse(k, code, why);
	return strcmp(k->code, SUCCESS) == 0 ? grant(tx, k) : OK;
}

err_t
scep_validate(struct store *s, struct ipc_client *keys, struct arena *a, const struct csr *csr,
    const char **ret_code, const char **ret_why)
{
	struct asked k = { .a = a, .csr = csr };

	TRY(look_up(s, keys, &k));
	if (strcmp(k.code, SUCCESS) == 0)
		TRY(store_write(s, validate, &k));
	*ret_code = k.code;
	*ret_why = k.why;
	return OK;
}

static err_t
issued(struct tx *tx, void *arg)
{
	struct asked *k = arg;

	return request_note(tx, &k->slot, k->request.id, "authority", "issued",
	    arena_printf(k->a, "serial %s by %s", k->serial, k->by));
}

err_t
scep_issued(struct store *s, struct ipc_client *keys, struct arena *a, const struct csr *csr,
    const char *serial, const char *by, const char **ret_code)
{
	struct asked k = { .a = a, .csr = csr, .serial = serial, .by = by };

	TRY(look_up(s, keys, &k));
	if (strcmp(k.code, SUCCESS) == 0)
		TRY(store_write(s, issued, &k));
	*ret_code = k.code;
	return OK;
}

/* What is open at the device fails with the authority's words, and is tried again like anything that a CA refused. */
static err_t
failed(struct tx *tx, void *arg)
{
	struct asked *k = arg;
	const char *detail =
	    arena_printf(k->a, "%s (0x%08X)", k->why, (unsigned)(k->hresult & 0xffffffff));

	k->code = SUCCESS;
	TRY(find(tx, k));
	if (k->request.state != REQUEST_READY && k->request.state != REQUEST_OFFERED)
		return request_note(tx, &k->slot, k->request.id, "authority", "refused", detail);
	return request_reject(tx, k->a, &k->slot, &k->request, "authority",
	    (struct why){ err_info(ERR_CA_REJECTED)->id, detail });
}

err_t
scep_failed(struct store *s, struct ipc_client *keys, struct arena *a, const struct csr *csr,
    int64_t hresult, const char *why, const char **ret_code)
{
	struct asked k = { .a = a, .csr = csr, .hresult = hresult };

	TRY(look_up(s, keys, &k));
	if (strcmp(k.code, SUCCESS) == 0) {
		k.why = why;
		TRY(store_write(s, failed, &k));
	}
	*ret_code = k.code;
	return OK;
}
