/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_msg.h"

#include "base/limits.h"

/* A user of a Mac that shares it like an iPad has this id; who it is says the short name. */
#define SHARED_USER "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"

enum { TOKEN_MAX = 256, CHAIN_MAX = 16, NAME_MAX_BYTES = 200 };

static const struct {
	const char *name;
	enum apple_type type;
} types[] = {
	{ "Authenticate", APPLE_AUTHENTICATE },
	{ "TokenUpdate", APPLE_TOKEN_UPDATE },
	{ "CheckOut", APPLE_CHECK_OUT },
	{ "UserAuthenticate", APPLE_USER_AUTHENTICATE },
	{ "SetBootstrapToken", APPLE_SET_BOOTSTRAP_TOKEN },
	{ "GetBootstrapToken", APPLE_GET_BOOTSTRAP_TOKEN },
	{ "GetToken", APPLE_GET_TOKEN },
	{ "DeclarativeManagement", APPLE_DECLARATIVE },
};

static const struct {
	const char *name;
	enum apple_status status;
} statuses[] = {
	{ "Idle", APPLE_IDLE },
	{ "Acknowledged", APPLE_ACKNOWLEDGED },
	{ "Error", APPLE_ERROR },
	{ APPLE_FORMAT_ERROR, APPLE_ERROR },
	{ "NotNow", APPLE_NOT_NOW },
};

static err_t
read_type(const struct pl *d, struct apple_msg *m)
{
	const char *type, *status;

	TRY(pl_want_text(d, "MessageType", LIMIT_TEXT, &type));
	TRY(pl_want_text(d, "Status", LIMIT_TEXT, &status));
	for (size_t i = 0; i < COUNT(types); i++)
		if (strcmp(type, types[i].name) == 0)
			m->type = types[i].type;
	if (m->type != 0)
		return OK;
	if (type[0] != '\0')
		FAIL(ERR_BAD_REQUEST, "there is no message of this type");
	for (size_t i = 0; i < COUNT(statuses); i++)
		if (strcmp(status, statuses[i].name) == 0)
			m->status = statuses[i].status;
	if (m->status == 0)
		FAIL(ERR_BAD_REQUEST, "neither a MessageType nor a Status");
	m->type = APPLE_COMMAND;
	return OK;
}

static err_t
read_ids(const struct pl *d, struct apple_msg *m)
{
	const char *user;

	TRY(pl_want_text(d, "UDID", NAME_MAX_BYTES, &m->udid));
	if (m->udid[0] == '\0')
		TRY(pl_want_text(d, "EnrollmentID", NAME_MAX_BYTES, &m->udid));
	if (m->udid[0] == '\0')
		FAIL(ERR_BAD_REQUEST, "\"UDID\" is missing");
	TRY(pl_want_text(d, "UserID", NAME_MAX_BYTES, &user));
	TRY(pl_want_text(d, "UserShortName", NAME_MAX_BYTES, &m->user));
	m->channel = strcmp(user, SHARED_USER) == 0 ? m->user : user;
	if (user[0] != '\0' && m->channel[0] == '\0')
		FAIL(ERR_BAD_REQUEST, "\"UserShortName\" is missing");
	return OK;
}

/* Outermost first: the last is the cause. */
static err_t
read_chain(struct arena *a, const struct pl *d, struct apple_msg *m)
{
	const struct pl *list;
	const char *domain, *text, *all = "";
	struct apple_link *chain;
	int64_t code;

	TRY(pl_want_array(d, "ErrorChain", CHAIN_MAX, &list));
	chain = arena_array(a, pl_count(list) + 1, sizeof(*chain));
	m->chain = chain;
	for (const struct pl *p = list == NULL ? NULL : list->child; p != NULL; p = p->next) {
		TRY(pl_want_text(p, "ErrorDomain", LIMIT_TEXT, &domain));
		TRY(pl_want_int(p, "ErrorCode", &code));
		TRY(pl_want_text(p, "USEnglishDescription", LIMIT_LONG_TEXT, &text));
		if (text[0] == '\0')
			TRY(pl_want_text(p, "LocalizedDescription", LIMIT_LONG_TEXT, &text));
		chain[m->nchain++] = (struct apple_link){ domain, code };
		m->code = arena_printf(a, "%s %lld", domain, (long long)code);
		all =
		    arena_printf(a, "%s%s%s (%s)", all, all[0] == '\0' ? "" : " > ", text, m->code);
	}
	m->detail = all;
	return OK;
}

/* A cause that is shown, also where the device gave none. */
static void
fill_chain(struct apple_msg *m)
{
	static const struct apple_link refused = { APPLE_FORMAT_ERROR, 0 };
	const char *status = pl_get(m->body, "Status")->text;

	if (m->nchain > 0)
		return;
	m->code = status;
	m->detail = "the device gives no reason";
	if (strcmp(status, APPLE_FORMAT_ERROR) != 0)
		return;
	m->chain = &refused;
	m->nchain = 1;
	m->detail = "the device does not take the command in this form";
}

err_t
apple_msg_read(struct arena *a, struct str in, struct apple_msg *ret)
{
	struct apple_msg m = { 0 };
	struct pl *d;

	TRY(pl_parse(a, in, &d));
	if (d->kind != PL_DICT)
		FAIL(ERR_BAD_REQUEST, "the message is no dictionary");
	m.body = d;
	TRY(read_type(d, &m));
	TRY(read_ids(d, &m));
	TRY(pl_want_text(d, "Topic", LIMIT_TEXT, &m.topic));
	TRY(pl_want_text(d, "CommandUUID", LIMIT_TEXT, &m.command));
	TRY(pl_want_text(d, "PushMagic", LIMIT_TEXT, &m.magic));
	if (m.type == APPLE_TOKEN_UPDATE) {
		TRY(pl_need_data(d, "Token", TOKEN_MAX, &m.token));
		TRY(pl_need_text(d, "PushMagic", LIMIT_TEXT, &m.magic));
	}
	if (m.status == APPLE_ERROR) {
		TRY(read_chain(a, d, &m));
		fill_chain(&m);
	}
	if (m.type == APPLE_COMMAND && m.status != APPLE_IDLE && m.command[0] == '\0')
		FAIL(ERR_BAD_REQUEST, "\"CommandUUID\" is missing");
	*ret = m;
	return OK;
}

struct pl *
apple_queries(struct arena *a)
{
	static const char *const names[] = { "UDID", "DeviceName", "SerialNumber", "OSVersion",
		"BuildVersion", "ProductName", "Model", "ModelName", "IMEI", "MEID",
		"ServiceSubscriptions", "WiFiMAC", "EthernetMAC", "HostName", "LocalHostName" };
	struct pl *list = pl_array(a);

	for (size_t i = 0; i < COUNT(names); i++)
		pl_add(list, pl_text(a, names[i]));
	return list;
}

/* Numbers are shown in groups. */
static const char *
without_blanks(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text);
	size_t n = 0;

	for (const char *p = text; *p != '\0'; p++)
		if (*p != ' ')
			out[n++] = *p;
	out[n] = '\0';
	return out;
}

/* Dual SIM: the first one for data, else that of the first slot ("CTSubscriptionSlotOne", "...Two"). */
static err_t
read_subscriptions(struct arena *a, const struct pl *d, struct device *to)
{
	const struct pl *list, *best = NULL;
	const char *imei, *meid, *slot, *first = "";
	bool data;

	TRY(pl_want_array(d, "ServiceSubscriptions", 16, &list));
	for (const struct pl *p = list == NULL ? NULL : list->child; p != NULL; p = p->next) {
		TRY(pl_want_bool(p, "IsDataPreferred", &data));
		TRY(pl_want_text(p, "Slot", LIMIT_TEXT, &slot));
		if (best == NULL || data || strcmp(slot, first) < 0) {
			best = p;
			first = slot;
		}
		if (data)
			break;
	}
	TRY(pl_want_text(best, "IMEI", LIMIT_TEXT, &imei));
	TRY(pl_want_text(best, "MEID", LIMIT_TEXT, &meid));
	if (imei[0] != '\0')
		to->imei = without_blanks(a, imei);
	if (meid[0] != '\0')
		to->meid = without_blanks(a, meid);
	return OK;
}

static bool
starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* ProductName is the model identifier: "Mac14,2", "MacBookPro18,3", "iPhone15,2", "iPad13,1", "AppleTV6,2". */
static err_t
read_product(const struct pl *d, struct device *to)
{
	const char *product, *name;
	bool mac;

	TRY(pl_want_text(d, "ProductName", LIMIT_TEXT, &product));
	TRY(pl_want_text(d, "ModelName", LIMIT_TEXT, &name));
	if (product[0] == '\0')
		TRY(pl_want_text(d, "Model", LIMIT_TEXT, &product));
	if (product[0] == '\0')
		return OK;
	mac = starts(product, "Mac") || starts(product, "iMac") || starts(product, "VirtualMac");
	to->platform = mac ? "macos" : "ios";
	to->os = mac ? "macOS" : starts(product, "iPad") ? "iPadOS" : "iOS";
	to->model = name[0] != '\0' ? name : product;
	to->manufacturer = "Apple";
	return OK;
}

err_t
apple_facts_read(struct arena *a, const struct pl *d, struct device *ret)
{
	struct device f = *ret;
	const struct {
		const char *key;
		const char **to;
	} texts[] = {
		{ "UDID", &f.udid },
		{ "DeviceName", &f.name },
		{ "SerialNumber", &f.serial },
		{ "OSVersion", &f.os_version },
		{ "IMEI", &f.imei },
		{ "MEID", &f.meid },
		{ "WiFiMAC", &f.wifi_mac },
		{ "EthernetMAC", &f.ethernet_mac },
		{ "HostName", &f.fqdn },
	};
	const char *text;

	for (size_t i = 0; i < COUNT(texts); i++) {
		TRY(pl_want_text(d, texts[i].key, LIMIT_TEXT, &text));
		if (text[0] != '\0')
			*texts[i].to = text;
	}
	if (f.imei != NULL)
		f.imei = without_blanks(a, f.imei);
	if (f.meid != NULL)
		f.meid = without_blanks(a, f.meid);
	TRY(read_subscriptions(a, d, &f));
	TRY(read_product(d, &f));
	*ret = f;
	return OK;
}

err_t
apple_profiles_read(struct arena *a, const struct pl *body, const char *prefix,
    struct apple_listed **ret, size_t *retn)
{
	const struct pl *list;
	struct apple_listed *v;
	size_t n = 0;

	TRY(pl_want_array(body, "ProfileList", LIMIT_INVENTORY * 4, &list));
	v = arena_array(a, pl_count(list) + 1, sizeof(*v));
	for (const struct pl *p = list == NULL ? NULL : list->child; p != NULL; p = p->next) {
		struct apple_listed one;

		TRY(pl_want_text(p, "PayloadIdentifier", LIMIT_LONG_TEXT, &one.name));
		TRY(pl_want_text(p, "PayloadUUID", LIMIT_TEXT, &one.uuid));
		if (starts(one.name, prefix) && strlen(one.name) <= LIMIT_TEXT)
			v[n++] = one;
	}
	if (n > APPLE_PROFILES_MAX)
		FAIL(ERR_BAD_REQUEST, "more than %d profiles of ours", APPLE_PROFILES_MAX);
	*ret = v;
	*retn = n;
	return OK;
}

err_t
apple_certificates_read(
    struct arena *a, const struct pl *body, struct apple_held **ret, size_t *retn)
{
	const struct pl *list;
	struct apple_held *v;
	size_t n = 0;

	TRY(pl_want_array(body, "CertificateList", LIMIT_INVENTORY * 4, &list));
	v = arena_array(a, pl_count(list) + 1, sizeof(*v));
	for (const struct pl *p = list == NULL ? NULL : list->child; p != NULL; p = p->next) {
		TRY(pl_want_data(p, "Data", LIMIT_CERT_BYTES, &v[n].der));
		TRY(pl_want_bool(p, "IsIdentity", &v[n].identity));
		n += v[n].der.n > 0;
	}
	*ret = v;
	*retn = n;
	return OK;
}
