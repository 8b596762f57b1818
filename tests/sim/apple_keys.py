# SPDX-License-Identifier: Apache-2.0
"""Which keys commands, profiles and payloads have, and of which types: a device does not look at a key that it does not
know, so whoever sends one means something else than the device does.

Written from Apple's public schema (mdm/commands, mdm/profiles, iOS 18.1 and macOS 15.1). A kind is a type, a list
of one kind, a dictionary of kinds, or several of these in a tuple.
"""

from broken import Broken

TEXTS = [str]
FLAG = int  # the schema has these as numbers

COMMANDS = {
    "InstallProfile": {"Payload": bytes},
    "RemoveProfile": {"Identifier": str},
    "ProfileList": {"ManagedOnly": bool},
    "CertificateList": {"ManagedOnly": bool},
    "DeviceInformation": {"Queries": TEXTS, "DeviceAttestationNonce": bytes},
    "EraseDevice": {"PIN": str, "PreserveDataPlan": bool, "DisallowProximitySetup": bool, "ObliterationBehavior": str,
                    "ReturnToService": {"Enabled": bool, "WiFiProfileData": bytes, "MDMProfileData": bytes}},
    "DeviceLock": {"PIN": str, "Message": str, "PhoneNumber": str},
    "DeclarativeManagement": {"Data": bytes},
}

COMMON = {"PayloadIdentifier": str, "PayloadUUID": str, "PayloadType": str, "PayloadVersion": int,
          "PayloadDescription": str, "PayloadDisplayName": str, "PayloadOrganization": str}

TOP = {**COMMON, "IsEncrypted": bool, "PayloadContent": list, "EncryptedPayloadContent": bytes,
       "HasRemovalPasscode": bool, "PayloadRemovalDisallowed": bool, "PayloadScope": str, "TargetDeviceType": int,
       "DurationUntilRemoval": (int, float)}

CERTIFICATE = {"PayloadCertificateFileName": str, "PayloadContent": bytes}

SCEP = {"URL": str, "Name": str, "Subject": [[TEXTS]], "Challenge": str, "Keysize": int, "Key Type": str,
        "Key Usage": int, "CAFingerprint": bytes, "Retries": int, "RetryDelay": int, "KeyIsExtractable": bool,
        "AllowAllAppsAccess": bool, "SubjectAltName": {
            "rfc822Name": (str, TEXTS), "dNSName": (str, TEXTS), "uniformResourceIdentifier": (str, TEXTS),
            "ntPrincipalName": str}}

EAP = {"AcceptEAPTypes": [int], "UserName": str, "UserPassword": str, "PayloadCertificateAnchorUUID": TEXTS,
       "TLSTrustedServerNames": TEXTS, "TLSAllowTrustExceptions": bool, "TLSCertificateIsRequired": bool,
       "TTLSInnerAuthentication": str, "TLSMinimumVersion": str, "TLSMaximumVersion": str, "OuterIdentity": str,
       "EAPFASTUsePAC": bool, "EAPFASTProvisionPAC": bool, "EAPFASTProvisionPACAnonymously": bool,
       "EAPSIMNumberOfRANDs": int, "SystemModeCredentialsSource": str,
       "SystemModeUseOpenDirectoryCredentials": bool, "OneTimeUserPassword": bool}

WIFI = {"AutoJoin": bool, "SSID_STR": str, "HIDDEN_NETWORK": bool, "ProxyType": str, "EncryptionType": str,
        "Password": str, "PayloadCertificateUUID": str, "EAPClientConfiguration": EAP, "SetupModes": TEXTS,
        "EnableIPv6": bool, "TLSCertificateRequired": bool, "ProxyServer": str, "ProxyServerPort": int,
        "ProxyUsername": str, "ProxyPassword": str, "ProxyPACURL": str, "ProxyPACFallbackAllowed": bool,
        "DisableAssociationMACRandomization": bool, "CaptiveBypass": bool, "DomainName": str}

DEMAND = {"Action": str, "DNSDomainMatch": TEXTS, "DNSServerAddressMatch": TEXTS, "InterfaceTypeMatch": str,
          "SSIDMatch": TEXTS, "URLStringProbe": str, "ActionParameters": [{
              "Domains": TEXTS, "DomainAction": str, "RequiredDNSServers": TEXTS, "RequiredURLStringProbe": str}]}

TUNNEL = {"RemoteAddress": str, "AuthenticationMethod": str, "PayloadCertificateUUID": str, "DisconnectOnIdle": FLAG,
          "DisconnectOnIdleTimer": int, "OnDemandEnabled": FLAG, "OnDemandRules": [DEMAND]}

SECURITY = {"EncryptionAlgorithm": str, "IntegrityAlgorithm": str, "DiffieHellmanGroup": int, "LifeTimeInMinutes": int}

VPN = {"VPNType": str, "VPNSubType": str, "UserDefinedName": str, "VendorConfig": dict,
       "VPN": {**TUNNEL, "ProviderType": str, "ProviderBundleIdentifier": str, "OnDemandUserOverrideDisabled": FLAG,
               "EnforceRoutes": FLAG, "IncludeAllNetworks": FLAG, "ExcludeLocalNetworks": FLAG},
       "IPSec": {**TUNNEL, "LocalIdentifier": str, "LocalIdentifierType": str, "SharedSecret": bytes,
                 "XAuthName": str, "XAuthEnabled": FLAG, "PromptForVPNPIN": bool},
       "IKEv2": {**TUNNEL, "LocalIdentifier": str, "RemoteIdentifier": str, "CertificateType": str,
                 "SharedSecret": str, "ExtendedAuthEnabled": FLAG, "AuthName": str, "AuthPassword": str,
                 "DeadPeerDetectionRate": str, "ServerCertificateIssuerCommonName": str,
                 "ServerCertificateCommonName": str, "TLSMinimumVersion": str, "TLSMaximumVersion": str,
                 "UseConfigurationAttributeInternalIPSubnet": FLAG, "DisableMOBIKE": FLAG, "DisableRedirect": FLAG,
                 "NATKeepAliveOffloadEnable": FLAG, "NATKeepAliveInterval": int, "EnablePFS": FLAG,
                 "EnableCertificateRevocationCheck": FLAG, "EnableFallback": FLAG, "MTU": int, "ProviderType": str,
                 "IKESecurityAssociationParameters": SECURITY, "ChildSecurityAssociationParameters": SECURITY},
       "Proxies": {"ProxyAutoConfigEnable": FLAG, "ProxyAutoDiscoveryEnable": FLAG, "ProxyAutoConfigURLString": str,
                   "SupplementalMatchDomains": TEXTS, "HTTPEnable": FLAG, "HTTPProxy": str, "HTTPPort": int,
                   "HTTPSEnable": FLAG, "HTTPSProxy": str, "HTTPSPort": int}}

EAS = {"EmailAddress": str, "Host": str, "SSL": bool, "OAuth": bool, "UserName": str, "Password": str,
       "PreventMove": bool, "PreventAppSheet": bool, "PayloadCertificateUUID": str, "SMIMESigningEnabled": bool,
       "SMIMESigningCertificateUUID": str, "SMIMEEncryptionEnabled": bool, "SMIMEEncryptionCertificateUUID": str,
       "disableMailRecentsSyncing": bool, "MailNumberOfPastDaysToSync": int, "allowMailDrop": bool,
       "SMIMESigningUserOverrideable": bool, "SMIMESigningCertificateUUIDUserOverrideable": bool,
       "SMIMEEncryptByDefault": bool, "SMIMEEncryptByDefaultUserOverrideable": bool,
       "SMIMEEncryptionCertificateUUIDUserOverrideable": bool, "SMIMEEnableEncryptionPerMessageSwitch": bool,
       **{"Enable" + s: bool for s in ("Mail", "Contacts", "Calendars", "Reminders", "Notes")},
       **{f"Enable{s}UserOverridable": bool for s in ("Mail", "Contacts", "Calendars", "Reminders", "Notes")},
       "OAuthSignInURL": str, "OAuthTokenRequestURL": str, "OverridePreviousPassword": bool, "VPNUUID": str}

MDM = {"IdentityCertificateUUID": str, "Topic": str, "ServerURL": str, "CheckInURL": str, "SignMessage": bool,
       "AccessRights": int, "UseDevelopmentAPNS": bool, "AssignedManagedAppleID": str, "EnrollmentMode": str,
       "ServerURLPinningCertificateUUIDs": TEXTS, "CheckInURLPinningCertificateUUIDs": TEXTS,
       "PinningRevocationCheckRequired": bool, "ServerCapabilities": TEXTS, "CheckOutWhenRemoved": bool,
       "RequiredAppIDForMDM": int, "PromptUserToAllowBootstrapTokenForAuthentication": bool}

PAYLOADS = {
    "com.apple.security.root": CERTIFICATE,
    "com.apple.security.pkcs1": CERTIFICATE,
    "com.apple.security.pem": CERTIFICATE,
    "com.apple.security.pkcs12": {**CERTIFICATE, "Password": str, "AllowAllAppsAccess": bool, "KeyIsExtractable": bool},
    "com.apple.security.scep": {"PayloadContent": SCEP},
    "com.apple.wifi.managed": WIFI,
    "com.apple.vpn.managed": VPN,
    "com.apple.eas.account": EAS,
    "com.apple.mdm": MDM,
}


def is_of(value, kind):
    """Whether the outer type is right; a truth value is no number."""
    plain = list if isinstance(kind, list) else dict if isinstance(kind, dict) else kind
    return isinstance(value, plain) and isinstance(value, bool) == (plain is bool)


def check_value(value, kind, where):
    fits = [k for k in (kind if isinstance(kind, tuple) else (kind,)) if is_of(value, k)]
    if not fits:
        raise Broken(f"{where} is {type(value).__name__} {value!r:.100}")
    if isinstance(fits[0], dict):
        check_keys(value, fits[0], where)
    for i, v in enumerate(value if isinstance(fits[0], list) else ()):
        check_value(v, fits[0][0], f"{where}[{i}]")


def check_keys(d, kinds, where):
    """Every key is one that the schema has, with a value of its type."""
    for key, value in d.items():
        if key not in kinds:
            raise Broken(f"{where} has no key {key!r}")
        check_value(value, kinds[key], f"{where}.{key}")


def check_command(command):
    """A command as it comes, with what is the same for all."""
    if set(command) != {"CommandUUID", "Command"}:
        raise Broken(f"command: {sorted(command)}")
    body = command["Command"]
    if body.get("RequestType") in COMMANDS:
        check_keys(body, {**COMMANDS[body["RequestType"]], "RequestType": str}, body["RequestType"])


def check_profile(top, payloads):
    check_keys(top, TOP, "profile")
    for p in payloads:
        if p["PayloadType"] in PAYLOADS:
            check_keys(p, {**COMMON, **PAYLOADS[p["PayloadType"]]}, p["PayloadType"])
