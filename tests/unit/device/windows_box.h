/* SPDX-License-Identifier: Apache-2.0 */
/* A Windows device in the middle of a session, for tests: what it holds, was told and said. */
#ifndef TESTS_WINDOWS_BOX_H
#define TESTS_WINDOWS_BOX_H

#include "base/limits.h"
#include "base/text.h"
#include "device/windows_report.h"
#include "expect.h"

#define ROOT_NODE "./Device/Vendor/MSFT/RootCATrustedCertificates/Root/AB12"
#define PFX_NODE "./Device/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall/chancery-1"
#define USER_NODE "./User/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall/chancery-1"
#define SCEP_NODE "./Device/Vendor/MSFT/ClientCertificateInstall/SCEP/chancery-2"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

struct box {
	struct arena *a;
	struct windows_state st;
	struct holdings has;
	struct report rep;
};

static inline int
setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	b->a = arena_new();
	b->st.session = "1";
	b->st.facts = b->st.user = true;
	b->st.asked = 1;
	b->st.sent = arena_array(b->a, LIMIT_WINDOWS_SENT, sizeof(*b->st.sent));
	b->st.answers = arena_array(b->a, LIMIT_WINDOWS_NODES, sizeof(*b->st.answers));
	*state = b;
	return 0;
}

static inline int
teardown(void **state)
{
	struct box *b = *state;

	arena_free(b->a);
	free(b);
	return 0;
}

static inline void
says(struct box *b, const char *uri, uint32_t code, const char *data)
{
	windows_ask_add(&b->st, uri);
	for (size_t i = 0; i < b->st.nanswers; i++)
		if (strcmp(b->st.answers[i].uri, uri) == 0) {
			b->st.answers[i].code = code;
			b->st.answers[i].data = data;
		}
}

static inline void
sent(struct box *b, enum windows_op op, const char *uri, uint32_t code, uint32_t original)
{
	windows_sent_add(&b->st,
	    &(struct windows_sent){ .op = op,
		.id = "slot:1",
		.alias = "chancery-p",
		.uri = uri,
		.sha1 = op == WINDOWS_SCEP ? "" : "AB12",
		.sha256 = ZEROS,
		.code = code,
		.original = original,
		.since = when_now() });
}

static inline void
holds(struct box *b, const char *alias, const char *place)
{
	struct held *v = arena_array(b->a, b->has.n + 1, sizeof(*v));

	for (size_t i = 0; i < b->has.n; i++)
		v[i] = b->has.v[i];
	v[b->has.n] = (struct held){ .alias = alias,
		.identity = true,
		.has_key = true,
		.place = place,
		.sha256 = str_of(arena_alloc(b->a, 32), 32) };
	b->has.v = v;
	b->has.n++;
}

#endif
