/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Windows device is asked in a session, and what its answers say: facts about it, and for every node of ours
 * whether it is there.
 *
 * Asking is a loop: windows_ask() adds what is not asked yet, given the answers so far (a MAC address first, its kind
 * then), and is done when it adds nothing.
 */
#ifndef DEVICE_WINDOWS_ASK_H
#define DEVICE_WINDOWS_ASK_H

#include "codec/syncml.h"
#include "device/windows_state.h"
#include "model/inventory.h"

#define WINDOWS_PFX_NODES "/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall"
#define WINDOWS_SCEP_NODES "/Vendor/MSFT/ClientCertificateInstall/SCEP"
#define WINDOWS_OURS "chancery-" /* begins the name of each node of ours under those two */

/* true: there is something in st->answers that the device must be asked. */
bool windows_ask(struct arena *a, const struct holdings *has, struct windows_state *st);
/* Statuses and results of the device's message to what it was asked and told in the message before. */
void windows_take(struct arena *a, const struct syncml_message *m, struct windows_state *st);
/* What the answers say about the device itself; members without an answer stay. */
void windows_facts(struct arena *a, const struct windows_state *st, struct device *facts);

const char *windows_sha1(
    struct arena *a, struct str der); /* as Windows names certificates: upper-case hex */
/* The DeviceID that a machine goes by at its enrolment and as the source of its messages: 32 hexadecimal digits, here
 * in upper case. NULL: it is something else, which says nothing about the hardware. */
const char *windows_machine(struct arena *a, const char *id);
/* Where a certificate of ours lies, as the inventory keeps it: "<uri>#<SHA-1>". */
const char *windows_place(struct arena *a, const char *uri, const char *sha1);
/* ret_sha1 "": the place has none. place NULL: both "". */
void windows_place_read(
    struct arena *a, const char *place, const char **ret_uri, const char **ret_sha1);
enum windows_op windows_op_of(const char *uri);
bool windows_of_user(const char *uri);
/* "./Device/Vendor/MSFT/CertificateStore/MY/...": where the certificate of a SCEP node can be read. thumb: as the
 * device says it, with spaces at times. "": that is no thumbprint. */
const char *windows_store_node(struct arena *a, const char *uri, const char *thumb);

#endif
