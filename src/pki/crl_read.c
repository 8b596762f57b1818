/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/crl_read.h"

#include "base/limits.h"
#include "base/text.h"
#include "codec/der.h"
#include "pki/key_int.h"

enum { DER_ENUMERATED = 0x0a, DER_UTC_TIME = 0x17, DER_GENERALIZED_TIME = 0x18 };

static const uint8_t id_reason[] = { 0x55, 0x1d, 0x15 };
static const uint8_t id_number[] = { 0x55, 0x1d, 0x14 };
static const uint8_t id_delta[] = { 0x55, 0x1d, 0x1b };
static const uint8_t id_point[] = { 0x55, 0x1d, 0x1c };

static bool
next_is(struct str in, uint8_t tag)
{
	return in.n > 0 && in.p[0] == tag;
}

/* The next element whole, with its head. */
static err_t
take_whole(struct str *in, uint8_t tag, struct str *ret)
{
	const uint8_t *from = in->p;
	struct str content;

	TRY(der_take(in, tag, &content));
	*ret = str_of(from, (size_t)(in->p - from));
	return OK;
}

/* RFC 5280 4.1.2.5: with seconds and Z. */
static err_t
take_time(struct str *in, when_t *ret)
{
	char iso[32];
	struct str text;
	const char *century = "";
	uint8_t tag;

	TRY(der_next(in, &tag, &text));
	if (tag == DER_UTC_TIME && text.n == 13)
		century = text.p[0] >= '5' ? "19" : "20";
	else if (tag != DER_GENERALIZED_TIME || text.n != 15)
		FAIL(ERR_CRL, "form of a time");
	if (tag == DER_GENERALIZED_TIME) {
		century = (const char *)text.p;
		text = str_of(text.p + 2, 13);
	}
	if (text.p[12] != 'Z')
		FAIL(ERR_CRL, "zone of a time");
	for (size_t i = 0; i < 12; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			FAIL(ERR_CRL, "digits of a time");
	}
	snprintf(iso, sizeof(iso), "%.2s%.2s-%.2s-%.2sT%.2s:%.2s:%.2sZ", century,
	    (const char *)text.p, (const char *)text.p + 2, (const char *)text.p + 4,
	    (const char *)text.p + 6, (const char *)text.p + 8, (const char *)text.p + 10);
	return when_parse(str_c(iso), ret);
}

/* A positive INTEGER in its shortest form, of at most `most` bytes without a leading zero. */
static err_t
take_positive(struct str *in, size_t most, struct str *ret)
{
	struct str v;

	TRY(der_take(in, DER_INTEGER, &v));
	if (v.n == 0 || (v.p[0] & 0x80) != 0)
		FAIL(ERR_CRL, "a number that is not positive");
	if (v.n > 1 && v.p[0] == 0 && (v.p[1] & 0x80) == 0)
		FAIL(ERR_CRL, "a number with leading zeros");
	if (v.n > 1 && v.p[0] == 0)
		v = str_of(v.p + 1, v.n - 1);
	if (v.n > most)
		FAIL(ERR_CRL, "a number of %zu bytes", v.n);
	*ret = v;
	return OK;
}

static err_t
read_number(struct str in, uint64_t *ret)
{
	struct str v;
	uint64_t n = 0;

	TRY(take_positive(&in, 8, &v));
	if (in.n > 0 || (v.n == 8 && (v.p[0] & 0x80) != 0))
		FAIL(ERR_CRL, "number of a list");
	for (size_t i = 0; i < v.n; i++)
		n = n << 8 | v.p[i];
	*ret = n;
	return OK;
}

struct ext {
	struct str oid, value;
	bool critical;
};

static err_t
take_extension(struct str *in, struct ext *ret)
{
	static const uint8_t yes[] = { 0xff };
	struct str one, critical;
	struct ext x = { 0 };

	TRY(der_take(in, DER_SEQUENCE, &one));
	TRY(der_take(&one, DER_OID, &x.oid));
	if (next_is(one, DER_BOOLEAN)) {
		TRY(der_take(&one, DER_BOOLEAN, &critical));
		if (!str_eq(critical, STR(yes)))
			FAIL(ERR_CRL, "criticality of an extension");
		x.critical = true;
	}
	TRY(der_take(&one, DER_OCTETS, &x.value));
	if (one.n > 0)
		FAIL(ERR_CRL, "bytes after an extension");
	*ret = x;
	return OK;
}

/* ---- entries ---- */

static err_t
read_reason(struct str in, int *ret)
{
	struct str v;

	TRY(der_take(&in, DER_ENUMERATED, &v));
	if (in.n > 0 || v.n != 1 || v.p[0] > 10 || v.p[0] == 7)
		FAIL(ERR_CRL, "reason of an entry");
	*ret = v.p[0];
	return OK;
}

/* Of entries only the reason is looked at; invalidityDate and its like are passed over. */
static err_t
read_entry_extensions(struct str in, int *ret_reason)
{
	struct str list;

	TRY(der_take(&in, DER_SEQUENCE, &list));
	if (in.n > 0)
		FAIL(ERR_CRL, "bytes after an entry");
	for (unsigned n = 0; list.n > 0; n++) {
		struct ext x;

		if (n == LIMIT_EXTENSIONS)
			FAIL(ERR_CRL, "more than %u extensions", LIMIT_EXTENSIONS);
		TRY(take_extension(&list, &x));
		if (str_eq(x.oid, STR(id_reason)))
			TRY(read_reason(x.value, ret_reason));
		else if (x.critical)
			FAIL(ERR_CRL, "a critical extension of an entry that is not known");
	}
	return OK;
}

static err_t
take_entry(struct str *entries, struct crl_listed *ret)
{
	struct crl_listed e = { 0 };
	struct str one;

	TRY(der_take(entries, DER_SEQUENCE, &one));
	TRY(take_positive(&one, 20, &e.serial));
	TRY(take_time(&one, &e.when));
	if (one.n > 0)
		TRY(read_entry_extensions(one, &e.reason));
	*ret = e;
	return OK;
}

/* ---- the list ---- */

/* IssuingDistributionPoint: one fullName of one address, and nothing that narrows the list otherwise. */
static err_t
read_point(struct str in, struct str *ret)
{
	struct str v, url;

	TRY(der_take(&in, DER_SEQUENCE, &v));
	if (in.n > 0)
		FAIL(ERR_CRL, "bytes after the distribution point");
	TRY(der_take(&v, DER_CONTEXT(0), &in));
	TRY(der_take(&in, DER_CONTEXT(0), &url));
	if (v.n > 0 || in.n > 0)
		FAIL(ERR_CRL, "a list of some certificates or reasons only");
	TRY(der_take(&url, DER_CONTEXT_PRIMITIVE(6), &v));
	if (url.n > 0 || v.n == 0 || v.n > LIMIT_LONG_TEXT || !text_printable_ascii(v))
		FAIL(ERR_CRL, "address of the distribution point");
	*ret = v;
	return OK;
}

static err_t
read_extension(const struct ext *x, struct crl_doc *d, bool *numbered)
{
	if (str_eq(x->oid, STR(id_number))) {
		*numbered = true;
		return read_number(x->value, &d->number);
	}
	if (str_eq(x->oid, STR(id_delta))) {
		d->delta = true;
		return read_number(x->value, &d->base);
	}
	if (str_eq(x->oid, STR(id_point)))
		return read_point(x->value, &d->point);
	if (x->critical)
		FAIL(ERR_CRL, "a critical extension that is not known");
	return OK;
}

static err_t
read_extensions(struct str in, struct crl_doc *d)
{
	bool numbered = false;
	struct str list;

	TRY(der_take(&in, DER_SEQUENCE, &list));
	if (in.n > 0)
		FAIL(ERR_CRL, "bytes after the extensions");
	for (unsigned n = 0; list.n > 0; n++) {
		struct ext x;

		if (n == LIMIT_EXTENSIONS)
			FAIL(ERR_CRL, "more than %u extensions", LIMIT_EXTENSIONS);
		TRY(take_extension(&list, &x));
		TRY(read_extension(&x, d, &numbered));
	}
	if (!numbered)
		FAIL(ERR_CRL, "it has no number");
	return OK;
}

static err_t
count_entries(struct str entries, size_t *ret)
{
	struct crl_listed e;
	size_t n = 0;

	for (; entries.n > 0; n++) {
		if (n == LIMIT_CRL_ENTRIES)
			FAIL(ERR_CRL, "more than %u entries", LIMIT_CRL_ENTRIES);
		TRY(take_entry(&entries, &e));
	}
	*ret = n;
	return OK;
}

static err_t
read_tbs(struct str in, struct crl_doc *d)
{
	static const uint8_t version2[] = { 1 };
	struct str body, v;

	TRY(der_take(&in, DER_SEQUENCE, &body));
	TRY(der_take(&body, DER_INTEGER, &v));
	if (!str_eq(v, STR(version2)))
		FAIL(ERR_CRL, "not version 2");
	TRY(take_whole(&body, DER_SEQUENCE, &v));
	if (!str_eq(v, d->algorithm))
		FAIL(ERR_CRL, "two algorithms");
	TRY(take_whole(&body, DER_SEQUENCE, &d->issuer));
	TRY(take_time(&body, &d->this_update));
	if (next_is(body, DER_UTC_TIME) || next_is(body, DER_GENERALIZED_TIME))
		TRY(take_time(&body, &d->next_update));
	if (next_is(body, DER_SEQUENCE))
		TRY(der_take(&body, DER_SEQUENCE, &d->entries));
	TRY(count_entries(d->entries, &d->n));
	TRY(der_take(&body, DER_CONTEXT(0), &v));
	if (body.n > 0)
		FAIL(ERR_CRL, "bytes after the list");
	return read_extensions(v, d);
}

static err_t
parse(struct str in, struct crl_doc *d)
{
	struct str whole, bits;

	TRY(der_take(&in, DER_SEQUENCE, &whole));
	if (in.n > 0)
		FAIL(ERR_CRL, "bytes after it");
	TRY(take_whole(&whole, DER_SEQUENCE, &d->tbs));
	TRY(take_whole(&whole, DER_SEQUENCE, &d->algorithm));
	TRY(der_take(&whole, DER_BITSTRING, &bits));
	if (whole.n > 0 || bits.n < 2 || bits.p[0] != 0)
		FAIL(ERR_CRL, "form of its signature");
	d->signature = str_of(bits.p + 1, bits.n - 1);
	return read_tbs(d->tbs, d);
}

err_t
crl_parse(struct str der, struct crl_doc *ret)
{
	struct crl_doc d = { 0 };
	struct err_report why;
	err_t e;

	if (der.n > LIMIT_CRL_BYTES)
		FAIL(ERR_CRL, "%zu bytes", der.n);
	e = parse(der, &d);
	if (!err_ok(e)) { /* whatever was wrong, it is the list that cannot be read */
		err_take(e, &why);
		FAIL(ERR_CRL, "%s", why.detail);
	}
	*ret = d;
	return OK;
}

err_t
crl_next(struct str *entries, struct crl_listed *ret)
{
	return take_entry(entries, ret);
}

err_t
crl_verify(const struct crl_doc *d, const struct cert *issuer)
{
	auto_key struct key *k = NULL;

	if (!str_eq(d->issuer, cert_subject_der(issuer)))
		FAIL(ERR_CRL, "it is not of %s", cert_subject(issuer));
	TRY(cert_key(issuer, &k));
	if (!str_eq(d->algorithm, key_sigalg(k)))
		FAIL(ERR_SIGNATURE, "%s", "it was made with another algorithm than ours");
	return key_verify(k, d->tbs, d->signature);
}
