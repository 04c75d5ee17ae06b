use std::fs;

use certjid_core::certificate::Certificate;
use serde_json::{Value, json};

/// Every certificate gives MongooseIM's common name, xmppAddrs and validity, or what
/// differences.tsv says instead; and every difference there is a real one.
#[test]
fn identity() {
    let differences = super::differences("identity");
    let mut differing = Vec::new();
    let mut unnamed = Vec::new();
    for row in super::rows("identity.jsonl") {
        let name = row["name"].as_str().unwrap();
        let der = fs::read(super::path(&format!("identity/{name}.der"))).unwrap();
        let measured = measured(&row);
        for (field, ours) in answers(&der) {
            let theirs = &measured[field];
            let key = (name.to_owned(), field.to_owned());
            let expected = differences
                .get(&key)
                .map(|text| serde_json::from_str(text).unwrap());
            if expected.is_some() {
                assert_ne!(ours, *theirs, "{name} {field} is no difference");
                differing.push(key);
            }
            if ours != *expected.as_ref().unwrap_or(theirs) {
                unnamed.push(format!("{name}\t{field}\t{ours}\tMongooseIM: {theirs}"));
            }
        }
    }
    assert!(
        unnamed.is_empty(),
        "unnamed differences:\n{}",
        unnamed.join("\n")
    );
    assert_eq!(
        differing.len(),
        differences.len(),
        "a named row does not exist"
    );
}

fn answers(der: &[u8]) -> Vec<(&'static str, Value)> {
    let Ok(certificate) = Certificate::from_der(der) else {
        return vec![("decode", json!("refused"))];
    };
    vec![
        ("decode", json!("ok")),
        ("common_name", json!(certificate.common_name())),
        ("xmpp_addrs", json!(certificate.xmpp_addrs())),
        (
            "validity",
            json!([certificate.not_before(), certificate.not_after()]),
        ),
    ]
}

/// The row in the shape of the answers; bytes that are not UTF-8 as hexadecimal digits.
fn measured(row: &Value) -> Value {
    let text = |value: &Value| match &value["utf8"] {
        Value::Null => value["hex"].clone(),
        utf8 => utf8.clone(),
    };
    let decode = if row["decode"] == "ok" {
        "ok"
    } else {
        "refused"
    };
    json!({
        "decode": decode,
        "common_name": row["common_name"].as_object().map(|_| text(&row["common_name"])),
        "xmpp_addrs": row["xmpp_addrs"].as_array().unwrap().iter().map(text).collect::<Vec<_>>(),
        "validity": row["validity"],
    })
}
