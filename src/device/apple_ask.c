/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_ask.h"

#include "base/secret.h"
#include "device/apple_command.h"
#include "device/apple_inventory.h"
#include "device/apple_profile.h"

/* In the order of asking. */
static const struct question {
	uint8_t what;
	const char *word, *request;
} questions[] = {
	{ APPLE_ASK_INFORMATION, "information", "DeviceInformation" },
	{ APPLE_ASK_PROFILES, "profiles", "ProfileList" },
	{ APPLE_ASK_CERTIFICATES, "certificates", "CertificateList" },
};

void
apple_ask(struct arena *a, struct apple_state *st, uint8_t what)
{
	uint8_t random[8];

	rand_bytes(random, sizeof(random));
	st->round = text_hex(a, STR(random));
	st->ask |= what;
}

/* NULL: nothing is asked for. */
static const struct question *
next_question(const struct apple_state *st)
{
	for (size_t i = 0; i < COUNT(questions); i++)
		if ((st->ask & questions[i].what) != 0)
			return &questions[i];
	return NULL;
}

bool
apple_asking(const struct apple_state *st)
{
	return next_question(st) != NULL;
}

static const char *
command_id(struct arena *a, const struct apple_state *st, const struct question *q)
{
	return arena_printf(a, "%s-%s", st->round, q->word);
}

err_t
apple_ask_print(struct arena *a, const struct apple_state *st, struct str *ret)
{
	const struct question *q = next_question(st);
	struct pl *body, *p = apple_command(a, command_id(a, st, q), q->request, &body);

	if (q->what == APPLE_ASK_INFORMATION)
		pl_set(a, body, "Queries", apple_queries(a));
	else
		pl_set_bool(a, body, "ManagedOnly", true);
	return pl_print(a, p, ret);
}

/* Without the list of profiles that of certificates says nothing of them. */
static void
answered(struct apple_state *st, uint8_t what, bool ok)
{
	if (!ok && what == APPLE_ASK_PROFILES)
		what |= APPLE_ASK_CERTIFICATES;
	st->ask &= (uint8_t)~what;
	if (!ok)
		st->ask |= APPLE_ASK_LATER;
}

static err_t
take_information(
    struct arena *a, struct apple_state *st, const struct pl *facts, struct apple_answers *told)
{
	told->facts = (struct device){ 0 };
	TRY(apple_facts_read(a, facts, &told->facts));
	told->has_facts = facts != NULL;
	st->informed = when_now();
	return OK;
}

static err_t
take(struct arena *a, struct apple_state *st, uint8_t what, const struct apple_msg *m,
    struct apple_answers *told)
{
	bool ok = m->status == APPLE_ACKNOWLEDGED;

	/* One that does not say what it is, is not asked for a day. */
	answered(st, what, ok || what == APPLE_ASK_INFORMATION);
	if (what == APPLE_ASK_INFORMATION)
		return take_information(a, st, ok ? pl_get(m->body, "QueryResponses") : NULL, told);
	if (!ok)
		return OK;
	return what == APPLE_ASK_PROFILES ?
	    apple_profiles_read(a, m->body, APPLE_PREFIX, &st->listed, &st->nlisted) :
	    apple_inventory_take(a, st, m->body, &told->found);
}

err_t
apple_ask_taken(struct arena *a, struct apple_state *st, const struct apple_msg *m,
    struct apple_answers *told, bool *ret)
{
	*ret = true;
	for (size_t i = 0; i < COUNT(questions); i++)
		if ((st->ask & questions[i].what) != 0 &&
		    strcmp(m->command, command_id(a, st, &questions[i])) == 0)
			return take(a, st, questions[i].what, m, told);
	*ret = false;
	return OK;
}
