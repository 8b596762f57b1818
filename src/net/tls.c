/* SPDX-License-Identifier: Apache-2.0 */
/* TLS contexts. See tls.h. */
#include "net/tls.h"

#include <openssl/err.h>

#include "net/tls_ctx.h"
#include "pki/cert.h"
#include "pki/fips.h"
#include "pki/key.h"
#include "pki/trust.h"

/* TLS 1.2 only with forward secrecy and AEAD; RFC 9325 4.2. The suites of 1.3 are all fine. */
#define CIPHERS_12 "ECDHE+AESGCM:ECDHE+CHACHA20"
#define SESSION_SECONDS 3600

struct tls_server {
	SSL_CTX *ctx;
};

/* The newest reason that OpenSSL left, its queue emptied. */
static err_t
tls_error(const char *what)
{
	char text[256] = "no reason given";
	unsigned long code, last = 0;

	while ((code = ERR_get_error()) != 0)
		last = code;
	if (last != 0)
		ERR_error_string_n(last, text, sizeof(text));
	FAIL(ERR_TLS, "%s: %s", what, text);
}

err_t
tls_ctx_base(SSL_CTX *ctx)
{
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, CIPHERS_12) != 1)
		return tls_error("TLS versions and suites");
	/* What suites remain, the provider says; of curves OpenSSL 3.0's has those of RFC 7748, too. */
	if (fips_is_on() && SSL_CTX_set1_groups_list(ctx, "P-256:P-384:P-521") != 1)
		return tls_error("TLS groups");
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	return OK;
}

err_t
tls_ctx_identity(SSL_CTX *ctx, const struct key *key, const struct str *chain, size_t n)
{
	if (n == 0)
		FAIL(ERR_TLS, "a key needs a certificate");
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;

		TRY_CTX(cert_parse(chain[i], &c), "certificate %zu of the chain", i + 1);
		if (i == 0 && SSL_CTX_use_certificate(ctx, cert_x509(c)) != 1)
			return tls_error("certificate");
		if (i > 0 && SSL_CTX_add1_chain_cert(ctx, cert_x509(c)) != 1)
			return tls_error("certificate chain");
	}
	if (SSL_CTX_use_PrivateKey(ctx, key_pkey(key)) != 1)
		return tls_error("private key");
	return OK;
}

err_t
tls_ctx_anchors(SSL_CTX *ctx, const struct str *anchors, size_t n, bool announce)
{
	void *store;

	for (size_t i = 0; announce && i < n; i++) {
		auto_cert struct cert *c = NULL;

		TRY(cert_parse(anchors[i], &c));
		if (SSL_CTX_add_client_CA(ctx, cert_x509(c)) != 1)
			return tls_error("names of client CAs");
	}
	TRY(trust_store(anchors, n, &store));
	SSL_CTX_set_cert_store(ctx, store); /* owned by the context from here */
	return OK;
}

static err_t
server_setup(SSL_CTX *ctx, const struct tls_server_conf *conf)
{
	static const unsigned char session_context[] = "chancery";
	static const int verify[] = {
		[TLS_CLIENT_NONE] = SSL_VERIFY_NONE,
		[TLS_CLIENT_OPTIONAL] = SSL_VERIFY_PEER,
		[TLS_CLIENT_ENDED] = SSL_VERIFY_PEER,
		[TLS_CLIENT_REQUIRED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};

	TRY(tls_ctx_base(ctx));
	TRY(tls_ctx_identity(ctx, conf->key, conf->chain, conf->nchain));
	if (SSL_CTX_set_num_tickets(ctx, 1) != 1 ||
	    SSL_CTX_set_session_id_context(ctx, session_context, sizeof(session_context) - 1) != 1)
		return tls_error("sessions");
	SSL_CTX_set_timeout(ctx, SESSION_SECONDS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets only: no state here */
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_verify(ctx, verify[conf->client], NULL);
	if (conf->client != TLS_CLIENT_NONE)
		TRY(tls_ctx_anchors(ctx, conf->anchors, conf->nanchors, true));
	if (conf->client == TLS_CLIENT_ENDED)
		trust_let_ended(SSL_CTX_get_cert_store(ctx));
	return OK;
}

err_t
tls_server_new(const struct tls_server_conf *conf, struct tls_server **ret)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	struct tls_server *t;
	err_t e;

	if (ctx == NULL)
		return tls_error("TLS context");
	e = server_setup(ctx, conf);
	if (!err_ok(e)) {
		SSL_CTX_free(ctx);
		TRY(e);
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		abort();
	t->ctx = ctx;
	*ret = t;
	return OK;
}

void
tls_server_free(struct tls_server *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}

void *
tls_server_ctx(struct tls_server *t)
{
	return t->ctx;
}
