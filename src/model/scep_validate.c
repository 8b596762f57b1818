/* SPDX-License-Identifier: Apache-2.0 */
/* See scep_validate.h. */
#include "model/scep_validate.h"

#include "base/secret.h"
#include "base/text.h"
#include "model/asked.h"
#include "model/challenge.h"
#include "model/desired.h"
#include "model/packing.h"
#include "model/request.h"

enum { HALF = 32, KEY_NAME = 20 /* bytes of the key's hash that name it */ };

#define SUCCESS "Success"
#define NO_LONGER "ScepProfileNoLongerTargetedToTheClient"
#define OTHER_KEY "it was used with another key"

struct asked {
	struct arena *a;
	const struct csr *csr;
	const char *key; /* what its key is called */
	struct id id;
	struct str mac; /* as the request brings it */
	uint64_t fence; /* that it is of */
	struct request request;
	struct slot slot;
	const char *code, *why;
	const char *serial, *by, *said;
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

	k->key = text_hex(k->a, str_of(k->csr->spki_sha256, KEY_NAME));
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
	k->fence = k->request.fence;
	return OK;
}

/* Once more, by who writes; the challenge may have been made anew meanwhile. */
static err_t
find_again(struct tx *tx, struct asked *k)
{
	k->code = SUCCESS;
	k->why = "";
	TRY(find(tx, k));
	if (strcmp(k->code, SUCCESS) == 0 && k->request.fence != k->fence)
		return refuse(k, "ChallengeExpired", "it was made anew");
	return OK;
}

static bool
is_granted(const struct asked *k)
{
	return k->request.keep != NULL && k->request.keep[0] != '\0';
}

/* Of the key that it was granted to? */
static bool
is_of_key(const struct asked *k)
{
	return is_granted(k) && strcmp(k->request.keep, k->key) == 0;
}

/* What the slot should have as things are, and whether its device was told the purposes. What is NULL: nothing of the kind
 * any more. */
struct due {
	const struct primitive *what;
	bool told;
};

static err_t
look_due(struct tx *tx, struct asked *k, struct due *ret)
{
	const enum request_state state = k->request.state;
	struct desired *v;
	struct device d;
	size_t n;

	*ret = (struct due){ .what = NULL };
	if (state != REQUEST_READY && state != REQUEST_OFFERED && state != REQUEST_DONE)
		return OK;
	TRY(store_device_get(tx, k->a, k->slot.device, &d));
	TRY(desired_for(tx, k->a, &d, &v, &n));
	for (size_t i = 0; i < n; i++)
		if (v[i].fault == NULL && id_eq(v[i].profile.id, k->slot.profile) &&
		    id_eq(v[i].user, k->slot.user) && v[i].what.kind == PRIM_ENROL &&
		    str_eq(v[i].what.hash, k->request.hash))
			*ret = (struct due){ &v[i].what, packing_of(&d).form != PACK_APPLE };
	return OK;
}

/* Whoever waits for the certificate finds in the timeline what is wrong. Much of it is the request's own words. */
static err_t
refuse_noted(struct tx *tx, struct asked *k, const char *code, const char *why)
{
	const char *said = text_safe(k->a, str_c(arena_printf(k->a, "%.512s", why)));
	const char *detail = arena_printf(k->a, "%s%s%s", code, said[0] == '\0' ? "" : ": ", said);

	TRY(refuse(k, code, said));
	return request_note_again(tx, &k->slot, k->request.id, "authority", "not-validated",
	    (struct why){ err_info(asked_fault(code))->id, detail });
}

/* Marked with the key that it was granted to: no other may use it. */
static err_t
grant(struct tx *tx, struct asked *k)
{
	struct request next = k->request;

	if (is_granted(k))
		return is_of_key(k) ? OK : refuse_noted(tx, k, "ChallengeExpired", OTHER_KEY);
	next.keep = k->key;
	TRY(store_request_move(tx, &next, next.state, next.fence));
	return request_note(tx, &k->slot, next.id, "authority", "validated", "");
}

/* The names of the request may be what nobody can read. */
static err_t
match(struct asked *k, const struct due *due, const char **ret_code, const char **ret_why)
{
	err_t e = asked_match(k->a, k->csr, due->what, due->told, ret_code, ret_why);
	struct err_report rep;

	if (err_ok(e) && *ret_code == NULL && k->csr->template[0] != '\0') {
		/* A CA would take its purposes from there. None is named to devices. */
		*ret_code = "EnhancedKeyUsageMismatch";
		*ret_why = arena_printf(k->a, "certificate template %s", k->csr->template);
	}
	if (err_ok(e) || err_info(e.code)->http >= 500)
		return e;
	err_take(e, &rep);
	*ret_code = "CertificateRequestDecodingFailed";
	*ret_why = arena_strdup(k->a, rep.detail);
	return OK;
}

static err_t
validate(struct tx *tx, void *arg)
{
	struct asked *k = arg;
	const char *code, *why;
	struct due due;

	TRY(find_again(tx, k));
	if (strcmp(k->code, SUCCESS) != 0)
		return OK;
	TRY(look_due(tx, k, &due));
	if (due.what == NULL)
		return refuse(k, NO_LONGER, "");
	TRY(match(k, &due, &code, &why));
	return code != NULL ? refuse_noted(tx, k, code, why) : grant(tx, k);
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
	struct due due;

	TRY(find_again(tx, k));
	if (strcmp(k->code, SUCCESS) != 0)
		return OK;
	TRY(look_due(tx, k, &due));
	if (due.what == NULL)
		return refuse(k, NO_LONGER, "");
	/* Whoever issued it did not ask before, or for another key. */
	if (!is_of_key(k))
		return refuse(k, "ChallengeExpired", OTHER_KEY);
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

/*
 * What is open at the device fails with the authority's words, and is tried again like anything that a CA refused. But not where
 * another key was granted it: that one's certificate may be on its way.
 */
static err_t
failed(struct tx *tx, void *arg)
{
	struct asked *k = arg;
	const char *detail =
	    arena_printf(k->a, "%s (0x%08X)", k->said, (unsigned)(k->hresult & 0xffffffff));

	TRY(find_again(tx, k));
	if (strcmp(k->code, SUCCESS) != 0)
		return OK;
	if ((k->request.state != REQUEST_READY && k->request.state != REQUEST_OFFERED) ||
	    (is_granted(k) && !is_of_key(k)))
		return request_note_again(tx, &k->slot, k->request.id, "authority", "refused",
		    (struct why){ NULL, detail });
	return request_reject(tx, k->a, &k->slot, &k->request, "authority",
	    (struct why){ err_info(ERR_CA_REJECTED)->id, detail });
}

err_t
scep_failed(struct store *s, struct ipc_client *keys, struct arena *a, const struct csr *csr,
    int64_t hresult, const char *why, const char **ret_code)
{
	struct asked k = { .a = a, .csr = csr, .hresult = hresult, .said = why };

	TRY(look_up(s, keys, &k));
	if (strcmp(k.code, SUCCESS) == 0)
		TRY(store_write(s, failed, &k));
	*ret_code = k.code;
	return OK;
}
