/* SPDX-License-Identifier: Apache-2.0 */
/* A trusted root that measurements assign. */
#ifndef BENCH_ROOT_H
#define BENCH_ROOT_H

#include "model/assign.h"
#include "must.h"

/* A self-signed CA certificate, good for a hundred years. */
#define BENCH_ROOT \
	"MIIBkDCCATegAwIBAgIUdkr37rp9XS3V6/gSywDwsRL7TaAwCgYIKoZIzj0EAwIwFTETMBEGA1UEAwwKQmVuY2ggUm9vdDAgFw0y" \
	"NjExMjExOTI5NThaGA8yMTI2MTAyODE5Mjk1OFowFTETMBEGA1UEAwwKQmVuY2ggUm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEH" \
	"A0IABCq3oSyYZp7ZICbO83eLWy4bVb1DnMkhMz8vPK+Es0bwspBO9Tv+PJjJ7PYDNjuMzDTKejHH06fdPY9EupQ1aNajYzBhMB0G" \
	"A1UdDgQWBBSjCOeo1zXW6j4oLNt9Mz3TcanCQTAfBgNVHSMEGDAWgBSjCOeo1zXW6j4oLNt9Mz3TcanCQTAPBgNVHRMBAf8EBTAD" \
	"AQH/MA4GA1UdDwEB/wQEAwIBBjAKBggqhkjOPQQDAgNHADBEAiARMhYptV4VsrI6RRLniKW7k6vl6ej44RPWD22/cXT8qAIgYH3T" \
	"dTvUzehfVor25qVQ08sQXACFg29iGOa8wabap2s="

/* The same certificate under another name each time. */
static struct profile
root_profile(struct store *s, struct arena *a, int number)
{
	auto_json json *j = json_object_new();
	struct warnings warn;
	struct profile p;

	json_set_text(j, "@odata.type", "#chancery.linuxTrustedRootCertificate");
	json_set_text(j, "displayName", arena_printf(a, "Root %d", number));
	json_set_text(j, "certFileName", "root.cer");
	json_set_text(j, "trustedRootCertificate", BENCH_ROOT);
	must(profile_create(s, a, "bench", j, &p, &warn), "profile");
	return p;
}

#endif
