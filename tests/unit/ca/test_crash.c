/* SPDX-License-Identifier: Apache-2.0 */
/* Rule: a crash at any point leaves something to finish or to revoke, never an unknown certificate; and however many ask
 * at once, one order has one valid certificate. */
#include "lab.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { ROUNDS = 5, THREADS = 6, SERIAL_TEXT = 40 };

/* One encoded CA_SUBMIT. */
static struct str
request(struct lab *l, struct want *w, struct buf *in)
{
	struct ca_attribute attrs[] = { { "CertificateTemplate", w->template },
		{ "ChanceryOrder", text_base64(l->a, lab_seal(l, w->sealer, &w->order)) } };
	struct ca_submit_req q = { .ca = w->ca,
		.caller = w->caller,
		.token = w->token,
		.attributes = attrs,
		.nattributes = 2 };

	buf_reset(in);
	expect_ok(ca_submit_req_encode(&q, in));
	return buf_str(in);
}

/* Issues one certificate after another, and says each serial once it was answered. */
static void
child(struct lab *l, int fd)
{
	struct want w = lab_want(l);

	lab_open(l);
	expect_ok(csr_make(l->a, w.key, &w.csr, &w.token));
	for (;;) {
		auto_cert struct cert *c = NULL;

		w.order.id = id_new();
		c = lab_issued(l, w);
		if (write(fd, cert_serial(c), SERIAL_TEXT) != SERIAL_TEXT)
			_exit(1);
	}
}

static void
check_answered(struct lab *l, const char *serial)
{
	auto_json json *answer = NULL;

	expect_ok(lab_admin(l, "cert.show", lab_args("serial", serial, NULL), &answer));
	assert_string_equal(json_text(json_get(json_get(answer, "request"), "state")), "valid");
}

/* What is not valid was never answered and is on the CRL; nothing is left in between. */
static size_t
check_others(struct lab *l)
{
	auto_json json *open = NULL, *revoked = NULL;
	json *list;

	expect_ok(lab_admin(l, "cert.list", lab_args("state", "intent", NULL), &open));
	assert_int_equal(json_count(json_get(open, "certificates")), 0);
	expect_ok(lab_admin(
	    l, "cert.list", lab_args("state", "revoked", "text", "jane", NULL), &revoked));
	list = json_get(revoked, "certificates");
	for (size_t i = 0; i < json_count(list); i++)
		assert_true(
		    lab_on_crl(l, ISSUING, json_text(json_get(json_at(list, i), "serial"))));
	return json_count(list);
}

static size_t
one_round(struct lab *l, unsigned ms)
{
	char serial[SERIAL_TEXT + 1] = "";
	size_t answered = 0;
	int fds[2];
	pid_t pid;

	lab_close(l);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(l, fds[1]);
	close(fds[1]);
	/* After the first answer, so that it dies while it issues and not while it starts. */
	assert_int_equal(read(fds[0], serial, SERIAL_TEXT), SERIAL_TEXT);
	usleep(ms * 1000);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	lab_open(l);
	do {
		check_answered(l, serial);
		answered++;
	} while (read(fds[0], serial, SERIAL_TEXT) == SERIAL_TEXT);
	close(fds[0]);
	return answered;
}

static void
a_killed_issuer_leaves_no_unknown_certificate(void **state)
{
	struct lab *l = *state;
	size_t answered = 0, revoked = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		answered += one_round(l, 7 + 13 * i);
		revoked = check_others(l);
	}
	print_message("answered %zu, closed after a crash %zu\n", answered, revoked);
	assert_true(answered >= ROUNDS);
}

struct racer {
	struct lab *l;
	struct str in;
	pthread_barrier_t *start;
	bool busy, issued;
	char serial[SERIAL_TEXT + 1];
};

static err_t
race(struct racer *r, struct arena *a)
{
	auto_buf struct buf out = { 0 };
	auto_cert struct cert *c = NULL;
	struct ca_submit_rep rep;

	buf_init(&out, LIMIT_IPC_MESSAGE);
	TRY(issuer_verbs()[0].handle(r->l->is, a, r->in, &out));
	TRY(ca_submit_rep_parse(a, buf_str(&out), &rep));
	if (rep.disposition != CA_ISSUED)
		FAIL(ERR_INTERNAL, "%s", rep.message);
	TRY(cert_parse(rep.leaf, &c));
	memcpy(r->serial, cert_serial(c), SERIAL_TEXT);
	return OK;
}

static void *
race_main(void *arg)
{
	struct racer *r = arg;
	auto_arena struct arena *a = arena_new();
	err_t e;

	pthread_barrier_wait(r->start);
	e = race(r, a);
	r->issued = err_ok(e);
	r->busy = err_is(e, ERR_BUSY);
	err_forget(e);
	return NULL;
}

static void
many_who_ask_at_once_under_one_order_get_one_certificate(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	struct racer r[THREADS];
	pthread_t threads[THREADS];
	pthread_barrier_t start;
	auto_buf struct buf in = { 0 };
	const char *serial = NULL;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(csr_make(l->a, w.key, &w.csr, &w.token));
	(void)request(l, &w, &in);
	pthread_barrier_init(&start, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++) {
		r[i] = (struct racer){ .l = l, .in = buf_str(&in), .start = &start };
		assert_int_equal(pthread_create(&threads[i], NULL, race_main, &r[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start);
	for (size_t i = 0; i < THREADS; i++) {
		assert_true(r[i].issued || r[i].busy);
		if (!r[i].issued)
			continue;
		serial = serial != NULL ? serial : r[i].serial;
		assert_string_equal(r[i].serial, serial);
	}
	assert_non_null(serial);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_killed_issuer_leaves_no_unknown_certificate),
	cmocka_unit_test(many_who_ask_at_once_under_one_order_get_one_certificate),
};
LAB_MAIN(tests)
