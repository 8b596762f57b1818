/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platform: Windows 10 and 11 as they are, by MS-MDE2 (windows_enrol.c) and OMA-DM. For administrators: doc/windows.md.
 *
 *   POST /ManagementServer/MDM.svc   one message of a session; the client certificate says whose
 */
#include "device/windows_msg.h"

static const struct http_route routes[] = {
	ROUTE(GET, WINDOWS_ENROL_PATH "Discovery.svc", DEVICE_ANYONE, windows_discovery_probe),
	ROUTE_BODY(POST, WINDOWS_ENROL_PATH "Discovery.svc", DEVICE_ANYONE, windows_discovery,
	    LIMIT_HTTP_STRANGER),
	ROUTE_BODY(POST, WINDOWS_ENROL_PATH "Policy.svc", DEVICE_ANYONE, windows_policy,
	    LIMIT_HTTP_STRANGER),
	ROUTE_BODY(POST, WINDOWS_ENROL_PATH "Enrollment.svc", DEVICE_ANYONE, windows_enrol,
	    LIMIT_HTTP_STRANGER),
	ROUTE(GET, WINDOWS_ENROL_PATH "Auth", DEVICE_ANYONE, windows_page),
	ROUTE_BODY(
	    POST, WINDOWS_ENROL_PATH "Auth", DEVICE_ANYONE, windows_page_code, LIMIT_HTTP_STRANGER),
	ROUTE_BODY(POST, WINDOWS_MANAGE_PATH, DEVICE_LEAVING, windows_session, LIMIT_XML_BYTES),
	{ 0 },
};

static bool
say_failure(struct http_req *r, const struct err_report *rep)
{
	return windows_session_error(r, rep) || windows_enrol_error(r, rep);
}

const struct platform platform_windows = {
	.name = "windows",
	.routes = routes,
	.error = say_failure,
};
