//! On the certificate revocation lists of a listener.

use super::Whose;
use super::authorities::DAY;
use crate::verify::date;

/// What is known of one list.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) issuer: String,
    /// Unix seconds.
    pub(crate) next_update: i64,
    pub(crate) signer: Signer,
    /// Whether another list of the same CA about the same certificates lasts longer.
    pub(crate) is_replaced: bool,
}

/// Who signed a list.
#[derive(Clone, Debug)]
pub(crate) enum Signer {
    /// A CA of the listener.
    Ca,
    /// None of the listener's CAs has the issuer's name.
    NoCa,
    /// A CA of the listener has the issuer's name, but not the key.
    OtherKey,
    /// It can't be known: why the signature's algorithm is not accepted.
    Unknown(String),
}

/// What is to be said of a list at `now` in Unix seconds, each as the end of a sentence that begins
/// with the name of its file.
pub(crate) fn of(list: &List, whose: Whose, now: i64) -> Vec<String> {
    let said =
        on_signer(list, refused(whose))
            .into_iter()
            .chain(on_dates(list, refused(whose), now));
    said.map(|what| format!("has a list of {:?}, {what}", list.issuer))
        .collect()
}

fn on_signer(list: &List, refused: &str) -> Option<String> {
    match &list.signer {
        Signer::Ca => None,
        Signer::NoCa => Some(
            "which is not among the CAs here: the list counts only where a chain brings that CA"
                .to_owned(),
        ),
        Signer::OtherKey => Some(format!(
            "which no CA of that name here has signed (is it by a former key?): without another \
             list of it, {refused}"
        )),
        Signer::Unknown(why) => Some(format!(
            "whose signature is by {why}: without another list of it, {refused}"
        )),
    }
}

fn on_dates(list: &List, refused: &str, now: i64) -> Option<String> {
    let date = || date(list.next_update);
    if list.is_replaced || matches!(list.signer, Signer::NoCa) {
        None
    } else if now > list.next_update {
        Some(format!(
            "which is out of date since {}: fetch a new one, for {refused} (but with --stale-crl \
             allow)",
            date()
        ))
    } else if list.next_update - now <= LIST_ENDS_SOON {
        Some(format!(
            "which is out of date after {}: without a new one, {refused} then",
            date()
        ))
    } else {
        None
    }
}

/// What happens to those whom a list is about that can't be used.
fn refused(whose: Whose) -> &'static str {
    match whose {
        Whose::Clients => "all users of that CA are refused",
        Whose::Services => "no service of that CA is asked",
    }
}

/// How long before its end a list is warned of, in seconds: 7 days.
pub(crate) const LIST_ENDS_SOON: i64 = 7 * DAY;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_796_083_200; // 2026-12-01

    fn said(next_update: i64, signer: Signer, is_replaced: bool) -> String {
        let issuer = "CN=Users CA".to_owned();
        let list = List {
            issuer,
            next_update,
            signer,
            is_replaced,
        };
        of(&list, Whose::Clients, NOW).join("; ")
    }

    #[test]
    fn a_list_is_warned_of_before_and_after_its_end() {
        assert_eq!(said(NOW + LIST_ENDS_SOON + 1, Signer::Ca, false), "");
        let soon = said(NOW + LIST_ENDS_SOON, Signer::Ca, false);
        assert!(
            soon.contains("\"CN=Users CA\", which is out of date after"),
            "{soon}"
        );
        assert!(soon.contains("08 Dec 2026"), "{soon}");
        assert!(said(NOW, Signer::Ca, false).contains("01 Dec 2026"));
        let past = said(NOW - 1, Signer::Ca, false);
        assert!(past.contains("since Mon, 30 Nov 2026"), "{past}");
        // What lasts longer counts.
        assert_eq!(said(NOW - 1, Signer::Ca, true), "");
    }

    #[test]
    fn a_list_that_no_ca_here_signed_is_warned_of() {
        let far = NOW + 100 * DAY;
        let no_ca = said(far, Signer::NoCa, false);
        assert!(
            no_ca.contains("\"CN=Users CA\", which is not among"),
            "{no_ca}"
        );
        let former = said(far, Signer::OtherKey, false);
        assert!(former.contains("former key"), "{former}");
        let weak = said(
            far,
            Signer::Unknown("SHA-1, which is not accepted".to_owned()),
            false,
        );
        assert!(weak.contains("SHA-1"), "{weak}");
        // Nobody is refused by it.
        assert!(!said(NOW - 1, Signer::NoCa, false).contains("out of date"));
    }
}
