use certjid_core::certificate::XmppAddr;
use certjid_core::jid::Jid;
use certjid_core::sasl::{self, Condition, Credentials, Kind, Rules, Verdict};
use serde_json::Value;

/// All 6,000 decisions. A crash of MongooseIM's is a refusal here, and so is a user name that it
/// refuses afterwards; what else differs has a name in differences.tsv.
#[test]
fn decisions() {
    let differences = super::differences("decisions");
    let mut used = 0;
    let rows = super::rows("decisions.jsonl");
    assert_eq!(rows.len(), 6000);
    for row in &rows {
        let ours = answer(row);
        let empty_name = row["common_name"] == "" && !row["prefix"].is_null();
        let is_difference = empty_name && row["ok"] == "user_-test";
        let expected = if is_difference {
            used += 1;
            differences[&("empty-common-name".to_owned(), "ok".to_owned())].clone()
        } else {
            theirs(row)
        };
        assert_eq!(ours, expected, "{row}");
    }
    assert!(used > 0);
    assert_eq!(differences.len(), 1);
}

fn answer(row: &Value) -> String {
    let kinds: Vec<Kind> = strings(&row["sasl_external"])
        .iter()
        .map(|name| name.parse().unwrap())
        .collect();
    let authzid = authzid(row);
    let addresses = strings(&row["xmpp_addrs"]);
    let addresses: Vec<XmppAddr<'_>> = addresses
        .iter()
        .map(|text| XmppAddr::Text(text.into()))
        .collect();
    let (verdict, trail) = sasl::decide(
        &Rules {
            kinds: &kinds,
            prefix: row["prefix"].as_str().unwrap_or_default(),
            suffix: row["suffix"].as_str().unwrap_or_default(),
            host: row["server"].as_str().unwrap(),
        },
        &Credentials {
            common_name: row["common_name"].as_str(),
            xmpp_addrs: &addresses,
            authzid: Some(&authzid),
        },
    );
    assert!(!trail.is_empty());
    match verdict {
        Verdict::User(user) => format!("ok {}", user.local),
        Verdict::AskModule(module) => panic!("{module} is no Erlang module"),
        Verdict::Refused(refused) => refused.condition.to_string(),
    }
}

fn theirs(row: &Value) -> String {
    match (row["error"].as_str(), row["local"].as_str()) {
        (Some("<crash>"), _) => crash(row).to_string(),
        (Some(error), _) => error.to_owned(),
        (None, None | Some("")) => Condition::NotAuthorized.to_string(),
        (None, Some(local)) => format!("ok {local}"),
    }
}

/// The condition where MongooseIM crashes: the first kind that reads something malformed is at
/// fault. Before that one all kinds have failed, so that each reads what it would read alone.
fn crash(row: &Value) -> Condition {
    let malformed = Jid::parse(&authzid(row)).is_err();
    let addresses = strings(&row["xmpp_addrs"]);
    for kind in strings(&row["sasl_external"]) {
        match (kind.as_str(), &addresses[..]) {
            ("auth_id" | "common_name", _) if malformed && !authzid(row).is_empty() => {
                return Condition::InvalidAuthzid;
            }
            ("standard", [only])
                if authzid(row).is_empty() && Jid::parse(only.as_bytes()).is_err() =>
            {
                return Condition::NotAuthorized;
            }
            ("standard", [_, _, ..])
                if malformed && addresses.iter().any(|a| a.as_bytes() == authzid(row)) =>
            {
                return Condition::InvalidAuthzid;
            }
            _ => {}
        }
    }
    panic!("nothing is malformed in {row}");
}

fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

/// The file has one authzid that is not UTF-8, a byte FF, which JSON writes as U+00FF.
fn authzid(row: &Value) -> Vec<u8> {
    match row["authzid"].as_str().unwrap() {
        "\u{ff}@localhost" => b"\xff@localhost".to_vec(),
        text => text.as_bytes().to_vec(),
    }
}
