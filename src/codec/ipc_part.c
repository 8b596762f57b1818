/* SPDX-License-Identifier: Apache-2.0 */
/* Lists within messages: see ipc_part.h. */
#include "codec/ipc_part.h"

static err_t
count_put(struct buf *out, size_t n)
{
	if (n > UINT16_MAX)
		FAIL(ERR_TOO_LARGE, "list of %zu elements", n);
	return wr_u16(out, (uint16_t)n);
}

static err_t
count_take(struct str *in, size_t max, uint16_t *ret)
{
	uint16_t n;

	TRY(rd_u16(in, &n));
	if (n > max)
		FAIL(ERR_TOO_LARGE, "list of %u elements, at most %zu", n, max);
	*ret = n;
	return OK;
}

err_t
ipc_blobs_put(struct buf *out, const struct ipc_blobs *list)
{
	TRY(count_put(out, list->n));
	for (size_t i = 0; i < list->n; i++)
		TRY(wr_blob(out, list->v[i]));
	return OK;
}

err_t
ipc_blobs_take(struct arena *a, struct str *in, size_t max, size_t max_bytes, struct ipc_blobs *ret)
{
	struct ipc_blobs list;
	uint16_t n;

	TRY(count_take(in, max, &n));
	list.v = arena_array(a, n, sizeof(*list.v));
	list.n = n;
	for (size_t i = 0; i < n; i++)
		TRY(rd_blob(in, max_bytes, &list.v[i]));
	*ret = list;
	return OK;
}

err_t
ipc_texts_put(struct buf *out, const struct ipc_texts *list)
{
	TRY(count_put(out, list->n));
	for (size_t i = 0; i < list->n; i++)
		TRY(wr_text(out, list->v[i]));
	return OK;
}

err_t
ipc_texts_take(struct arena *a, struct str *in, size_t max, size_t max_bytes, struct ipc_texts *ret)
{
	struct ipc_texts list;
	uint16_t n;

	TRY(count_take(in, max, &n));
	list.v = arena_array(a, n, sizeof(*list.v));
	list.n = n;
	for (size_t i = 0; i < n; i++)
		TRY(rd_text(a, in, max_bytes, &list.v[i]));
	*ret = list;
	return OK;
}
