/* SPDX-License-Identifier: Apache-2.0 */
/* Terms and what administrators do with roll-outs: see rollout.h. */
#include "model/profile_json.h"
#include "model/rollout_turn.h"
#include "store/access.h"

#define SETTING "rollout"
enum { THRESHOLD = 500, PACE = 1000, LIMIT = 5, STEPS_MAX = 10 };
#define STEPS "1,10"
#define MANY 1000000000

static const char *const names[] = { "threshold", "slotsPerHour", "failureLimitPercent", "steps",
	"now" };

/* Rising percents below 100. */
static err_t
steps_check(struct arena *a, const char *text)
{
	struct str rest = str_c(text);
	int64_t last = 0, x;
	size_t n = 0;

	while (rest.n > 0) {
		struct str one = str_cut(&rest, ',');

		if (++n > STEPS_MAX || !err_ok(text_i64(one, 1, 99, &x)) || x <= last)
			FAIL(ERR_ROLLOUT_TERMS,
			    "\"steps\" is \"%.64s\"; it is percents from 1 to 99, rising, with commas, at most %d",
			    text_safe(a, str_c(text)), STEPS_MAX);
		last = x;
	}
	return OK;
}

static err_t
known(struct arena *a, const json *body, bool one_change)
{
	for (void *it = json_iter(body); it != NULL; it = json_iter_next(body, it)) {
		const char *name = json_iter_key(it);
		bool is = false;

		for (size_t i = 0; i < COUNT(names); i++)
			is = is ||
			    (strcmp(name, names[i]) == 0 &&
				(one_change || strcmp(name, "now") != 0));
		if (!is)
			FAIL(ERR_ROLLOUT_TERMS, "\"%.64s\" is not known here",
			    text_safe(a, str_c(name)));
	}
	return OK;
}

static err_t
number(const json *body, const char *name, int64_t max, int64_t *ret)
{
	const json *j = json_get(body, name);

	if (j == NULL)
		return OK;
	if (!json_is_int(j) || json_int(j) < (strcmp(name, "threshold") != 0) || json_int(j) > max)
		FAIL(ERR_ROLLOUT_TERMS, "\"%s\" must be a whole number, at most %lld", name,
		    (long long)max);
	*ret = json_int(j);
	return OK;
}

err_t
rollout_terms_read(struct arena *a, const json *body, bool one_change, struct rollout_terms *t)
{
	const json *steps = json_get(body, "steps"), *now = json_get(body, "now");

	if (body == NULL)
		return OK;
	if (!json_is_object(body))
		FAIL(ERR_ROLLOUT_TERMS, "an object is expected");
	TRY(known(a, body, one_change));
	TRY(number(body, "threshold", MANY, &t->threshold));
	TRY(number(body, "slotsPerHour", MANY, &t->pace));
	TRY(number(body, "failureLimitPercent", 100, &t->limit));
	if (now != NULL && !json_is_bool(now))
		FAIL(ERR_ROLLOUT_TERMS, "\"now\" must be true or false");
	t->now = json_true(now);
	if (steps == NULL)
		return OK;
	if (!json_is_text(steps))
		FAIL(ERR_ROLLOUT_TERMS, "\"steps\" must be a text such as \"1,10,50\"");
	TRY(steps_check(a, json_text(steps)));
	t->steps = arena_strdup(a, json_text(steps));
	return OK;
}

json *
rollout_terms_json(const struct rollout_terms *t)
{
	json *j = json_object_new();

	json_set_int(j, "threshold", t->threshold);
	json_set_int(j, "slotsPerHour", t->pace);
	json_set_int(j, "failureLimitPercent", t->limit);
	json_set_text(j, "steps", t->steps);
	return j;
}

err_t
rollout_terms(struct tx *tx, struct arena *a, struct rollout_terms *ret)
{
	struct rollout_terms t = {
		.threshold = THRESHOLD, .pace = PACE, .limit = LIMIT, .steps = STEPS
	};
	auto_json json *j = NULL;
	struct str text;
	err_t e = store_setting_get(tx, a, SETTING, &text);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		*ret = t;
		return OK;
	}
	TRY(e);
	TRY(json_parse(text, LIMIT_LONG_TEXT, &j));
	TRY(rollout_terms_read(a, j, false, &t));
	*ret = t;
	return OK;
}

struct act {
	struct arena *a;
	const char *actor;
	struct id id;
	const json *body;
	struct rollout r;
	struct rollout_terms terms;
};

static err_t
terms_set(struct tx *tx, void *arg)
{
	struct act *x = arg;
	auto_json json *before = NULL, *after = NULL;
	struct str was, now;
	const char *b, *n;

	TRY(rollout_terms(tx, x->a, &x->terms));
	before = rollout_terms_json(&x->terms);
	TRY(rollout_terms_read(x->a, x->body, false, &x->terms));
	after = rollout_terms_json(&x->terms);
	TRY(json_print(x->a, before, &was));
	TRY(json_print(x->a, after, &now));
	TRY(text_cstr(x->a, was, &b));
	TRY(text_cstr(x->a, now, &n));
	TRY(store_setting_put(tx, SETTING, now));
	return store_audit_add(tx, x->actor, "rollout.settings", "service", b, n);
}

err_t
rollout_terms_set(struct store *s, struct arena *a, const char *actor, const json *body,
    struct rollout_terms *ret)
{
	struct act x = { .a = a, .actor = actor, .body = body };

	TRY(store_write(s, terms_set, &x));
	*ret = x.terms;
	return OK;
}

const char *
rollout_state_name(enum rollout_state s)
{
	switch (s) {
	case ROLLOUT_RUNNING:
		return "running";
	case ROLLOUT_PAUSED:
		return "paused";
	case ROLLOUT_STOPPED:
		return "stopped";
	case ROLLOUT_DONE:
		return "done";
	case ROLLOUT_BACK:
		return "rolled back";
	}
	return "";
}

unsigned
rollout_step(const struct rollout *r)
{
	struct str rest = str_c(r->steps);
	int64_t x = 100;

	for (unsigned i = 0; i <= r->passed; i++) {
		err_t e;

		if (rest.n == 0)
			return 100;
		e = text_i64(str_cut(&rest, ','), 1, 99, &x);
		if (!err_ok(e)) {
			err_forget(e);
			return 100;
		}
	}
	return (unsigned)x;
}

json *
rollout_json(struct arena *a, const struct rollout *r)
{
	json *j = json_object_new();

	json_set_id(a, j, "id", r->id);
	json_set_id(a, j, "profileId", r->profile);
	json_set_text(j, "profileName", r->name);
	json_set_text(j, "change", r->change);
	json_set_text(j, "startedBy", r->actor);
	json_set_text(j, "state", rollout_state_name(r->state));
	json_set_int(j, "percentReleased", (int64_t)r->share * 100 / ROLLOUT_WHOLE);
	json_set_int(j, "waitsAtPercent", r->share == ROLLOUT_WHOLE ? 100 : rollout_step(r));
	json_set_int(j, "slotsPerHour", r->pace);
	json_set_text(j, "steps", r->steps);
	json_set_int(j, "failureLimitPercent", r->limit);
	json_set_int(j, "slots", r->total);
	json_set_int(j, "slotsReleased", r->released);
	json_set_int(j, "slotsReached", r->reached);
	json_set_int(j, "slotsFailed", r->failed);
	json_set_int(j, "slotsWithdrawn", r->withdrawn);
	json_set_int(j, "slotsToWithdraw", r->planned);
	json_set_bool(j, "counted", r->counted);
	json_set_text(j, "fault", r->fault == NULL || *r->fault == '\0' ? NULL : r->fault);
	json_set_text(j, "reason", r->detail == NULL || *r->detail == '\0' ? NULL : r->detail);
	json_set_text(j, "createdDateTime", when_text_ms(a, r->created));
	json_set_text(j, "since", when_text_ms(a, r->since));
	return j;
}
