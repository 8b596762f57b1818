/* SPDX-License-Identifier: Apache-2.0 */
/* MS-XCEP messages, writing: see xcep_msg.h. The order of elements is the schema's and strict. */
#include "codec/xcep_msg.h"

#include "codec/oid.h"
#include "codec/wstep_ns.h"

enum { MESSAGE_MAX = 4 << 20, OIDS_MAX = 2048 };
/* MS-XCEP 3.1.4.1.3.16: kinds of OIDs */
enum { GROUP_PUBLIC_KEY = 3, GROUP_EXTENSION = 6, GROUP_TEMPLATE = 9 };
/* X509KeySpec AT_KEYEXCHANGE and AT_SIGNATURE; 0 for keys of the newer kind of provider */
enum { KEY_SPEC_NONE, KEY_SPEC_EXCHANGE, KEY_SPEC_SIGNATURE };
enum { ENCIPHERS = 0x20 };

#define OID_RSA "1.2.840.113549.1.1.1"
#define OID_EC "1.2.840.10045.2.1"

struct oid_entry {
	const char *value, *name;
	unsigned group;
};

struct printing {
	struct arena *a;
	struct buf *b;
	struct oid_entry *oids;
	size_t noids;
};

static err_t
element(struct buf *b, const char *name, const char *text)
{
	TRY(buf_printf(b, "<%s>", name));
	TRY(xml_put_text(b, text));
	return buf_printf(b, "</%s>", name);
}

static err_t
number(struct buf *b, const char *name, uint64_t v)
{
	return buf_printf(b, "<%s>%llu</%s>", name, (unsigned long long)v, name);
}

static err_t
boolean(struct buf *b, const char *name, bool v)
{
	return buf_printf(b, "<%s>%s</%s>", name, v ? "true" : "false", name);
}

static err_t
nil(struct buf *b, const char *name)
{
	return buf_printf(b, "<%s xsi:nil=\"true\"/>", name);
}

/* The number of an OID in this answer; it is told in <oIDs> at the end. */
static err_t
oid_id(struct printing *p, const char *value, unsigned group, const char *name, size_t *ret)
{
	for (size_t i = 0; i < p->noids; i++) {
		if (p->oids[i].group == group && strcmp(p->oids[i].value, value) == 0) {
			*ret = i;
			return OK;
		}
	}
	if (p->noids == OIDS_MAX)
		FAIL(ERR_TOO_LARGE, "more than %d OIDs in one answer", OIDS_MAX);
	p->oids[p->noids] = (struct oid_entry){ value, name, group };
	*ret = p->noids++;
	return OK;
}

static err_t
ca_references(struct printing *p, const struct policies_rep *all, const struct policy_template *t)
{
	uint64_t cas = t->cas;

	if (cas == 0)
		return nil(p->b, "cAs");
	TRY(buf_puts(p->b, "<cAs>"));
	for (size_t i = 0; i < all->ncas; i++) {
		if (cas >> i & 1)
			TRY(number(p->b, "cAReference", i));
	}
	return buf_puts(p->b, "</cAs>");
}

/* RSA of the older kind says whether the key also opens messages; the newer kinds know no such thing. */
static err_t
key_attributes(struct printing *p, const struct policy_template *t, bool enciphers)
{
	size_t id;

	TRY(buf_puts(p->b, "<privateKeyAttributes>"));
	TRY(number(p->b, "minimalKeyLength", t->rsa ? t->min_key_bits : t->p256 ? 256 : 384));
	if (t->schema > 2)
		TRY(nil(p->b, "keySpec"));
	else
		TRY(number(p->b, "keySpec", enciphers ? KEY_SPEC_EXCHANGE : KEY_SPEC_SIGNATURE));
	TRY(nil(p->b, "keyUsageProperty"));
	TRY(nil(p->b, "permissions"));
	if (t->schema > 2 || !t->rsa) {
		TRY(oid_id(
		    p, t->rsa ? OID_RSA : OID_EC, GROUP_PUBLIC_KEY, t->rsa ? "RSA" : "EC", &id));
		TRY(number(p->b, "algorithmOIDReference", id));
	} else {
		TRY(nil(p->b, "algorithmOIDReference"));
	}
	TRY(nil(p->b, "cryptoProviders"));
	return buf_puts(p->b, "</privateKeyAttributes>");
}

static err_t
extensions(struct printing *p, const struct policy_template *t)
{
	if (t->nexts == 0)
		return nil(p->b, "extensions");
	TRY(buf_puts(p->b, "<extensions>"));
	for (size_t i = 0; i < t->nexts; i++) {
		const struct policy_ext *x = &t->exts[i];
		size_t id;

		TRY(oid_id(p, x->oid, GROUP_EXTENSION, oid_name(x->oid), &id));
		TRY(buf_puts(p->b, "<extension>"));
		TRY(number(p->b, "oIDReference", id));
		TRY(boolean(p->b, "critical", x->critical));
		TRY(element(p->b, "value", text_base64(p->a, x->value)));
		TRY(buf_puts(p->b, "</extension>"));
	}
	return buf_puts(p->b, "</extensions>");
}

/* BIT STRING { unused bits, usage }: 03 02 nn uu (or 03 03 nn uu uu) */
static bool
enciphers(const struct policy_template *t)
{
	for (size_t i = 0; i < t->nexts; i++) {
		const struct str *v = &t->exts[i].value;

		if (strcmp(t->exts[i].oid, "2.5.29.15") == 0 && v->n >= 4)
			return (v->p[3] & ENCIPHERS) != 0;
	}
	return true;
}

/* MS-XCEP 3.1.4.1.3.1 */
static err_t
attributes(struct printing *p, const struct policy_template *t)
{
	TRY(buf_puts(p->b, "<attributes>"));
	TRY(element(p->b, "commonName", t->name));
	TRY(number(p->b, "policySchema", t->schema));
	TRY(buf_puts(p->b, "<certificateValidity>"));
	TRY(number(p->b, "validityPeriodSeconds", (uint64_t)t->validity));
	TRY(number(p->b, "renewalPeriodSeconds", (uint64_t)t->overlap));
	TRY(buf_puts(p->b, "</certificateValidity><permission>"));
	TRY(boolean(p->b, "enroll", t->enrol));
	TRY(boolean(p->b, "autoEnroll", t->autoenrol));
	TRY(buf_puts(p->b, "</permission>"));
	TRY(key_attributes(p, t, enciphers(t)));
	TRY(buf_puts(p->b, "<revision>"));
	TRY(number(p->b, "majorRevision", t->major));
	TRY(number(p->b, "minorRevision", t->minor));
	TRY(buf_puts(p->b, "</revision>"));
	TRY(nil(p->b, "supersededPolicies"));
	TRY(number(p->b, "privateKeyFlags", t->private_key_flags));
	TRY(number(p->b, "subjectNameFlags", t->name_flags));
	TRY(number(p->b, "enrollmentFlags", t->enrolment_flags));
	TRY(number(p->b, "generalFlags", t->flags));
	TRY(nil(p->b, "hashAlgorithmOIDReference"));
	TRY(nil(p->b, "rARequirements"));
	TRY(nil(p->b, "keyArchivalAttributes"));
	TRY(extensions(p, t));
	return buf_puts(p->b, "</attributes>");
}

static err_t
policy(struct printing *p, const struct policies_rep *all, const struct policy_template *t)
{
	size_t id;

	TRY(oid_id(p, t->oid, GROUP_TEMPLATE, t->display_name, &id));
	TRY(buf_puts(p->b, "<policy>"));
	TRY(number(p->b, "policyOIDReference", id));
	TRY(ca_references(p, all, t));
	TRY(attributes(p, t));
	return buf_puts(p->b, "</policy>");
}

/* MS-XCEP 3.1.4.1.3.2, 3.1.4.1.3.3 */
static err_t
cas(struct printing *p, const struct xcep_response *r)
{
	const struct policies_rep *all = r->policies;
	const struct xcep_uri *uri = r->uris;

	if (all->ncas == 0)
		return nil(p->b, "cAs");
	TRY(buf_puts(p->b, "<cAs>"));
	for (size_t i = 0; i < all->ncas; i++) {
		TRY(buf_puts(p->b, "<cA><uris>"));
		for (size_t k = 0; k < r->nuris; k++, uri++) {
			TRY(buf_puts(p->b, "<cAURI>"));
			TRY(number(p->b, "clientAuthentication", uri->authentication));
			TRY(element(p->b, "uri", uri->url));
			TRY(number(p->b, "priority", k + 1));
			TRY(boolean(p->b, "renewalOnly", false));
			TRY(buf_puts(p->b, "</cAURI>"));
		}
		TRY(buf_puts(p->b, "</uris>"));
		TRY(element(p->b, "certificate", text_base64(p->a, all->cas[i].certificate)));
		TRY(boolean(p->b, "enrollPermission", all->cas[i].enrol));
		TRY(number(p->b, "cAReferenceID", i));
		TRY(buf_puts(p->b, "</cA>"));
	}
	return buf_puts(p->b, "</cAs>");
}

static err_t
oids(struct printing *p)
{
	if (p->noids == 0)
		return nil(p->b, "oIDs");
	TRY(buf_puts(p->b, "<oIDs>"));
	for (size_t i = 0; i < p->noids; i++) {
		TRY(buf_puts(p->b, "<oID>"));
		TRY(element(p->b, "value", p->oids[i].value));
		TRY(number(p->b, "group", p->oids[i].group));
		TRY(number(p->b, "oIDReferenceID", i));
		TRY(element(p->b, "defaultName", p->oids[i].name));
		TRY(buf_puts(p->b, "</oID>"));
	}
	return buf_puts(p->b, "</oIDs>");
}

static err_t
policies(struct printing *p, const struct xcep_request *q, const struct xcep_response *r)
{
	bool any = false;

	for (size_t i = 0; i < r->policies->n && !any; i++)
		any = xcep_wanted(q, &r->policies->v[i]);
	if (!any)
		return nil(p->b, "policies");
	TRY(buf_puts(p->b, "<policies>"));
	for (size_t i = 0; i < r->policies->n; i++) {
		if (xcep_wanted(q, &r->policies->v[i]))
			TRY(policy(p, r->policies, &r->policies->v[i]));
	}
	return buf_puts(p->b, "</policies>");
}

/* MS-XCEP 3.1.4.1.3.23 */
static err_t
body(struct printing *p, const struct xcep_request *q, const struct xcep_response *r)
{
	TRY(buf_puts(p->b,
	    "<GetPoliciesResponse xmlns=\"" NS_XCEP "\" xmlns:xsi=\"" NS_XSI "\"><response>"));
	TRY(buf_printf(p->b, "<policyID>{%s}</policyID>", id_text(p->a, r->policies->id)));
	TRY(element(p->b, "policyFriendlyName", r->policies->name));
	TRY(number(p->b, "nextUpdateHours", r->next_update_hours));
	TRY(boolean(p->b, "policiesNotChanged", r->unchanged));
	if (r->unchanged)
		return buf_puts(p->b,
		    "<policies xsi:nil=\"true\"/></response><cAs xsi:nil=\"true\"/>"
		    "<oIDs xsi:nil=\"true\"/></GetPoliciesResponse>");
	TRY(policies(p, q, r));
	TRY(buf_puts(p->b, "</response>"));
	TRY(cas(p, r));
	TRY(oids(p));
	return buf_puts(p->b, "</GetPoliciesResponse>");
}

err_t
xcep_response_print(
    struct arena *a, const struct xcep_request *q, const struct xcep_response *r, struct buf *out)
{
	auto_buf struct buf b;
	struct printing p = { a, &b, arena_array(a, OIDS_MAX, sizeof(struct oid_entry)), 0 };

	buf_init(&b, MESSAGE_MAX);
	TRY(buf_puts(&b,
	    "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:a=\"" NS_ADDRESSING
	    "\"><s:Header><a:Action s:mustUnderstand=\"1\">" URI_ACTION_POLICIES_RESPONSE
	    "</a:Action>"));
	if (r->message_id[0] != '\0')
		TRY(element(&b, "a:MessageID", r->message_id));
	if (r->relates_to[0] != '\0')
		TRY(element(&b, "a:RelatesTo", r->relates_to));
	TRY(buf_puts(&b, "</s:Header><s:Body>"));
	TRY(body(&p, q, r));
	TRY(buf_puts(&b, "</s:Body></s:Envelope>"));
	return buf_put(out, buf_str(&b));
}
