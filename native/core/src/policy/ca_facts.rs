//! What is to be known of a CA, and of a list, to say whether it serves.

use crate::certificate::ClientCertificate;
use crate::certificate::extensions::name;
use crate::config::lint::Whose;
use crate::config::lint::authorities::Authority;
use crate::config::lint::lists::{List, Signer};
use crate::der::oid;
use crate::verify::Crl;
use crate::verify::algorithm_name::key_refusal;

/// What the certificate with this number in its file is.
pub(super) fn of_ca(
    position: usize,
    is_repeated: bool,
    ca: &ClientCertificate<'_>,
    whose: Whose,
) -> Authority {
    let purpose = match whose {
        Whose::Clients => oid::CLIENT_AUTH,
        Whose::Services => oid::SERVER_AUTH,
    };
    let extensions = &ca.extensions;
    Authority {
        position,
        subject: ca.subject().to_text(),
        not_before: ca.validity.not_before,
        not_after: ca.validity.not_after,
        is_repeated,
        is_ca: ca.may_issue(),
        has_key_cert_sign: extensions
            .key_usage
            .is_none_or(|usage| usage.key_cert_sign()),
        has_purpose: extensions.allows(purpose) || extensions.allows(oid::ANY_EXT_KEY_USAGE),
        unknown_critical: extensions.unknown_critical.map(name),
        unusable_key: key_refusal(&ca.public_key),
    }
}

/// What a list is to the CAs of its listener, beside the other lists there.
pub(super) fn of_list(list: &Crl, others: &[&Crl], cas: &[ClientCertificate<'_>]) -> List {
    let issuer = cas.iter().find(|ca| list.is_of(ca));
    let signer = match (list.algorithm_refusal(), issuer) {
        (Some(why), _) => Signer::Unknown(why),
        (None, Some(_)) => Signer::Ca,
        (None, None) if cas.iter().any(|ca| list.has_name_of(ca)) => Signer::OtherKey,
        (None, None) => Signer::NoCa,
    };
    let replaces = |other: &&Crl| {
        other.next_update() > list.next_update()
            && other.has_scope_of(list)
            && issuer.is_some_and(|ca| other.is_of(ca))
    };
    List {
        issuer: list.issuer(),
        next_update: list.next_update(),
        signer,
        is_replaced: others.iter().copied().any(|other| replaces(&other)),
    }
}
