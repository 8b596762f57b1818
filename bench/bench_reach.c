/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 100,000 devices that come at once, each to have a trusted root and nine certificates: how long until all of them do, what
 * the service takes for each slot, and that nothing is left in the queue or comes into it after.
 *
 * Devices and connectors are threads that call the model as the edges do: check-ins that report, obey and report again; leases
 * and results of many jobs at a time. Keys and certificates are made up, as that work is other machines'; what the store
 * keeps of them is as long as theirs. The database is on disk and every commit waits for it.
 *
 *   reach_rate    slots a second, all devices together. Floor: 1,000,000 slots within the hour.
 *   reach_cpu     microseconds of the processor for a slot, the simulated devices' share with it.
 *   reach_written bytes that are written for a slot: the log, and the database at checkpoints.
 *   reach_size    bytes of the database for a slot.
 *   reach_queue   open requests after everybody came twice more; floor 0: the program fails otherwise.
 *
 * BENCH_REACH=n are n devices.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "model/checkin.h"
#include "model/inventory.h"
#include "model/job.h"
#include "pki/key.h"
#include "root.h"
#include "store/access.h"

enum {
	DEVICES = 100000,
	PROFILES = 10,
	GROUPED = 1000, /* records of one transaction while filling */
	COMERS = 8,     /* as many as the service has workers, if nothing else is set */
	CONNECTORS = 2,
	JOBS = 64,
	SERIAL_AT = 19, /* where the last bytes of the serial number are in BENCH_ROOT */
	SEALED = 3600,  /* a PFX of RSA-2048 with its chain, as CMS */
	PASSWORD = 700,
	LEASE_S = 600,
};

struct phone {
	struct id id;
	size_t n; /* what it holds */
	struct {
		char alias[80];
		uint8_t sha256[32];
		bool identity;
	} held[PROFILES];
};

struct bench {
	struct store *store;
	struct arena *a;
	struct id group;
	struct str leaf; /* a certificate whose serial number is changed for each */
	struct phone *v;
	size_t n, filled;
	_Atomic size_t next; /* the device that comes next */
	_Atomic size_t whole;
	_Atomic uint64_t serial, most; /* of the queue */
	_Atomic bool stop;
};

static double
now_s(void)
{
	return (double)when_mono_ms() / 1000;
}

/* By the whole program; 0 where the kernel does not count. */
static double
written_bytes(void)
{
	FILE *f = fopen("/proc/self/io", "r");
	char line[64];
	double n = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "wchar: ", 7) == 0)
			n = strtod(line + 7, NULL);
	if (f != NULL)
		fclose(f);
	return n;
}

/* ---- filling ---- */

static err_t
people_add(struct tx *tx, void *arg)
{
	struct bench *b = arg;

	for (size_t i = 0; i < GROUPED && b->filled < b->n; i++, b->filled++) {
		auto_arena struct arena *a = arena_new();
		const char *name = arena_printf(a, "user%07zu@corp.example", b->filled);
		struct user u = { .id = id_new(),
			.upn = name,
			.mail = name,
			.display_name = name,
			.source = SOURCE_FILE,
			.enabled = true };
		struct device d = { .id = id_new(),
			.user = u.id,
			.name = arena_printf(a, "laptop-%07zu", b->filled),
			.platform = "linux",
			.state = DEVICE_ACTIVE,
			.identity = str_of(name, strlen(name)),
			.identity_sha256 = str_of(arena_printf(a, "%032zu", b->filled), 32),
			.enrolled = when_now(),
			.last_seen = when_now() };

		b->v[b->filled].id = d.id;
		TRY(store_user_insert(tx, &u));
		TRY(store_member_add(tx, b->group, (struct member){ u.id, MEMBER_USER }));
		TRY(store_device_insert(tx, &d));
	}
	return OK;
}

static err_t
group_add(struct tx *tx, void *arg)
{
	const struct bench *b = arg;
	struct group g = { .id = b->group, .display_name = "All", .source = SOURCE_CLOUD };

	return store_group_insert(tx, &g);
}

static err_t
connector_add(struct tx *tx, void *arg)
{
	const struct connector *c = arg;

	return store_connector_insert(tx, c);
}

static struct profile
pkcs_profile(struct bench *b, struct id root, int number)
{
	auto_json json *j = json_object_new();
	json *alts = json_array_new(), *alt = json_object_new();
	struct warnings warn;
	struct profile p;

	json_set_text(j, "@odata.type", "#chancery.linuxPkcsCertificateProfile");
	json_set_text(j, "displayName", arena_printf(b->a, "Certificate %d", number));
	json_set_text(j, "certificationAuthority", "ca.corp.example");
	json_set_text(j, "certificationAuthorityName", "Corp Issuing CA");
	json_set_text(j, "certificateTemplateName", "ChanceryUser");
	json_set_text(j, "subjectNameFormat", "custom");
	json_set_text(j, "subjectNameFormatString",
	    arena_printf(b->a, "CN={{UserName}},OU=Profile %d,O=Corp", number));
	json_set_text(j, "certificateStore", "user");
	json_set_text(alt, "sanType", "userPrincipalName");
	json_set_text(alt, "name", "{{UserPrincipalName}}");
	json_add(alts, alt);
	json_set(j, "customSubjectAlternativeNames", alts);
	json_set_text(j, "rootCertificate@odata.bind",
	    arena_printf(b->a, "https://x.test/beta/deviceManagement/deviceConfigurations('%s')",
		id_text(b->a, root)));
	must(profile_create(b->store, b->a, "bench", j, &p, &warn), "profile");
	return p;
}

static void
fill_all(struct bench *b)
{
	struct assignment to = { .kind = TARGET_GROUP, .group = b->group };
	struct id root = { { 0 } };

	must(store_write(b->store, group_add, b), "group");
	while (b->filled < b->n)
		must(store_write(b->store, people_add, b), "people");
	for (int i = 0; i < PROFILES; i++) {
		struct profile p =
		    i == 0 ? root_profile(b->store, b->a, 0) : pkcs_profile(b, root, i);
		struct warnings warn;

		if (i == 0)
			root = p.id;
		must(profile_assign(b->store, b->a, "bench", p.id, &to, 1, &warn), "assign");
	}
}

/* ---- devices ---- */

static void
obey(struct phone *p, const struct command *c, struct report_result *res)
{
	size_t at = 0;

	while (at < p->n && strcmp(p->held[at].alias, c->alias) != 0)
		at++;
	if (at == PROFILES || strlen(c->alias) >= sizeof(p->held[at].alias))
		abort();
	p->n += at == p->n;
	snprintf(p->held[at].alias, sizeof(p->held[at].alias), "%s", c->alias);
	p->held[at].identity = c->kind == COMMAND_INSTALL_IDENTITY;
	if (p->held[at].identity)
		memcpy(p->held[at].sha256, c->sha256.p, 32);
	else
		hash_sha256(c->der, p->held[at].sha256);
	*res = (struct report_result){ .id = c->id, .status = RESULT_OK };
}

/* Comes, does what it is told and comes again with that, until it is told nothing. */
static void
come(struct bench *b, struct phone *p)
{
	auto_arena struct arena *a = arena_new();
	struct report_result *results = arena_array(a, PROFILES, sizeof(*results));
	struct report_item items[PROFILES];
	struct report r = { .has_inventory = true, .items = items, .results = results };
	struct command *v;
	size_t n;

	do {
		for (size_t i = 0; i < p->n; i++)
			items[i] = (struct report_item){ .alias = p->held[i].alias,
				.identity = p->held[i].identity,
				.sha256 = STR(p->held[i].sha256),
				.has_key = p->held[i].identity };
		r.nitems = p->n;
		must(checkin_run(b->store, a, p->id, &r, &v, &n), "check-in");
		for (size_t i = 0; i < n; i++)
			obey(p, &v[i], &results[i]);
		r.nresults = n;
	} while (n > 0);
}

static void *
comer(void *arg)
{
	struct bench *b = arg;
	size_t i;

	while ((i = atomic_fetch_add(&b->next, 1)) < b->n) {
		come(b, &b->v[i]);
		if (b->v[i].n == PROFILES)
			atomic_fetch_add(&b->whole, 1);
	}
	return NULL;
}

/* Everybody once. */
static void
all_come(struct bench *b)
{
	pthread_t t[COMERS];

	atomic_store(&b->next, 0);
	atomic_store(&b->whole, 0);
	for (int i = 0; i < COMERS; i++)
		if (pthread_create(&t[i], NULL, comer, b) != 0)
			abort();
	for (int i = 0; i < COMERS; i++)
		pthread_join(t[i], NULL);
}

/* ---- connectors ---- */

static struct job_result *
result_for(struct bench *b, struct arena *a, const struct job *j, const uint8_t *fill)
{
	struct job_result *r = ARENA_NEW(a, struct job_result);
	uint8_t *leaf = arena_alloc(a, b->leaf.n), *hash = arena_alloc(a, 32);
	uint64_t serial = atomic_fetch_add(&b->serial, 1);

	memcpy(leaf, b->leaf.p, b->leaf.n);
	memcpy(leaf + SERIAL_AT, &serial, sizeof(serial));
	*r = (struct job_result){
		.request = j->request,
		.fence = j->fence,
		.outcome = JOB_ISSUED,
		.leaf = str_of(leaf, b->leaf.n),
		.sealed = str_of(fill, SEALED),
		.password = str_of(fill, PASSWORD),
		.serial = arena_printf(a, "5a%016llx", (unsigned long long)serial),
		.subject = "CN=user,OU=Profile,O=Corp",
		.issuer = "Corp Issuing CA",
		.leaf_sha256 = str_of(hash, 32),
		.not_before = when_now(),
		.not_after = when_now() + 365 * 86400,
	};
	hash_sha256(r->leaf, hash);
	return r;
}

static size_t
work(struct bench *b, const struct connector *c, const uint8_t *fill)
{
	auto_arena struct arena *a = arena_new();
	struct job_asking ask = { .max = JOBS };
	const struct job_result *v[JOBS];
	struct err_report became[JOBS];
	struct job *jobs;
	size_t n;

	must(job_lease(b->store, a, c, &ask, LEASE_S, &jobs, &n), "lease");
	for (size_t i = 0; i < n; i++)
		v[i] = result_for(b, a, &jobs[i], fill);
	job_finish_each(b->store, a, c, v, n, became);
	for (size_t i = 0; i < n; i++)
		if (became[i].code != ERR_NONE)
			must(err_raise(&became[i]), "result");
	return n;
}

static void *
connector(void *arg)
{
	struct bench *b = arg;
	struct id id = id_new();
	struct connector c = { .id = id,
		.name = "Bench",
		.features = "pkcs,revoke",
		.cas = "Corp Issuing CA",
		.identity_sha256 = str_of(id.b, 16),
		.holder = str_of("h123456789abcdef0123456789abcdef", 32),
		.enabled = true,
		.enrolled = when_now(),
		.last_contact = when_now() };
	uint8_t fill[SEALED];

	memset(fill, 0x5a, sizeof(fill));
	must(store_write(b->store, connector_add, &c), "connector");
	while (!atomic_load(&b->stop))
		if (work(b, &c, fill) == 0)
			usleep(20000);
	return NULL;
}

/* ---- looking ---- */

struct queue {
	size_t counts[8], all;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct queue *q = arg;

	TRY(store_request_counts(tx, q->counts));
	q->all = 0;
	for (size_t i = 0; i < 8; i++)
		q->all += q->counts[i];
	return OK;
}

static struct queue
queue_of(struct bench *b)
{
	struct queue q;

	must(store_read(b->store, look, &q), "queue");
	return q;
}

static size_t
is_open(const struct queue *q)
{
	return q->counts[REQUEST_QUEUED] + q->counts[REQUEST_LEASED] + q->counts[REQUEST_READY] +
	    q->counts[REQUEST_OFFERED];
}

/* Everybody comes until everybody has everything. */
static void
reach(struct bench *b)
{
	pthread_t t[CONNECTORS];

	for (int i = 0; i < CONNECTORS; i++)
		if (pthread_create(&t[i], NULL, connector, b) != 0)
			abort();
	for (int round = 1; atomic_load(&b->whole) < b->n; round++) {
		struct queue q;

		all_come(b);
		q = queue_of(b);
		fprintf(stderr, "round %d: %zu of %zu devices have all, %zu open requests\n", round,
		    atomic_load(&b->whole), b->n, is_open(&q));
		if (is_open(&q) > 0)
			usleep(200000);
	}
	atomic_store(&b->stop, true);
	for (int i = 0; i < CONNECTORS; i++)
		pthread_join(t[i], NULL);
}

/* Twice more, with the sweep between: no request may be open, and none be made. */
static size_t
stays_empty(struct bench *b)
{
	struct queue before = queue_of(b), after;

	for (int i = 0; i < 2; i++) {
		all_come(b);
		must(job_sweep(b->store), "sweep");
	}
	after = queue_of(b);
	return is_open(&after) + (after.all > before.all ? after.all - before.all : 0);
}

int
main(void)
{
	const char *many = getenv("BENCH_REACH");
	struct bench b = { .a = arena_new(), .group = id_new() };
	char dir[] = "/tmp/bench-XXXXXX", path[64];
	double began, took, cpu, written, all;
	int64_t n = DEVICES;
	struct stat st;
	size_t left;

	if (many != NULL)
		must(text_i64(str_c(many), 1, 10 * DEVICES, &n), "BENCH_REACH");
	b.n = (size_t)n;
	b.v = calloc(b.n, sizeof(*b.v));
	if (b.v == NULL || mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/reach.db", dir);
	must(store_open(&(struct store_conf){ .path = path, .schema = STORE_SERVICE }, &b.store),
	    "open");
	must(text_unbase64(b.a, str_c(BENCH_ROOT), &b.leaf), "certificate");
	fill_all(&b);
	all = (double)b.n * PROFILES;
	began = now_s();
	cpu = cpu_us();
	written = written_bytes();
	reach(&b);
	took = now_s() - began;
	cpu = cpu_us() - cpu;
	written = written_bytes() - written;
	left = stays_empty(&b);
	store_close(b.store);
	if (stat(path, &st) != 0)
		return 1;
	printf(
	    "bench reach_rate ours=%.0f 1/s floor=278 ratio=%.2f\n", all / took, all / took / 278);
	printf("bench reach_cpu ours=%.0f us floor=3600 ratio=%.2f\n", cpu / all, cpu / all / 3600);
	printf("bench reach_written ours=%.0f bytes floor=262144 ratio=%.2f\n", written / all,
	    written / all / 262144);
	printf("bench reach_size ours=%.0f bytes floor=8192 ratio=%.2f\n", (double)st.st_size / all,
	    (double)st.st_size / all / 8192);
	printf("bench reach_queue ours=%zu floor=0\n", left);
	unlink(path);
	rmdir(dir);
	free(b.v);
	arena_free(b.a);
	return left == 0 ? 0 : 1;
}
