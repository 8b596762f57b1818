/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Imported certificates packed for a device by connector/keys, for each second of one core: pfx_ours is a file that
 * our own import packed, pfx_exported one as somebody exported it, which is packed anew. floor: one OAEP decryption
 * with the same key and two CMS envelopes to the same certificate, of the same sizes. pfx_token is the first with the
 * import key in a PKCS#11 token (SoftHSM, where it is installed); floor: the same with the key in a file. BENCH_PFX=n:
 * so many of each; else 400.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "codec/ckeys_ipc.h"
#include "codec/pfx_ipc.h"
#include "connector/keys.h"
#include "pki/cms.h"
#include "pki/pfx.h"
#include "pki/wrap.h"

#define PASSWORD "a-password-of-24-letters"
#define MODULE "/usr/lib/softhsm/libsofthsm2.so"

/* Of somebody else's making: identity CA, a device's certificate, and one that was imported. */
static const char *const made[] = {
	"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=I "
	"-addext keyUsage=critical,keyCertSign",
	"openssl req -newkey rsa:2048 -nodes -keyout device.key -out device.csr -subj /CN=device",
	"printf 'keyUsage=digitalSignature,keyEncipherment\\nextendedKeyUsage=clientAuth\\n"
	"subjectKeyIdentifier=hash\\nauthorityKeyIdentifier=keyid\\n' > ext",
	"openssl x509 -req -in device.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out device.pem -days 20 -extfile ext",
	"openssl req -x509 -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.pem -days 20 -subj /CN=leaf",
	"openssl x509 -in device.pem -outform DER -out device.der",
	"openssl x509 -in leaf.pem -outform DER -out leaf.der",
	"openssl pkcs12 -export -inkey leaf.key -in leaf.pem -out leaf.p12 -passout pass:" PASSWORD,
};

struct lab {
	struct arena *a;
	char dir[64];
	struct connector_keys *keys;
	struct key *private; /* the import key */
	struct cert *device;
	struct pfx_open_req request;
};

static void
need(err_t e)
{
	struct err_report rep;

	if (err_ok(e))
		return;
	err_take(e, &rep);
	fprintf(stderr, "%s: %s\n", err_info(rep.code)->id, rep.detail);
	exit(1);
}

static double
cpu_s(void)
{
	struct rusage r;

	getrusage(RUSAGE_THREAD, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static struct str
read_one(struct lab *l, const char *name)
{
	struct str s;

	need(file_read(l->a, arena_printf(l->a, "%s/%s", l->dir, name), 1 << 20, &s));
	return s;
}

static err_t
call(struct lab *l, struct arena *a, uint16_t type, struct str in, struct buf *out)
{
	for (const struct ipc_verb *v = connector_keys_verbs; v->handle != NULL; v++)
		if (v->type == type)
			return v->handle(l->keys, a, in, out);
	FAIL(ERR_UNSUPPORTED, "type %u", type);
}

static void
set_up(struct lab *l)
{
	const struct connector_keys_conf conf = { .dir = l->dir, .pool = 1 };
	auto_buf struct buf in = { 0 };
	auto_buf struct buf out = { 0 };
	uint8_t *hash = arena_alloc(l->a, 32), *thumbprint = arena_alloc(l->a, 20);

	snprintf(l->dir, sizeof(l->dir), "/tmp/bench-pfx-XXXXXX");
	if (mkdtemp(l->dir) == NULL)
		exit(1);
	for (size_t i = 0; i < COUNT(made); i++)
		if (system(arena_printf(l->a, "cd %s && { %s; } 2>/dev/null", l->dir, made[i])) !=
		    0)
			exit(1);
	need(connector_keys_open(&conf, &l->keys));
	buf_init(&in, LIMIT_IPC_MESSAGE);
	buf_init(&out, LIMIT_IPC_MESSAGE);
	need(ckeys_identity_req_encode(
	    &(struct ckeys_identity_req){ arena_cstr(l->a, read_one(l, "ca.pem")) }, &in));
	need(call(l, l->a, CKEYS_IDENTITY_CA, buf_str(&in), &out));
	in.n = 0;
	need(pfx_key_req_encode(&(struct pfx_key_req){ "main", 2048, "" }, &in));
	need(call(l, l->a, PFX_KEY_MAKE, buf_str(&in), &out));
	need(key_read(read_one(l, "import/main.pem"), NULL, &l->private));
	need(key_spki_sha256(l->private, hash));
	need(cert_parse(read_one(l, "device.der"), &l->device));
	hash_sha1(read_one(l, "leaf.der"), thumbprint);
	l->request = (struct pfx_open_req){ .key = text_hex(l->a, str_of(hash, 32)),
		.padding = WRAP_OAEP_SHA256,
		.pfx = read_one(l, "leaf.p12"),
		.pack = { .form = PACK_AGENT, .format = PFX_FORMAT_AES },
		.thumbprint = str_of(thumbprint, 20),
		.device_certificate = read_one(l, "device.der") };
	need(wrap_seal(l->a, l->private, WRAP_OAEP_SHA256, LIT(PASSWORD), &l->request.wrapped));
}

static double
ours(struct lab *l, int n, struct str leaf)
{
	double from = cpu_s();

	l->request.leaf = leaf;
	for (int i = 0; i < n; i++) {
		auto_arena struct arena *a = arena_new();
		auto_buf struct buf in = { 0 };
		auto_buf struct buf out = { 0 };

		buf_init(&in, LIMIT_IPC_MESSAGE);
		buf_init(&out, LIMIT_IPC_MESSAGE);
		need(pfx_open_req_encode(&l->request, &in));
		need(call(l, a, PFX_OPEN, buf_str(&in), &out));
	}
	return n / (cpu_s() - from);
}

/* From here on the import key is one in a token. false: there is no SoftHSM. */
static bool
use_token(struct lab *l)
{
	const char *uri = arena_printf(
	    l->a, "pkcs11:token=b;object=i?module-path=%s&pin-source=file:%s/pin", MODULE, l->dir);
	const char *conf = arena_printf(l->a, "%s/hsm.conf", l->dir);
	auto_buf struct buf in = { 0 };
	auto_buf struct buf out = { 0 };
	auto_key struct key *public = NULL;
	uint8_t *hash = arena_alloc(l->a, 32);
	struct pfx_key_rep made_key;

	if (!file_exists(MODULE))
		return false;
	setenv("SOFTHSM2_CONF", conf, 1);
	need(file_write(
	    conf, str_c(arena_printf(l->a, "directories.tokendir = %s/tokens\n", l->dir)), 0600));
	need(file_write(arena_printf(l->a, "%s/pin", l->dir), LIT("1234"), 0600));
	if (system(arena_printf(l->a,
		"mkdir %s/tokens && softhsm2-util --init-token --free --label b --pin 1234 --so-pin 5678 >/dev/null",
		l->dir)) != 0)
		exit(1);
	buf_init(&in, LIMIT_IPC_MESSAGE);
	buf_init(&out, LIMIT_IPC_MESSAGE);
	need(pfx_key_req_encode(&(struct pfx_key_req){ "token", 2048, uri }, &in));
	need(call(l, l->a, PFX_KEY_MAKE, buf_str(&in), &out));
	need(pfx_key_rep_parse(l->a, buf_str(&out), &made_key));
	need(key_from_spki(made_key.spki, &public));
	need(key_spki_sha256(public, hash));
	l->request.key = text_hex(l->a, str_of(hash, 32));
	need(wrap_seal(l->a, public, WRAP_OAEP_SHA256, LIT(PASSWORD), &l->request.wrapped));
	return true;
}

static double
bare(struct lab *l, int n)
{
	double from = cpu_s();

	for (int i = 0; i < n; i++) {
		auto_arena struct arena *a = arena_new();
		struct str password, cms;

		need(wrap_open(a, l->private, WRAP_OAEP_SHA256, l->request.wrapped, &password));
		need(cms_seal(a, l->device, l->request.pfx, &cms));
		need(cms_seal(a, l->device, password, &cms));
	}
	return n / (cpu_s() - from);
}

int
main(void)
{
	const char *many = getenv("BENCH_PFX");
	struct lab l = { .a = arena_new() };
	int64_t n = 400;
	double floor, packed, exported;

	if (many != NULL)
		need(text_i64(str_c(many), 1, 1000000, &n));
	set_up(&l);
	floor = bare(&l, (int)n);
	packed = ours(&l, (int)n, read_one(&l, "leaf.der"));
	exported = ours(&l, (int)n, STR_EMPTY);
	printf(
	    "bench pfx_ours ours=%.0f 1/s floor=%.0f ratio=%.2f\n", packed, floor, packed / floor);
	printf("bench pfx_exported ours=%.0f 1/s floor=%.0f ratio=%.2f\n", exported, floor,
	    exported / floor);
	if (use_token(&l)) {
		double token = ours(&l, (int)n, read_one(&l, "leaf.der"));

		printf("bench pfx_token ours=%.0f 1/s floor=%.0f ratio=%.2f\n", token, packed,
		    token / packed);
	}
	connector_keys_close(l.keys);
	key_free(l.private);
	cert_free(l.device);
	(void)!system(arena_printf(l.a, "rm -r %s", l.dir));
	arena_free(l.a);
	return 0;
}
