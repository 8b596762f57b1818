/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/template_field.h"

#include "codec/oid.h"

enum {
	DAY = 86400,
	DAYS_MAX = 3650,
	BITS_MAX = 8192,
	KEY_EXPORTABLE = 0x10, /* MS-CRTD 2.27 */
	PROOF_OF_ORIGIN = 0x40,
	/* Built from the directory: DN and UPN. MS-CRTD 2.28 */
	NAMES_OF_DIRECTORY = 0x82000000u
};

static err_t
need_bool(const json *v, bool *ret)
{
	if (!json_is_bool(v))
		FAIL(ERR_BAD_REQUEST, "it is true or false");
	*ret = json_true(v);
	return OK;
}

static err_t
need_int(const json *v, int64_t min, int64_t max, int64_t *ret)
{
	if (!json_is_int(v) || json_int(v) < min || json_int(v) > max)
		FAIL(ERR_BAD_REQUEST, "it is a number of %lld to %lld", (long long)min,
		    (long long)max);
	*ret = json_int(v);
	return OK;
}

static err_t
set_display_name(struct arena *a, struct template_row *t, const json *v)
{
	const char *s = json_text(v);

	if (s[0] == '\0' || strlen(s) > LIMIT_TEXT)
		FAIL(ERR_BAD_REQUEST, "it is a text of 1 to %u bytes", LIMIT_TEXT);
	t->display_name = arena_strdup(a, s);
	return OK;
}

static json *
get_display_name(struct arena *a, const struct template_row *t)
{
	(void)a;
	return json_text_new(t->display_name);
}

static err_t
set_supply(struct arena *a, struct template_row *t, const json *v)
{
	bool yes = false;

	(void)a;
	TRY(need_bool(v, &yes));
	if (yes == ((t->name_flags & TEMPLATE_SUPPLY_SUBJECT) != 0))
		return OK;
	t->name_flags = yes ? TEMPLATE_SUPPLY_SUBJECT : NAMES_OF_DIRECTORY;
	/* Nobody enrols by itself for what it must name in the request. */
	if (yes)
		t->enrolment_flags &= ~(uint32_t)TEMPLATE_AUTO_ENROL;
	return OK;
}

static json *
get_supply(struct arena *a, const struct template_row *t)
{
	(void)a;
	return json_bool_new((t->name_flags & TEMPLATE_SUPPLY_SUBJECT) != 0);
}

static err_t
set_order(struct arena *a, struct template_row *t, const json *v)
{
	(void)a;
	return need_bool(v, &t->order_required);
}

static json *
get_order(struct arena *a, const struct template_row *t)
{
	(void)a;
	return json_bool_new(t->order_required);
}

static err_t
set_proof(struct arena *a, struct template_row *t, const json *v)
{
	bool yes = false;

	(void)a;
	TRY(need_bool(v, &yes));
	t->key_usage =
	    (uint8_t)(yes ? t->key_usage | PROOF_OF_ORIGIN : t->key_usage & ~PROOF_OF_ORIGIN);
	return OK;
}

static json *
get_proof(struct arena *a, const struct template_row *t)
{
	(void)a;
	return json_bool_new((t->key_usage & PROOF_OF_ORIGIN) != 0);
}

/* RFC 5280 4.2.1.3, those for end entities; nonRepudiation is a setting of its own */
static const struct {
	const char *name;
	uint8_t bit;
} usages[] = {
	{ "digitalSignature", 0x80 },
	{ "keyEncipherment", 0x20 },
	{ "dataEncipherment", 0x10 },
	{ "keyAgreement", 0x08 },
};

static err_t
usage_bit(const char *name, uint8_t *bits)
{
	for (size_t i = 0; i < COUNT(usages); i++) {
		if (str_ieq_c(str_c(name), usages[i].name)) {
			*bits |= usages[i].bit;
			return OK;
		}
	}
	FAIL(ERR_BAD_REQUEST,
	    "each is one of digitalSignature, keyEncipherment, dataEncipherment, keyAgreement");
}

static err_t
set_usages(struct arena *a, struct template_row *t, const json *v)
{
	uint8_t bits = t->key_usage & PROOF_OF_ORIGIN;

	(void)a;
	if (!json_is_array(v) || json_count(v) == 0)
		FAIL(ERR_BAD_REQUEST, "it is a list of names");
	for (size_t i = 0; i < json_count(v); i++)
		TRY(usage_bit(json_text(json_at(v, i)), &bits));
	t->key_usage = bits;
	return OK;
}

static json *
get_usages(struct arena *a, const struct template_row *t)
{
	json *list = json_array_new();

	(void)a;
	for (size_t i = 0; i < COUNT(usages); i++) {
		if (t->key_usage & usages[i].bit)
			json_add(list, json_text_new(usages[i].name));
	}
	return list;
}

static json *
list_of(const char *commas)
{
	json *list = json_array_new();
	struct str rest = str_c(commas);

	while (rest.n > 0)
		json_add(list, json_str_new(str_cut(&rest, ',')));
	return list;
}

static err_t
set_ekus(struct arena *a, struct template_row *t, const json *v)
{
	const char *list = "";

	if (!json_is_array(v) || json_count(v) > LIMIT_EKUS)
		FAIL(ERR_BAD_REQUEST, "it is a list of at most %u OIDs", LIMIT_EKUS);
	for (size_t i = 0; i < json_count(v); i++) {
		const char *oid = json_text(json_at(v, i));

		if (!oid_valid(oid))
			FAIL(ERR_BAD_REQUEST, "purpose %zu is no OID", i + 1);
		list = arena_printf(a, "%s%s%s", list, i > 0 ? "," : "", oid);
	}
	t->ekus = list;
	return OK;
}

static json *
get_ekus(struct arena *a, const struct template_row *t)
{
	(void)a;
	return list_of(t->ekus);
}

static const char *const algorithms[] = { "rsa", "p256", "p384" };

static err_t
set_algorithms(struct arena *a, struct template_row *t, const json *v)
{
	bool wanted[COUNT(algorithms)] = { false };
	const char *list = "";

	if (!json_is_array(v))
		FAIL(ERR_BAD_REQUEST, "it is a list of rsa, p256, p384");
	for (size_t i = 0; i < json_count(v); i++) {
		bool known = false;

		for (size_t k = 0; k < COUNT(algorithms); k++) {
			if (str_ieq_c(str_c(json_text(json_at(v, i))), algorithms[k]))
				known = wanted[k] = true;
		}
		if (!known)
			FAIL(ERR_BAD_REQUEST, "each is one of rsa, p256, p384");
	}
	for (size_t k = 0; k < COUNT(algorithms); k++) {
		if (wanted[k])
			list = arena_printf(
			    a, "%s%s%s", list, list[0] != '\0' ? "," : "", algorithms[k]);
	}
	t->algorithms = list;
	return OK;
}

static json *
get_algorithms(struct arena *a, const struct template_row *t)
{
	(void)a;
	return list_of(t->algorithms);
}

static err_t
set_bits(struct arena *a, struct template_row *t, const json *v)
{
	int64_t n = 0;

	(void)a;
	TRY(need_int(v, KEY_RSA_2048, BITS_MAX, &n));
	t->min_key_bits = (int)n;
	return OK;
}

static json *
get_bits(struct arena *a, const struct template_row *t)
{
	(void)a;
	return json_int_new(t->min_key_bits);
}

static err_t
set_validity(struct arena *a, struct template_row *t, const json *v)
{
	int64_t n = 0;

	(void)a;
	TRY(need_int(v, 1, DAYS_MAX, &n));
	t->validity = n * DAY;
	return OK;
}

static json *
get_validity(struct arena *a, const struct template_row *t)
{
	(void)a;
	return json_int_new(t->validity / DAY);
}

static err_t
set_renewal(struct arena *a, struct template_row *t, const json *v)
{
	int64_t n = 0;

	(void)a;
	TRY(need_int(v, 0, DAYS_MAX, &n));
	t->overlap = n * DAY;
	return OK;
}

static json *
get_renewal(struct arena *a, const struct template_row *t)
{
	(void)a;
	return json_int_new(t->overlap / DAY);
}

/* MS-CRTD 2.27: what CA and client must at least be, in four bits each. */
static const char *const ca_levels[] = { "", "2003", "2008", "2008R2", "2012", "2012R2", "2016" };
static const char *const client_levels[] = { "", "XP", "Vista", "7", "8", "8.1", "10" };

static err_t
set_level(const char *const *names, size_t n, unsigned shift, struct template_row *t, const json *v)
{
	for (unsigned i = 1; i < n; i++) {
		if (!str_ieq_c(str_c(json_text(v)), names[i]))
			continue;
		t->private_key_flags =
		    (t->private_key_flags & ~(0xFu << shift)) | (uint32_t)i << shift;
		return OK;
	}
	FAIL(ERR_BAD_REQUEST, "it is one of %s to %s", names[1], names[n - 1]);
}

static json *
get_level(const char *const *names, size_t n, unsigned shift, const struct template_row *t)
{
	unsigned i = t->private_key_flags >> shift & 0xF;

	return json_text_new(i < n ? names[i] : "");
}

static err_t
set_ca_level(struct arena *a, struct template_row *t, const json *v)
{
	(void)a;
	return set_level(ca_levels, COUNT(ca_levels), 16, t, v);
}

static json *
get_ca_level(struct arena *a, const struct template_row *t)
{
	(void)a;
	return get_level(ca_levels, COUNT(ca_levels), 16, t);
}

static err_t
set_client_level(struct arena *a, struct template_row *t, const json *v)
{
	(void)a;
	return set_level(client_levels, COUNT(client_levels), 24, t, v);
}

static json *
get_client_level(struct arena *a, const struct template_row *t)
{
	(void)a;
	return get_level(client_levels, COUNT(client_levels), 24, t);
}

static const struct template_field fields[] = {
	{ "display_name", set_display_name, get_display_name, 0, 0, false },
	{ "supply_in_request", set_supply, get_supply, 0, 0, false },
	{ "order_required", set_order, get_order, 0, 0, false },
	{ "manager_approval", NULL, NULL, TEMPLATE_PEND_ALL, 0, false },
	{ "renewal_without_approval", NULL, NULL, TEMPLATE_PREVIOUS_APPROVAL, 0, false },
	{ "publish_in_directory", NULL, NULL, TEMPLATE_PUBLISH_TO_DS, 0, false },
	{ "autoenrol", NULL, NULL, TEMPLATE_AUTO_ENROL, 0, false },
	{ "sid_extension", NULL, NULL, TEMPLATE_NO_SECURITY_EXTENSION, 0, true },
	{ "allow_key_export", NULL, NULL, 0, KEY_EXPORTABLE, false },
	{ "signature_is_proof_of_origin", set_proof, get_proof, 0, 0, false },
	{ "key_usages", set_usages, get_usages, 0, 0, false },
	{ "ekus", set_ekus, get_ekus, 0, 0, false },
	{ "key_algorithms", set_algorithms, get_algorithms, 0, 0, false },
	{ "min_key_size", set_bits, get_bits, 0, 0, false },
	{ "validity_days", set_validity, get_validity, 0, 0, false },
	{ "renewal_days", set_renewal, get_renewal, 0, 0, false },
	{ "ca_compatibility", set_ca_level, get_ca_level, 0, 0, false },
	{ "client_compatibility", set_client_level, get_client_level, 0, 0, false },
};

static err_t
set_flag(const struct template_field *f, struct template_row *t, const json *v)
{
	bool yes = false;

	TRY(need_bool(v, &yes));
	if (f->inverted)
		yes = !yes;
	t->enrolment_flags =
	    yes ? t->enrolment_flags | f->enrolment_flag : t->enrolment_flags & ~f->enrolment_flag;
	t->private_key_flags = yes ? t->private_key_flags | f->private_key_flag :
				     t->private_key_flags & ~f->private_key_flag;
	return OK;
}

static bool
get_flag(const struct template_field *f, const struct template_row *t)
{
	bool yes = (t->enrolment_flags & f->enrolment_flag) != 0 ||
	    (t->private_key_flags & f->private_key_flag) != 0;

	return f->inverted ? !yes : yes;
}

err_t
template_fields_set(
    struct arena *a, const json *args, struct template_row *t, const char **ret_changed)
{
	const char *changed = "";

	for (size_t i = 0; i < COUNT(fields); i++) {
		const struct template_field *f = &fields[i];
		const json *v = json_get(args, f->name);

		if (json_is_null(v))
			continue;
		TRY_CTX(f->set != NULL ? f->set(a, t, v) : set_flag(f, t, v), "%s", f->name);
		changed =
		    arena_printf(a, "%s%s%s", changed, changed[0] != '\0' ? " " : "", f->name);
	}
	/* The renewal window stays within the validity: a fifth of it, unless it was said otherwise. */
	if (json_is_null(json_get(args, "renewal_days")) && t->overlap > t->validity / 5)
		t->overlap = t->validity / 5;
	if (t->overlap >= t->validity)
		FAIL(ERR_TEMPLATE_OVERLAP, "%lld of %lld days", (long long)(t->overlap / DAY),
		    (long long)(t->validity / DAY));
	*ret_changed = changed;
	return OK;
}

void
template_fields_show(struct arena *a, const struct template_row *t, json *out)
{
	for (size_t i = 0; i < COUNT(fields); i++) {
		const struct template_field *f = &fields[i];

		json_set(
		    out, f->name, f->get != NULL ? f->get(a, t) : json_bool_new(get_flag(f, t)));
	}
}
