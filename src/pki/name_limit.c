/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/name_limit.h"

#include <openssl/x509v3.h>

#include "base/limits.h"
#include "pki/ssl_err.h"

static void
limits_cleanup(NAME_CONSTRAINTS **nc)
{
	NAME_CONSTRAINTS_free(*nc);
}
#define auto_limits __attribute__((cleanup(limits_cleanup)))

bool
name_limit_is(const struct cert *ca)
{
	return X509_get_ext_by_NID(cert_x509(ca), NID_name_constraints, -1) >= 0;
}

static err_t
put_san(X509 *x, struct str san)
{
	auto_octets ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;
	int done;

	if (value == NULL || ASN1_OCTET_STRING_set(value, san.p, (int)san.n) != 1)
		FAIL_SSL(ERR_CRYPTO, "alternative names");
	ext = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, value);
	done = ext != NULL && X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	if (!done)
		FAIL_SSL(ERR_CRYPTO, "alternative names");
	return OK;
}

/* OpenSSL compares the names that it reads, and passes over those that it cannot. */
static err_t
check_readable(const X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	if (names == NULL)
		FAIL_SSL(ERR_NAME_CONSTRAINT, "the alternative names cannot be compared");
	GENERAL_NAMES_free(names);
	return OK;
}

/* What carries the names: never signed, never seen. */
static err_t
carrier(struct str subject, struct str san, X509 **ret)
{
	const unsigned char *p = subject.p;
	auto_x509 X509 *x = X509_new();
	auto_x509_name X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)subject.n);

	if (x == NULL || name == NULL || X509_set_subject_name(x, name) != 1)
		FAIL_SSL(ERR_DER, "subject");
	if (san.n > 0) {
		TRY(put_san(x, san));
		TRY(check_readable(x));
	}
	/* Reads the extensions; that it is not signed does not matter. */
	(void)X509_check_purpose(x, -1, 0);
	ssl_forget();
	*ret = steal(x);
	return OK;
}

err_t
name_limit_check(const struct cert *ca, struct str subject, struct str san)
{
	int critical = -1, why;
	auto_limits NAME_CONSTRAINTS *nc = NULL;
	auto_x509 X509 *x = NULL;

	if (!name_limit_is(ca))
		return OK;
	if (subject.n > LIMIT_CERT_BYTES || san.n > LIMIT_CERT_BYTES)
		FAIL(ERR_TOO_LARGE, "names of %zu bytes", subject.n + san.n);
	nc = X509_get_ext_d2i(cert_x509(ca), NID_name_constraints, &critical, NULL);
	if (nc == NULL)
		FAIL_SSL(ERR_NAME_CONSTRAINT, "those of %s cannot be read", cert_subject(ca));
	TRY(carrier(subject, san, &x));
	why = NAME_CONSTRAINTS_check(x, nc);
	if (why == X509_V_OK)
		why = NAME_CONSTRAINTS_check_CN(x, nc);
	ssl_forget();
	if (why != X509_V_OK)
		FAIL(ERR_NAME_CONSTRAINT, "%s: %s", cert_subject(ca),
		    X509_verify_cert_error_string(why));
	return OK;
}
