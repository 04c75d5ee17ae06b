//! On the CAs of a file.

use x509_parser::time::ASN1Time;

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
    /// Whether extKeyUsage, where it has one, has clientAuth or any.
    pub(crate) is_for_clients: bool,
    /// The critical extensions that no one knows.
    pub(crate) unknown_critical: Vec<String>,
    /// The key, where nothing that it signed can be verified.
    pub(crate) unusable_key: Option<String>,
}

/// What is to be said of the CAs of a file at `now` in Unix seconds, each as the end of a sentence
/// that begins with the name of the file.
pub(crate) fn of(authorities: &[Authority], now: i64) -> Vec<String> {
    let said = authorities.iter().flat_map(|ca| {
        let faults = faults(ca, now).into_iter();
        faults.map(|fault| {
            format!(
                "has {:?} as certificate {}, {fault}",
                ca.subject, ca.position
            )
        })
    });
    said.collect()
}

fn faults(ca: &Authority, now: i64) -> Vec<String> {
    if ca.is_repeated {
        return vec!["which it has before".to_owned()];
    }
    let mut faults = Vec::new();
    faults.extend(on_dates(ca, now));
    if let Some(key) = &ca.unusable_key {
        faults.push(format!(
            "whose key is {key}: no signature of it can be verified here; EC P-256, P-384 and \
             P-521, RSA of 2048 to 8192 bits and Ed25519 can be"
        ));
    }
    if !ca.is_ca {
        faults.push(
            "whose basicConstraints have no CA:TRUE: what it issues is not accepted by others"
                .to_owned(),
        );
        return faults;
    }
    if !ca.has_key_cert_sign {
        faults.push(
            "whose keyUsage lacks keyCertSign: certjid and OTP accept what it issues, and OpenSSL \
             refuses it"
                .to_owned(),
        );
    }
    if !ca.is_for_clients {
        faults.push(
            "whose extKeyUsage has no clientAuth: certjid and OTP accept client certificates that \
             it issues, and OpenSSL refuses them"
                .to_owned(),
        );
    }
    for extension in &ca.unknown_critical {
        faults.push(format!(
            "whose critical extension {extension} is unknown: certjid and OTP do not look at it, \
             and OpenSSL refuses what the CA issues"
        ));
    }
    faults
}

fn on_dates(ca: &Authority, now: i64) -> Option<String> {
    let nobody = "none of its users can log in";
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

/// The day of a time in Unix seconds, as `2026-12-01` in UTC.
pub(crate) fn date(time: i64) -> String {
    let time = ASN1Time::from_timestamp(time).ok();
    time.map_or_else(
        || "a day that no calendar has".to_owned(),
        |time| time.to_datetime().date().to_string(),
    )
}

/// How long before its end a CA is warned of, in seconds: 30 days.
pub(crate) const CA_ENDS_SOON: i64 = 30 * DAY;

const DAY: i64 = 24 * 60 * 60;

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
            is_for_clients: true,
            unknown_critical: Vec::new(),
            unusable_key: None,
        }
    }

    #[test]
    fn dates_are_judged_to_the_second() {
        assert_eq!(of(&[good()], NOW), [] as [String; 0]);
        for (now, said) in [
            (NOW + 1, "expires on 2026-12-31"),
            (NOW + CA_ENDS_SOON + 1, "expires on 2026-12-31"),
            (NOW + CA_ENDS_SOON + 2, "has expired on 2026-12-31"),
            (NOW - DAY - 1, "becomes valid on 2026-11-30"),
        ] {
            let all = of(&[good()], now);
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
                    is_for_clients: false,
                    ..good()
                },
                "extKeyUsage",
            ),
            (
                Authority {
                    unknown_critical: vec!["1.2.3".to_owned()],
                    ..good()
                },
                "1.2.3",
            ),
            (
                Authority {
                    unusable_key: Some("RSA 1024".to_owned()),
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
