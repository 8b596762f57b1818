/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as EnvelopedData for a key that is known, and as SignedData: what comes out was inside, and a signature that
 * holds has its signer, about whom it says nothing else. The key is for this test alone; its seeds are sealed to it.
 */
#include <assert.h>

#include "base/text.h"
#include "pki/cms.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char key_pem[] = "-----BEGIN PRIVATE KEY-----\n"
			      "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCwSZTKkWSXgfmu\n"
			      "QBsc/sZ0rnqKOwlT5ylgSe6SyUeoAKbRL1ISkXHbsZd4S93+7zEEziamht5RJQGb\n"
			      "6G3/9H/n/8iGwPT2414rSv4GrZ9GCLxkLVAaqigbrVFfmQqHR+jfJXejkSP20DIm\n"
			      "/VLoBnZh6KvCQf910/9PfuK1cOZPp2ZqKX6zxKz6R1kPpXpyPEgGtfDvvu4n90zo\n"
			      "bneORR9j5/QsVvgsvap9X4T6GEgF1Ip5NHI2g8SY1lR0qL58t64c9grD2SszqGeX\n"
			      "wkrMghImbnyBegzDzS6B04OiN5E8nS1ay4UlzI4ImKHLkeESI45zlFH+wDH+WXcg\n"
			      "65D1CzFJAgMBAAECggEAB8fPmdst6ePyLaclqzNxdd/nh6dQY5QdxuKsdW0NzRPu\n"
			      "SOhCQpCJymz9pvEORLyw2KnymcH1GPa9qfBpvnS/mnE3G/9zMFxboSSHrqrGD1S+\n"
			      "X9uCIBMnfwU4xLPf+5WIaSThsWXsBO4ucHsYyCXU3sBiqEm6aSxopc0PW3u2pohF\n"
			      "jQQDEqEUFABzM1ravXCiDxcOrq0DXQcBqco3wt4drfXMNQrCl9ozQLdrB1d+H8w4\n"
			      "8STBcH3BRT8jsnQyCa45X5FbBR/cs9cxLippyr4MwsM8kH5pjpKkLw9YcEOqco3s\n"
			      "MO6Gxb3VLESHr4LhwimG2Jr7lCOrFAk2uUx1O37rqQKBgQDqLDyz1klRTCgzmuXf\n"
			      "KF/F6TjhQ76yZnrYLX2RzmAjnWWTQANgkEd/wjM6+7GIYp1i2V6nCQFIOLNNJaIv\n"
			      "LLJRE4gZpbem5wx4edqHblLtk/DAykasosj8PSjw/kGAkM8fiMYkgO068goksFpx\n"
			      "0iGOBBin9CatE1Hfq9clmkXM5QKBgQDAuBmoEf79l67nhR3xu0qbt7Kgceyrn0pj\n"
			      "wV49lT79GKTKyf1VFwPD5V/o7OAiyAwIIObeI+PGDjvQmsA+V3n2sxKkNXZdKYa8\n"
			      "PTpMLrchUGwuLRdQpFcDm8CcUnBneYuyrGMhVuPvM5zJTiUibIty55lish4JK5y+\n"
			      "T1D/hAAwlQKBgCh3PoIhLIhE7cmFIeX/NxWfKLocl86CUQYcTk+s5wYgg9X/QNYl\n"
			      "+IUGTQ4LQnF8ARB82ZNpxfPyAGH7d9xJEANcqa8s6OCJmqkS/YVbti7h2r+l9LKO\n"
			      "asbT1shWV4FdBL3BR+Q090mxW7ldVDPJCQ1efdhAI5LS/Nn2+vW/hAJVAoGAcuhS\n"
			      "Q+gXBdV/MAQrCosFvTsWgpvq5ZmgnUIaktV+LSKYf2FYb3e9gvws55D1Q0fMBLy5\n"
			      "axIzKVArUgIzRfiafAHhx48o9/tenrZTIEFqZ66wEghIsoiKaVhgy9RLuSa7qNko\n"
			      "ciSA24sGnPC/K3tU2jpFNpfFWOpsFvzr6q4l/tECgYEAyVMYuVpAyiJp3TerJhNN\n"
			      "xUoYKI+XaitoBR1t8UqJj1flBGO4pnWwBI3/1VngOGmtqOqNyPuzMyeKWUPAU+EG\n"
			      "qS+qX/CJ8e8To4N2Hewso0E2zUb5uH7ijqKqY4vWoDSV7rce7AELbiE7zNE6HftI\n"
			      "8+jDXbZG7HWZwVuYRjRGoh0=\n"
			      "-----END PRIVATE KEY-----\n";
static const char cert_pem[] = "-----BEGIN CERTIFICATE-----\n"
			       "MIIDDjCCAfagAwIBAgIUDuSUfET2R+QSFNxcm0fuTH4Sx6IwDQYJKoZIhvcNAQEL\n"
			       "BQAwDzENMAsGA1UEAwwEZnV6ejAgFw0yNjExMjIxMDQyMTJaGA8yMTI2MTAyOTEw\n"
			       "NDIxMlowDzENMAsGA1UEAwwEZnV6ejCCASIwDQYJKoZIhvcNAQEBBQADggEPADCC\n"
			       "AQoCggEBALBJlMqRZJeB+a5AGxz+xnSueoo7CVPnKWBJ7pLJR6gAptEvUhKRcdux\n"
			       "l3hL3f7vMQTOJqaG3lElAZvobf/0f+f/yIbA9PbjXitK/gatn0YIvGQtUBqqKBut\n"
			       "UV+ZCodH6N8ld6ORI/bQMib9UugGdmHoq8JB/3XT/09+4rVw5k+nZmopfrPErPpH\n"
			       "WQ+lenI8SAa18O++7if3TOhud45FH2Pn9CxW+Cy9qn1fhPoYSAXUink0cjaDxJjW\n"
			       "VHSovny3rhz2CsPZKzOoZ5fCSsyCEiZufIF6DMPNLoHTg6I3kTydLVrLhSXMjgiY\n"
			       "ocuR4RIjjnOUUf7AMf5ZdyDrkPULMUkCAwEAAaNgMF4wHQYDVR0OBBYEFM59eVSM\n"
			       "hUY41VXMmsNSUyvi/GlrMB8GA1UdIwQYMBaAFM59eVSMhUY41VXMmsNSUyvi/Glr\n"
			       "MA8GA1UdEwEB/wQFMAMBAf8wCwYDVR0PBAQDAgWgMA0GCSqGSIb3DQEBCwUAA4IB\n"
			       "AQAuLNxuqo4OfllsoP6ukwswVBBJBzoH80Nd1TbPqvNqcmvWfYSobjFl3abgVPZD\n"
			       "s0/TMR/k5eKPSRbK6qTWWwHag4fwggCQmU9ECyJolLke4z8r1Q8lyRIv+AzR9u9Q\n"
			       "orYT02pAmHNe7Qj4Al2Oplh9btN5cTUPOOiq7/41cuL3kjV0WTVKYEuKbf8Ro1Kw\n"
			       "TpqcKEeY6v+h/SCFWdFnfJjI/HfYP8J88FCfu4jYdrlVidfhrx/ZVhA3j3bcjzrh\n"
			       "2BIlZQfPCcJlZ4joi9Bg37GGne1/x4QtU5nYyLFhds8khc+WtyGOTnKw2ThMWR3I\n"
			       "ST71Si/D/06bmBUwWXbgtNLB\n"
			       "-----END CERTIFICATE-----\n";

struct recipient {
	struct arena *a;
	struct cert *cert;
	struct key *key;
};

static void
recipient_open(struct recipient *r)
{
	struct str der;
	size_t n;

	r->a = arena_new();
	assert(err_ok(text_unpem(r->a, str_c(cert_pem), NULL, &der, 1, &n)));
	assert(err_ok(cert_parse(der, &r->cert)));
	assert(err_ok(key_read(str_c(key_pem), NULL, &r->key)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct recipient r;
	auto_arena struct arena *a = arena_new();
	struct str content, one;
	err_t e;

	if (r.a == NULL)
		recipient_open(&r);
	e = cms_open(a, r.cert, r.key, str_of(p, n), &content);
	assert(!err_ok(e) || content.n <= n);
	assert(!err_ok(e) || cms_is(str_of(p, n)));
	err_forget(e);
	e = cms_signed_open(a, str_of(p, n), &content, &one);
	assert(!err_ok(e) || content.n <= n);
	assert(!err_ok(e) || (one.n > 0 && one.n <= n));
	err_forget(e);
	return 0;
}
