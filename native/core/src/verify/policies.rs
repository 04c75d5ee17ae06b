//! Certificate policies (RFC 5280 section 6.1), for a caller that takes any policy.
//!
//! They refuse where a certificate of the path demands an explicit policy and none is left, and where
//! anyPolicy is mapped.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fault, Reason};
use crate::certificate::ClientCertificate;
use crate::der::{Error, Reader, SEQUENCE, context, oid};

/// Checks a path, the leaf first, without its trust anchor.
///
/// # Errors
/// Where a policy is demanded and none is left, or an extension can't be read.
pub(super) fn check(path: &[&ClientCertificate<'_>]) -> Result<(), Fault> {
    let has_policies =
        |certificate: &&ClientCertificate<'_>| certificate.extensions.policies.are_there();
    if !path.iter().any(has_policies) {
        return Ok(());
    }
    let mut state = State::new(path.len());
    for (position, certificate) in path.iter().enumerate().rev() {
        let malformed = |error| {
            let message = format!("an extension about policies is malformed: there is {error}");
            Fault::of(certificate, Reason::BadCertificate, position, message)
        };
        let policies = Policies::read(certificate).map_err(malformed)?;
        let is_last = position == 0;
        let passes = state.take(certificate, &policies, is_last);
        if !passes {
            return Err(Fault::of(
                certificate,
                Reason::PolicyRequirementNotMet,
                position,
                "a CA of the path demands a certificate policy, and no policy holds for all of \
                 the path",
            ));
        }
    }
    Ok(())
}

/// The extensions about policies of one certificate.
#[derive(Debug, Default)]
struct Policies<'a> {
    /// None where the extension is not there.
    certificate_policies: Option<BTreeSet<&'a [u8]>>,
    mappings: Vec<Mapping<'a>>,
    require_explicit: Option<usize>,
    inhibit_mapping: Option<usize>,
    inhibit_any: Option<usize>,
}

impl<'a> Policies<'a> {
    fn read(certificate: &ClientCertificate<'a>) -> Result<Self, Error> {
        let raw = &certificate.extensions.policies;
        let mut read = Self::default();
        if let Some(value) = raw.certificate_policies {
            read.certificate_policies = Some(certificate_policies(value)?);
        }
        if let Some(value) = raw.policy_mappings {
            read.mappings = mappings(value)?;
        }
        if let Some(value) = raw.policy_constraints {
            let mut fields = Reader::whole(value, SEQUENCE)?;
            let mut count = |number| {
                let field = fields.optional(context(number))?;
                field.map(|field| certificates(field.value)).transpose()
            };
            (read.require_explicit, read.inhibit_mapping) = (count(0)?, count(1)?);
            fields.end()?;
        }
        if let Some(value) = raw.inhibit_any_policy {
            let mut reader = Reader::new(value);
            read.inhibit_any = Some(certificates(reader.integer()?)?);
            reader.end()?;
        }
        Ok(read)
    }
}

/// The state variables of RFC 5280 section 6.1.2 that are about policies.
#[derive(Debug)]
struct State<'a> {
    /// The policies that hold so far, each with those by which the next certificate may have it.
    /// Empty is the tree that is NULL.
    valid: BTreeMap<&'a [u8], BTreeSet<&'a [u8]>>,
    explicit_policy: usize,
    inhibit_any: usize,
    policy_mapping: usize,
}

impl<'a> State<'a> {
    fn new(length: usize) -> Self {
        Self {
            valid: BTreeMap::from([(oid::ANY_POLICY, BTreeSet::from([oid::ANY_POLICY]))]),
            explicit_policy: length + 1,
            inhibit_any: length + 1,
            policy_mapping: length + 1,
        }
    }

    /// Takes the next certificate, from the trust anchor on; false where the path fails with it.
    fn take(
        &mut self,
        certificate: &ClientCertificate<'_>,
        policies: &Policies<'a>,
        is_last: bool,
    ) -> bool {
        let is_self_issued = certificate.is_self_issued();
        let any_counts = self.inhibit_any > 0 || (!is_last && is_self_issued);
        self.hold(policies.certificate_policies.as_ref(), any_counts);
        if self.explicit_policy == 0 && self.valid.is_empty() {
            return false;
        }
        if is_last {
            return self.wrap_up(policies);
        }
        if !self.map(&policies.mappings) {
            return false;
        }
        if !is_self_issued {
            for counter in [
                &mut self.explicit_policy,
                &mut self.policy_mapping,
                &mut self.inhibit_any,
            ] {
                *counter = counter.saturating_sub(1);
            }
        }
        let lower = |counter: &mut usize, value: Option<usize>| {
            *counter = value.map_or(*counter, |value| value.min(*counter));
        };
        lower(&mut self.explicit_policy, policies.require_explicit);
        lower(&mut self.policy_mapping, policies.inhibit_mapping);
        lower(&mut self.inhibit_any, policies.inhibit_any);
        true
    }

    /// Section 6.1.3 (d) and (e).
    fn hold(&mut self, policies: Option<&BTreeSet<&'a [u8]>>, any_counts: bool) {
        let before = core::mem::take(&mut self.valid);
        let Some(policies) = policies else {
            return;
        };
        let had_any = before.contains_key(oid::ANY_POLICY);
        let expected: BTreeSet<&[u8]> = before.into_values().flatten().collect();
        let named = policies
            .iter()
            .copied()
            .filter(|policy| *policy != oid::ANY_POLICY)
            .filter(|policy| expected.contains(policy) || had_any);
        self.valid = named
            .map(|policy| (policy, BTreeSet::from([policy])))
            .collect();
        if any_counts && policies.contains(oid::ANY_POLICY) {
            for policy in expected {
                let itself = BTreeSet::from([policy]);
                self.valid.entry(policy).or_insert(itself);
            }
        }
    }

    /// Section 6.1.4 (a) and (b); false where anyPolicy is mapped.
    fn map(&mut self, mappings: &[Mapping<'a>]) -> bool {
        let mut mapped: BTreeMap<&[u8], BTreeSet<&[u8]>> = BTreeMap::new();
        for &(from, to) in mappings {
            if from == oid::ANY_POLICY || to == oid::ANY_POLICY {
                return false;
            }
            mapped.entry(from).or_default().insert(to);
        }
        let has_any = self.valid.contains_key(oid::ANY_POLICY);
        for (from, to) in mapped {
            if self.policy_mapping == 0 {
                self.valid.remove(from);
            } else if has_any || self.valid.contains_key(from) {
                self.valid.insert(from, to);
            }
        }
        true
    }

    /// Section 6.1.5: any policy of the caller will do.
    fn wrap_up(&mut self, policies: &Policies<'_>) -> bool {
        let left = self.explicit_policy.saturating_sub(1);
        let is_demanded = left == 0 || policies.require_explicit == Some(0);
        !is_demanded || !self.valid.is_empty()
    }
}

fn certificate_policies(value: &[u8]) -> Result<BTreeSet<&[u8]>, Error> {
    let mut all = Reader::whole(value, SEQUENCE)?;
    let mut policies = BTreeSet::new();
    while !all.is_empty() {
        // What follows is about qualifiers, which are for people.
        policies.insert(all.nested(SEQUENCE)?.oid()?);
        if policies.len() > MAX_POLICIES {
            return Err(TOO_MANY);
        }
    }
    Ok(policies)
}

/// A policy of the issuer's domain, and one of the subject's.
type Mapping<'a> = (&'a [u8], &'a [u8]);

fn mappings(value: &[u8]) -> Result<Vec<Mapping<'_>>, Error> {
    let mut all = Reader::whole(value, SEQUENCE)?;
    let mut mappings = Vec::new();
    while !all.is_empty() {
        let mut mapping = all.nested(SEQUENCE)?;
        mappings.push((mapping.oid()?, mapping.oid()?));
        mapping.end()?;
        if mappings.len() > MAX_POLICIES {
            return Err(TOO_MANY);
        }
    }
    Ok(mappings)
}

/// A number of certificates; what is above 255 is more than any path has.
fn certificates(integer: &[u8]) -> Result<usize, Error> {
    match integer {
        [] => Err(Error("an empty INTEGER")),
        [first, ..] if first & 0x80 != 0 => Err(Error("a negative INTEGER")),
        [only] => Ok(usize::from(*only)),
        _ => Ok(usize::from(u8::MAX)),
    }
}

/// The policies, or mappings, of one certificate.
const MAX_POLICIES: usize = 128;

const TOO_MANY: Error = Error("more policies than are read");

#[cfg(test)]
mod tests {
    use super::*;

    const A: &[u8] = &[0x2a, 1];
    const B: &[u8] = &[0x2a, 2];
    const ANY: &[u8] = oid::ANY_POLICY;

    fn state(valid: &[&'static [u8]]) -> State<'static> {
        let mut state = State::new(3);
        state.valid = valid
            .iter()
            .map(|policy| (*policy, BTreeSet::from([*policy])))
            .collect();
        state
    }

    fn held(state: &State<'_>) -> Vec<Vec<u8>> {
        state.valid.keys().map(|policy| policy.to_vec()).collect()
    }

    #[test]
    fn a_policy_holds_if_each_certificate_has_it() {
        for (before, has, any_counts, after) in [
            (&[ANY][..], Some(&[A, B][..]), true, &[A, B][..]),
            (&[A], Some(&[B]), true, &[]),
            (&[A], Some(&[ANY]), true, &[A]),
            (&[A], Some(&[ANY]), false, &[]),
            (&[A, B], Some(&[A, ANY]), false, &[A]),
            (&[A], None, true, &[]),
            (&[], Some(&[A, ANY]), true, &[]),
        ] {
            let mut state = state(before);
            let has = has.map(|has| has.iter().copied().collect::<BTreeSet<_>>());
            state.hold(has.as_ref(), any_counts);
            assert_eq!(held(&state), after, "{before:?} {has:?}");
        }
    }

    #[test]
    fn a_mapped_policy_is_expected_under_its_other_name() {
        let mut mapping = state(&[A]);
        assert!(mapping.map(&[(A, B)]));
        mapping.hold(Some(&BTreeSet::from([B])), true);
        assert_eq!(held(&mapping), [B]);

        let mut inhibited = state(&[A, B]);
        inhibited.policy_mapping = 0;
        assert!(inhibited.map(&[(A, B)]));
        assert_eq!(held(&inhibited), [B]);

        assert!(!state(&[ANY]).map(&[(ANY, A)]));
        assert!(!state(&[ANY]).map(&[(A, ANY)]));
    }
}
