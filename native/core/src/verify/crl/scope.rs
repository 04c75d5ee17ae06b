//! Which certificates a list is about (RFC 5280 section 5.2.5).

use super::CrlError;
use super::list::in_part;
use crate::certificate::ClientCertificate;
use crate::der::{self, Element, Reader, SEQUENCE, context, context_constructed};

/// What issuingDistributionPoint says; by default a list is about all certificates of its issuer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Scope {
    /// The names of the distribution point, each a whole element; None where there is no point.
    points: Option<Vec<Vec<u8>>>,
    only: Only,
    /// Whether certificates that are revoked for other reasons are left out.
    some_reasons: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Only {
    #[default]
    All,
    Attributes,
    Cas,
    Users,
}

impl Scope {
    /// Reads issuingDistributionPoint.
    pub(super) fn read(value: &[u8]) -> Result<Self, CrlError> {
        let malformed = || in_part("issuingDistributionPoint");
        let mut fields = Reader::whole(value, SEQUENCE).map_err(malformed())?;
        let mut scope = Self::default();
        if let Some(point) = fields
            .optional(context_constructed(0))
            .map_err(malformed())?
        {
            scope.points = Some(names(point).map_err(malformed())?);
        }
        let mut flag = |number| flag(&mut fields, number).map_err(malformed());
        let (users, cas) = (flag(1)?, flag(2)?);
        let some_reasons = fields.optional(context(3)).map_err(malformed())?;
        scope.some_reasons = some_reasons.is_some();
        let mut flag = |number| self::flag(&mut fields, number).map_err(malformed());
        let (indirect, attributes) = (flag(4)?, flag(5)?);
        fields.end().map_err(malformed())?;
        if indirect {
            return Err(CrlError::Indirect);
        }
        scope.only = match (users, cas, attributes) {
            (false, false, false) => Only::All,
            (true, false, false) => Only::Users,
            (false, true, false) => Only::Cas,
            (false, false, true) => Only::Attributes,
            _ => {
                let rule = der::Error("more than one of the kinds that exclude each other");
                return Err(malformed()(rule));
            }
        };
        Ok(scope)
    }

    /// Whether a certificate's status is known from a list with this scope: RFC 5280 section
    /// 6.3.3 (b)(2).
    pub(super) fn covers(&self, certificate: &ClientCertificate<'_>) -> bool {
        let is_of_kind = match self.only {
            Only::All => true,
            Only::Attributes => false,
            Only::Cas => certificate.extensions.is_ca(),
            Only::Users => !certificate.extensions.is_ca(),
        };
        let is_of_point = match &self.points {
            None => true,
            Some(points) => has_point(certificate, points),
        };
        is_of_kind && is_of_point && !self.some_reasons
    }
}

/// Whether a distribution point of the certificate has one of the names. One whose list another
/// issues, or that has some reasons alone, leaves the status open.
fn has_point(certificate: &ClientCertificate<'_>, names: &[Vec<u8>]) -> bool {
    let mut points = Reader::new(
        certificate
            .extensions
            .crl_distribution_points
            .unwrap_or(&[]),
    );
    core::iter::from_fn(|| points.nested(SEQUENCE).ok()).any(|mut fields| {
        let Ok(Some(name)) = fields.optional(context_constructed(0)) else {
            return false;
        };
        let is_whole = fields.is_empty();
        let known = self::names(name).unwrap_or_default();
        is_whole && known.iter().any(|known| names.contains(known))
    })
}

/// The names of a DistributionPointName inside of its explicit tag: each of the general names, or
/// the one relative to the issuer.
fn names(point: Element<'_>) -> Result<Vec<Vec<u8>>, der::Error> {
    let mut inner = point.inner();
    let choice = inner.any()?;
    inner.end()?;
    if choice.tag != context_constructed(0) {
        return Ok(vec![choice.raw.to_vec()]);
    }
    let mut general_names = choice.inner();
    let mut names = Vec::new();
    while !general_names.is_empty() {
        names.push(general_names.any()?.raw.to_vec());
    }
    Ok(names)
}

/// A boolean under a tag of its own, FALSE where it is left out.
fn flag(fields: &mut Reader<'_>, number: u8) -> Result<bool, der::Error> {
    match fields.optional(context(number))?.map(|flag| flag.value) {
        None | Some([0]) => Ok(false),
        Some([0xff]) => Ok(true),
        Some(_) => Err(der::Error("a BOOLEAN that is neither 0x00 nor 0xff")),
    }
}
