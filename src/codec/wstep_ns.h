/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces and URIs of SOAP, WS-Security, MS-WSTEP 2.2 and 3.1.4.1, and MS-XCEP 2.2. Serves the files of
 * codec/soap.h, codec/wstep_msg.h and codec/xcep_msg.h only. */
#ifndef CODEC_WSTEP_NS_H
#define CODEC_WSTEP_NS_H

#define NS_SOAP "http://www.w3.org/2003/05/soap-envelope"
#define NS_ADDRESSING "http://www.w3.org/2005/08/addressing"
#define NS_WST "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
#define NS_WSSE "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
#define NS_ENROL "http://schemas.microsoft.com/windows/pki/2009/01/enrollment"
#define NS_AUTH "http://schemas.xmlsoap.org/ws/2006/12/authorization"
#define NS_WSU "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
#define NS_XCEP "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy"
#define NS_XSI "http://www.w3.org/2001/XMLSchema-instance"

#define URI_ACTION_REQUEST NS_ENROL "/RST/wstep"
#define URI_ACTION_RESPONSE NS_ENROL "/RSTRC/wstep"
#define URI_ACTION_FAULT "http://www.w3.org/2005/08/addressing/soap/fault"
#define URI_ISSUE NS_WST "/Issue"
#define URI_QUERY NS_ENROL "/QueryTokenStatus"
#define URI_X509 \
	"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
#define URI_PKCS7 NS_WSSE "#PKCS7"
#define URI_PKCS7_ENROL NS_ENROL "#PKCS7"
#define URI_PKCS10 NS_ENROL "#PKCS10"
#define URI_BASE64 NS_WSSE "#base64binary"
#define URI_PASSWORD_TEXT \
	"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
#define URI_ACTION_POLICIES NS_XCEP "/IPolicy/GetPolicies"
#define URI_ACTION_POLICIES_RESPONSE NS_XCEP "/IPolicy/GetPoliciesResponse"

#endif
