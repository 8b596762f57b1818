/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an answer is put together. There are four ways to the ids; the records are read by id at the end.
 *
 *   serial  the beginning of a serial that few have: by the index of serials
 *   text    a text, among many records: by the index of texts, after the records that it does not hold yet
 *   cells   all else: the cells that the conditions leave say in which stretches of ids to look, newest first, until
 *           there is enough. A count adds up the cells that lie within the conditions as a whole, and looks through the
 *           stretches of those that a time cuts through
 *   newest  no condition at all
 *
 * Intents are in no cell: they are few, and have an index of their own.
 */
#include "store/search.h"

#include "base/limits.h"
#include "store/row.h"

/* Where no index fits all conditions: as many may be looked up by id in an index, and this part of it as whole records. */
#define FEW 20000
#define RECORDS_PART 8

/* Steps of cells: see the schema. */
#define ASKED_BITS 20
#define ENDS_BITS 21

enum {
	AT_ABOVE,
	AT_BELOW,
	AT_STATE,
	AT_CA,
	AT_TEMPLATE,
	AT_REQUESTER,
	AT_ASKED_FROM,
	AT_ASKED_BEFORE,
	AT_ENDS_FROM,
	AT_ENDS_BEFORE,
	AT_SERIAL,
	AT_SERIAL_END,
	AT_TEXT,
	AT_PHRASE,
	AT_LIMIT,
	AT_ROW, /* as many have all statements about rows; one about cells has the next four besides */
	AT_WHOLE = AT_ROW,
	AT_END = AT_WHOLE + 4
};

/* A question: its conditions as the statements take them. */
struct ask {
	struct tx *tx;
	struct arena *a;
	struct val row[AT_END];
	int64_t few;
	bool serial, text;
	bool indexed; /* the text is in the index of texts */
	bool ascii;   /* ... and reads the same without it */
	bool kind;    /* state, CA, template, requester or a time is asked for */
	bool page;    /* ids below one */
	bool counts;  /* all of them are looked for */
};

/* The ids found, newest first; no more than wanted. */
struct found {
	int64_t *v;
	size_t n, max;
};

static bool
given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static size_t
characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

/* One phrase, whatever is in it. */
static const char *
phrase(struct arena *a, const char *text)
{
	size_t n = strlen(text), k = 0;
	char *out = arena_alloc(a, 2 * n + 3);

	out[k++] = '"';
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '"')
			out[k++] = '"';
		out[k++] = text[i];
	}
	out[k] = '"';
	return out;
}

static int64_t
or_end(int64_t v)
{
	return v == 0 ? INT64_MAX : v;
}

static void
ask_init(struct ask *q, struct tx *tx, struct arena *a, const struct issued_filter *f)
{
	struct val *v = q->row;

	*q = (struct ask){ .tx = tx, .a = a, .few = f->few == 0 ? FEW : f->few };
	q->page = f->before != 0;
	q->serial = given(f->serial);
	q->text = given(f->text);
	q->indexed = q->text && characters(f->text) >= 3;
	q->ascii = q->text && text_printable_ascii(str_c(f->text));
	q->kind = f->state != 0 || given(f->ca) || given(f->template) || given(f->requester) ||
	    f->requested_from != 0 || f->requested_before != 0 || f->ends_from != 0 ||
	    f->ends_before != 0;
	v[AT_ABOVE] = val_i64(0);
	v[AT_BELOW] = val_i64(or_end(f->before));
	v[AT_STATE] = val_i64(f->state);
	v[AT_CA] = val_text(f->ca);
	v[AT_TEMPLATE] = val_text(f->template);
	v[AT_REQUESTER] = val_text(f->requester);
	v[AT_ASKED_FROM] = val_i64(f->requested_from);
	v[AT_ASKED_BEFORE] = val_i64(or_end(f->requested_before));
	/* A request without a certificate has no end: it is in the first step. */
	v[AT_ENDS_FROM] = val_i64(f->ends_from);
	if (f->ends_before != 0 && f->ends_from == 0)
		v[AT_ENDS_FROM] = val_i64((int64_t)1 << ENDS_BITS);
	v[AT_ENDS_BEFORE] = val_i64(or_end(f->ends_before));
	v[AT_SERIAL] = val_text(f->serial);
	v[AT_SERIAL_END] = val_text(q->serial ? arena_printf(a, "%sg", f->serial) : "");
	v[AT_TEXT] = val_text(f->text);
	v[AT_PHRASE] = val_text(q->indexed ? phrase(a, f->text) : "");
	v[AT_LIMIT] = val_i64(1);
}

static struct vals
row_vals(const struct ask *q)
{
	return (struct vals){ q->row, AT_ROW };
}

/* Adds what a statement finds above `above`; what it finds later is older than all that is there. */
static err_t
take(const struct ask *q, enum stmt_id stmt, int64_t above, struct found *x)
{
	auto_db_stmt struct db_stmt *st = NULL;
	struct ask now = *q;
	bool row = false;

	now.row[AT_ABOVE] = val_i64(above);
	now.row[AT_LIMIT] = val_i64((int64_t)(x->max - x->n));
	TRY(db_stmt(q->tx->db, stmt, &st));
	TRY(row_bind(st, 1, row_vals(&now)));
	TRY(db_step(st, &row));
	while (row) {
		x->v[x->n++] = db_i64(st, 0);
		TRY(db_step(st, &row));
	}
	return OK;
}

static err_t
add_count(const struct ask *q, enum stmt_id stmt, int64_t *sum)
{
	int64_t n = 0;

	TRY(row_number(q->tx, stmt, row_vals(q), &n));
	*sum += n;
	return OK;
}

/* ---- cells ---- */

/* The conditions as cells have them. `split`: no cell counts as whole. */
static void
cell_vals(struct ask *q, bool split, struct val v[static AT_LIMIT])
{
	const int64_t asked = (int64_t)1 << ASKED_BITS, ends = (int64_t)1 << ENDS_BITS;
	struct val *r = q->row;

	memcpy(v, r, AT_ASKED_FROM * sizeof(*v));
	v[6] = val_i64(r[AT_ASKED_FROM].i >> ASKED_BITS);
	v[7] = val_i64((r[AT_ASKED_BEFORE].i - 1) >> ASKED_BITS);
	v[8] = val_i64(r[AT_ENDS_FROM].i >> ENDS_BITS);
	v[9] = val_i64((r[AT_ENDS_BEFORE].i - 1) >> ENDS_BITS);
	v[10] = val_i64(split ? 1 : (r[AT_ASKED_FROM].i + asked - 1) >> ASKED_BITS);
	v[11] = val_i64(split ? 0 : (r[AT_ASKED_BEFORE].i >> ASKED_BITS) - 1);
	v[12] = val_i64((r[AT_ENDS_FROM].i + ends - 1) >> ENDS_BITS);
	v[13] = val_i64((r[AT_ENDS_BEFORE].i >> ENDS_BITS) - 1);
	memcpy(&r[AT_WHOLE], &v[10], 4 * sizeof(*v));
}

/* ---- stretches: cells that overlap, as one ---- */

typedef err_t (*stretch_fn)(
    const struct ask *q, int64_t first, int64_t last, void *arg, bool *ret_enough);

static err_t
each_stretch(const struct ask *q, enum stmt_id stmt, struct vals v, stretch_fn fn, void *arg)
{
	auto_db_stmt struct db_stmt *st = NULL;
	int64_t first = 0, last = -1;
	bool row = false, enough = false;

	TRY(db_stmt(q->tx->db, stmt, &st));
	TRY(row_bind(st, 1, v));
	TRY(db_step(st, &row));
	while (row && !enough) {
		int64_t cell_first = db_i64(st, 0), cell_last = db_i64(st, 1);

		if (last >= 0 && cell_last < first) {
			TRY(fn(q, first, last, arg, &enough));
			last = -1;
		}
		if (last < 0) {
			first = cell_first;
			last = cell_last;
		}
		if (cell_first < first)
			first = cell_first;
		TRY(db_step(st, &row));
	}
	return last < 0 || enough ? OK : fn(q, first, last, arg, &enough);
}

static struct ask
within(const struct ask *q, int64_t first, int64_t last)
{
	struct ask w = *q;

	w.row[AT_ABOVE] = val_i64(first - 1);
	if (last < w.row[AT_BELOW].i)
		w.row[AT_BELOW] = val_i64(last + 1);
	return w;
}

static err_t
stretch_take(const struct ask *q, int64_t first, int64_t last, void *arg, bool *ret_enough)
{
	struct ask w = within(q, first, last);
	struct found *x = arg;

	TRY(take(&w, STMT_ISSUED_WALK, first - 1, x));
	*ret_enough = x->n == x->max;
	return OK;
}

static err_t
stretch_count(const struct ask *q, int64_t first, int64_t last, void *arg, bool *ret_enough)
{
	struct ask w = within(q, first, last);
	int64_t n = 0, *sum = arg;

	(void)ret_enough;
	TRY(row_number(q->tx, STMT_ISSUED_WALK_COUNT, (struct vals){ w.row, AT_END }, &n));
	*sum += n;
	return OK;
}

/* In cells, and intents where they are meant as well. */
static bool
wants_cells(const struct ask *q)
{
	return q->row[AT_STATE].i != ISSUED_INTENT;
}

static bool
wants_intents(const struct ask *q)
{
	return q->row[AT_STATE].i == 0 || q->row[AT_STATE].i == ISSUED_INTENT;
}

/* Both are newest first. */
static void
merge(const struct found *x, const struct found *y, struct found *out)
{
	size_t i = 0, j = 0;

	while (out->n < out->max && (i < x->n || j < y->n)) {
		if (j == y->n || (i < x->n && x->v[i] > y->v[j]))
			out->v[out->n++] = x->v[i++];
		else
			out->v[out->n++] = y->v[j++];
	}
}

static err_t
cells_take(struct ask *q, struct found *ret)
{
	struct found in = { .max = ret->max }, open = { .max = ret->max };
	struct val v[AT_LIMIT];

	in.v = arena_array(q->a, in.max, sizeof(*in.v));
	open.v = arena_array(q->a, open.max, sizeof(*open.v));
	cell_vals(q, false, v);
	if (wants_intents(q))
		TRY(take(q, STMT_ISSUED_INTENT, 0, &open));
	if (wants_cells(q))
		TRY(each_stretch(q, STMT_CELL_LIST, (struct vals){ v, 10 }, stretch_take, &in));
	merge(&in, &open, ret);
	return OK;
}

static err_t
cells_count(struct ask *q, int64_t *sum)
{
	struct val v[AT_LIMIT];
	int64_t whole = 0;

	if (wants_intents(q))
		TRY(add_count(q, STMT_ISSUED_INTENT_COUNT, sum));
	if (!wants_cells(q))
		return OK;
	cell_vals(q, q->serial || q->text || q->page, v);
	TRY(row_number(q->tx, STMT_CELL_WHOLE_SUM, (struct vals){ v, 14 }, &whole));
	*sum += whole;
	return each_stretch(q, STMT_CELL_EDGES, (struct vals){ v, 14 }, stretch_count, sum);
}

/* ---- the way ---- */

enum way { WAY_NEWEST, WAY_SERIAL, WAY_TEXT, WAY_CELLS };

/* How many a statement finds, as far as one more than few. */
static err_t
room(const struct ask *q, enum stmt_id stmt, int64_t *ret)
{
	struct ask up_to = *q;

	up_to.row[AT_LIMIT] = val_i64(q->few + 1);
	return row_number(q->tx, stmt, row_vals(&up_to), ret);
}

static err_t
in_cells(struct ask *q, int64_t *ret)
{
	struct val v[AT_LIMIT];

	*ret = 0;
	cell_vals(q, false, v);
	if (!wants_cells(q))
		return OK;
	return row_number(q->tx, STMT_CELL_SUM, (struct vals){ v, 10 }, ret);
}

/* A text beside other conditions: whichever leaves less. A list by a frequent text is full soon. */
static err_t
text_or_cells(struct ask *q, enum way *ret)
{
	int64_t by_text = 0, by_cells = 0;

	*ret = WAY_TEXT;
	if (!q->ascii ||
	    (!q->kind && !q->serial)) /* no other way knows the case of all alphabets */
		return OK;
	TRY(in_cells(q, &by_cells));
	if (by_cells > q->few)
		return OK;
	TRY(room(q, STMT_ISSUED_TEXT_ROOM, &by_text));
	if (by_text > q->few && (q->counts || by_cells <= q->few / RECORDS_PART))
		*ret = WAY_CELLS;
	return OK;
}

static err_t
way_choose(struct ask *q, enum way *ret)
{
	int64_t n = q->few + 1;

	if (!q->serial && !q->text && !q->kind) {
		*ret = WAY_NEWEST;
		return OK;
	}
	if (q->serial && q->counts && !q->kind && !q->text)
		n = 0; /* its own index counts any number */
	else if (q->serial && (q->ascii || !q->text))
		TRY(room(q, STMT_ISSUED_SERIAL_ROOM, &n));
	*ret = n <= q->few ? WAY_SERIAL : WAY_CELLS;
	return n > q->few && q->indexed ? text_or_cells(q, ret) : OK;
}

/* By an index that has no place for intents, and the intents. */
static err_t
take_both(const struct ask *q, enum stmt_id stmt, struct found *ret)
{
	struct found in = { .max = ret->max }, open = { .max = ret->max };

	in.v = arena_array(q->a, in.max, sizeof(*in.v));
	open.v = arena_array(q->a, open.max, sizeof(*open.v));
	TRY(take(q, stmt, 0, &in));
	TRY(take(q, STMT_ISSUED_INTENT, 0, &open));
	merge(&in, &open, ret);
	return OK;
}

static err_t
serial_take(const struct ask *q, struct found *x)
{
	if (!q->kind && !q->text)
		return take(q, STMT_ISSUED_SERIAL, 0, x);
	return take_both(q, STMT_ISSUED_SERIAL_OF, x);
}

static err_t
serial_count(const struct ask *q, int64_t *sum)
{
	if (!q->kind && !q->text)
		return add_count(q, STMT_ISSUED_SERIAL_COUNT, sum);
	TRY(add_count(q, STMT_ISSUED_INTENT_COUNT, sum));
	return add_count(q, STMT_ISSUED_SERIAL_OF_COUNT, sum);
}

static err_t
text_take(const struct ask *q, struct found *x)
{
	struct ask known;
	int64_t upto = 0;

	TRY(row_number(q->tx, STMT_TEXT_UPTO, NO_VALS, &upto));
	TRY(take(q, STMT_ISSUED_NEWEST, upto, x));
	known = within(q, 1, upto);
	return x->n == x->max ? OK : take_both(&known, STMT_ISSUED_TEXT, x);
}

static err_t
text_count(const struct ask *q, int64_t *sum)
{
	struct ask tail = *q, known;
	int64_t upto = 0;

	TRY(row_number(q->tx, STMT_TEXT_UPTO, NO_VALS, &upto));
	tail.row[AT_ABOVE] = val_i64(upto);
	known = within(q, 1, upto);
	TRY(add_count(&tail, STMT_ISSUED_NEWEST_COUNT, sum));
	if (!q->kind && !q->serial)
		return add_count(&known, STMT_ISSUED_TEXT_COUNT_ALL, sum);
	TRY(add_count(&known, STMT_ISSUED_INTENT_COUNT, sum));
	return add_count(&known, STMT_ISSUED_TEXT_COUNT, sum);
}

static err_t
find(struct ask *q, struct found *x)
{
	enum way way;

	TRY(way_choose(q, &way));
	switch (way) {
	case WAY_NEWEST:
		return take(q, STMT_ISSUED_NEWEST, 0, x);
	case WAY_SERIAL:
		return serial_take(q, x);
	case WAY_TEXT:
		return text_take(q, x);
	case WAY_CELLS:
		return cells_take(q, x);
	}
	abort();
}

err_t
store_issued_search(struct tx *tx, struct arena *a, const struct issued_filter *f, size_t limit,
    struct issued **ret, size_t *retn)
{
	struct found x = { .max = limit == 0 ? 1 : limit > LIMIT_PAGE ? LIMIT_PAGE : limit };
	struct issued *v;
	struct ask q;

	ask_init(&q, tx, a, f);
	x.v = arena_array(a, x.max, sizeof(*x.v));
	TRY(find(&q, &x));
	v = arena_array(a, x.n + 1, sizeof(*v));
	for (size_t i = 0; i < x.n; i++)
		TRY(store_issued_head(tx, a, x.v[i], &v[i]));
	*ret = v;
	*retn = x.n;
	return OK;
}

err_t
store_issued_count(struct tx *tx, const struct issued_filter *f, int64_t *ret)
{
	auto_arena struct arena *a = arena_new();
	int64_t sum = 0;
	enum way way;
	struct ask q;

	ask_init(&q, tx, a, f);
	q.counts = true;
	TRY(way_choose(&q, &way));
	switch (way) {
	case WAY_NEWEST:
	case WAY_CELLS:
		TRY(cells_count(&q, &sum));
		break;
	case WAY_SERIAL:
		TRY(serial_count(&q, &sum));
		break;
	case WAY_TEXT:
		TRY(text_count(&q, &sum));
		break;
	}
	*ret = sum;
	return OK;
}

err_t
store_issued_unindexed(struct tx *tx, bool *ret)
{
	int64_t next = 0;

	TRY(row_number(tx, STMT_TEXT_NEXT, VALS(val_i64(1)), &next));
	*ret = next != 0;
	return OK;
}

err_t
store_issued_index(struct tx *tx, size_t max, bool *ret_more)
{
	int64_t upto = 0, n = 0;

	TRY(row_number(tx, STMT_TEXT_NEXT, VALS(val_i64((int64_t)max)), &upto));
	if (upto != 0) {
		TRY(row_run(tx, STMT_TEXT_FILL, VALS(val_i64(upto)), &n));
		TRY(row_run(tx, STMT_TEXT_UPTO_PUT, VALS(val_i64(upto)), NULL));
	}
	*ret_more = n == (int64_t)max;
	return OK;
}
