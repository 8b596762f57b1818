/* SPDX-License-Identifier: Apache-2.0 */
/* Building property lists and writing them as XML. See plist.h. */
#include "codec/plist.h"

#include "base/limits.h"
#include "base/when.h"
#include "codec/xml.h"

static struct pl *
node(struct arena *a, enum pl_kind kind)
{
	struct pl *p = ARENA_NEW(a, struct pl);

	p->kind = kind;
	return p;
}

struct pl *
pl_dict(struct arena *a)
{
	return node(a, PL_DICT);
}

struct pl *
pl_array(struct arena *a)
{
	return node(a, PL_ARRAY);
}

struct pl *
pl_text(struct arena *a, const char *text)
{
	struct pl *p = node(a, PL_TEXT);

	p->text = text;
	return p;
}

struct pl *
pl_data(struct arena *a, struct str data)
{
	struct pl *p = node(a, PL_DATA);

	p->data = data;
	return p;
}

struct pl *
pl_data_mark(struct arena *a, const char *mark)
{
	struct pl *p = node(a, PL_DATA);

	p->text = mark;
	return p;
}

struct pl *
pl_int(struct arena *a, int64_t n)
{
	struct pl *p = node(a, PL_INT);

	p->number = n;
	return p;
}

struct pl *
pl_bool(struct arena *a, bool v)
{
	struct pl *p = node(a, PL_BOOL);

	p->number = v;
	return p;
}

struct pl *
pl_add(struct pl *array, struct pl *v)
{
	if (array->end == NULL)
		array->child = v;
	else
		array->end->next = v;
	array->end = v;
	return v;
}

struct pl *
pl_set(struct arena *a, struct pl *dict, const char *key, struct pl *v)
{
	struct pl *was = pl_get(dict, key), *next;

	if (was != NULL) {
		next = was->next;
		*was = *v;
		was->key = arena_strdup(a, key);
		was->next = next;
		return was;
	}
	v->key = arena_strdup(a, key);
	return pl_add(dict, v);
}

void
pl_set_text(struct arena *a, struct pl *dict, const char *key, const char *text)
{
	pl_set(a, dict, key, pl_text(a, text));
}

void
pl_set_data(struct arena *a, struct pl *dict, const char *key, struct str data)
{
	pl_set(a, dict, key, pl_data(a, data));
}

void
pl_set_int(struct arena *a, struct pl *dict, const char *key, int64_t n)
{
	pl_set(a, dict, key, pl_int(a, n));
}

void
pl_set_bool(struct arena *a, struct pl *dict, const char *key, bool v)
{
	pl_set(a, dict, key, pl_bool(a, v));
}

static err_t put(struct arena *a, struct buf *b, const struct pl *p, unsigned depth);

static err_t
put_members(struct arena *a, struct buf *b, const struct pl *p, unsigned depth)
{
	const char *tag = p->kind == PL_DICT ? "dict" : "array";

	if (depth > LIMIT_PLIST_DEPTH)
		FAIL(ERR_PLIST, "nested deeper than %u", LIMIT_PLIST_DEPTH);
	if (p->child == NULL)
		return buf_printf(b, "<%s/>\n", tag);
	TRY(buf_printf(b, "<%s>\n", tag));
	for (const struct pl *c = p->child; c != NULL; c = c->next) {
		if (p->kind == PL_DICT) {
			TRY(buf_puts(b, "<key>"));
			TRY(xml_put_text(b, c->key));
			TRY(buf_puts(b, "</key>"));
		}
		TRY(put(a, b, c, depth));
	}
	return buf_printf(b, "</%s>\n", tag);
}

static err_t
put(struct arena *a, struct buf *b, const struct pl *p, unsigned depth)
{
	switch (p->kind) {
	case PL_DICT:
	case PL_ARRAY:
		return put_members(a, b, p, depth + 1);
	case PL_TEXT:
		TRY(buf_puts(b, "<string>"));
		TRY(xml_put_text(b, p->text));
		return buf_puts(b, "</string>\n");
	case PL_INT:
		return buf_printf(b, "<integer>%lld</integer>\n", (long long)p->number);
	case PL_REAL:
		return buf_printf(b, "<real>%.17g</real>\n", p->real);
	case PL_BOOL:
		return buf_puts(b, p->number != 0 ? "<true/>\n" : "<false/>\n");
	case PL_DATA:
		return buf_printf(
		    b, "<data>%s</data>\n", p->text != NULL ? p->text : text_base64(a, p->data));
	case PL_DATE:
		return buf_printf(b, "<date>%s</date>\n", when_text(a, p->number));
	}
	FAIL(ERR_PLIST, "nothing that a property list holds");
}

err_t
pl_print(struct arena *a, const struct pl *p, struct str *ret)
{
	auto_buf struct buf b = { 0 };

	buf_init(&b, LIMIT_PLIST_BYTES);
	TRY(buf_puts(&b,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST "
	    "1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist "
	    "version=\"1.0\">\n"));
	TRY(put(a, &b, p, 0));
	TRY(buf_puts(&b, "</plist>\n"));
	*ret = arena_str(a, buf_str(&b));
	return OK;
}
