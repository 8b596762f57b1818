/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a filter's rule. Serves the files of codec/rule.h only. */
#ifndef CODEC_RULE_TREE_H
#define CODEC_RULE_TREE_H

#include "codec/rule.h"

enum rule_kind { RULE_AND, RULE_OR, RULE_NOT, RULE_COMPARE };

struct rule {
	enum rule_kind kind;
	struct rule *left, *right; /* AND, OR; NOT: left */
	enum rule_property property;
	enum rule_op op;
	const char **v; /* one NULL: null */
	size_t n;
};

#endif
