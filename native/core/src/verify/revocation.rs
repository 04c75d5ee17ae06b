use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{
    Error, ExpirationPolicy, KeyUsage, RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath,
};

use super::TrustStore;
use super::signature::Algorithm;

/// Asks every revocation list for a path that webpki found. webpki itself asks only the first
/// list of an issuer that it comes upon, and a later one may revoke the certificate; so the path
/// is judged once with each list that has one of its issuers' names.
pub(super) fn check(
    path: &VerifiedPath<'_>,
    algorithms: &[&dyn Algorithm],
    trust: &TrustStore,
    time: UnixTime,
) -> Result<(), Error> {
    let issuers: Vec<CertificateDer<'_>> = path
        .intermediate_certificates()
        .map(|issuer| issuer.der())
        .collect();
    let anchors = std::slice::from_ref(path.anchor());
    for list in trust.crls() {
        let by_anchor = list.issuer() == path.anchor().subject.as_ref();
        let by_issuer = || {
            path.intermediate_certificates()
                .any(|issuer| issuer.subject() == list.issuer())
        };
        if !by_anchor && !by_issuer() {
            continue;
        }
        let lists = [list];
        // An Err means that there are no lists.
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_status_policy(UnknownStatusPolicy::Allow)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        path.end_entity()
            .verify_for_usage(
                algorithms,
                anchors,
                &issuers,
                time,
                KeyUsage::client_auth(),
                revocation,
                None,
            )
            .map(drop)?;
    }
    Ok(())
}
