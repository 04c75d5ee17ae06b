//! On the CAs of a file.

use super::Whose;
use crate::verify::date;

/// What is known of one CA of a file.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    /// Its number in the file, from 1.
    pub(crate) position: usize,
    pub(crate) subject: String,
    /// Unix seconds.
    pub(crate) not_before: i64,
    /// Unix seconds.
    pub(crate) not_after: i64,
    /// Whether the file has it before.
    pub(crate) is_repeated: bool,
    /// Whether basicConstraints make it a CA, or it is an old root.
    pub(crate) is_ca: bool,
    /// Whether keyUsage, where it has one, has keyCertSign.
    pub(crate) has_key_cert_sign: bool,
    /// Whether extKeyUsage, where it has one, has the purpose that matters here, or any.
    pub(crate) has_purpose: bool,
    /// The first critical extension that is not understood.
    pub(crate) unknown_critical: Option<String>,
    /// Why nothing that its key signed can be accepted, as the end of a sentence that begins with
    /// the key.
    pub(crate) unusable_key: Option<String>,
}

/// What is to be said of the CAs of a file at `now` in Unix seconds, each as the end of a sentence
/// that begins with the name of the file.
pub(crate) fn of(authorities: &[Authority], whose: Whose, now: i64) -> Vec<String> {
    let said = authorities.iter().flat_map(|ca| {
        let faults = faults(ca, whose, now).into_iter();
        faults.map(|fault| {
            format!(
                "has {:?} as certificate {}, {fault}",
                ca.subject, ca.position
            )
        })
    });
    said.collect()
}

fn faults(ca: &Authority, whose: Whose, now: i64) -> Vec<String> {
    if ca.is_repeated {
        return vec!["which it has before".to_owned()];
    }
    let mut faults = Vec::new();
    faults.extend(on_dates(ca, whose, now));
    if let Some(key) = &ca.unusable_key {
        faults.push(format!(
            "whose key {key}; nothing that it issues can be accepted"
        ));
    }
    if !ca.is_ca {
        faults.push(
            "whose basicConstraints have no CA:TRUE: what it issues is not accepted by others"
                .to_owned(),
        );
        return faults;
    }
    // Below another CA of the file it is judged like any intermediate.
    let unlike_openssl = "a trust anchor is not asked for that by certjid and OTP, and OpenSSL \
                          refuses what it issues";
    if !ca.has_key_cert_sign {
        faults.push(format!(
            "whose keyUsage lacks keyCertSign: {unlike_openssl}"
        ));
    }
    if !ca.has_purpose {
        let purpose = match whose {
            Whose::Clients => "clientAuth",
            Whose::Services => "serverAuth",
        };
        faults.push(format!(
            "whose extKeyUsage has no {purpose}: {unlike_openssl} for that"
        ));
    }
    if let Some(extension) = &ca.unknown_critical {
        faults.push(format!(
            "whose critical extension {extension} is not understood: {unlike_openssl}"
        ));
    }
    faults
}

fn on_dates(ca: &Authority, whose: Whose, now: i64) -> Option<String> {
    let nobody = match whose {
        Whose::Clients => "none of its users can log in",
        Whose::Services => "no service that it certified is asked",
    };
    if now < ca.not_before {
        let date = date(ca.not_before);
        Some(format!(
            "which becomes valid on {date}: until then {nobody}"
        ))
    } else if now > ca.not_after {
        let date = date(ca.not_after);
        Some(format!("which has expired on {date}: {nobody}"))
    } else if ca.not_after - now <= CA_ENDS_SOON {
        let date = date(ca.not_after);
        Some(format!("which expires on {date}: after that {nobody}"))
    } else {
        None
    }
}

/// How long before its end a CA is warned of, in seconds: 30 days.
pub(crate) const CA_ENDS_SOON: i64 = 30 * DAY;

pub(super) const DAY: i64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_796_083_200; // 2026-12-01

    fn good() -> Authority {
        Authority {
            position: 1,
            subject: "CN=Users CA".to_owned(),
            not_before: NOW - DAY,
            not_after: NOW + CA_ENDS_SOON + 1,
            is_repeated: false,
            is_ca: true,
            has_key_cert_sign: true,
            has_purpose: true,
            unknown_critical: None,
            unusable_key: None,
        }
    }

    #[test]
    fn dates_are_judged_to_the_second() {
        assert_eq!(of(&[good()], Whose::Clients, NOW), [] as [String; 0]);
        for (now, said) in [
            (NOW + 1, "31 Dec 2026"),
            (NOW + CA_ENDS_SOON + 1, "31 Dec 2026"),
            (NOW + CA_ENDS_SOON + 2, "has expired on Thu, 31 Dec 2026"),
            (NOW - DAY - 1, "becomes valid on Mon, 30 Nov 2026"),
        ] {
            let all = of(&[good()], Whose::Clients, now);
            assert!(all.len() == 1 && all[0].contains(said), "{all:?}");
        }
    }

    #[test]
    fn each_fault_is_said_with_the_name_and_the_number() {
        for (fault, said) in [
            (
                Authority {
                    is_repeated: true,
                    ..good()
                },
                "before",
            ),
            (
                Authority {
                    is_ca: false,
                    ..good()
                },
                "no CA:TRUE",
            ),
            (
                Authority {
                    has_key_cert_sign: false,
                    ..good()
                },
                "keyCertSign",
            ),
            (
                Authority {
                    has_purpose: false,
                    ..good()
                },
                "extKeyUsage",
            ),
            (
                Authority {
                    unknown_critical: Some("1.2.3".to_owned()),
                    ..good()
                },
                "1.2.3",
            ),
            (
                Authority {
                    unusable_key: Some("is RSA 1024".to_owned()),
                    ..good()
                },
                "RSA 1024",
            ),
        ] {
            let all = of(
                &[
                    good(),
                    Authority {
                        position: 2,
                        ..fault
                    },
                ],
                Whose::Clients,
                NOW,
            );
            assert_eq!(all.len(), 1, "{all:?}");
            assert!(
                all[0].starts_with("has \"CN=Users CA\" as certificate 2, "),
                "{all:?}"
            );
            assert!(all[0].contains(said), "{all:?}");
        }
    }
}
