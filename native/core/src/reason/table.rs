use super::{Condition, Entry, Part, Rank};

use Condition::{
    IncorrectEncoding, InvalidAuthzid, InvalidMechanism, NotAuthorized, TemporaryAuthFailure,
};
use Rank::{Absent, Hindered, Other, Unusable};

/// Makes the enum of its table: in each part of a login, name and code, rank and condition, the
/// sentence (which is the variant's documentation too), the advice, and the page.
macro_rules! reasons {
    ($($part:ident { $(
        $name:ident = $code:literal: $rank:ident, $condition:ident,
        $sentence:literal,
        $advice:literal,
        $page:literal;
    )* })*) => {
        /// Why a login is refused.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Reason {
            $($(
                #[doc = $sentence]
                $name,
            )*)*
        }

        impl Reason {
            /// All of them, part by part.
            pub const ALL: &'static [Self] = &[$($(Self::$name,)*)*];

            pub(super) const fn entry(self) -> Entry {
                match self {
                    $($(Self::$name => Entry {
                        code: $code,
                        part: Part::$part,
                        rank: $rank,
                        condition: $condition,
                        sentence: $sentence,
                        advice: $advice,
                        page: $page,
                    },)*)*
                }
            }
        }
    };
}

reasons! {
    Request {
        BadRequest = "bad_request": Unusable, NotAuthorized,
            "The request can't be understood: the message says what is wrong with it.",
            "This is a fault of the server's plug-in: report it with the message.",
            "protocol.md#errors";
        Internal = "internal": Hindered, TemporaryAuthFailure,
            "certjid failed.",
            "This is a fault of certjid: report it with what its log says.",
            "protocol.md#errors";
        Unavailable = "unavailable": Hindered, TemporaryAuthFailure,
            "`mod_certjid` in ejabberd, or `certjid_verification` in MongooseIM, has no policy, or no NIF.",
            "Its log says why: correct that, and load the module again.",
            "ejabberd.md";
    }
    Headers {
        ForwardedNotTrusted = "forwarded_not_trusted": Hindered, NotAuthorized,
            "A certificate came in a proxy's header, and no header counts on this listener.",
            "If there is a proxy, name it with `--trust-forwarded`; otherwise the client wrote the header.",
            "proxy.md#what-the-server-sends";
        ForwardedDoubled = "forwarded_doubled": Unusable, NotAuthorized,
            "A header has two values where the proxy writes one.",
            "Have the proxy replace the header of the request, and write one certificate there.",
            "proxy.md#what-the-server-sends";
        ForwardedMalformed = "forwarded_malformed": Unusable, NotAuthorized,
            "A header is not in the form in which this proxy writes it: the message says how.",
            "Compare the proxy's settings with docs/proxy.md, and the name of the proxy in `--trust-forwarded`.",
            "proxy.md#what-the-server-sends";
        ForwardedUnexpected = "forwarded_unexpected": Unusable, NotAuthorized,
            "There is a header that this proxy does not write, or one without the other.",
            "Compare the proxy's settings with docs/proxy.md, and the name of the proxy in `--trust-forwarded`.",
            "proxy.md#what-the-server-sends";
    }
    Configuration {
        HostUnknown = "host_unknown": Hindered, NotAuthorized,
            "The host is not in the file.",
            "Add it to `general.hosts`; a dynamic domain needs its host type in the request.",
            "configuration.md";
        ListenerUnknown = "listener_unknown": Hindered, NotAuthorized,
            "The listener is not in the file.",
            "Compare what the server's plug-in sends with the section `listen`.",
            "protocol.md#requests";
        ExternalNotConfigured = "external_not_configured": Hindered, InvalidMechanism,
            "`auth.sasl_mechanisms` does not list `\"external\"`.",
            "Add it, if users of this host are to log in by certificate.",
            "verify-modes.md#when-external-is-offered";
        NoMethod = "no_method": Absent, InvalidMechanism,
            "No entry of `auth.methods` that the listener allows can serve EXTERNAL.",
            "List one of `\"pki\"`, `\"http\"` and `\"ldap\"`, in the listener's `allowed_auth_methods` too.",
            "verify-modes.md#when-external-is-offered";
        NoTls = "no_tls": Hindered, NotAuthorized,
            "The listener has no section `tls`, so that there is no certificate.",
            "Add the section, if users are to log in by certificate there.",
            "verify-modes.md#when-external-is-offered";
        VerifyModeNone = "verify_mode_none": Hindered, NotAuthorized,
            "The listener's `verify_mode` is `\"none\"`, so that no certificate is asked for.",
            "Set `verify_mode = \"peer\"` there.",
            "verify-modes.md";
    }
    Certificate {
        NoPeerCert = "no_peer_cert": Absent, NotAuthorized,
            "The client sent no certificate. With TLS 1.3 it believes that it is connected until it reads.",
            "Set the certificate in the client.",
            "verify-modes.md#when-external-is-offered";
        UnknownCa = "unknown_ca": Other, NotAuthorized,
            "No path leads to a trusted CA: the message names the issuer that is missing.",
            "Add the CA to `cacertfile`, or have the client send its intermediate too.",
            "";
        CertExpired = "cert_expired": Unusable, NotAuthorized,
            "A certificate is expired or not valid yet: the message says which, with the date.",
            "Issue another one. If the date is right, correct the clock.",
            "";
        SelfsignedPeer = "selfsigned_peer": Other, NotAuthorized,
            "The certificate is self-signed, and `verify_mode = \"peer\"` demands one of a CA.",
            "Issue the certificate by a CA. `selfsigned_peer` accepts self-signed ones, for development only.",
            "verify-modes.md";
        InvalidExtKeyUsage = "invalid_ext_key_usage": Unusable, NotAuthorized,
            "The certificate is not for client authentication.",
            "Issue one with clientAuth in extendedKeyUsage. Public CAs no longer do so: use a CA of your own.",
            "";
        InvalidKeyUsage = "invalid_key_usage": Unusable, NotAuthorized,
            "keyUsage forbids what the certificate is used for: the message names both.",
            "Issue it again: keyCertSign for a CA, digitalSignature for a client.",
            "";
        InvalidSignature = "invalid_signature": Unusable, NotAuthorized,
            "A signature is wrong, or made with SHA-1, MD5, an RSA key below 2048 bits or a rare curve: the message says which.",
            "Issue the certificate again, with an algorithm of today.",
            "compatibility.md#s4-weak-and-rare-signatures-are-refused";
        MissingBasicConstraint = "missing_basic_constraint": Unusable, NotAuthorized,
            "An issuer on the path is not a CA.",
            "Issue that certificate again with CA:TRUE in basicConstraints.",
            "";
        MaxPathLengthReached = "max_path_length_reached": Unusable, NotAuthorized,
            "The chain is longer than a CA's pathLenConstraint, or a limit of certjid, allows.",
            "Issue the CA that the message names again, or send fewer certificates.",
            "";
        PolicyRequirementNotMet = "policy_requirement_not_met": Unusable, NotAuthorized,
            "A CA of the path demands a certificate policy, and no policy holds for the whole path.",
            "Issue the certificate under a policy of its CA, or the CA without requireExplicitPolicy.",
            "";
        NameNotPermitted = "name_not_permitted": Unusable, NotAuthorized,
            "A name is outside of an issuer's nameConstraints.",
            "Issue the certificate with another name, or the CA with other constraints.",
            "";
        UnknownCriticalExtension = "unknown_critical_extension": Unusable, NotAuthorized,
            "A critical extension is not understood: the message names it.",
            "Issue the certificate without it, or with it as not critical.",
            "";
        BadCertificate = "bad_certificate": Unusable, NotAuthorized,
            "A certificate can't be read, or is over a limit of size or number: the message says which.",
            "Issue another one; `certjid inspect` reads it too.",
            "";
        Revoked = "revoked": Unusable, NotAuthorized,
            "A CRL in `crl_files` revokes the certificate.",
            "If the user is to log in, issue another one.",
            "verify-modes.md#revocation";
        RevocationStatusUndetermined = "revocation_status_undetermined": Hindered, NotAuthorized,
            "A CRL of the issuer is out of date, can't be used, or is missing.",
            "Fetch the issuer's present CRL into `crl_files`, and reload.",
            "verify-modes.md#revocation";
        NotVerified = "not_verified": Other, NotAuthorized,
            "The server's own TLS refused what certjid accepts.",
            "Compare its CA file with `cacertfile`.",
            "";
    }
    Identity {
        MalformedBase64 = "malformed_base64": Unusable, IncorrectEncoding,
            "The text of `<auth/>` is base64 that ends too early.",
            "This is a fault of the client. Other characters are skipped, and a text without any base64 counts as absent, as in MongooseIM.",
            "";
        NoVerificationKind = "no_verification_kind": Absent, NotAuthorized,
            "`sasl_external` is an empty list.",
            "List `\"certjid_verification\"` there.",
            "mongooseim.md";
        AuthzidEqualsOnlyXmppAddr = "authzid_equals_only_xmpp_addr": Hindered, InvalidAuthzid,
            "The authorization identity is the only xmppAddr, and `standard` takes none beside a single xmppAddr.",
            "Use `sasl_external = [\"certjid_verification\"]`, in MongooseIM too.",
            "mongooseim.md";
        AuthzidHasResource = "authzid_has_resource": Hindered, InvalidAuthzid,
            "The authorization identity is an xmppAddr with a resource behind it, and `standard` compares byte by byte.",
            "Use `sasl_external = [\"certjid_verification\"]`, in MongooseIM too.",
            "mongooseim.md";
        AuthzidRequired = "authzid_required": Other, InvalidAuthzid,
            "The certificate has several xmppAddrs, and the client does not say which it means.",
            "Have the client send an authorization identity: the JID of the account.",
            "";
        AuthzidMismatch = "authzid_mismatch": Other, InvalidAuthzid,
            "The client asks for a JID that is not in the certificate. `standard` and `common_name` compare byte by byte.",
            "Correct the account's JID in the client, or issue a certificate for it.",
            "";
        AuthzidNotListed = "authzid_not_listed": Other, NotAuthorized,
            "The client asks for a JID that is not among the xmppAddrs, which `standard` compares byte by byte.",
            "Correct the account's JID in the client, or issue a certificate for it.",
            "";
        AuthzidOtherHost = "authzid_other_host": Other, InvalidAuthzid,
            "The authorization identity is of another domain than the one that the client connected to.",
            "Correct the account's JID in the client.",
            "";
        OtherHost = "other_host": Other, NotAuthorized,
            "The certificate's JID is of another domain than the one that the client connected to.",
            "Have the client connect to the domain of its JID, or issue a certificate for this one.",
            "";
        MalformedAuthzid = "malformed_authzid": Unusable, InvalidAuthzid,
            "The authorization identity is not a JID: the message names the character.",
            "Correct the account's JID in the client.",
            "";
        MalformedXmppAddr = "malformed_xmpp_addr": Unusable, NotAuthorized,
            "An xmppAddr is not a JID, or not text: the message says why.",
            "Issue the certificate again; `certjid inspect` shows what it has.",
            "";
        NoXmppAddr = "no_xmpp_addr": Absent, NotAuthorized,
            "The certificate has no usable xmppAddr.",
            "Issue it with one, or let `sasl_external` read the common name; `certjid inspect` shows what it has.",
            "";
        NoCommonName = "no_common_name": Absent, InvalidAuthzid,
            "The certificate has no usable common name.",
            "Issue it with one; `certjid inspect` shows what it has.",
            "";
        NoIdentity = "no_identity": Absent, NotAuthorized,
            "The certificate has neither an xmppAddr nor a common name.",
            "Issue it with an xmppAddr; `certjid inspect` shows what it has.",
            "";
        NoAuthzid = "no_authzid": Absent, NotAuthorized,
            "`auth_id` needs an authorization identity, and the client sent none.",
            "Have the client send the JID of the account.",
            "";
        NoBareJid = "no_bare_jid": Other, NotAuthorized,
            "`cyrsasl_external_verification` needs a bare JID, from the client or the certificate.",
            "Use `sasl_external = [\"certjid_verification\"]`, if the certificate names the user otherwise.",
            "mongooseim.md";
        InvalidUsername = "invalid_username": Unusable, NotAuthorized,
            "The name is not a valid local part of a JID: the message names the character.",
            "Issue a certificate whose common name is a local part, or one with an xmppAddr.",
            "";
        ModuleRefused = "module_refused": Other, NotAuthorized,
            "The Erlang module in `sasl_external` refused the user, or crashed.",
            "The node's log says more.",
            "erlang.md";
        ModuleUnavailable = "module_unavailable": Hindered, NotAuthorized,
            "`sasl_external` names an Erlang module, and no Erlang runs here.",
            "Take one of certjid's own kinds, or decide by the NIF.",
            "erlang.md";
    }
    Methods {
        MethodRefused = "method_refused": Other, NotAuthorized,
            "The service behind `http` or `ldap` does not know the certificate or the user.",
            "Add the user, or the certificate, to the service.",
            "";
        MethodUnavailable = "method_unavailable": Hindered, TemporaryAuthFailure,
            "The service behind `http` or `ldap` did not answer as it should: the message says how.",
            "Look at the service, and at its pool in `certjid status`. The NIF asks no services: use the sidecar.",
            "operator.md#when-something-is-away";
    }
}
