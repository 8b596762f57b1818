/* SPDX-License-Identifier: Apache-2.0 */
#include "api/report_row.h"

#include "codec/oid.h"
#include "model/request.h"
#include "pki/cert.h"

#define CERTIFICATE_COLUMNS \
	"DeviceId", "DeviceName", "UserId", "UPN", "PolicyId", "CertificateStatus", "SubjectName", \
	    "IssuerName", "SerialNumber", "Thumbprint", "EnhancedKeyUsage", "KeyUsage", \
	    "ValidFrom", "ValidTo"

static const char *const certificates[] = { CERTIFICATE_COLUMNS, NULL };
static const char *const by_policy[] = { CERTIFICATE_COLUMNS, "CaConfiguration", NULL };
static const char *const slots[] = { "DeviceId", "DeviceName", "UserId", "UPN", "PolicyId",
	"PolicyName", "Kind", "State", "Fault", "Reason", "NextStep", "Since", "SubjectName",
	"IssuerName", "SerialNumber", "Thumbprint", "ValidFrom", "ValidTo", NULL };

const struct report_kind report_kinds[] = {
	{ "AllDeviceCertificates", certificates, true, PERM_CONFIG_READ },
	{ "CertificatesByRAPolicy", by_policy, true, PERM_CONFIG_READ },
	{ "ChancerySlots", slots, false, PERM_CONFIG_READ },
	{ 0 },
};

const struct report_kind *
report_kind(const char *name)
{
	for (const struct report_kind *k = report_kinds; k->name != NULL; k++)
		if (str_ieq_c(str_c(name), k->name))
			return k;
	return NULL;
}

static const char *
certificate_status(const struct slot *s, const char *revoked)
{
	if (strcmp(revoked, "revoked") == 0)
		return "Revoked";
	if (strcmp(revoked, "none") != 0)
		return "RevokePending";
	return s->not_after <= when_now() ? "Expired" : "Active";
}

/* The members of the slot's JSON that a column takes as they are. */
static const struct {
	const char *column, *member;
} taken[] = {
	{ "DeviceId", "deviceId" },
	{ "DeviceName", "deviceName" },
	{ "UserId", "userId" },
	{ "UPN", "userPrincipalName" },
	{ "PolicyId", "profileId" },
	{ "PolicyName", "profileName" },
	{ "Kind", "kind" },
	{ "State", "state" },
	{ "Fault", "fault" },
	{ "Reason", "reason" },
	{ "NextStep", "nextStep" },
	{ "Since", "since" },
	{ "SubjectName", "subjectName" },
	{ "IssuerName", "issuerName" },
	{ "SerialNumber", "serialNumber" },
	{ "Thumbprint", "thumbprint" },
	{ "ValidFrom", "notBefore" },
	{ "ValidTo", "notAfter" },
	{ "CaConfiguration", "issuerName" },
};

/* RFC 5280 4.2.1.3: bits of the first byte. */
static const char *const usages[] = { "digitalSignature", "nonRepudiation", "keyEncipherment",
	"dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign", "encipherOnly" };
static const char *const ekus[] = { OID_EKU_CLIENT_AUTH, OID_EKU_SERVER_AUTH, OID_EKU_EMAIL,
	OID_EKU_EFS };

static const char *
also(struct arena *a, const char *list, const char *name)
{
	return arena_printf(a, "%s%s%s", list, *list == '\0' ? "" : ", ", name);
}

/* From the certificate itself, while it is on record. */
static err_t
put_usages(struct tx *tx, struct arena *a, const struct slot *s, json *row)
{
	auto_cert struct cert *c = NULL;
	const char *use = "", *extended = "";
	struct request r;
	bool found;

	TRY(request_of(tx, a, s, &found, &r));
	json_set_text(row, "KeyUsage", NULL);
	json_set_text(row, "EnhancedKeyUsage", NULL);
	if (!found || r.leaf.n == 0)
		return OK;
	TRY(cert_parse(r.leaf, &c));
	if (!str_eq(str_of(cert_sha256(c), 32), s->cert_sha256))
		return OK;
	for (size_t i = 0; i < COUNT(usages); i++)
		if ((cert_key_usage(c) & 0x80 >> i) != 0)
			use = also(a, use, usages[i]);
	for (size_t i = 0; i < COUNT(ekus); i++)
		if (cert_has_eku(c, ekus[i]))
			extended = also(a, extended, oid_name(ekus[i]));
	json_set_text(row, "KeyUsage", use);
	json_set_text(row, "EnhancedKeyUsage", extended);
	return OK;
}

err_t
report_row(
    struct tx *tx, struct arena *a, const struct report_kind *k, const struct slot *s, json **ret)
{
	auto_json json *row = json_object_new(), *from = NULL;
	const char *revoked;
	when_ms_t at;

	TRY(slot_json(tx, a, s, &from));
	for (const char *const *c = k->columns; *c != NULL; c++)
		for (size_t i = 0; i < COUNT(taken); i++)
			if (strcmp(*c, taken[i].column) == 0)
				json_set(row, *c, json_ref(json_get(from, taken[i].member)));
	if (k->certificates) {
		TRY(slot_revoked(tx, a, s, &revoked, &at));
		json_set_text(row, "CertificateStatus", certificate_status(s, revoked));
		TRY(put_usages(tx, a, s, row));
	}
	*ret = steal(row);
	return OK;
}

static err_t
put_value(struct buf *out, const char *text)
{
	TRY(buf_putc(out, '"'));
	if (*text != '\0' && strchr("=+-@\t\r", *text) != NULL)
		TRY(buf_putc(out, '\''));
	for (; *text != '\0'; text++) {
		if (*text == '"')
			TRY(buf_putc(out, '"'));
		TRY(buf_putc(out, (uint8_t)*text));
	}
	return buf_putc(out, '"');
}

err_t
report_csv(struct buf *out, const json *row, const char *const *columns)
{
	for (size_t i = 0; columns[i] != NULL; i++) {
		if (i > 0)
			TRY(buf_putc(out, ','));
		TRY(put_value(out, json_text(json_get(row, columns[i]))));
	}
	return buf_puts(out, "\r\n");
}

err_t
report_csv_head(struct buf *out, const char *const *columns)
{
	for (size_t i = 0; columns[i] != NULL; i++) {
		if (i > 0)
			TRY(buf_putc(out, ','));
		TRY(buf_puts(out, columns[i]));
	}
	return buf_puts(out, "\r\n");
}
