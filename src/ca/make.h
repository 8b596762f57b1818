/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hierarchy_init() makes, as a table: which CAs, their keys, lives and places. Shared with hierarchy_load().
 */
#ifndef CA_MAKE_H
#define CA_MAKE_H

#include "ca/hierarchy.h"

#define TLS_KEY_FILE "tls.key"
#define SETTING_TLS_CERT "tls.cert"
#define TLS_KEY "tls.key" /* how many of its keys were compromised: own_keys_lost() */
#define SETTING_HIERARCHY "hierarchy.name"

struct make {
	enum ca_role role;
	const char *suffix; /* the name is "<hierarchy> <suffix>" */
	const char *key_file;
	unsigned rsa_bits;
	int years;
	int path_len; /* -1: none written */
	const char *template;
};

extern const struct make makes[];
extern const size_t nmakes;

/* What stands in certificates: http://host/crl/Name%20Issuing%20CA.crl; name "": http://host/ocsp. */
const char *make_url(
    struct arena *a, const char *http_url, const char *folder, const char *name, const char *ext);
/* Names stand in URLs, lists and certificates: nothing that needs quoting anywhere. */
err_t make_check_name(const char *name);
const struct make *make_of(enum ca_role role);
const char *make_name(struct arena *a, const char *hierarchy, enum ca_role role);
/* A host of a server certificate: an address if it reads as one, else a DNS name. */
struct san make_host(struct arena *a, const char *host);

#endif
