/* SPDX-License-Identifier: Apache-2.0 */
#include "api/warnings.h"

json *
warnings_json(const struct warnings *w)
{
	json *list = json_array_new();

	for (size_t i = 0; i < w->n; i++) {
		const struct err_info *info = err_info_by_id(w->v[i].fault);
		json *x = json_object_new();

		json_add(list, x);
		json_set_text(x, "code", w->v[i].fault);
		json_set_text(x, "message", w->v[i].detail);
		json_set_text(x, "hint", info == NULL ? "" : info->hint);
	}
	return list;
}

void
warnings_put(json *j, const struct warnings *w)
{
	if (w->n > 0)
		json_set(j, "@chancery.warnings", warnings_json(w));
}
