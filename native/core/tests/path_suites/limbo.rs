//! x509-limbo, as far as it is of one file of the folder `shared` beside the project.

use std::fs;

use serde_json::Value;

use crate::NOW;
use crate::client::as_client;
use crate::exceptions::Outcomes;
use crate::judge::{Bundle, judge};

#[test]
fn limbo() {
    let path = crate::project("../shared/cases/limbo-194.json");
    if !path.exists() && std::env::var("CERTJID_WITHOUT_LIMBO").as_deref() == Ok("1") {
        println!("limbo: left out, as CERTJID_WITHOUT_LIMBO says");
        return;
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; CERTJID_WITHOUT_LIMBO=1 does without",
            path.display()
        )
    });
    let suite: Value = serde_json::from_str(&text).unwrap();
    let cases = suite["testcases"].as_array().unwrap();
    assert_eq!(cases.len(), 194);

    let mut outcomes = Outcomes::default();
    for case in cases {
        let mut chain = vec![ders(&case["peer_certificate"]).remove(0)];
        chain.extend(ders(&case["untrusted_intermediates"]));
        let bundle = Bundle {
            trusted: ders(&case["trusted_certs"]),
            chain,
            crls: ders(&case["crls"]),
        };
        let now = case["validation_time"].as_str().map_or(NOW, seconds);
        outcomes.add(
            case["id"].as_str().unwrap().to_owned(),
            case["expected_result"].as_str().unwrap(),
            judge(&as_client(bundle), now),
        );
    }
    outcomes.check("limbo");
}

/// One PEM text or a list of them.
fn ders(pems: &Value) -> Vec<Vec<u8>> {
    let of_text = |text: &str| {
        let blocks = pem::parse_many(text).unwrap();
        blocks.into_iter().map(pem::Pem::into_contents)
    };
    match pems {
        Value::String(text) => of_text(text).collect(),
        Value::Array(texts) => texts
            .iter()
            .flat_map(|text| of_text(text.as_str().unwrap()))
            .collect(),
        _ => panic!("no PEM"),
    }
}

/// Unix seconds of `YYYY-MM-DDThh:mm:ss`; fractions are left off, and all times are in UTC.
fn seconds(time: &str) -> i64 {
    assert!(time.ends_with("+00:00"), "{time}");
    let number = |range: core::ops::Range<usize>| time[range].parse::<u16>().unwrap();
    let day = rcgen::date_time_ymd(
        number(0..4).into(),
        number(5..7).try_into().unwrap(),
        number(8..10).try_into().unwrap(),
    );
    let (hours, minutes, seconds) = (number(11..13), number(14..16), number(17..19));
    day.unix_timestamp() + i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds)
}
