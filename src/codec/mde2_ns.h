/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces and URIs of MS-MDE2 2.2. Serves the files of codec/mde2.h only. */
#ifndef CODEC_MDE2_NS_H
#define CODEC_MDE2_NS_H

#include "codec/wstep_ns.h"

#define NS_MDE2 "http://schemas.microsoft.com/windows/management/2012/01/enrollment"
#define NS_MDE2_TOKEN "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment"
#define NS_DIAGNOSTICS "http://schemas.microsoft.com/2004/09/ServiceModel/Diagnostics"

#define URI_DISCOVER NS_MDE2 "/IDiscoveryService/Discover"
#define URI_USER_TOKEN NS_MDE2_TOKEN "/DeviceEnrollmentUserToken"
#define URI_DEVICE_TOKEN NS_MDE2_TOKEN "/DeviceEnrollmentToken"
#define URI_PROVISION_DOC NS_MDE2_TOKEN "/DeviceEnrollmentProvisionDoc"
#define URI_RENEW NS_WST "/Renew"

#endif
