/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of releases: which of them this host has, which one runs, and which one is on trial. The parent of the
 * connector alone writes here.
 *
 *   <dir>/<version>/head, chanceryd, ...   what a bundle held; "head" is what its signer stated
 *   <dir>/state.json                       all else. Replaced whole, so a kill leaves the state before or the one after
 *
 *                releases_switch            releases_confirm
 *   (settled) ──────────────────► (on trial) ──────────────► (settled on the new one)
 *        ▲                            │ releases_back: it did not pass, its time is over, or it does not start
 *        └────────────────────────────┘
 *
 * The program of the package starts first, always, and goes over to the release that the state names (releases_start());
 * so a release that cannot even start is counted, and left after three attempts. What is executed is looked at anew each
 * time: its head must be signed, the file the one that the head names, and nobody else's.
 *
 * Not here: where bundles come from (updater.h), executing (daemon/self_update.c).
 */
#ifndef CONNECTOR_RELEASES_H
#define CONNECTOR_RELEASES_H

#include "base/when.h"
#include "pki/signed_release.h"

struct releases {
	const char *dir;
	const char *packaged; /* version of the program of the package */
	const char *named;    /* release that may be older, or have failed before; "": none */
	struct release_keys keys;
};

struct releases_state {
	const char *current;        /* version that runs, or shall; "": the package's */
	const char *previous;       /* the one before it; "": the package's */
	const char *base;           /* version of the package when current was chosen */
	bool trial;                 /* current has not shown yet that it works */
	when_t since, until;        /* of the trial */
	int64_t starts;             /* during it */
	const char *failed;         /* version that did not pass; "": none */
	const char *fault, *detail; /* why; detail is text */
	when_t failed_at;
};

#define RELEASES_STARTS 3 /* of a release on trial */

/* Nothing there yet: the package's program, settled. ERR_JSON, ERR_FILE. */
err_t releases_state(const struct releases *r, struct arena *a, struct releases_state *ret);

/* Whether this release may be tried while `running` runs. ERR_RELEASE_OLDER, ERR_RELEASE_TRIED (neither for the release
 * that is named), ERR_UPDATE_BUSY (one is on trial), ERR_RELEASE_MACHINE. */
err_t releases_wanted(const struct releases *r, const struct releases_state *s, const char *running,
    const struct release *release);

/* A bundle, checked again, as a folder of its version; what was begun before and not ended is removed. */
err_t releases_stage(const struct releases *r, struct arena *a, struct str bundle,
    const char *running, const char **ret_version);
/* From now on, and for trial_s seconds on trial. */
err_t releases_switch(const struct releases *r, const char *version, when_t trial_s);
/* It works. Folders of other releases but the one before are removed. Not on trial: nothing. */
err_t releases_confirm(const struct releases *r);
/* To the one before; why is kept. Not on trial: nothing. */
err_t releases_back(const struct releases *r, const char *fault, const char *detail);
/* A release that could not be staged: why is kept, all else stays. */
err_t releases_note(const struct releases *r, const char *fault, const char *detail);
/* As releases_back(), on trial or not: for a release that cannot be executed. ret: the state from then on. */
err_t releases_leave(const struct releases *r, struct arena *a, const char *fault,
    const char *detail, struct releases_state *ret);

/* To be called by the program of the package before it does anything else: counts the start of a trial, ends one that is
 * over, leaves a release that is older than a package that came after it. ret: the state from then on. */
err_t releases_start(const struct releases *r, struct arena *a, struct releases_state *ret);
/* The program of that release, opened for execution. ERR_RELEASE_SIGNATURE, ERR_RELEASE_DAMAGED, ERR_FILE. */
err_t releases_program(const struct releases *r, const char *version, int *ret_fd);

#endif
