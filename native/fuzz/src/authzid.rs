//! JIDs and the decision: what is prepared stays as it is, and nobody is let in at another host
//! or under a name that the client has not shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_core::certificate::XmppAddr;
use certjid_core::jid::{self, Jid};
use certjid_core::message::{MAX_MESSAGE, json_length};
use certjid_core::reason::Refused;
use certjid_core::sasl::{
    Attempt, Credentials, Kind, ModuleAnswer, Rules, Verdict, initial_response,
};
use certjid_core::trail::Trail;

/// Parts: kinds (one byte each), prefix and suffix, host, authzid, common name, xmppAddrs.
pub fn check(data: &[u8]) {
    let whole: Vec<&[u8]> = data.split(|&byte| byte == crate::SEPARATOR).collect();
    let mut parts = crate::parts(data);
    let mut next = || parts.next().unwrap_or_default();
    let (kinds, prefix, suffix, host, authzid, common_name) =
        (next(), next(), next(), next(), next(), next());
    let addresses = whole.get(6..).unwrap_or_default();

    for text in &whole {
        check_jid(text);
        check_initial_response(text);
    }
    let text = |bytes| str::from_utf8(bytes).ok();
    let (Some(prefix), Some(suffix), Some(host)) = (text(prefix), text(suffix), text(host)) else {
        return;
    };
    let Ok(host) = jid::nameprep(host) else {
        return;
    };
    let xmpp_addrs: Vec<XmppAddr<'_>> = addresses.iter().take(20).map(|it| entry(it)).collect();
    let kinds: Vec<Kind> = kinds.iter().take(8).map(kind).collect();
    let rules = Rules {
        kinds: &kinds,
        prefix,
        suffix,
        host: &host,
    };
    let credentials = Credentials {
        common_name: text(common_name).filter(|name| !name.is_empty()),
        xmpp_addrs: &xmpp_addrs,
        authzid: Some(authzid),
    };
    check_decision(&rules, &credentials);
}

fn check_jid(input: &[u8]) {
    let Ok(jid) = Jid::parse(input) else {
        return;
    };
    for part in [&jid.local, &jid.domain, &jid.resource] {
        assert!(part.len() <= jid::MAX_PART);
    }
    assert!(!jid.local.contains(['@', '/', ' ', '\0']), "{jid:?}");
    assert_eq!(jid::nodeprep(&jid.local).as_ref(), Ok(&jid.local));
    assert_eq!(jid::nameprep(&jid.domain).as_ref(), Ok(&jid.domain));
    // A domain may be mapped to nothing or get a separator by NFKC: then no text names it.
    if !jid.domain.is_empty() && !jid.domain.contains(['@', '/']) {
        assert_eq!(Jid::parse(jid.to_string().as_bytes()).as_ref(), Ok(&jid));
    }
}

fn check_initial_response(input: &[u8]) {
    let encoded = STANDARD.encode(input);
    let due = Some(input.to_vec()).filter(|input| !input.is_empty());
    assert_eq!(initial_response::decode(&encoded), Ok(due));
    if let Ok(text) = str::from_utf8(input)
        && let Ok(Some(decoded)) = initial_response::decode(text)
    {
        assert!(decoded.len() <= text.len());
    }
}

fn check_decision(rules: &Rules<'_>, credentials: &Credentials<'_>) {
    let decision = with_module(rules, credentials);
    assert_eq!(decision, with_module(rules, credentials));
    let (verdict, trail) = decision;
    assert!(trail.len() <= rules.kinds.len());
    let accepted = match verdict {
        Verdict::User(user) => user,
        Verdict::AskModule(module) => panic!("{module} has answered"),
        Verdict::Refused(refused) => {
            check_refusal(&refused, &trail);
            return;
        }
    };
    assert!(!accepted.local.is_empty());
    assert_eq!(jid::nodeprep(&accepted.local).as_ref(), Ok(&accepted.local));
    assert!(rules.kinds.contains(&accepted.kind));

    let of_host = |text: &[u8]| {
        Jid::parse(text).is_ok_and(|jid| jid.local == accepted.local && jid.domain == rules.host)
    };
    let authzid = credentials.authzid.unwrap_or_default();
    let common_name = credentials.common_name.unwrap_or_default();
    let shown = match accepted.source {
        "xmppAddr" => credentials
            .xmpp_addrs
            .iter()
            .filter_map(XmppAddr::text)
            .any(|address| of_host(address.as_bytes())),
        "authzid" => {
            assert!(matches!(
                accepted.kind,
                Kind::AuthId | Kind::DemoVerification
            ));
            of_host(authzid)
        }
        "common_name" if accepted.kind == Kind::DemoVerification => of_host(common_name.as_bytes()),
        "common_name" => {
            let name = format!("{}{common_name}{}", rules.prefix, rules.suffix);
            !common_name.is_empty() && jid::nodeprep(&name).as_ref() == Ok(&accepted.local)
        }
        source => source == "module" && accepted.local == "module",
    };
    assert!(shown, "{accepted:?} of {rules:?} {credentials:?}");
    // XEP-0178 as written: an authzid that was sent is the user's own.
    if accepted.kind == Kind::CertjidVerification && !authzid.is_empty() {
        assert!(of_host(authzid), "{accepted:?} of {credentials:?}");
    }
    // Nor does its common name count where it has an xmppAddr, whatever that is.
    let has_xmpp_addr = !credentials.xmpp_addrs.is_empty();
    if accepted.kind == Kind::CertjidVerification && accepted.source == "common_name" {
        assert!(!has_xmpp_addr, "{accepted:?} of {credentials:?}");
    }
}

/// The decision, where the module finds the user `module`.
fn with_module(rules: &Rules<'_>, credentials: &Credentials<'_>) -> (Verdict, Trail) {
    let mut attempt = Attempt::default();
    let mut trail = Trail::default();
    let mut verdict = attempt.decide(rules, credentials, &mut trail);
    if let Verdict::AskModule(_) = verdict {
        let answer = ModuleAnswer::Ok("module".to_owned());
        verdict = attempt.answered(answer, rules, credentials, &mut trail);
    }
    (verdict, trail)
}

/// The client is told what the last kind says, and the operator the cause of one of them that tells
/// no less than the others.
fn check_refusal(refused: &Refused, trail: &Trail) {
    assert!((1..=MAX_MESSAGE).contains(&json_length(&refused.message)));
    let Some(last) = trail.last() else {
        return;
    };
    assert_eq!(last.outcome, refused.condition.as_str());
    let given = trail.iter().any(|step| step.message == refused.message);
    assert!(given, "{refused:?} {trail:?}");
}

/// An entry, of each sort that there is.
fn entry(bytes: &[u8]) -> XmppAddr<'_> {
    match str::from_utf8(bytes) {
        Ok(text) => XmppAddr::Text(text.into()),
        Err(_) if bytes.len() % 2 == 0 => XmppAddr::NotText,
        Err(_) => XmppAddr::Malformed,
    }
}

fn kind(byte: &u8) -> Kind {
    match byte {
        b'a' => Kind::AuthId,
        b'n' => Kind::CommonName,
        b'd' => Kind::DemoVerification,
        b'm' => Kind::Module("module".to_owned()),
        b's' => Kind::Standard,
        _ => Kind::CertjidVerification,
    }
}

/// The measured JIDs, and a few of the measured decisions.
pub fn seeds() -> Vec<Vec<u8>> {
    let jids = include_str!("../../../test/data/cases/jids.tsv");
    let alone = jids
        .lines()
        .skip(2)
        .filter_map(|line| line.split('\t').nth(1));
    let mut seeds: Vec<Vec<u8>> = alone
        .map(|text| {
            crate::join(&[
                b"v",
                b"",
                b"",
                b"localhost",
                text.as_bytes(),
                b"",
                text.as_bytes(),
            ])
        })
        .collect();
    let kinds = ["v", "s", "n", "a", "d", "sna", "m"];
    let rows = include_str!("../../../test/data/cases/decisions.jsonl")
        .lines()
        .step_by(40);
    for (index, line) in rows.enumerate() {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let mut parts = vec![
            kinds[index % kinds.len()].to_owned(),
            text("prefix"),
            text("suffix"),
            text("server"),
            text("authzid"),
            text("common_name"),
        ];
        let addresses = row["xmpp_addrs"].as_array().into_iter().flatten();
        parts.extend(
            addresses
                .filter_map(|address| address.as_str())
                .map(str::to_owned),
        );
        seeds.push(crate::join(
            &parts.iter().map(String::as_bytes).collect::<Vec<_>>(),
        ));
    }
    seeds
}

/// Separators, and characters that stringprep maps, forbids or joins.
pub const WORDS: &[&str] = &[
    "@localhost",
    "localhost",
    "alice",
    "/",
    "@",
    "\u{ad}",
    "\u{200b}",
    "ß",
    "ς",
    "İ",
    "\u{130}",
    "\u{1e9e}",
    "\u{fe6b}",
    "\u{ff20}",
    "\u{ff0f}",
    "\u{2100}",
    "\u{5d0}",
    "\u{661}",
    "\u{340}",
    "\u{37a}",
    "\u{3f9}",
    "\u{1d2e}",
    "\u{10ffff}",
    "\u{2126}",
    "\u{212b}",
    "\u{1f80}",
    "\u{fb03}",
    "=",
    "QQ==",
];
