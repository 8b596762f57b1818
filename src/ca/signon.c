/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/signon.h"

#include <assert.h>
#include <pthread.h>

#include "base/limits.h"
#include "base/secret.h"
#include "base/when.h"
#include "pki/key.h"
#include "pki/password.h"
#include "pki/password_queue.h"
#include "store/ca.h"

/* ROWS of a table, PROBES of them for one name; the one that matters least gives way. */
enum { ROWS = 1024, PROBES = 8, AT_ONCE = 2, ID = 32 };

struct row {
	uint8_t name[ID]; /* keyed hash of the folded name; zero: free */
	unsigned wrong;
	when_t since;       /* of the first wrong one that is counted */
	uint8_t right[ID];  /* keyed hash of stored hash and password */
	when_t right_until; /* 0: nothing is remembered */
};

struct signon {
	pthread_mutex_t lock;
	struct password_queue *queue;
	uint8_t key[32];
	/* Apart, so that made-up names never push out the count of a real one. */
	struct row known[ROWS], unknown[ROWS];
};

struct signon *
signon_new(void)
{
	struct signon *so = calloc(1, sizeof(*so));

	if (so == NULL)
		abort();
	pthread_mutex_init(&so->lock, NULL);
	so->queue = password_queue_new(AT_ONCE, SIGNON_QUEUE);
	rand_bytes(so->key, sizeof(so->key));
	return so;
}

void
signon_free(struct signon *so)
{
	if (so == NULL)
		return;
	password_queue_free(so->queue);
	pthread_mutex_destroy(&so->lock);
	secret_wipe(so, sizeof(*so));
	free(so);
}

/* SHA-256 of key, what it is for, and two texts: collisions cannot be made without the key. */
static void
keyed(const struct signon *so, uint8_t what, const char *one, const char *two, uint8_t ret[ID])
{
	auto_buf struct buf b;
	err_t e;

	buf_init(&b, sizeof(so->key) + 1 + LIMIT_LONG_TEXT * 2);
	e = buf_put(&b, STR(so->key));
	if (err_ok(e))
		e = buf_putc(&b, what);
	if (err_ok(e))
		e = buf_put(&b, str_of(one, strlen(one) + 1));
	if (err_ok(e))
		e = buf_puts(&b, two);
	assert(err_ok(e)); /* both were measured before */
	hash_sha256(buf_str(&b), ret);
}

/* Names of principals are compared without case, as the records do it. */
static void
name_id(const struct signon *so, const char *user, uint8_t ret[ID])
{
	char folded[LIMIT_TEXT + 1];
	size_t n = strlen(user);

	assert(n <= LIMIT_TEXT);
	for (size_t i = 0; i <= n; i++)
		folded[i] = (char)(user[i] >= 'A' && user[i] <= 'Z' ? user[i] + 32 : user[i]);
	keyed(so, 1, folded, "", ret);
}

/* The row of a name, or the one to give up for it. Locked by the caller. */
static struct row *
row_of(struct row *table, const uint8_t id[ID], when_t now)
{
	size_t start = (size_t)id[0] << 8 | id[1];
	struct row *free_one = NULL;

	for (size_t i = 0; i < PROBES; i++) {
		struct row *r = &table[(start + i) % ROWS];

		if (r->wrong > 0 && r->since + SIGNON_BRAKE <= now)
			r->wrong = 0;
		if (memcmp(r->name, id, ID) == 0)
			return r;
		if (free_one == NULL || r->wrong < free_one->wrong)
			free_one = r;
	}
	*free_one = (struct row){ 0 };
	memcpy(free_one->name, id, ID);
	return free_one;
}

/* ---- the record ---- */

struct look {
	struct arena *a;
	const char *user;
	bool known; /* such a principal with a password */
	const char *hash;
};

static err_t
look_tx(struct tx *tx, void *arg)
{
	struct look *l = arg;
	struct principal p;
	err_t e = store_principal_get(tx, l->a, l->user, &p);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	l->known = p.password[0] != '\0';
	l->hash = p.password;
	return OK;
}

/* ---- one check ---- */

enum before { MUST_CHECK, IS_RIGHT, IS_BRAKED };

static enum before
before_check(struct signon *so, struct row *table, const uint8_t name[ID], const uint8_t right[ID])
{
	enum before b = MUST_CHECK;
	when_t now = when_now();
	struct row *r;

	pthread_mutex_lock(&so->lock);
	r = row_of(table, name, now);
	if (r->wrong >= SIGNON_TRIES)
		b = IS_BRAKED;
	else if (r->right_until > now && secret_eq(str_of(r->right, ID), str_of(right, ID)))
		b = IS_RIGHT;
	pthread_mutex_unlock(&so->lock);
	return b;
}

static void
after_check(struct signon *so, struct row *table, const uint8_t name[ID], const uint8_t right[ID],
    bool good)
{
	when_t now = when_now();
	struct row *r;

	pthread_mutex_lock(&so->lock);
	r = row_of(table, name, now);
	if (good) {
		r->wrong = 0;
		memcpy(r->right, right, ID);
		r->right_until = now + SIGNON_MEMORY;
	} else {
		if (r->wrong++ == 0)
			r->since = now;
		if (r->wrong == SIGNON_TRIES)
			r->since = now; /* the quarter of an hour is counted from the last one */
	}
	pthread_mutex_unlock(&so->lock);
}

err_t
signon_check(struct signon *so, struct store *s, struct arena *a, const char *user,
    const char *password, const char **ret_hash)
{
	struct look l = { .a = a, .user = user, .hash = password_of_nobody };
	uint8_t name[ID], right[ID];
	struct row *table;
	bool good = false;

	if (strlen(user) > LIMIT_TEXT || strlen(password) > SIGNON_PASSWORD_MAX)
		FAIL(ERR_CREDENTIALS, "%s", "name or password is too long");
	TRY(store_read(s, look_tx, &l));
	table = l.known ? so->known : so->unknown;
	if (!l.known)
		l.hash = password_of_nobody;
	name_id(so, user, name);
	keyed(so, 2, l.hash, password, right);
	switch (before_check(so, table, name, right)) {
	case IS_BRAKED:
		FAIL(ERR_LOGIN_LIMIT, "principal %s", user);
	case IS_RIGHT:
		good = true;
		break;
	case MUST_CHECK:
		TRY(password_queue_check(so->queue, l.hash, password, &good));
		good = good && l.known;
		after_check(so, table, name, right, good);
		break;
	}
	secret_wipe(right, sizeof(right));
	if (!good)
		FAIL(ERR_CREDENTIALS, "principal %s", user);
	*ret_hash = l.hash;
	return OK;
}

void
signon_forget(struct signon *so, const char *user)
{
	uint8_t name[ID];

	if (strlen(user) > LIMIT_TEXT)
		return;
	name_id(so, user, name);
	pthread_mutex_lock(&so->lock);
	for (size_t i = 0; i < ROWS; i++) {
		if (memcmp(so->known[i].name, name, ID) == 0)
			so->known[i] = (struct row){ 0 };
		if (memcmp(so->unknown[i].name, name, ID) == 0)
			so->unknown[i] = (struct row){ 0 };
	}
	pthread_mutex_unlock(&so->lock);
}

err_t
signon_hash(struct arena *a, const char *password, const char **ret)
{
	size_t n = strlen(password);

	if (n < SIGNON_PASSWORD_MIN || n > SIGNON_PASSWORD_MAX)
		FAIL(ERR_RANGE, "a password has %d to %d bytes", SIGNON_PASSWORD_MIN,
		    SIGNON_PASSWORD_MAX);
	return password_hash(a, PASSWORD_PERSON, password, ret);
}
