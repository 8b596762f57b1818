/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/notify.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "model/notice.h"
#include "net/fetch.h"
#include "pki/mac.h"

#define ROUND_MS 500
#define AT_ONCE 8u
#define SEND_MS 10000

struct notify {
	struct notify_conf conf;
	struct fetch *fetch;
	pthread_t thread;
	atomic_bool stop;
	struct metric delivered, refused, given_up;
};

static struct metric
counter(const char *labels)
{
	return (struct metric){ .kind = METRIC_COUNTER,
		.name = "chancery_notifications_total",
		.labels = labels,
		.help =
		    "What became of notifications: delivered, refused (tried again), given up." };
}

static err_t
post(struct notify *n, struct arena *a, const struct notice_target *t, const struct notice *x)
{
	const char *at = arena_printf(a, "%lld", (long long)when_now());
	const char *headers[] = { "Content-Type: application/json", NULL, NULL, NULL, NULL };
	struct fetch_reply rep;
	uint8_t mac[32];

	TRY(mac_sha256(str_c(t->secret), str_c(arena_printf(a, "%s.%s", at, x->body)), mac));
	headers[1] = arena_printf(a, "X-Chancery-Delivery: %s", id_text(a, x->id));
	headers[2] = arena_printf(a, "X-Chancery-Timestamp: %s", at);
	headers[3] = arena_printf(a, "X-Chancery-Signature: sha256=%s", text_hex(a, STR(mac)));
	TRY(fetch_run(n->fetch, a, "POST", t->address, headers, str_c(x->body), SEND_MS, &rep));
	if (rep.status < 200 || rep.status > 299)
		FAIL(ERR_NOTICE_REFUSED, "it answered %d", rep.status);
	return OK;
}

static err_t
mail(struct notify *n, struct arena *a, const struct notice_target *t, const struct notice *x)
{
	const char *text;

	if (*n->conf.mail.server == '\0')
		FAIL(ERR_NOTICE_REFUSED, "[mail] server is not set");
	TRY(notice_text(a, x, &text));
	return mail_send(&n->conf.mail, a, t->address, x->subject, text, SEND_MS);
}

struct due {
	struct arena *a;
	struct notice *v;
	struct notice_target *targets;
	size_t n;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct due *d = arg;

	TRY(store_notice_due(tx, d->a, when_now(), AT_ONCE, &d->v, &d->n));
	d->targets = arena_array(d->a, d->n + 1, sizeof(*d->targets));
	for (size_t i = 0; i < d->n; i++)
		TRY(store_notice_target_get(tx, d->a, d->v[i].target, &d->targets[i]));
	return OK;
}

static err_t
deliver(struct notify *n, struct arena *a, const struct notice_target *t, const struct notice *x)
{
	err_t e = t->kind == NOTICE_MAIL ? mail(n, a, t, x) : post(n, a, t, x);
	struct err_report why = { .code = ERR_NONE };
	bool given_up;

	if (!err_ok(e))
		err_take(e, &why);
	TRY(notice_done(n->conf.store, x->id,
	    err_ok(e) ? NULL :
			arena_printf(a, "%s%s%s", err_info(why.code)->text,
			    why.detail[0] == '\0' ? "" : ": ", why.detail),
	    &given_up));
	metric_inc(err_ok(e) ? &n->delivered : given_up ? &n->given_up : &n->refused, 1);
	if (given_up)
		log_report("a notification was given up", &why);
	return OK;
}

static err_t
turn(struct notify *n)
{
	auto_arena struct arena *a = arena_new();
	struct due d = { .a = a };
	size_t made;

	TRY(notice_gather(n->conf.store, &made));
	TRY(store_read(n->conf.store, look, &d));
	for (size_t i = 0; i < d.n && !atomic_load(&n->stop); i++)
		TRY(deliver(n, a, &d.targets[i], &d.v[i]));
	return OK;
}

static void *
run(void *arg)
{
	struct notify *n = arg;

	while (!atomic_load(&n->stop)) {
		err_t e = turn(n);

		if (!err_ok(e))
			log_error("notifications", e);
		poll(NULL, 0, ROUND_MS);
	}
	return NULL;
}

err_t
notify_start(const struct notify_conf *conf, struct notify **ret)
{
	struct fetch *fetch;
	struct notify *n;

	TRY(fetch_new(&conf->tls, &fetch));
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		abort();
	n->conf = *conf;
	n->fetch = fetch;
	n->delivered = counter("result=\"delivered\"");
	n->refused = counter("result=\"refused\"");
	n->given_up = counter("result=\"given-up\"");
	if (conf->metrics != NULL) {
		metrics_add(conf->metrics, &n->delivered);
		metrics_add(conf->metrics, &n->refused);
		metrics_add(conf->metrics, &n->given_up);
	}
	if (pthread_create(&n->thread, NULL, run, n) != 0) {
		fetch_free(fetch);
		free(n);
		FAIL(ERR_SYSTEM, "cannot start a thread");
	}
	*ret = n;
	return OK;
}

void
notify_stop(struct notify *n)
{
	if (n == NULL)
		return;
	atomic_store(&n->stop, true);
	fetch_interrupt(n->fetch);
	pthread_join(n->thread, NULL);
	fetch_free(n->fetch);
	free(n);
}
