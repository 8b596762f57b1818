# SPDX-License-Identifier: Apache-2.0
"""Profile types as an independent list has them: every type, its properties, members, defaults, rules; previews.

The list is written from the published API, not from our field tables, and the tests compare the two.
"""

import base64
import json
import os
import re
import subprocess

import pytest
from cryptography import x509

from conftest import opened
from world import ROOT, ApiError, program

BASE = ["renewalThresholdPercentage", "subjectNameFormat", "subjectAlternativeNameType",
        "certificateValidityPeriodValue", "certificateValidityPeriodScale"]
ROOTS = ["trustedRootCertificate", "certFileName"]
CA = ["certificationAuthority", "certificationAuthorityName", "certificateTemplateName",
      "subjectAlternativeNameFormatString"]
SCEP = ["scepServerUrls", "subjectNameFormatString", "keyUsage", "keySize", "subjectAlternativeNameFormatString",
        "extendedKeyUsages"]
NAMED = ["subjectNameFormatString", "certificateStore", "customSubjectAlternativeNames"]
STORED = ["certificateStore", "customSubjectAlternativeNames"]
OWNER = ["certificateAccessType", "silentCertificateAccessDetails"]
MAC = ["allowAllAppsAccess", "deploymentChannel"]

# type: (kind, properties beside those of every deviceConfiguration)
TYPES = {
    "iosTrustedRootCertificate": ROOTS,
    "iosPkcsCertificateProfile": BASE + CA + NAMED,
    "iosScepCertificateProfile": BASE + SCEP + STORED,
    "iosImportedPFXCertificateProfile": ["intendedPurpose"],
    "macOSTrustedRootCertificate": ROOTS + ["deploymentChannel"],
    "macOSPkcsCertificateProfile": BASE + CA + NAMED + MAC,
    "macOSScepCertificateProfile": BASE + SCEP + STORED + MAC + ["hashAlgorithm"],
    "macOSImportedPFXCertificateProfile": BASE + ["intendedPurpose", "deploymentChannel"],
    "androidTrustedRootCertificate": ROOTS,
    "androidPkcsCertificateProfile": BASE + CA + ["extendedKeyUsages"],
    "androidScepCertificateProfile": BASE + SCEP + ["hashAlgorithm"],
    "androidImportedPFXCertificateProfile": BASE + ["extendedKeyUsages", "intendedPurpose"],
    "androidForWorkTrustedRootCertificate": ROOTS,
    "androidForWorkPkcsCertificateProfile": BASE + CA + ["extendedKeyUsages"],
    "androidForWorkScepCertificateProfile": BASE + SCEP + STORED + ["hashAlgorithm"],
    "androidForWorkImportedPFXCertificateProfile": BASE + ["extendedKeyUsages", "intendedPurpose"],
    "androidWorkProfileTrustedRootCertificate": ROOTS,
    "androidWorkProfilePkcsCertificateProfile": BASE + CA + NAMED + ["extendedKeyUsages"],
    "androidWorkProfileScepCertificateProfile": BASE + SCEP + STORED + ["hashAlgorithm"],
    "androidDeviceOwnerTrustedRootCertificate": ROOTS,
    "androidDeviceOwnerPkcsCertificateProfile":
        BASE + CA + NAMED + OWNER + ["extendedKeyUsages", "certificationAuthorityType"],
    "androidDeviceOwnerScepCertificateProfile": BASE + SCEP + STORED + OWNER + ["hashAlgorithm"],
    "androidDeviceOwnerImportedPFXCertificateProfile": BASE + OWNER + ["extendedKeyUsages", "intendedPurpose"],
    "aospDeviceOwnerTrustedRootCertificate": ROOTS,
    "aospDeviceOwnerPkcsCertificateProfile":
        BASE + CA + NAMED + ["extendedKeyUsages", "certificationAuthorityType"],
    "aospDeviceOwnerScepCertificateProfile": BASE + SCEP + STORED + ["hashAlgorithm"],
    "windows81TrustedRootCertificate": ROOTS + ["destinationStore"],
    "windows10PkcsCertificateProfile": BASE + CA + NAMED + ["extendedKeyUsages", "keyStorageProvider"],
    "windows10ImportedPFXCertificateProfile": BASE + ["intendedPurpose", "keyStorageProvider"],
    "windows81SCEPCertificateProfile": BASE + SCEP + STORED + ["hashAlgorithm", "keyStorageProvider"],
    "windows10PFXImportCertificateProfile": ["keyStorageProvider"],
    "windows10XTrustedRootCertificate": ROOTS + ["destinationStore"],
    "windows10XSCEPCertificateProfile": [
        "certificateStore", "certificateValidityPeriodScale", "certificateValidityPeriodValue", "extendedKeyUsages",
        "hashAlgorithm", "keySize", "keyStorageProvider", "keyUsage", "renewalThresholdPercentage", "scepServerUrls",
        "subjectAlternativeNameFormats", "subjectNameFormatString"],
    "windowsPhone81TrustedRootCertificate": ROOTS,
    "windowsPhone81ImportedPFXCertificateProfile": BASE + ["intendedPurpose", "keyStorageProvider"],
    "windowsPhone81SCEPCertificateProfile": BASE + SCEP + ["hashAlgorithm", "keyStorageProvider"],
}
# What uses a certificate; of what has none nothing is there.
WIFI = ["networkName", "ssid", "connectAutomatically", "connectWhenNetworkNameIsHidden", "wiFiSecurityType",
        "proxySettings", "proxyManualAddress", "proxyManualPort", "proxyAutomaticConfigurationUrl", "preSharedKey",
        "eapType", "trustedServerCertificateNames", "authenticationMethod", "outerIdentityPrivacyTemporaryValue"]
INNER = ["preSharedKeyIsSet", "innerAuthenticationProtocolForEapTtls", "innerAuthenticationProtocolForPeap"]
WINDOWS_WIFI = [p for p in WIFI if p not in ("wiFiSecurityType", "proxySettings")] + [
    "wifiSecurityType", "proxySetting", "connectToPreferredNetwork", "forceFIPSCompliance", "meteredConnectionLimit",
    "authenticationPeriodInSeconds", "authenticationRetryDelayPeriodInSeconds", "authenticationType",
    "cacheCredentials", "disableUserPromptForServerValidation", "eapolStartPeriodInSeconds",
    "enablePairwiseMasterKeyCaching",
    "enablePreAuthentication", "innerAuthenticationProtocolForEAPTTLS", "maximumAuthenticationFailures",
    "maximumAuthenticationTimeoutInSeconds", "maximumEAPOLStartMessages", "maximumNumberOfPairwiseMasterKeysInCache",
    "maximumPairwiseMasterKeyCacheTimeInMinutes", "maximumPreAuthenticationAttempts", "networkSingleSignOn",
    "performServerValidation", "promptForAdditionalAuthenticationCredentials", "requireCryptographicBinding",
    "userBasedVirtualLan"]
TUNNEL = ["connectionName", "connectionType", "authenticationMethod", "server", "onDemandRules", "proxyServer",
          "disconnectOnIdle", "disconnectOnIdleTimerInSeconds"]
MAKERS = ["loginGroupOrDomain", "role", "realm", "identifier", "customData", "customKeyValueData"]
USES = {
    "iosEnterpriseWiFiConfiguration": WIFI + ["disableMacAddressRandomization", "usernameFormatString"],
    "macOSEnterpriseWiFiConfiguration": WIFI + ["deploymentChannel"],
    "windowsWifiEnterpriseEAPConfiguration": WINDOWS_WIFI,
    "androidDeviceOwnerEnterpriseWiFiConfiguration":
        WIFI + INNER + ["macAddressRandomizationMode", "proxyExclusionList"],
    "androidWorkProfileEnterpriseWiFiConfiguration":
        [p for p in WIFI if p not in ("proxyManualAddress", "proxyManualPort")] + INNER,
    "iosVpnConfiguration": TUNNEL + MAKERS + ["providerType"],
    "macOSVpnConfiguration": TUNNEL + MAKERS + ["deploymentChannel"],
    "iosikEv2VpnConfiguration": TUNNEL + [
        "remoteIdentifier", "localIdentifier", "clientAuthenticationType", "serverCertificateIssuerCommonName",
        "serverCertificateCommonName", "serverCertificateType", "deadPeerDetectionRate",
        "disableMobilityAndMultihoming", "disableRedirect", "enableCertificateRevocationCheck", "enableEAP",
        "enablePerfectForwardSecrecy", "enableUseInternalSubnetAttributes", "securityAssociationParameters",
        "childSecurityAssociationParameters", "mtuSizeInBytes", "tlsMinimumVersion", "tlsMaximumVersion"],
    "iosEasEmailProfileConfiguration": [
        "usernameSource", "usernameAADSource", "userDomainNameSource", "customDomainName", "accountName",
        "authenticationMethod", "blockMovingMessagesToOtherEmailAccounts", "blockSendingEmailFromThirdPartyApps",
        "blockSyncingRecentlyUsedEmailAddresses", "durationOfEmailToSync", "emailAddressSource", "easServices",
        "easServicesUserOverrideEnabled", "hostName", "requireSmime", "smimeEnablePerMessageSwitch",
        "smimeEncryptByDefaultEnabled", "smimeSigningEnabled", "smimeSigningUserOverrideEnabled",
        "smimeEncryptByDefaultUserOverrideEnabled", "smimeSigningCertificateUserOverrideEnabled",
        "smimeEncryptionCertificateUserOverrideEnabled", "requireSsl", "useOAuth"],
}
# Networks that take no certificate.
OPEN = WIFI[:WIFI.index("eapType")]
KEYS = {
    "iosWiFiConfiguration": OPEN + ["disableMacAddressRandomization"],
    "macOSWiFiConfiguration": OPEN + ["deploymentChannel"],
    "windowsWifiConfiguration": [p for p in OPEN if p not in ("wiFiSecurityType", "proxySettings")] + [
        "wifiSecurityType", "proxySetting", "connectToPreferredNetwork", "forceFIPSCompliance",
        "meteredConnectionLimit"],
    "androidDeviceOwnerWiFiConfiguration": OPEN + [
        "preSharedKeyIsSet", "macAddressRandomizationMode", "proxyExclusionList"],
    "androidWorkProfileWiFiConfiguration": [
        p for p in OPEN if p not in ("proxyManualAddress", "proxyManualPort")] + ["preSharedKeyIsSet"],
}
CERTIFICATE_TYPES = dict(TYPES)
TYPES.update(USES)
TYPES.update(KEYS)
EVERY = {"id", "lastModifiedDateTime", "roleScopeTagIds", "supportsScopeTags", "createdDateTime", "description",
         "displayName", "version"}
# Windows 10X is under another path, where every profile has these.
ACCESS = {"id", "version", "displayName", "description", "creationDateTime", "lastModifiedDateTime",
          "roleScopeTagIds"}
RULES = {"deviceManagementApplicabilityRuleOsEdition", "deviceManagementApplicabilityRuleOsVersion",
         "deviceManagementApplicabilityRuleDeviceMode"}

NAMES = ["commonName", "commonNameIncludingEmail", "commonNameAsEmail", "custom", "commonNameAsIMEI",
         "commonNameAsSerialNumber", "commonNameAsAadDeviceId", "commonNameAsIntuneDeviceId",
         "commonNameAsDurableDeviceId"]
APPLE_NAMES = NAMES[:6]
ENUMS = {
    "subjectNameFormat": NAMES,
    "subjectAlternativeNameType": ["none", "emailAddress", "userPrincipalName", "customAzureADAttribute",
                                   "domainNameService", "universalResourceIdentifier"],
    "certificateValidityPeriodScale": ["days", "months", "years"],
    "keyUsage": ["keyEncipherment", "digitalSignature"],
    "hashAlgorithm": ["sha1", "sha2"],
    "enrolmentProtocol": ["scep", "est"],
    "keySize": ["size1024", "size2048", "size4096"],
    "certificateStore": ["user", "machine"],
    "destinationStore": ["computerCertStoreRoot", "computerCertStoreIntermediate", "userCertStoreIntermediate"],
    "keyStorageProvider": ["useTpmKspOtherwiseUseSoftwareKsp", "useTpmKspOtherwiseFail",
                           "usePassportForWorkKspOtherwiseFail", "useSoftwareKsp"],
    "intendedPurpose": ["unassigned", "smimeEncryption", "smimeSigning", "vpn", "wifi"],
    "certificationAuthorityType": ["notConfigured", "microsoft", "digiCert"],
    "certificateAccessType": ["userApproval", "specificApps"],
    "deploymentChannel": ["deviceChannel", "userChannel"],
    "wiFiSecurityType": ["wpaEnterprise", "wpa2Enterprise"],
    "wifiSecurityType": ["wpaEnterprise", "wpa2Enterprise"],
    "proxySettings": ["none", "manual", "automatic"],
    "proxySetting": ["none", "manual", "automatic"],
    "meteredConnectionLimit": ["unrestricted", "fixed", "variable"],
    "authenticationType": ["none", "user", "machine", "machineOrUser", "guest"],
    "networkSingleSignOn": ["disabled", "prelogon", "postlogon"],
    "innerAuthenticationProtocolForEAPTTLS": ["unencryptedPassword", "challengeHandshakeAuthenticationProtocol",
                                              "microsoftChap", "microsoftChapVersionTwo"],
    "eapType": ["eapTls", "eapTtls", "peap"],
    "durationOfEmailToSync": ["userDefined", "oneDay", "threeDays", "oneWeek", "twoWeeks", "oneMonth", "unlimited"],
    "emailAddressSource": ["userPrincipalName", "primarySmtpAddress"],
    "easServices": ["none", "calendars", "contacts", "email", "notes", "reminders"],
    "localIdentifier": ["deviceFQDN", "empty", "clientCertificateSubjectName"],
}
ANDROID_ENUMS = {
    "eapType": ["eapTls"],
    ("androidDeviceOwnerEnterpriseWiFiConfiguration", "wiFiSecurityType"): ["wpaEnterprise"],
    ("androidDeviceOwnerWiFiConfiguration", "wiFiSecurityType"): ["open", "wep", "wpaPersonal", "wpaEnterprise"],
    ("androidWorkProfileWiFiConfiguration", "wiFiSecurityType"): ["open", "wep", "wpaPersonal", "wpaEnterprise"],
    ("androidWorkProfileEnterpriseWiFiConfiguration", "proxySettings"): ["none", "automatic"],
    ("androidWorkProfileWiFiConfiguration", "proxySettings"): ["none", "automatic"],
    "macAddressRandomizationMode": ["automatic", "hardware"],
    "innerAuthenticationProtocolForPeap": ["none", "microsoftChapVersionTwo"],
}
SECURITIES = ["open", "wpaPersonal", "wpaEnterprise", "wep", "wpa2Personal", "wpa2Enterprise"]
REQUIRED = {"trustedRootCertificate", "certificationAuthority", "certificateTemplateName", "keyUsage", "keySize",
            "networkName", "ssid", "wiFiSecurityType", "wifiSecurityType", "eapType", "connectionName", "server",
            "remoteIdentifier", "accountName", "hostName"}
DEFAULTS = {"renewalThresholdPercentage": 20, "certificateValidityPeriodValue": 1,
            "certificateValidityPeriodScale": "years", "intendedPurpose": "unassigned",
            "destinationStore": "computerCertStoreRoot", "certificateStore": "user",
            "keyStorageProvider": "useTpmKspOtherwiseUseSoftwareKsp"}
USER_VARIABLES = ["UserName", "UserPrincipalName", "EmailAddress", "OnPrem_Distinguished_Name",
                  "onPremisesSamAccountName", "OnPremisesSecurityIdentifier"]
DEVICE_VARIABLES = ["AAD_Device_ID", "AzureADDeviceId", "DeviceId", "Device_Serial", "SerialNumber", "SERIALNUMBER",
                    "Device_IMEI", "IMEINumber", "IMEI", "MEID", "WiFiMacAddress", "DeviceName",
                    "FullyQualifiedDomainName"]


def is_x(name):
    return name.startswith("windows10X")


def path_of(world, name):
    return world.CONFIGURATIONS.replace("deviceConfigurations", "resourceAccessProfiles") if is_x(name) \
        else world.CONFIGURATIONS


@pytest.fixture(scope="module")
def types(world):
    return {t["type"]: t for t in world.api("GET", "/chancery/v1/profileTypes")["value"]}


def refused(call, status, *parts):
    with pytest.raises(ApiError) as caught:
        call()
    assert caught.value.status == status, caught.value
    for part in parts:
        assert part in caught.value.text, caught.value.text


def test_every_type_of_the_list_exists_and_no_other(types):
    assert {t for t in types if t.startswith("#microsoft")} == {"#microsoft.graph." + t for t in TYPES}
    assert {t for t in types if not t.startswith("#microsoft")} == {
        "#chancery." + t for t in ("linuxTrustedRootCertificate", "linuxPkcsCertificateProfile",
                                   "linuxScepCertificateProfile", "linuxImportedPFXCertificateProfile",
                                   "linuxEnterpriseWiFiConfiguration", "linuxWiFiConfiguration")}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_has_the_properties_of_the_list(types, name):
    ours = types["#microsoft.graph." + name]
    assert {p["name"] for p in ours["commonProperties"]} == (ACCESS if is_x(name) else EVERY)
    assert ours["set"] == ("resourceAccessProfiles" if is_x(name) else "deviceConfigurations")
    names = [p["name"] for p in ours["properties"] if not p["name"].startswith("@chancery.")]
    assert sorted(names) == sorted(({"serverApplicabilityRules"} if is_x(name) else RULES) | set(TYPES[name]))
    for p in ours["properties"]:
        want = ENUMS.get(p["name"])
        if name in KEYS and p["name"].lower() == "wifisecuritytype":
            want = SECURITIES
        if name.startswith("android") and name in {**USES, **KEYS}:
            want = ANDROID_ENUMS.get((name, p["name"]), ANDROID_ENUMS.get(p["name"], want))
        if p["name"] == "subjectNameFormat" and name.startswith(("ios", "macOS")):
            want = APPLE_NAMES
        if want:
            assert sorted(p["members"]) == sorted(want), p["name"]
        if p["name"] in REQUIRED:
            assert p["required"], p["name"]
        if p["name"] in DEFAULTS:
            assert p["default"] == DEFAULTS[p["name"]], p["name"]
        assert p["help"], p["name"]


def example(name, pem):
    """A body as administrators' scripts send it."""
    values = {
        "trustedRootCertificate": base64.b64encode(pem.encode()).decode(), "certFileName": "root.cer",
        "renewalThresholdPercentage": 30, "subjectNameFormat": "commonName",
        "certificateValidityPeriodScale": "months", "certificateValidityPeriodValue": 12,
        "certificationAuthority": "ca01.corp.test", "certificationAuthorityName": "Corp Issuing CA",
        "certificateTemplateName": "IntuneUser", "certificateStore": "user",
        "customSubjectAlternativeNames": [{"sanType": "userPrincipalName", "name": "{{UserPrincipalName}}"}],
        "extendedKeyUsages": [{"name": "Client Authentication", "objectIdentifier": "1.3.6.1.5.5.7.3.2"}],
        "scepServerUrls": ["https://scep.corp.test/certsrv/mscep/mscep.dll"],
        "keyUsage": "digitalSignature,keyEncipherment", "keySize": "size2048", "hashAlgorithm": "sha2",
        "keyStorageProvider": "useSoftwareKsp", "intendedPurpose": "smimeEncryption",
        "certificateAccessType": "specificApps", "silentCertificateAccessDetails": [{"packageId": "com.example.mail"}],
        "allowAllAppsAccess": True, "deploymentChannel": "deviceChannel", "destinationStore": "computerCertStoreRoot",
        "networkName": "Office", "ssid": "office", "wiFiSecurityType": "wpa2Enterprise", "eapType": "eapTls",
        "wifiSecurityType": "wpa2Enterprise", "preSharedKey": None, "connectAutomatically": True,
        "trustedServerCertificateNames": ["radius.corp.test"],
        "authenticationMethod": "certificate", "connectionName": "Corp", "connectionType": "ciscoAnyConnect",
        "server": {"description": "Gateway", "address": "vpn.corp.test", "isDefaultServer": True},
        "remoteIdentifier": "vpn.corp.test", "accountName": "Work", "hostName": "mail.corp.test",
        "durationOfEmailToSync": "oneWeek", "easServices": "calendars,contacts,email",
    }
    body = {"@odata.type": "#microsoft.graph." + name, "displayName": name,
            "id": "00000000-0000-0000-0000-000000000000", "roleScopeTagIds": ["0"]}
    body.update({p: values[p] for p in TYPES[name] if p in values})
    if name == "androidDeviceOwnerEnterpriseWiFiConfiguration":
        body["wiFiSecurityType"] = "wpaEnterprise"
    for prop in ("wiFiSecurityType", "wifiSecurityType"):
        if name in KEYS and prop in body:
            body.update({prop: "wpaPersonal" if name.startswith("android") else "wpa2Personal",
                         "preSharedKey": "correct horse"})
    if name == "iosikEv2VpnConfiguration":
        body["connectionType"] = "ikEv2"
    if is_x(name) and "hashAlgorithm" in body:
        body.update(hashAlgorithm=["sha1", "sha2"], subjectNameFormatString="CN={{UserName}},O=Example",
                    subjectAlternativeNameFormats=[{"sanType": "emailAddress", "name": "{{EmailAddress}}"}],
                    serverApplicabilityRules=[{"@odata.type": "#microsoft.graph.osVersionApplicabilityRule",
                                               "filterType": "include", "minOSVersion": "10.0.19041",
                                               "maxOSVersion": None}])
    elif "subjectNameFormatString" in TYPES[name]:
        body.update(subjectNameFormat="custom", subjectNameFormatString="CN={{UserName}},OU=x+O=Example")
    return body


@pytest.fixture(scope="module")
def certificates(world):
    """A certificate profile of each platform: what the others refer to."""
    return {system: world.api("POST", world.CONFIGURATIONS, example(system + "PkcsCertificateProfile", world.root_pem))
            for system in ("ios", "macOS", "windows10", "androidDeviceOwner", "androidWorkProfile")}


def references(world, types, certificates, name):
    starts = {"macOS": "macOS", "windows": "windows10", "androidDevice": "androidDeviceOwner",
              "androidWork": "androidWorkProfile"}
    system = next((s for start, s in starts.items() if name.startswith(start)), "ios")
    bind = f"{world.url}{world.CONFIGURATIONS}('{certificates[system]['id']}')"
    return {r["name"] + "@odata.bind": bind for r in types["#microsoft.graph." + name]["references"]
            if r["to"] == "certificate"}


@pytest.mark.parametrize("name", TYPES)
def test_a_profile_of_each_type_is_made_read_changed_and_deleted(world, types, certificates, name):
    sent = example(name, world.root_pem)
    binds = references(world, types, certificates, name)
    assert bool(binds) == (name in USES)
    made = world.api("POST", path_of(world, name), dict(sent, **binds))
    assert not any("@odata.bind" in key for key in made)
    assert (name in KEYS) == ("@chancery.secrets" in made) == ("preSharedKey" in sent and "preSharedKey" not in made)
    assert len(made.get("@chancery.references", {})) == len(binds)
    for key, value in sent.items():
        if key not in ("id", "keyUsage") and not (name in KEYS and key == "preSharedKey"):
            assert made[key] == value, key
    if "keyUsage" in sent:
        assert made["keyUsage"] == "keyEncipherment,digitalSignature"
    one = f"{path_of(world, name)}/{made['id']}"
    assert world.api("GET", one)["displayName"] == name
    changed = world.api("PATCH", one, {"@odata.type": sent["@odata.type"], "description": "two\nlines"})
    assert changed["version"] == 2 and changed["description"] == "two\nlines"
    for key, value in made.items():
        if key not in ("version", "description", "lastModifiedDateTime", "@odata.context") and "@odata.etag" not in key:
            assert changed[key] == value, key
    refused(lambda: world.api("PATCH", one, {"@odata.type": sent["@odata.type"], "noSuchThing": 1}), 400, "noSuchThing")
    refused(lambda: world.api("PATCH", one, {"description": "x"}), 400, "@odata.type")
    world.api("DELETE", one)


NUMBERS = {"renewalThresholdPercentage": (0, 100), "certificateValidityPeriodValue": (0, 25),
           "proxyManualPort": (-1, 65536), "disconnectOnIdleTimerInSeconds": (-1, 86401),
           "mtuSizeInBytes": (1279, 1401), "authenticationPeriodInSeconds": (0, 3601),
           "authenticationRetryDelayPeriodInSeconds": (0, 3601), "eapolStartPeriodInSeconds": (0, 3601),
           "maximumAuthenticationFailures": (0, 101), "maximumAuthenticationTimeoutInSeconds": (0, 121),
           "maximumEAPOLStartMessages": (0, 101), "maximumNumberOfPairwiseMasterKeysInCache": (0, 256),
           "maximumPairwiseMasterKeyCacheTimeInMinutes": (4, 1441), "maximumPreAuthenticationAttempts": (0, 17)}
LISTS = {"trustedServerCertificateNames", "onDemandRules", "customData", "customKeyValueData",
         "customSubjectAlternativeNames", "extendedKeyUsages", "silentCertificateAccessDetails", "scepServerUrls",
         "subjectAlternativeNameFormats", "serverApplicabilityRules"}
TRUTHS = {"allowAllAppsAccess"}


def wrong_values(name, many=False):
    """Values that this property must not have, whatever the type of the profile. many: a list of an enumeration."""
    yield {"a": 1}
    if many:
        yield from ("sha2", 2, ["noSuchMember"], [2], ["sha1,sha2"], [["sha2"]], ["sha2"] * 501, [])
        return
    if name in NUMBERS:
        yield from (*NUMBERS[name], 2 ** 40, -1, "5", 1.5, True)
    elif name in ENUMS:
        yield from ("noSuchMember", 2, ["user"], "\u202e")
    elif name in LISTS:
        yield from ("x", [5], [None], [[]], [{"noSuchThing": 1}] * 2, ["x"] * 501)
    elif name in TRUTHS:
        yield from (1, "true", [])
    elif name == "trustedRootCertificate":
        yield from (5, "***", "AAAA", "", "A" * 200000)
    else:
        yield from (5, [], "x" * 5000, "a\u202eb", "a\u0007", "\ufeffa", "a\nb")


@pytest.mark.parametrize("name", TYPES)
def test_each_property_refuses_what_it_must_not_be_and_nothing_is_kept(world, types, certificates, name):
    good = dict(example(name, world.root_pem), **references(world, types, certificates, name))
    # One caller may not send so much at once; each type is another one.
    token = world.fetch_token(world.add_app(name))["access_token"]

    def post(body):
        return world.api("POST", path_of(world, name), dict(good, displayName="must not be", **body), token)

    for prop in [*TYPES[name], *(["serverApplicabilityRules"] if is_x(name) else [])]:
        if name in KEYS and prop == "preSharedKeyIsSet":
            continue  # read only
        for value in wrong_values(prop, is_x(name) and prop == "hashAlgorithm"):
            with pytest.raises(ApiError) as caught:
                post({prop: value})
            assert caught.value.status == 400, (prop, value, caught.value)
            assert prop in caught.value.text, (prop, value, caught.value.text)
    refused(lambda: post({"noSuchThing": 1}), 400, "noSuchThing")
    near = USES if name in USES else KEYS if name in KEYS else CERTIFICATE_TYPES
    others = {p for t in near.values() for p in t} | (RULES if is_x(name) else {"serverApplicabilityRules"})
    for prop in sorted(others - set(TYPES[name]) - ({"serverApplicabilityRules"} if is_x(name) else set())):
        refused(lambda p=prop: post({p: 1}), 400, prop)
    kept = world.api("GET", path_of(world, name) + "?$filter=displayName eq 'must not be'")["value"]
    assert kept == []


def test_profiles_of_windows_10x_are_under_their_own_path_and_reach_what_exists(world, tmp_path):
    access, configurations = path_of(world, "windows10X"), world.CONFIGURATIONS
    root_body, scep_body = (example(f"windows10X{n}", world.root_pem)
                            for n in ("TrustedRootCertificate", "SCEPCertificateProfile"))
    for body in (root_body, scep_body):
        refused(lambda b=body: world.api("POST", configurations, b), 400, "resourceAccessProfiles")
    refused(lambda: world.api("POST", access, example("windows81TrustedRootCertificate", world.root_pem)), 400,
            "deviceConfigurations")
    before = world.api("GET", configurations)["value"]
    root = world.api("POST", access, root_body)
    scep = world.api("POST", access, dict(scep_body, rootCertificateId=root["id"]))
    other = world.api("POST", configurations, example("windows81TrustedRootCertificate", world.root_pem))
    assert scep["rootCertificateId"] == root["id"] and "createdDateTime" not in scep and scep["creationDateTime"]
    # Each list has its own; all of them are in ours.
    assert {p["id"] for p in world.api("GET", access)["value"]} == {root["id"], scep["id"]}
    assert len(world.api("GET", configurations)["value"]) == len(before) + 1
    everything = {p["id"] for p in world.api("GET", "/chancery/v1/profiles")["value"]}
    assert {root["id"], scep["id"], other["id"]} <= everything
    for method, tail, body in (("GET", "", None), ("DELETE", "", None), ("GET", "/assignments", None),
                               ("PATCH", "", {"@odata.type": other["@odata.type"], "description": "x"}),
                               ("POST", "/assign", {"assignments": []})):
        refused(lambda m=method, t=tail, b=body: world.api(m, f"{access}/{other['id']}{t}", b), 404)
    # The root: by identifier, taken away by null, kept where it is not named, of the right kind.
    one = f"{access}/{scep['id']}"
    change = {"@odata.type": scep["@odata.type"]}
    assert world.api("PATCH", one, dict(change, description="x"))["rootCertificateId"] == root["id"]
    assert world.api("PATCH", one, dict(change, rootCertificateId=None))["rootCertificateId"] is None
    for bad in ("", "x", 7, scep["id"], "00000000-0000-0000-0000-00000000000f"):
        refused(lambda b=bad: world.api("PATCH", one, dict(change, rootCertificateId=b)), 400, "root")
    assert world.api("PATCH", one, dict(change, rootCertificateId=root["id"]))["rootCertificateId"] == root["id"]
    refused(lambda: world.api("DELETE", f"{access}/{root['id']}"), 409, "windows10XSCEPCertificateProfile")
    # Rules between settings have the names of this type.
    refused(lambda: world.api("PATCH", one, dict(change, subjectAlternativeNameFormats=[
        {"sanType": "none", "name": "x"}])), 400, "subjectAlternativeNameFormats")
    rule = {"filterType": "include", "minOSVersion": "10.0.2"}
    for bad in (dict(rule, filterType="unknown"), dict(rule, maxOSVersion="10.0.1"), {"filterType": "include"},
                dict(rule, minOSVersion="x"), dict(rule, osEditions=[4]),
                dict(rule, **{"@odata.type": "#microsoft.graph.osEditionApplicabilityRule"})):
        refused(lambda b=bad: world.api("PATCH", one, dict(change, serverApplicabilityRules=[b])), 400,
                "serverApplicabilityRules")
    # Targets, all at once and one at a time.
    group = world.add_group("Ten X")["id"]
    target = {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group}
    refused(lambda: world.api("POST", one + "/assign", {"assignments": [{"intent": "remove", "target": target}]}),
            400, "intent")
    got = world.api("POST", one + "/assign", {"assignments": [{
        "@odata.type": "#microsoft.graph.deviceManagementResourceAccessProfileAssignment",
        "intent": "apply", "target": target}]})
    assert "deviceManagementResourceAccessProfileAssignment" in got["@odata.context"]
    key = got["value"][0]["id"]
    assert world.api("GET", f"{one}/assignments/{key}")["target"]["groupId"] == group
    world.api("DELETE", f"{one}/assignments/{key}")
    assert world.api("GET", one + "/assignments")["value"] == []
    asked = world.api("POST", access + "/queryByPlatformType", {"platformType": "windows10XProfile"})["value"]
    assert {p["id"] for p in asked} == {root["id"], scep["id"]}
    assert world.api("POST", access + "/queryByPlatformType", {"platformType": "iOS"})["value"] == []
    refused(lambda: world.api("POST", access + "/queryByPlatformType", {"platformType": "toaster"}), 400, "toaster")
    # The command line has them all, and its files make them anew, root and rules with them.
    env = {"CHANCERY_URL": world.url, "CHANCERY_CLIENT_ID": world.app["client_id"],
           "CHANCERY_CLIENT_SECRET": world.app["client_secret"], "CHANCERY_CA": world.root_file}
    shown = world.cli("profile", "list", "--json", env=env).stdout
    assert root["id"] in shown and other["id"] in shown
    world.api("PATCH", one, dict(change, serverApplicabilityRules=[rule]))
    world.cli("export", str(tmp_path), env=env)
    assert "nothing to do" in world.cli("apply", "-f", str(tmp_path), "--dry-run", env=env).stdout
    text = (tmp_path / "profiles.json").read_text(encoding="utf-8")
    assert scep["id"] not in text and root["id"] not in text
    world.api("DELETE", one)
    world.cli("apply", "-f", str(tmp_path), "--yes", env=env)
    again = [p for p in world.api("GET", access)["value"] if p["displayName"] == scep["displayName"]]
    assert len(again) == 1 and again[0]["rootCertificateId"] == root["id"]
    assert again[0]["serverApplicabilityRules"][0]["minOSVersion"] == "10.0.2"
    one = f"{access}/{again[0]['id']}"
    for path in (one, f"{access}/{root['id']}", f"{configurations}/{other['id']}"):
        world.api("DELETE", path)


def test_a_setting_of_another_platform_is_refused_by_name(world):
    body = example("iosPkcsCertificateProfile", world.root_pem)
    refused(lambda: world.api("POST", world.CONFIGURATIONS, dict(body, allowAllAppsAccess=True)), 400,
            "allowAllAppsAccess", "iosPkcsCertificateProfile")
    refused(lambda: world.api("POST", world.CONFIGURATIONS, dict(body, keyStorageProvider="useSoftwareKsp")), 400,
            "keyStorageProvider")


def test_a_root_of_another_platform_is_refused(world):
    root = world.api("POST", world.CONFIGURATIONS, example("iosTrustedRootCertificate", world.root_pem))
    bind = f"https://graph.example.test/beta/deviceManagement/deviceConfigurations('{root['id']}')"
    scep = example("windows81SCEPCertificateProfile", world.root_pem)
    refused(lambda: world.api("POST", world.CONFIGURATIONS, dict(scep, **{"rootCertificate@odata.bind": bind})), 400,
            "rootCertificate", "platform")
    scep = example("iosScepCertificateProfile", world.root_pem)
    made = world.api("POST", world.CONFIGURATIONS, dict(scep, **{"rootCertificate@odata.bind": bind}))
    assert "rootCertificate@odata.bind" not in made
    cast = f"{world.CONFIGURATIONS}/{made['id']}/microsoft.graph.iosScepCertificateProfile/rootCertificate"
    assert world.api("GET", cast)["id"] == root["id"]
    in_use = f"{world.CONFIGURATIONS}/{root['id']}"
    refused(lambda: world.api("DELETE", in_use), 409, "iosScepCertificateProfile")
    world.api("DELETE", cast + "/$ref")
    refused(lambda: world.api("GET", cast), 404)
    refused(lambda: world.api("DELETE", cast + "/$ref"), 404)
    world.api("PUT", cast + "/$ref", {"@odata.id": bind})
    assert world.api("GET", cast)["id"] == root["id"]
    pkcs = example("iosPkcsCertificateProfile", world.root_pem)
    refused(lambda: world.api("POST", world.CONFIGURATIONS, dict(pkcs, **{"rootCertificate@odata.bind": bind})), 400,
            "rootCertificate")


def test_an_abstract_type_is_refused_as_scripts_expect(world):
    refused(lambda: world.api("POST", world.CONFIGURATIONS, {
        "@odata.type": "#microsoft.graph.windows81CertificateProfileBase", "displayName": "x"}), 400,
        "Cannot create an abstract class", "ModelValidationFailure")


def test_the_variables_of_the_list_exist(world):
    ours = {v["name"].lower(): v for v in world.api("GET", "/chancery/v1/variables")["value"]}
    for name in USER_VARIABLES:
        assert ours[name.lower()]["forUsers"], name
    for name in DEVICE_VARIABLES:
        assert ours[name.lower()]["forDevices"], name
    assert ours["fullyqualifieddomainname"]["platforms"] == ["windows", "linux"]
    assert "macos" not in ours["imei"]["platforms"]


# Previews

@pytest.fixture(scope="module")
def given(world):
    class Given:
        pass
    g = Given()
    g.user = world.add_user("pia@contoso.example", "pia@contoso.example")
    g.group = world.add_group("Preview", g.user)
    g.root = world.add_root()
    g.pkcs = world.add_pkcs(g.root, name="Preview", subject="CN={{UserName}}+E={{EmailAddress}},O=Finance\\, Group")
    world.assign(g.root, g.group)
    g.agent = world.device("preview", g.user)
    g.device = g.agent.id
    return g


def preview(world, **ask):
    return world.api("POST", "/chancery/v1/preview", ask)


def cli(world, *args):
    return world.cli(*args).stdout


def results(answer):
    return {c["check"]: c["result"] for c in answer["checks"]}


def test_a_preview_shows_names_and_checks_and_issues_nothing(world, given):
    before = world.certificates()
    world.cli("connector", "check", "--socket", world.socket_of("connector"))
    p = preview(world, profileId=given.pkcs["id"], deviceId=given.device)
    assert p["wouldIssue"] is True
    assert results(p) == {"platform": "ok", "names": "ok", "root": "ok", "authority": "ok", "template": "ok",
                          "lint": "ok"}
    other = preview(world, profileId=given.pkcs["id"], deviceId=given.device,
                    profile={"certificateTemplateName": "NoSuchTemplate"})
    assert results(other)["template"] == "warning" and "ChanceryUser" in str(other["checks"])
    assert p["certificate"]["subject"] == 'E=pia@contoso.example + CN=pia, O="Finance, Group"' or \
        p["certificate"]["subject"] == 'CN=pia + E=pia@contoso.example, O="Finance, Group"'
    assert p["userPrincipalName"] == "pia@contoso.example"
    assert world.certificates() == before


def test_a_preview_of_a_draft_says_what_is_missing(world, given):
    draft = {"@odata.type": "#microsoft.graph.windows10PkcsCertificateProfile", "displayName": "Draft",
             "certificationAuthority": "ca", "certificationAuthorityName": "No such CA",
             "certificateTemplateName": "T", "subjectNameFormat": "custom",
             "subjectNameFormatString": "CN={{OnPremisesSamAccountName}}"}
    p = preview(world, profile=draft, deviceId=given.device)
    assert p["wouldIssue"] is False and p["certificate"] is None
    faults = {c["check"]: c["fault"] for c in p["checks"]}
    assert faults == {"platform": "profile-platform", "names": "variable-empty"}
    named = [c for c in p["checks"] if c["check"] == "names"][0]
    assert "pia@contoso.example" in named["detail"] and "onPremisesSamAccountName" in named["detail"] and named["hint"]
    draft["subjectNameFormatString"] = "CN={{UserName}}"
    p = preview(world, profile=draft, userId=given.user["id"])
    assert {c["check"]: c["fault"] for c in p["checks"]}["authority"] == "ca-not-reached"
    assert results(p)["platform"] == "ok" and p["deviceName"] is None


def test_a_preview_of_a_change_changes_nothing(world, given):
    p = preview(world, profileId=given.pkcs["id"], deviceId=given.device,
                profile={"subjectNameFormatString": "CN=changed {{DeviceName}}"})
    assert p["certificate"]["subject"].startswith("CN=changed ")
    now = world.api("GET", f"{world.CONFIGURATIONS}/{given.pkcs['id']}")
    assert now["version"] == 1 and "changed" not in now["subjectNameFormatString"]


@pytest.mark.parametrize("ask,words", [
    ({}, "profileId"), ({"profile": 5, "userId": "x"}, "userId"), ({"what": 1}, "what"),
    ({"profileId": "00000000-0000-0000-0000-000000000001"}, "deviceId"),
    ({"profile": {"@odata.type": "nonsense"}, "userId": "00000000-0000-0000-0000-000000000001"}, "nonsense"),
    ({"profile": [], "userId": "00000000-0000-0000-0000-000000000001"}, "profile"),
])
def test_a_preview_that_was_asked_for_wrongly_says_how(world, ask, words):
    refused(lambda: preview(world, **ask), 400, words)


def test_a_preview_needs_the_right_to_read_people(world, given):
    token = world.fetch_token(world.add_app("limited", ["DeviceManagementConfiguration.Read.All"]))["access_token"]
    refused(lambda: world.api("POST", "/chancery/v1/preview", {"profileId": given.pkcs["id"], "deviceId": given.device},
                              token), 403, "User.Read.All")


def test_the_command_line_previews(world, given, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(world.app["client_secret"])
    secret.chmod(0o600)
    cli(world, "login", "--url", world.url, "--tenant", world.tenant, "--client-id", world.app["client_id"],
        "--secret-file", str(secret), "--ca", world.root_file)
    text = cli(world, "profile", "preview", "Preview", "--device", "preview")
    assert "nothing here stands in the way" in text and "Finance, Group" in text
    text = cli(world, "profile", "preview", "Preview", "--device", "preview", "--set",
                          "subjectNameFormatString=CN={{OnPremisesSamAccountName}}")
    assert "variable-empty" in text and "would not be issued" in text
    answer = json.loads(cli(world, "profile", "preview", "--type", "windows10PkcsCertificateProfile", "--set",
                                       "certificationAuthority=ca", "--set", "certificationAuthorityName=X", "--set",
                                       "certificateTemplateName=T", "--user", "pia@contoso.example", "--json"))
    assert answer["certificate"]["subject"] == "CN=pia"
    assert "windows81SCEPCertificateProfile" in cli(world, "profile", "types")
    assert "scepServerUrls" in cli(world, "profile", "types", "iosScepCertificateProfile")


def test_the_preview_of_a_scep_profile_shows_its_addresses(world, given):
    scep = dict(example("iosScepCertificateProfile", world.root_pem), **{
        "@odata.type": "#chancery.linuxScepCertificateProfile", "displayName": "SCEP", "hashAlgorithm": "sha2",
        "rootCertificate@odata.bind": f"/deviceConfigurations('{given.root['id']}')"})
    made = world.api("POST", world.CONFIGURATIONS, scep)
    assert preview(world, profileId=made["id"], deviceId=given.device)["certificate"]["scepServerUrls"] == \
        scep["scepServerUrls"]
    world.api("DELETE", f"{world.CONFIGURATIONS}/{made['id']}")


def test_a_uri_of_the_security_identifier_is_in_the_certificate(world, given):
    user = world.api("PATCH", f"/beta/users/{given.user['id']}",
                     {"onPremisesSecurityIdentifier": "S-1-5-21-1004336348-1177238915-682003330-1104"})
    assert user is None or user
    pkcs = world.add_pkcs(given.root, name="SID", subject="CN={{UserName}}", customSubjectAlternativeNames=[
        {"sanType": "universalResourceIdentifier", "name": "{{OnPremisesSecurityIdentifier}}"}],
        **{"@chancery.sidExtension": "disabled"})
    world.assign(pkcs, given.group)
    world.wait_slot(given.agent, pkcs, seconds=90)
    cert = given.agent.leaf(pkcs["id"])
    san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.UniformResourceIdentifier) == [
        "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1004336348-1177238915-682003330-1104"]
    assert "1.3.6.1.4.1.311.25.2" not in [e.oid.dotted_string for e in cert.extensions]


# The reference page

PAGE = os.path.join(ROOT, "doc", "profiles.md")
MARK = "<!-- Made from the field tables: tools/profile-reference writes it. -->"


def test_the_reference_page_is_what_the_field_tables_say(types):
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    made = subprocess.run([os.path.join(ROOT, "tools", "profile-reference")], check=True, text=True,
                          input=json.dumps({"value": list(types.values())}), capture_output=True).stdout
    if os.environ.get("CHANCERY_WRITE"):
        page = page[:page.index(MARK)] + made
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(page)
    assert page[page.index(MARK):].strip() == made.strip(), \
        "write it anew: CHANCERY_WRITE=1 python3 -m pytest tests/flow/test_profiles.py -k reference_page"
    with open(os.path.join(ROOT, "tests", "unit", "model", "test_profile_types.c"), encoding="utf-8") as f:
        tests = f.read()
    for name in re.findall(r"`(\w+_\w+_\w+)`", page[page.index("## Tests"):page.index(MARK)]):
        assert f"\n{name}(" in tests, name
