/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of SCEP, the same on the TLS and the plain port: messages are sealed and signed by themselves. The
 * first are for the issuing CA and leave the template to the challenge.
 */
#ifndef CA_FRONT_SCEP_H
#define CA_FRONT_SCEP_H

#include "ca/front_int.h"

#define FRONT_SCEP_ADDRESS(path) \
	ROUTE(GET, path, FRONT_PUBLIC, front_scep), ROUTE(POST, path, FRONT_PUBLIC, front_scep), \
	    ROUTE(GET, path "/pkiclient.exe", FRONT_PUBLIC, front_scep), \
	    ROUTE(POST, path "/pkiclient.exe", FRONT_PUBLIC, front_scep)

#define FRONT_SCEP_ROUTES \
	FRONT_SCEP_ADDRESS("/scep"), FRONT_SCEP_ADDRESS("/certsrv/mscep/mscep.dll"), \
	    ROUTE(GET, "/cgi-bin/pkiclient.exe", FRONT_PUBLIC, front_scep), \
	    ROUTE(POST, "/cgi-bin/pkiclient.exe", FRONT_PUBLIC, front_scep), \
	    FRONT_SCEP_ADDRESS("/scep/{ca}"), FRONT_SCEP_ADDRESS("/scep/{ca}/{template}")

err_t front_scep(struct http_req *r);

#endif
