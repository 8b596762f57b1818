/* SPDX-License-Identifier: Apache-2.0 */
/* See scep_head.h. */
#include "codec/scep_head.h"

#include "base/text.h"
#include "codec/der.h"
#include "codec/oid.h"

#define OID_MESSAGE_DIGEST "1.2.840.113549.1.9.4"

enum { ATTRIBUTES_MAX = 32, NUMBER_MAX = 9999, DIGEST_MAX = 64 };

/* Text types that clients have used where RFC 8894 says PrintableString. */
static bool
is_text(uint8_t tag)
{
	return tag == DER_PRINTABLE || tag == DER_UTF8 || tag == DER_IA5 || tag == DER_T61;
}

static err_t
number(uint8_t tag, struct str value, int *ret)
{
	int64_t n;

	if (!is_text(tag))
		FAIL(ERR_SCEP, "a number of type %02x", tag);
	TRY(text_i64(value, 0, NUMBER_MAX, &n));
	*ret = (int)n;
	return OK;
}

static err_t
take_type(struct arena *a, uint8_t tag, struct str value, struct scep_head *h)
{
	(void)a;
	return number(tag, value, &h->type);
}

static err_t
take_status(struct arena *a, uint8_t tag, struct str value, struct scep_head *h)
{
	(void)a;
	return number(tag, value, &h->status);
}

static err_t
take_fail_info(struct arena *a, uint8_t tag, struct str value, struct scep_head *h)
{
	(void)a;
	return number(tag, value, &h->fail_info);
}

static err_t
octets(uint8_t tag, struct str value, size_t max, struct str *ret)
{
	if (tag != DER_OCTETS || value.n > max)
		FAIL(ERR_SCEP, "%zu octets of type %02x", value.n, tag);
	*ret = value;
	return OK;
}

static err_t
take_sender(struct arena *a, uint8_t tag, struct str value, struct scep_head *h)
{
	(void)a;
	return octets(tag, value, LIMIT_SCEP_NONCE, &h->sender_nonce);
}

static err_t
take_recipient(struct arena *a, uint8_t tag, struct str value, struct scep_head *h)
{
	(void)a;
	return octets(tag, value, LIMIT_SCEP_NONCE, &h->recipient_nonce);
}

static err_t
take_digest(struct arena *a, uint8_t tag, struct str value, struct scep_head *h)
{
	(void)a;
	return octets(tag, value, DIGEST_MAX, &h->digest);
}

static err_t
take_transaction(struct arena *a, uint8_t tag, struct str value, struct scep_head *h)
{
	if (!is_text(tag) || value.n < 1 || value.n > LIMIT_TEXT || !text_printable_ascii(value))
		FAIL(ERR_SCEP, "transactionID of %zu bytes, type %02x", value.n, tag);
	h->transaction = arena_cstr(a, value);
	return OK;
}

static err_t
take_fail_text(struct arena *a, uint8_t tag, struct str value, struct scep_head *h)
{
	if (!is_text(tag) || value.n > LIMIT_LONG_TEXT)
		FAIL(ERR_SCEP, "failInfoText of %zu bytes", value.n);
	return text_cstr(a, value, &h->fail_text);
}

static const struct {
	const char *oid, *name;
	err_t (*take)(struct arena *a, uint8_t tag, struct str value, struct scep_head *h);
} rows[] = {
	{ OID_MESSAGE_DIGEST, "messageDigest", take_digest },
	{ OID_SCEP_TYPE, "messageType", take_type },
	{ OID_SCEP_STATUS, "pkiStatus", take_status },
	{ OID_SCEP_FAIL_INFO, "failInfo", take_fail_info },
	{ OID_SCEP_SENDER_NONCE, "senderNonce", take_sender },
	{ OID_SCEP_RECIPIENT_NONCE, "recipientNonce", take_recipient },
	{ OID_SCEP_TRANSACTION, "transactionID", take_transaction },
	{ OID_SCEP_FAIL_TEXT, "failInfoText", take_fail_text },
};

/* One value exactly, and no such attribute before. */
static err_t
take_known(struct arena *a, size_t row, struct str values, bool *seen, struct scep_head *h)
{
	struct str value;
	uint8_t tag;

	if (*seen)
		FAIL(ERR_SCEP, "%s stands there twice", rows[row].name);
	*seen = true;
	TRY(der_next(&values, &tag, &value));
	if (values.n > 0)
		FAIL(ERR_SCEP, "%s has more than one value", rows[row].name);
	TRY_CTX(rows[row].take(a, tag, value, h), "%s", rows[row].name);
	return OK;
}

static err_t
take_attribute(struct arena *a, struct str *set, bool seen[], struct scep_head *h)
{
	struct str at, oid, values;
	const char *name;

	TRY(der_take(set, DER_SEQUENCE, &at));
	TRY(der_take(&at, DER_OID, &oid));
	TRY(der_take(&at, DER_SET, &values));
	if (at.n > 0)
		FAIL(ERR_SCEP, "bytes after an attribute");
	TRY(oid_text(a, oid, &name));
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (str_eq_c(str_c(name), rows[i].oid))
			return take_known(a, i, values, &seen[i], h);
	}
	return OK;
}

static err_t
parse(struct arena *a, struct str attrs, struct scep_head *ret)
{
	struct scep_head h = { .type = -1, .status = -1, .fail_info = -1, .fail_text = "" };
	bool seen[COUNT(rows)] = { false };
	struct str set;
	size_t n = 0;

	TRY(der_take(&attrs, DER_SET, &set));
	if (attrs.n > 0)
		FAIL(ERR_SCEP, "bytes after the attributes");
	while (set.n > 0) {
		if (++n > ATTRIBUTES_MAX)
			FAIL(ERR_SCEP, "more than %d attributes", ATTRIBUTES_MAX);
		TRY(take_attribute(a, &set, seen, &h));
	}
	if (h.type < 0)
		FAIL(ERR_SCEP, "it has no messageType");
	if (h.transaction == NULL)
		FAIL(ERR_SCEP, "it has no transactionID");
	if (h.digest.n == 0)
		FAIL(ERR_SCEP, "it has no messageDigest");
	*ret = h;
	return OK;
}

err_t
scep_head_parse(struct arena *a, struct str attrs, struct scep_head *ret)
{
	err_t e = parse(a, attrs, ret);
	struct err_report rep;

	if (err_ok(e) || err_is(e, ERR_SCEP))
		return e;
	/* Whatever it is that cannot be read there, it is the message. */
	err_take(e, &rep);
	FAIL(ERR_SCEP, "attributes: %s: %s", err_info(rep.code)->text, rep.detail);
}

err_t
scep_query_parse(struct arena *a, const char *text, struct str *ret)
{
	char *copy;

	if (text == NULL || text[0] == '\0')
		FAIL(ERR_SCEP, "PKIOperation without a message");
	copy = arena_strdup(a, text);
	for (char *p = copy; *p != '\0'; p++)
		*p = *p == ' ' ? '+' : *p;
	TRY_CTX(text_unbase64(a, str_c(copy), ret), "message");
	return OK;
}
