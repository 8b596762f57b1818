/* SPDX-License-Identifier: Apache-2.0 */
/* MS-XCEP messages, reading: see xcep_msg.h. Writing: xcep_print.c. */
#include "codec/xcep_msg.h"

#include "codec/oid.h"
#include "codec/wstep_ns.h"

/* Where flags keep the oldest CA and client of a template (MS-CRTD 2.27). */
enum { SERVER_SHIFT = 16, CLIENT_SHIFT = 24, VERSION_MASK = 0xf };

static bool
is_nil(const struct xml_node *n)
{
	const char *nil = n == NULL ? "true" : xml_attr(n, "nil");

	return nil != NULL && (strcmp(nil, "true") == 0 || strcmp(nil, "1") == 0);
}

static err_t
version_get(const struct xml_node *filter, const char *name, int64_t *ret)
{
	const struct xml_node *n = xml_child(filter, NS_XCEP, name);

	*ret = -1;
	if (is_nil(n))
		return OK;
	TRY_CTX(text_i64(str_trim(str_c(n->text)), 0, INT32_MAX, ret), "%s", name);
	return OK;
}

static err_t
oids_get(struct arena *a, const struct xml_node *filter, struct xcep_request *r)
{
	const struct xml_node *list = xml_child(filter, NS_XCEP, "policyOIDs");
	const char **v;

	if (is_nil(list))
		return OK;
	v = arena_array(a, LIMIT_FILTER_ITEMS, sizeof(*v));
	for (const struct xml_node *n = list->child; n != NULL; n = n->next) {
		if (strcmp(n->name, "oid") != 0)
			continue;
		if (r->noids == LIMIT_FILTER_ITEMS)
			FAIL(ERR_TOO_LARGE, "more than %u policyOIDs", LIMIT_FILTER_ITEMS);
		TRY(soap_text(a, n, LIMIT_OID_TEXT, "oid", &v[r->noids]));
		if (!oid_valid(v[r->noids]))
			FAIL(ERR_MALFORMED, "a policyOID is no OID");
		r->noids++;
	}
	r->oids = v;
	return OK;
}

static err_t
body_get(struct arena *a, const struct xml_node *get, struct xcep_request *r)
{
	const struct xml_node *client = xml_child(get, NS_XCEP, "client");
	const struct xml_node *filter = xml_child(get, NS_XCEP, "requestFilter"), *last;

	if (client == NULL)
		FAIL(ERR_MALFORMED, "GetPolicies without a client");
	last = xml_child(client, NS_XCEP, "lastUpdate");
	if (!is_nil(last))
		TRY_CTX(when_parse(str_trim(str_c(last->text)), &r->last_update), "lastUpdate");
	if (is_nil(filter))
		return OK;
	TRY(oids_get(a, filter, r));
	TRY(version_get(filter, "clientVersion", &r->client_version));
	return version_get(filter, "serverVersion", &r->server_version);
}

err_t
xcep_request_parse(struct arena *a, struct str xml, struct xcep_request *ret)
{
	struct xcep_request r = { .client_version = -1, .server_version = -1 };
	struct xml_node *header, *body, *get;
	const char *action;

	TRY(soap_open(a, xml, &header, &body));
	TRY(soap_text(
	    a, xml_child(header, NS_ADDRESSING, "Action"), LIMIT_TEXT, "Action", &action));
	if (strcmp(action, URI_ACTION_POLICIES) != 0)
		FAIL(ERR_MALFORMED, "Action is not GetPolicies");
	TRY(soap_text(a, xml_child(header, NS_ADDRESSING, "MessageID"), LIMIT_TEXT, "MessageID",
	    &r.message_id));
	TRY(soap_user_parse(a, header, &r.user));
	get = xml_child(body, NS_XCEP, "GetPolicies");
	if (get == NULL)
		FAIL(ERR_MALFORMED, "body without GetPolicies");
	TRY(body_get(a, get, &r));
	*ret = r;
	return OK;
}

bool
xcep_wanted(const struct xcep_request *q, const struct policy_template *t)
{
	int64_t server = t->private_key_flags >> SERVER_SHIFT & VERSION_MASK;
	int64_t client = t->private_key_flags >> CLIENT_SHIFT & VERSION_MASK;
	bool named = q->noids == 0;

	for (size_t i = 0; i < q->noids && !named; i++)
		named = strcmp(q->oids[i], t->oid) == 0;
	return named && (q->server_version < 0 || server <= q->server_version) &&
	    (q->client_version < 0 || client <= q->client_version);
}
