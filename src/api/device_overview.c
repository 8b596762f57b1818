/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/managedDeviceOverview: how many devices are enrolled, by system (Graph managedDeviceOverview). Those
 * that the caller reaches, counted from an index that keeps scope tags apart, so that nobody's devices are read one by one.
 *
 * Linux is not among Graph's systems: it is "@chancery.linuxCount", and not unknown.
 */
#include "api/reach.h"
#include "api/reply.h"

struct look {
	struct arena *a;
	const struct caller *who;
	struct device_count *v;
	size_t n;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;

	return store_device_counts(tx, l->a, &l->v, &l->n);
}

/* A platform counts in the first row that it begins with, and once more where it is named whole. */
static const struct system {
	const char *name;
	const char *begins; /* NULL: none; "": what no row before has */
	const char *whole;  /* NULL: none */
} systems[] = {
	{ "androidCount", "android", NULL },
	{ "iosCount", "ios", NULL },
	{ "macOSCount", "macos", NULL },
	{ "windowsMobileCount", "windowsPhone", NULL },
	{ "windowsCount", "windows", NULL },
	{ "@chancery.linuxCount", "linux", NULL },
	{ "unknownCount", "", NULL },
	{ "androidDedicatedCount", NULL, NULL },
	{ "androidDeviceAdminCount", NULL, "android" },
	{ "androidFullyManagedCount", NULL, NULL },
	{ "androidWorkProfileCount", NULL, "androidWorkProfile" },
	{ "androidCorporateWorkProfileCount", NULL, NULL },
	{ "configMgrDeviceCount", NULL, NULL },
};

static void
count_in(int64_t *count, const struct device_count *v)
{
	bool begun = false;

	for (size_t i = 0; i < COUNT(systems); i++) {
		const struct system *s = &systems[i];
		bool begins = s->begins != NULL && !begun &&
		    strncmp(v->platform, s->begins, strlen(s->begins)) == 0;

		begun = begun || begins;
		if (begins || (s->whole != NULL && strcmp(v->platform, s->whole) == 0))
			count[i] += v->n;
	}
}

static json *
zeros(const char *const *names)
{
	json *j = json_object_new();

	for (; *names != NULL; names++)
		json_set_int(j, *names, 0);
	return j;
}

static err_t
get(struct http_req *r)
{
	static const char *const exchange[] = { "allowedDeviceCount", "blockedDeviceCount",
		"quarantinedDeviceCount", "unknownDeviceCount", "unavailableDeviceCount", NULL };
	struct look l = { .a = http_arena(r), .who = http_caller(r) };
	int64_t count[COUNT(systems)] = { 0 }, all = 0;
	struct query q;
	json *j, *by_system;

	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &l));
	for (size_t i = 0; i < l.n; i++)
		if (rights_reach(l.who, PERM_DEVICES_READ, l.v[i].scope_tags)) {
			count_in(count, &l.v[i]);
			all += l.v[i].n;
		}
	j = json_object_new();
	by_system = json_object_new();
	json_set_id(l.a, j, "id", api_of(r)->tenant);
	json_set_int(j, "enrolledDeviceCount", all);
	json_set_int(j, "mdmEnrolledCount", all);
	json_set_int(j, "dualEnrolledDeviceCount", 0);
	json_set(j, "deviceOperatingSystemSummary", by_system);
	for (size_t i = 0; i < COUNT(systems); i++)
		json_set_int(by_system, systems[i].name, count[i]);
	json_set(j, "deviceExchangeAccessStateSummary", zeros(exchange));
	return reply_entity(r, 200, "deviceManagement/managedDeviceOverview", NULL, &q, j);
}

static const struct http_route routes[] = {
	GRAPH(GET, "/deviceManagement/managedDeviceOverview", PERM_DEVICES_READ | PERM_SCOPED, get),
	{ 0 },
};

const struct resource resource_device_overview = { "device_overview", routes };
