/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers behind the routes of windows.c: enrolment (MS-MDE2), and the sessions after it (windows_session.c).
 *
 *   GET, POST /EnrollmentServer/Discovery.svc    where the rest is
 *   POST      /EnrollmentServer/Policy.svc       which keys are asked for
 *   POST      /EnrollmentServer/Enrollment.svc   the certificate: by one-time code, or with the old certificate (ROBO)
 *   GET, POST /EnrollmentServer/Auth             the page on which a person enters the code (windows_page.c)
 *
 * A person shows a one-time code: as the password beside the user name, or on the page. The page hands the code through
 * as the security token; it is used up by the request for the certificate, not before.
 */
#ifndef DEVICE_WINDOWS_MSG_H
#define DEVICE_WINDOWS_MSG_H

#include "device/device.h"

#define WINDOWS_ENROL_PATH "/EnrollmentServer/"
#define WINDOWS_MANAGE_PATH "/ManagementServer/MDM.svc"
#define WINDOWS_PROVIDER "Chancery"

err_t windows_discovery_probe(struct http_req *r);
err_t windows_discovery(struct http_req *r);
err_t windows_policy(struct http_req *r);
err_t windows_enrol(struct http_req *r);
/* A failure under WINDOWS_ENROL_PATH as a SOAP fault; false: it is not one of these paths. */
bool windows_enrol_error(struct http_req *r, const struct err_report *rep);

err_t windows_session(struct http_req *r);
/* A failure of a session. Only that of who was retired is said in its words: it is told to leave management. */
bool windows_session_error(struct http_req *r, const struct err_report *rep);

err_t windows_page(struct http_req *r);
err_t windows_page_code(struct http_req *r);

#endif
