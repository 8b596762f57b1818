/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include <stdio.h>

enum { WORDS_SHOWN = 200, TRIES = 5, AGAIN_MS = 500 };

const char *
device_name(struct arena *a, const struct device *d)
{
	return arena_printf(a, "fleet-%05zu", d->number);
}

err_t
device_joined(struct device *d, struct str certificate)
{
	auto_cert struct cert *c = NULL;

	TRY(cert_for_key(certificate, d->key));
	TRY(cert_parse(certificate, &c));
	link_identity(&d->link, NULL, NULL);
	cert_free(d->identity);
	d->identity = steal(c);
	link_identity(&d->link, d->identity, d->key);
	return OK;
}

void
device_holds(struct device *d, size_t certificates)
{
	struct fleet *fleet = d->fleet;

	if (certificates > d->certificates) {
		d->newest = when_now_ms();
		atomic_fetch_add(&fleet->certificates, certificates - d->certificates);
	} else {
		atomic_fetch_sub(&fleet->certificates, d->certificates - certificates);
	}
	d->certificates = certificates;
}

struct key *
fleet_key(const struct fleet *fleet, struct str seed)
{
	return fleet->keys[str_hash(seed) % fleet->nkeys];
}

void
fleet_failed(struct fleet *fleet, const struct device *d, err_t e)
{
	struct err_report why;
	const char *id;
	size_t i;

	err_take(e, &why);
	id = err_info(why.code)->id;
	atomic_fetch_add(&fleet->failed, 1);
	pthread_mutex_lock(&fleet->lock);
	for (i = 0; i < fleet->nfaults && strcmp(fleet->faults[i].id, id) != 0; i++)
		;
	if (i == fleet->nfaults && i < FAULTS_MAX) {
		fleet->faults[i] = (struct fault){ .id = id };
		snprintf(fleet->faults[i].detail, sizeof(fleet->faults[i].detail),
		    "device %zu (%s): %.*s", d->number, d->platform->name, WORDS_SHOWN, why.detail);
		fleet->nfaults++;
	}
	if (i < FAULTS_MAX)
		fleet->faults[i].n++;
	pthread_mutex_unlock(&fleet->lock);
}

bool
fleet_passing(err_t e)
{
	return err_is(e, ERR_BUSY) || err_is(e, ERR_UNREACHABLE) || err_is(e, ERR_TIMEOUT);
}

bool
fleet_again(struct device *d, struct fiber *f, err_t e, int tried)
{
	if (!fleet_passing(e) || tried == TRIES || atomic_load(&d->fleet->stop))
		return false;
	err_forget(e);
	fiber_sleep(f, when_mono_ms() + (int64_t)AGAIN_MS * tried);
	return true;
}

err_t
expect_status(struct arena *a, const struct link_got *got, int status, const char *what)
{
	struct str words = got->body;

	if (got->status == status)
		return OK;
	if (words.n > WORDS_SHOWN)
		words.n = WORDS_SHOWN;
	if (got->status == 503 || got->status == 429)
		FAIL(ERR_BUSY, "%s: %d: %s", what, got->status, text_safe(a, words));
	FAIL(ERR_HTTP_STATUS, "%s: %d: %s", what, got->status, text_safe(a, words));
}
