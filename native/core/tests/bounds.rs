//! What is told to people has an end, whatever was sent.

use certjid_core::config::ListenerRef;
use certjid_core::decide::{Authzid, Outcome, Request};
use certjid_core::message::{clip, json_length};
use certjid_core::policy::Policy;
use certjid_core::trail::{MAX_NOTES, MAX_TRAIL, Step};
use serde_json::json;

#[path = "compatibility/authority.rs"]
#[allow(dead_code, reason = "it is for other tests too")]
mod authority;
#[path = "compatibility/server.rs"]
#[allow(dead_code, reason = "it is for other tests too")]
mod server;

use authority::{Authority, addressed, der, named, with_alt_names, xmpp_addr};
use server::{NOW, PKI, Server, request, with_authzid};

/// The length of a decision as JSON, which takes more than Erlang's terms.
fn length(policy: &Policy, request: &Request) -> usize {
    let steps = |trail: &[Step]| -> Vec<_> {
        let step = |step: &Step| json!([step.what, step.outcome, step.message]);
        trail.iter().map(step).collect()
    };
    let (told, trail) = match policy.authenticate(request, NOW) {
        Outcome::Allowed(allowed) => (
            json!([allowed.jid, allowed.username, allowed.kind]),
            steps(&allowed.trail),
        ),
        Outcome::Refused(refused) => (json!([refused.explained()]), steps(&refused.trail)),
        other => panic!("{other:?}"),
    };
    let trail = json!(trail).to_string().len();
    assert!(trail <= MAX_TRAIL, "{trail}");
    let offer = policy.mechanisms(request, NOW).message.len();
    assert!(offer < 2000, "{offer}");
    told.to_string().len() + trail
}

/// For what is left of a reply of 16 KiB beside the decision: the id of 1,024 bytes, and names of
/// fields.
const DECISION: usize = 15 * 1024;

fn all_kinds(ca: &Authority) -> Policy {
    let kinds = "sasl_external = ['standard', 'certjid_verification', 'common_name', \
                 'cyrsasl_external_verification', 'auth_id']";
    Server::new(&ca.pem).load(&format!("{PKI}\n{kinds}"), "")
}

#[test]
fn a_certificate_with_many_names_makes_no_long_decision() {
    let ca = Authority::new();
    let policy = all_kinds(&ca);
    let printable = xmpp_addr(der(0xa0, &[der(0x13, &[b"mallory@other".to_vec()])]));
    let control = xmpp_addr(der(0xa0, &[der(0x0c, &[vec![1; 300]])]));
    let bytes = xmpp_addr(der(0xa0, &[der(0x0c, &[vec![0xff; 300]])]));
    let quotes = xmpp_addr(der(0xa0, &[der(0x0c, &[vec![b'"'; 300]])]));
    let dns = der(0x82, &[vec![2; 40]]);
    let unknown = der(0x89, &[vec![b'\\'; 40]]);
    for entry in [printable, control, bytes, quotes, dns, unknown] {
        for size in [9_000, 60_000] {
            let entries = vec![entry.clone(); size / entry.len()];
            let leaf = ca.issue(&with_alt_names(&entries));
            for authzid in ["", "carol@localhost", "\u{1}"] {
                let length = length(&policy, &with_authzid(&leaf, authzid));
                assert!(length < DECISION, "{length}");
            }
        }
    }
    let many: Vec<String> = (0..2000).map(|user| format!("u{user}@other")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for addresses in [&many[..], &["a@localhost"; 2000], &["\"\"@localhost"; 1000]] {
        let leaf = ca.issue(&addressed(addresses));
        let length = length(&policy, &with_authzid(&leaf, "a@localhost"));
        assert!(length < DECISION, "{length}");
    }
}

#[test]
fn long_texts_make_no_long_decision() {
    let ca = Authority::new();
    let policy = all_kinds(&ca);
    let leaf = ca.issue(&named("carol"));
    for part in ["a", "\"", "\\", "\u{1}", "\u{10ffff}", "ż"] {
        let long = part.repeat(60_000 / part.len());
        let named = ca.issue(&named(&part.repeat(20_000 / part.len())));
        let plain = request(&[named]);
        let host = Request {
            host: long.clone(),
            ..plain.clone()
        };
        let host_type = Request {
            host: "other".to_owned(),
            host_type: Some(long.clone()),
            ..plain.clone()
        };
        let listener = Request {
            listener: ListenerRef::Name(long.clone()),
            ..plain.clone()
        };
        let response = Request {
            authzid: Authzid::InitialResponse(long.clone()),
            ..plain.clone()
        };
        let authzid = with_authzid(&leaf, &format!("{long}@localhost"));
        for login in [plain, host, host_type, listener, response, authzid] {
            let length = length(&policy, &login);
            assert!(length < DECISION, "{length}");
        }
    }
}

#[test]
fn the_notes_say_how_many_are_left_out() {
    let ca = Authority::new();
    let policy = all_kinds(&ca);
    let entry = xmpp_addr(der(0xa0, &[der(0x16, &[b"mallory@other".to_vec()])]));
    for count in [MAX_NOTES, MAX_NOTES + 1, 400] {
        let leaf = ca.issue(&with_alt_names(&vec![entry.clone(); count]));
        let Outcome::Allowed(carol) = policy.authenticate(&request(&[leaf]), NOW) else {
            panic!("common_name does not look at xmppAddrs");
        };
        let notes: Vec<&Step> = carol.trail.iter().filter(|s| s.outcome == "note").collect();
        let left_out = count - MAX_NOTES;
        assert_eq!(notes.len(), MAX_NOTES + usize::from(left_out > 0));
        if left_out > 0 {
            let told = format!("{left_out} more notes are left out");
            assert_eq!(notes.last().unwrap().message, told);
        }
    }
}

#[test]
fn a_text_is_clipped_at_the_edge_alone() {
    for c in ['a', '"', '\\', '\n', '\u{1}', 'ż', '\u{10ffff}', '\u{7f}'] {
        let text = c.to_string().repeat(20);
        let length = serde_json::to_string(&text).unwrap().len() - 2;
        assert_eq!(json_length(&text), length);
        assert_eq!(clip(&text, length), text);
        for room in 0..length {
            let clipped = clip(&text, room);
            assert!(clipped.ends_with(MORE), "{clipped:?}");
            let length = serde_json::to_string(&clipped).unwrap().len() - 2;
            assert!(length <= room.max(MORE.len()), "{clipped:?} in {room}");
        }
    }
}

/// What stands for the rest of a text.
const MORE: &str = "…";
