/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of a Windows device between two messages, as somebody may have left it in the store, and a message that a
 * device sends then: up to the first NUL it is the one, after it the other. What is kept stays within its bounds and is read
 * again as it was written; what the device answers settles what it settles, and asking comes to an end.
 */
#include <assert.h>

#include "base/limits.h"
#include "device/windows_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str
kept(struct arena *a, const struct windows_state *st)
{
	struct str text;

	assert(err_ok(windows_state_print(a, st, &text)));
	return text;
}

static void
read_again(struct arena *a, const struct windows_state *st)
{
	struct windows_state again;
	struct str text = kept(a, st);

	if (text.n > LIMIT_DEVICE_STATE)
		return;
	windows_state_read(a, text, &again);
	assert(again.nsent == st->nsent && again.nanswers == st->nanswers);
	assert(str_eq(text, kept(a, &again)));
}

/* What it was told is what it holds, as far as the fuzzer goes. */
static struct holdings
holdings_of(struct arena *a, const struct windows_state *st)
{
	struct held *v = arena_array(a, st->nsent + 1, sizeof(*v));

	for (size_t i = 0; i < st->nsent; i++)
		v[i] = (struct held){ .alias = st->sent[i].alias,
			.sha256 = str_of(arena_alloc(a, 32), 32),
			.place = windows_place(a, st->sent[i].uri, st->sent[i].sha1) };
	return (struct holdings){ .v = v, .n = st->nsent / 2, .known = true };
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct str rest = str_of(data, size), text = str_cut(&rest, '\0');
	struct syncml_message m;
	struct windows_state st;
	struct holdings has;
	struct report rep = { 0 };
	struct device facts = { 0 };
	err_t e;

	windows_state_read(a, text, &st);
	assert(st.nsent <= LIMIT_WINDOWS_SENT && st.nanswers <= LIMIT_WINDOWS_NODES);
	read_again(a, &st);
	has = holdings_of(a, &st);
	e = syncml_parse(a, rest, &m);
	if (err_ok(e))
		windows_take(a, &m, &st);
	err_forget(e);
	/* Each round asks for something new: a list first, what it names then. */
	for (int i = 0; i < 4 && windows_ask(a, &has, &st); i++)
		for (size_t k = 0; k < st.nanswers; k++)
			if (st.answers[k].code == 0)
				st.answers[k].code = 404;
	windows_facts(a, &st, &facts);
	windows_report(a, &has, &st, &rep);
	assert(rep.nresults <= LIMIT_WINDOWS_SENT && st.nsent <= LIMIT_WINDOWS_SENT);
	assert(!windows_ask(a, &has, &st) || st.nanswers <= LIMIT_WINDOWS_NODES);
	return 0;
}
