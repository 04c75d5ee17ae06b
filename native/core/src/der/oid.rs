//! Object identifiers, compared as the bytes that they are encoded in.

use core::fmt::Write as _;

use super::Error;

/// 2.5.4.3.
pub(crate) const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// id-on-xmppAddr, 1.3.6.1.5.5.7.8.5 (RFC 6120 section 13.7.1.4).
pub(crate) const XMPP_ADDR: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x05];

/// anyExtendedKeyUsage, 2.5.29.37.0.
pub(crate) const ANY_EXT_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

/// id-kp-clientAuth, 1.3.6.1.5.5.7.3.2.
pub(crate) const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// id-kp-serverAuth, 1.3.6.1.5.5.7.3.1.
pub(crate) const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];

/// id-RSASSA-PSS, of keys and of signatures (RFC 4055 section 3.1).
pub(crate) const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];

/// The extensions of RFC 5280 section 4.2 and 5.2, and precertificates' own.
pub(crate) const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
pub(crate) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
pub(crate) const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
pub(crate) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
pub(crate) const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 0x14];
pub(crate) const REASON_CODE: &[u8] = &[0x55, 0x1d, 0x15];
pub(crate) const DELTA_CRL_INDICATOR: &[u8] = &[0x55, 0x1d, 0x1b];
pub(crate) const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 0x1c];
pub(crate) const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1d, 0x1d];
pub(crate) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x1e];
pub(crate) const CRL_DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 0x1f];
pub(crate) const CERTIFICATE_POLICIES: &[u8] = &[0x55, 0x1d, 0x20];
pub(crate) const POLICY_MAPPINGS: &[u8] = &[0x55, 0x1d, 0x21];
pub(crate) const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
pub(crate) const POLICY_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x24];
pub(crate) const EXT_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
pub(crate) const INHIBIT_ANY_POLICY: &[u8] = &[0x55, 0x1d, 0x36];

/// anyPolicy, 2.5.29.32.0.
pub(crate) const ANY_POLICY: &[u8] = &[0x55, 0x1d, 0x20, 0x00];

/// Checks the contents of an OBJECT IDENTIFIER: whole arcs without padding.
pub(crate) fn check(value: &[u8]) -> Result<(), Error> {
    // Most arcs are of one byte.
    if !value.is_empty() && value.iter().all(|byte| byte & 0x80 == 0) {
        return Ok(());
    }
    let mut begins = true;
    for &byte in value {
        if begins && byte == 0x80 {
            return Err(Error("a padded OBJECT IDENTIFIER"));
        }
        begins = byte & 0x80 == 0;
    }
    if begins && !value.is_empty() {
        Ok(())
    } else {
        Err(Error("an OBJECT IDENTIFIER that is cut short"))
    }
}

/// The identifier in dotted decimal. One with an arc above 2^64 is shown without its later arcs,
/// as nothing is known of it.
pub(crate) fn dotted(value: &[u8]) -> String {
    let mut text = String::new();
    let mut arc: u64 = 0;
    for &byte in value {
        if arc > u64::MAX >> 7 || text.len() > MAX_SHOWN {
            text.push_str("...");
            return text;
        }
        arc = arc << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = if text.is_empty() {
            let first = (arc / 40).min(2);
            write!(text, "{first}.{}", arc - 40 * first)
        } else {
            write!(text, ".{arc}")
        };
        arc = 0;
    }
    text
}

/// A key purpose as RFC 5280 section 4.2.1.12 names it, or its identifier.
pub(crate) fn purpose(value: &[u8]) -> String {
    let known = match value {
        [0x55, 0x1d, 0x25, 0x00] => "anyExtendedKeyUsage",
        SERVER_AUTH => "serverAuth",
        CLIENT_AUTH => "clientAuth",
        [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03] => "codeSigning",
        [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x04] => "emailProtection",
        [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08] => "timeStamping",
        [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09] => "OCSPSigning",
        _ => return dotted(value),
    };
    known.to_owned()
}

/// The characters of an identifier that are shown.
const MAX_SHOWN: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_and_cut_arcs_are_refused() {
        for good in [XMPP_ADDR, &[0x88, 0x37][..], &[0x2a, 0x81, 0x80, 0x00]] {
            assert_eq!(check(good), Ok(()), "{good:02x?}");
        }
        for bad in [&[][..], &[0x80, 0x01], &[0x2b, 0x80, 0x05], &[0x2b, 0x85]] {
            assert!(check(bad).is_err(), "{bad:02x?}");
        }
    }

    #[test]
    fn identifiers_in_decimal() {
        assert_eq!(dotted(XMPP_ADDR), "1.3.6.1.5.5.7.8.5");
        assert_eq!(dotted(ANY_POLICY), "2.5.29.32.0");
        assert_eq!(dotted(&[0x88, 0x37, 0x01]), "2.999.1");
        // The arc 4294967301, which is 5 in 32 bits.
        assert_eq!(
            dotted(&[0x2b, 0x90, 0x80, 0x80, 0x80, 0x05]),
            "1.3.4294967301"
        );
        let huge = [&[0x2b][..], &[0xff; 12], &[0x7f]].concat();
        assert_eq!(dotted(&huge), "1.3...");
        assert!(dotted(&[0x2b; 1000]).len() < 200);
    }
}
