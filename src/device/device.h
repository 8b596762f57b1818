/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edge towards devices: one file a platform, each with its routes; what they share is here.
 *
 * A device is known by the SHA-256 of the client certificate that the TLS layer verified against the device-identity CA.
 * A certificate that is not on record, or whose device is not active, is refused before any work; one that was retired
 * may still check in until it said that everything is removed. Enrolment is the one thing that needs no certificate: it
 * takes a one-time code.
 *
 * Not here: what a device should have (model/desired.h), what becomes of a report (model/checkin.h).
 */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include "codec/order.h"
#include "device/count.h"
#include "model/checkin.h"
#include "model/job.h"
#include "model/calm.h"
#include "model/refusal.h"
#include "net/http.h"
#include "net/ipc.h"
#include "store/device.h"

struct device_edge {
	struct store *store;
	/* Has the order sealed and the identity CA issue for it; see daemon. Certificates in DER, in the arena. */
	err_t (*identity_issue)(void *ctx, struct arena *a, const struct order *o, struct str csr,
	    struct str *ret_cert, struct str **ret_chain, size_t *retn);
	/* Leaves the order at the identity CA, behind the challenge that it names. */
	err_t (*identity_deposit)(void *ctx, struct arena *a, const struct order *o);
	/* A SCEP message to the identity CA; see struct fetch_reply for what comes back. */
	err_t (*identity_scep)(void *ctx, struct arena *a, const char *operation,
	    struct str message, int *ret_status, const char **ret_type, struct str *ret_body);
	void *identity_ctx;
	const char *identity_ca; /* its name */
	struct str holder; /* SHA-256 of the certificate that the service presents to the CA */
	const struct str
	    *roots; /* DER: what an enrolled device trusts for talking to the service */
	size_t nroots;
	int64_t poll_seconds; /* told to devices that do not wait */
	const char
	    *url; /* "https://host:8444": the device port as devices see it, no slash at the end */
	struct ipc_client *keys;            /* service/keys */
	const struct str *identity_anchors; /* DER: the device-identity CA */
	size_t nidentity_anchors;
	/* Apple: a profile with a signature around it; ctx is identity_ctx. */
	err_t (*profile_sign)(void *ctx, struct arena *a, struct str content, struct str *ret);
	int64_t renew_before;    /* Apple: seconds before its end that an identity is renewed */
	bool apple_declarative;  /* Apple: devices that can are asked to tell by themselves */
	const char *apple_topic; /* subject UID of the push certificate */
	/* Package family name of the application by which Windows is woken; "": none. */
	const char *windows_family;
	const char *windows_push_host; /* below which its channels are */
	const char *organization;      /* as people know it */
	struct calm *calm;
	struct edge_count *count;  /* NULL: nothing is counted */
	struct refusals *refusals; /* NULL: nobody is told */
};

/*
 * COMMAND_ENROL, said so that a SCEP client can go by it. An address of the profile that is the service's own comes as
 * "<url>/scep/<request>/pkiclient.exe", good for this request alone; others stay as they are.
 */
struct device_enrol {
	const char
	    *challenge; /* 32 or 64 hexadecimal digits; the same each time the command is sent */
	const char **urls;
	size_t nurls;
};
err_t device_enrol_of(const struct device_edge *edge, struct arena *a, const struct command *c,
    struct device_enrol *ret);

/* COMMAND_INSTALL_NETWORK: the key that it is joined by, opened; "": it has none. ERR_SECRET_LOST, ERR_IPC. */
err_t device_network_key(
    const struct device_edge *edge, struct arena *a, const struct command *c, const char **ret);

/* Permissions on the device port. */
enum {
	DEVICE_ANYONE = 1,
	DEVICE_ENROLLED = 2,
	DEVICE_LEAVING = 3 /* enrolled, or retired and not clean yet */
};

/*
 * An identity by SCEP: what goes into the enrolment profile. The order lies at the identity CA already; the first
 * certificate by which the device comes becomes its identity (device_gate). Until then there is no record of it, and what
 * is known of it so far is what `facts` says of its platform. ERR_CODE.
 */
struct device_scep {
	struct id device;
	struct str subject; /* DER Name: the request names this, or nothing */
	const char *subject_text;
	struct device_enrol enrol; /* key: RSA, 2048 bits; digitalSignature and keyEncipherment */
};
err_t device_scep_begin(const struct device_edge *edge, struct arena *a, const char *code,
    const struct device *facts, struct device_scep *ret);
/* The same for another key of a device that is enrolled; the old certificate is good until the new one was used. */
err_t device_scep_again(const struct device_edge *edge, struct arena *a, const struct device *d,
    struct device_scep *ret);

struct platform {
	const char *name;
	const struct http_route *routes;
	/* NULL, or: renders a failure in the platform's own words if it was at one of its own paths; else false. */
	bool (*error)(struct http_req *r, const struct err_report *rep);
	/* PACK_APPLE, else NULL: the plist array around a key that a connector makes or opens, with the marks of codec/pack.h
	 * in place of PFX and password. */
	err_t (*frame)(struct arena *a, const struct job *j, struct str *ret);
};
extern const struct platform *const platform_table[];
extern const size_t platform_count;

/* Whose identity this certificate (DER) is; perm as in a route. ERR_DEVICE_UNKNOWN, ERR_DEVICE_RETIRED. The caller has seen
 * to it that the peer holds its key and that it is of the identity CA. */
err_t device_known(const struct device_edge *edge, struct arena *a, struct str cert, unsigned perm,
    struct device **ret);

/* For http_mount: */
err_t device_gate(struct http_req *r, unsigned perm);
void device_error(struct http_req *r, err_t e); /* {"error":{"id","message","detail","hint"}} */

/* The device of this request, after the gate. If device_calm(), of the record only its id is there. */
const struct device *device_caller(const struct http_req *r);
/* Of a check-in: whether the same message under the same certificate found nothing to do and would again (model/calm.h).
 * *ret: what it is remembered by, in any case. */
bool device_calm(const struct http_req *r, const struct calm_hit **ret);

#endif
