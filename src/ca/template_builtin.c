/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in templates. MS-CRTD appendix and the defaults of an enterprise CA: names, flags and purposes are those
 * that administrators know; the last three are our own.
 */
#include "ca/template.h"

#include "codec/oid.h"

#define KP "1.3.6.1.5.5.7.3."
#define MS "1.3.6.1.4.1.311."
#define SERVER OID_EKU_SERVER_AUTH
#define CLIENT OID_EKU_CLIENT_AUTH
#define EMAIL OID_EKU_EMAIL
#define EFS OID_EKU_EFS
#define LOGON MS "20.2.2"
#define AGENT MS "20.2.1"
#define IKE "1.3.6.1.5.5.8.2.2"
#define KDC "1.3.6.1.5.2.3.5"

enum { Y = 365, W6 = 42 };
#define NOWHERE false, TEMPLATE_NOT_PUBLISHED
#define ISSUING false, TEMPLATE_ON_ISSUING

/* clang-format off */
const struct template_builtin template_builtins[] = {
	{ "User", "User", 1, 1, 3, 1, 0x1023A, 0xA6000000, 0x29, 0x10, 0xA0, Y, W6, EFS "," EMAIL "," CLIENT, ISSUING },
	{ "UserSignature", "User Signature Only", 2, 1, 4, 1, 0x10222, 0xA6000000, 0x20, 0, 0x80, Y, W6, EMAIL "," CLIENT, NOWHERE },
	{ "SmartcardUser", "Smartcard User", 3, 1, 11, 1, 0x1020A, 0xA6000000, 0x9, 0, 0xA0, Y, W6, EMAIL "," CLIENT "," LOGON, NOWHERE },
	{ "ClientAuth", "Authenticated Session", 4, 1, 3, 1, 0x10220, 0x82000000, 0x20, 0, 0x80, Y, W6, CLIENT, NOWHERE },
	{ "SmartcardLogon", "Smartcard Logon", 5, 1, 6, 1, 0x10200, 0x82000000, 0, 0, 0xA0, Y, W6, CLIENT "," LOGON, NOWHERE },
	{ "EFS", "Basic EFS", 6, 1, 3, 1, 0x10238, 0x82000000, 0x29, 0x10, 0x20, Y, W6, EFS, ISSUING },
	{ "Administrator", "Administrator", 7, 1, 4, 1, 0x1023A, 0xA6000000, 0x29, 0x10, 0xA0, Y, W6, MS "10.3.1," EFS "," EMAIL "," CLIENT, ISSUING },
	{ "EFSRecovery", "EFS Recovery Agent", 8, 1, 6, 1, 0x10230, 0x82000000, 0x21, 0x10, 0x20, 5 * Y, W6, MS "10.3.4.1", ISSUING },
	{ "CodeSigning", "Code Signing", 9, 1, 3, 1, 0x10220, 0x82000000, 0x20, 0, 0x80, Y, W6, KP "3", NOWHERE },
	{ "CTLSigning", "Trust List Signing", 10, 1, 3, 1, 0x10220, 0x82000000, 0x20, 0, 0x80, Y, W6, MS "10.3.1", NOWHERE },
	{ "EnrollmentAgent", "Enrollment Agent", 11, 1, 4, 1, 0x10220, 0x82000000, 0x20, 0, 0x80, 2 * Y, W6, AGENT, NOWHERE },
	{ "EnrollmentAgentOffline", "Exchange Enrollment Agent (Offline request)", 12, 1, 4, 1, 0x10201, 1, 0, 0, 0x80, 2 * Y, W6, AGENT, NOWHERE },
	{ "MachineEnrollmentAgent", "Enrollment Agent (Computer)", 13, 1, 5, 1, 0x10260, 0x18000000, 0x20, 0, 0x80, 2 * Y, W6, AGENT, NOWHERE },
	{ "Machine", "Computer", 14, 1, 5, 1, 0x10260, 0x18000000, 0x20, 0, 0xA0, Y, W6, CLIENT "," SERVER, ISSUING },
	{ "DomainController", "Domain Controller", 15, 1, 4, 1, 0x1026C, 0x19000000, 0x29, 0, 0xA0, Y, W6, CLIENT "," SERVER, ISSUING },
	{ TEMPLATE_WEB_SERVER, "Web Server", 16, 1, 4, 1, 0x10241, 1, 0, 0, 0xA0, 2 * Y, W6, SERVER, ISSUING },
	{ TEMPLATE_ROOT_CA, "Root Certification Authority", 17, 1, 5, 1, 0x100D1, 1, 0, 0x10, 0x86, 5 * Y, W6, "", NOWHERE },
	{ TEMPLATE_SUB_CA, "Subordinate Certification Authority", 18, 1, 5, 1, 0x102D1, 1, 0, 0x10, 0x86, 5 * Y, W6, "", ISSUING },
	{ "IPSECIntermediateOnline", "IPSec", 19, 1, 8, 1, 0x10260, 0x18000000, 0x20, 0, 0xA0, 2 * Y, W6, IKE, NOWHERE },
	{ "IPSECIntermediateOffline", "IPSec (Offline request)", 20, 1, 7, 1, 0x10241, 1, 0, 0, 0xA0, 2 * Y, W6, IKE, NOWHERE },
	{ "OfflineRouter", "Router (Offline request)", 21, 1, 4, 1, 0x10241, 1, 0, 0, 0xA0, 2 * Y, W6, CLIENT, NOWHERE },
	{ "CEPEncryption", "CEP Encryption", 22, 1, 4, 1, 0x10241, 1, 0, 0, 0x20, 2 * Y, W6, AGENT, NOWHERE },
	{ "ExchangeUser", "Exchange User", 23, 1, 7, 1, 0x10211, 1, 1, 0x10, 0x20, Y, W6, EMAIL, NOWHERE },
	{ "ExchangeUserSignature", "Exchange Signature Only", 24, 1, 6, 1, 0x10201, 1, 0, 0, 0x80, Y, W6, EMAIL, NOWHERE },
	{ "CrossCA", "Cross Certification Authority", 25, 2, 105, 0, 0x10810, 1, 0x8, 0x10, 0x86, 5 * Y, W6, "", NOWHERE },
	{ "CAExchange", "CA Exchange", 26, 2, 106, 0, 0x10040, 1, 1, 0, 0x20, 7, 1, MS "21.5", NOWHERE },
	{ "KeyRecoveryAgent", "Key Recovery Agent", 27, 2, 105, 0, 0x10020, 0x82000000, 0x27, 0x10, 0x20, 2 * Y, W6, MS "21.6", NOWHERE },
	{ "DomainControllerAuthentication", "Domain Controller Authentication", 28, 2, 110, 0, 0x10060, 0x8000000, 0x20, 0, 0xA0, Y, W6, CLIENT "," SERVER "," LOGON, ISSUING },
	{ "DirectoryEmailReplication", "Directory Email Replication", 29, 2, 115, 0, 0x10060, 0x9000000, 0x29, 0, 0xA0, Y, W6, MS "21.19", ISSUING },
	{ "Workstation", "Workstation Authentication", 30, 2, 101, 0, 0x10260, 0x8000000, 0x20, 0, 0xA0, Y, W6, CLIENT, NOWHERE },
	{ "RASAndIASServer", "RAS and IAS Server", 31, 2, 101, 0, 0x10260, 0x48000000, 0x20, 0, 0xA0, Y, W6, CLIENT "," SERVER, NOWHERE },
	{ "OCSPResponseSigning", "OCSP Response Signing", 32, 3, 101, 0, 0x10240, 0x18000000, 0x1000, 0, 0x80, 14, 2, OID_EKU_OCSP_SIGNING, NOWHERE },
	{ "KerberosAuthentication", "Kerberos Authentication", 33, 2, 110, 0, 0x10060, 0x8400000, 0x20, 0, 0xA0, Y, W6, CLIENT "," SERVER "," LOGON "," KDC, ISSUING },

	{ TEMPLATE_DEVICE_IDENTITY, "Device Identity", 101, 2, 100, 0, 0x10040, 1, 0, 0, 0xA0, Y, W6, CLIENT, true, TEMPLATE_ON_IDENTITY },
	{ TEMPLATE_CONNECTOR_IDENTITY, "Connector Identity", 102, 2, 100, 0, 0x10040, 1, 0, 0, 0x80, Y, W6, CLIENT, true, TEMPLATE_ON_IDENTITY },
	{ TEMPLATE_PRINCIPAL, "Principal Identity", 103, 2, 100, 0, 0x10040, 1, 0, 0, 0x80, 2 * Y, W6, CLIENT, true, TEMPLATE_NOT_PUBLISHED },
};
/* clang-format on */
const size_t template_nbuiltins = COUNT(template_builtins);
