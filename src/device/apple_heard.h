/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was heard of an Apple device's own reports, of one channel: which certificates it told of, and which of them it told
 * to be gone since its lists were read. Kept beside its state (store/device_state.h), as reports come while a session is
 * under way.
 *
 * Two rules keep a report from doing harm. What was never told cannot be told gone: a device that does not speak of what
 * came by profiles is asked for its lists as before. And what is told gone while commands are on their way is only a
 * reason to read the lists: a certificate that is being replaced is no loss.
 *
 * Written as binary with a version in front; what cannot be read is nothing heard.
 */
#ifndef DEVICE_APPLE_HEARD_H
#define DEVICE_APPLE_HEARD_H

#include "device/apple_report.h"
#include "device/apple_state.h"

/* Certificates of one device that are kept: of more, those that are left out are asked for as before. */
enum { APPLE_HEARD_MAX = 256 };

struct apple_mark {
	uint8_t id[APPLE_MARK], sha256[APPLE_MARK];
};

struct apple_gone {
	uint8_t sha256[APPLE_MARK];
	when_ms_t since;
};

struct apple_heard {
	when_t since;    /* of the newest report that spoke of certificates; 0: none did */
	when_ms_t doubt; /* of the newest that the device's lists must settle; 0: none */
	const char *refused;
	bool partial; /* it told of more than are kept */
	struct apple_mark *v;
	size_t n;
	struct apple_gone *gone;
	size_t ngone;
};

enum apple_news {
	APPLE_NEWS_NONE,
	APPLE_NEWS_LOOK, /* its lists shall be read */
	APPLE_NEWS_LOST  /* something of ours is gone; they shall be read as well */
};

/* In the arena. */
void apple_heard_read(struct arena *a, struct str blob, struct apple_heard *ret);
/* At most LIMIT_DEVICE_STATE bytes. */
err_t apple_heard_write(struct arena *a, const struct apple_heard *h, struct str *ret);

/* st: of the same channel. */
enum apple_news apple_heard_take(struct arena *a, struct apple_heard *h,
    const struct apple_report *r, const struct apple_state *st, when_ms_t now);
/* Whether this item was told gone since the lists were read. */
bool apple_heard_gone(
    const struct apple_heard *h, const struct apple_state *st, const struct apple_item *item);
/* Whether the device would tell by itself if any of its items went. */
bool apple_heard_covers(const struct apple_heard *h, const struct apple_state *st, when_t now);
/* Whether it is time to read the lists again: one that tells by itself what goes is asked as well, more seldom, as a profile
 * that went is in no report as long as another one brings the same certificate. */
bool apple_heard_lists_due(const struct apple_heard *h, const struct apple_state *st, when_t now);
/* Seconds without a report after which a device does not report any more: it sends a whole one about once a day. */
enum { APPLE_SILENT = 2 * 86400 };

#endif
