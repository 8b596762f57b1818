/* SPDX-License-Identifier: Apache-2.0 */
/* What connectors say became of jobs: see job.h. */
#include "model/job.h"
#include "model/request.h"
#include "model/sent.h"

struct finishing {
	struct arena *a;
	const struct connector *connector;
	const struct job_result *result;
};

/* What was accepted before is accepted again, without another effect. */
static bool
is_repeat(const struct request *r, const struct job_result *res)
{
	if (r->fence != res->fence)
		return false;
	switch (res->outcome) {
	case JOB_ISSUED:
		return r->kind != REQUEST_REVOKE && str_eq(r->leaf, res->leaf) &&
		    (r->state == REQUEST_READY || r->state == REQUEST_OFFERED ||
			r->state == REQUEST_DONE);
	case JOB_DEPOSITED:
		return r->kind == REQUEST_ENROL &&
		    (r->state == REQUEST_READY || r->state == REQUEST_OFFERED ||
			r->state == REQUEST_DONE);
	case JOB_REVOKED:
		return r->kind == REQUEST_REVOKE && r->state == REQUEST_DONE;
	case JOB_REJECTED:
		return r->state == REQUEST_FAILED ||
		    (r->kind == REQUEST_REVOKE && r->state == REQUEST_QUEUED);
	case JOB_PENDING:
	case JOB_UNREACHABLE:
	case JOB_MISCONFIGURED:
		return r->state == REQUEST_QUEUED;
	}
	return false;
}

/* The connector's word for why, if it is one of the catalogue. */
static struct why
why_of(const struct job_result *res, enum err_code otherwise)
{
	const struct err_info *known = res->fault == NULL ? NULL : err_info_by_id(res->fault);

	return (struct why){ known != NULL && known->code != ERR_NONE ? known->id :
									err_info(otherwise)->id,
		res->detail };
}

static err_t
take_issued(
    struct tx *tx, struct finishing *f, struct slot *s, struct request *r, const char *actor)
{
	const struct job_result *res = f->result;
	struct issued got = {
		.leaf = res->leaf,
		.sealed = res->sealed,
		.password = res->password,
		.serial = res->serial,
		.text = arena_printf(f->a, "serial %s, %s", res->serial, res->subject),
	};

	struct device device;

	TRY(store_device_get(tx, f->a, s->device, &device));
	if (r->kind == REQUEST_REVOKE || r->kind == REQUEST_ENROL || res->leaf.n == 0 ||
	    res->sealed.n == 0 ||
	    (res->password.n == 0) != (packing_of(&device).form == PACK_APPLE))
		FAIL(ERR_BAD_REQUEST,
		    "the result has no certificate or nothing sealed for the device");
	/* It would be renewed as soon as it arrives, without end. */
	if (r->kind == REQUEST_ISSUE && res->not_after <= when_now())
		return request_reject(tx, f->a, s, r, actor,
		    (struct why){ err_info(ERR_CA_REJECTED)->id,
			"the certificate that the authority issued has already ended" });
	return request_complete(tx, f->a, s, r, actor, &got);
}

/* "<connector>" or "<connector>/<worker>": a result may come by any worker of the connector. */
static bool
is_owner(const struct finishing *f, const struct request *r)
{
	struct str owner = str_c(r->owner);

	return str_eq_c(str_cut(&owner, '/'), id_text(f->a, f->connector->id));
}

/* What lies at the CA all the same is named before its revocation is made, or by the revocation that found it. */
static err_t
take_rejected(
    struct tx *tx, struct finishing *f, struct slot *s, struct request *r, const char *actor)
{
	const struct job_result *res = f->result;

	if (res->serial != NULL && res->serial[0] != '\0' && r->kind == REQUEST_REVOKE)
		TRY(store_request_name_serial(tx, r->slot, r->about, res->serial));
	if (res->serial != NULL && res->serial[0] != '\0' && r->serial[0] == '\0')
		r->serial = res->serial;
	if (res->ca_request != NULL && r->kind == REQUEST_ISSUE)
		r->ca_request = res->ca_request;
	sent_refused(r, res->fault);
	return request_reject(tx, f->a, s, r, actor, why_of(res, ERR_CA_REJECTED));
}

/* The word of who had sent it, after its lease was over. Where that leaves it open what became of it, nothing is news. */
static err_t
finish_late(struct tx *tx, struct finishing *f, struct request *r, const char *actor)
{
	const struct job_result *res = f->result;
	struct slot s;

	if (res->outcome != JOB_ISSUED && res->outcome != JOB_REJECTED)
		return OK;
	TRY(store_slot_get(tx, f->a, r->slot, &s));
	if (!id_eq(s.request, r->id))
		FAIL(ERR_FENCE, "request %s is not the slot's any more", id_text(f->a, r->id));
	TRY(sent_call_off(tx, f->a, &s, r));
	return res->outcome == JOB_ISSUED ? take_issued(tx, f, &s, r, actor) :
					    take_rejected(tx, f, &s, r, actor);
}

static err_t
finish(struct tx *tx, void *arg)
{
	struct finishing *f = arg;
	const struct job_result *res = f->result;
	const char *actor = arena_printf(f->a, "connector %s", f->connector->name);
	struct request r;
	struct slot s;

	TRY(store_request_get(tx, f->a, res->request, &r));
	if (sent_awaits(f->a, &r, f->connector, res->fence))
		return finish_late(tx, f, &r, actor);
	if (r.state != REQUEST_LEASED && is_repeat(&r, res))
		return OK;
	if (r.state != REQUEST_LEASED || r.fence != res->fence || !is_owner(f, &r))
		FAIL(ERR_FENCE, "request %s is %s with fence %llu, the result has %llu",
		    id_text(f->a, r.id), request_state_name(r.state), (unsigned long long)r.fence,
		    (unsigned long long)res->fence);
	TRY(store_slot_get(tx, f->a, r.slot, &s));
	switch (res->outcome) {
	case JOB_ISSUED:
		return take_issued(tx, f, &s, &r, actor);
	case JOB_REVOKED:
		if (r.kind != REQUEST_REVOKE)
			FAIL(ERR_BAD_REQUEST, "the request is no revocation");
		return request_complete(tx, f->a, &s, &r, actor, NULL);
	case JOB_DEPOSITED:
		if (r.kind != REQUEST_ENROL)
			FAIL(ERR_BAD_REQUEST, "the request has no challenge");
		return request_complete(tx, f->a, &s, &r, actor, NULL);
	case JOB_REJECTED:
		return take_rejected(tx, f, &s, &r, actor);
	case JOB_PENDING:
		return request_postpone(tx, f->a, &s, &r, actor, why_of(res, ERR_CA_PENDING));
	case JOB_UNREACHABLE:
		return request_postpone(tx, f->a, &s, &r, actor, why_of(res, ERR_UNREACHABLE));
	case JOB_MISCONFIGURED:
		return request_postpone(tx, f->a, &s, &r, actor, why_of(res, ERR_CONF));
	}
	FAIL(ERR_BAD_REQUEST, "outcome %d", (int)res->outcome);
}

void
job_finish_each(struct store *s, struct arena *a, const struct connector *c,
    const struct job_result *const *v, size_t n, struct err_report *ret)
{
	struct finishing *f = arena_array(a, n + 1, sizeof(*f));
	void **args = arena_array(a, n + 1, sizeof(*args));

	for (size_t i = 0; i < n; i++) {
		f[i] = (struct finishing){ a, c, v[i] };
		args[i] = &f[i];
	}
	store_write_each(s, finish, args, n, ret);
	for (size_t i = 0; i < n; i++)
		if (ret[i].code == ERR_FENCE && v[i]->outcome == JOB_ISSUED)
			err_forget(job_late(s, a, c, v[i]->request, v[i]->serial));
}

struct sending {
	struct arena *a;
	const struct connector *connector;
	struct id request;
	uint64_t fence;
	const char *serial;
};

static err_t
begin_sending(struct tx *tx, void *arg)
{
	struct sending *x = arg;

	return sent_begin(tx, x->a, x->connector, x->request, x->fence);
}

err_t
job_sending(
    struct store *s, struct arena *a, const struct connector *c, struct id request, uint64_t fence)
{
	return store_write(s, begin_sending, &(struct sending){ a, c, request, fence, "" });
}

static err_t
name_late(struct tx *tx, void *arg)
{
	struct sending *x = arg;

	return sent_named(tx, x->a, x->connector, x->request, x->serial);
}

err_t
job_late(struct store *s, struct arena *a, const struct connector *c, struct id request,
    const char *serial)
{
	return store_write(s, name_late, &(struct sending){ a, c, request, 0, serial });
}

err_t
job_finish(struct store *s, struct arena *a, const struct connector *c, const struct job_result *r)
{
	struct err_report report;

	job_finish_each(s, a, c, &r, 1, &report);
	return report.code == ERR_NONE ? OK : err_raise(&report);
}
