//! Requests: read without harm, answered in a frame with the same id, and the same in JSON and
//! in Erlang's format.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_core::config::ListenerRef;
use certjid_core::decide::{Authzid, Request};
use certjid_core::reason::Reason;
use certjid_sidecar::protocol::{Call, Format, Login, MAX_REPLY, Message, refuse};
use eetf::{Atom, Binary, FixInteger, List, Map, Term};
use serde_json::{Value, json};

/// A payload; or the byte 2 and the parts of a request.
pub fn check(data: &[u8]) {
    match data {
        [PARTS, parts @ ..] => check_request(parts),
        payload => check_payload(payload),
    }
}

fn check_payload(payload: &[u8]) {
    let message = Message::decode(payload);
    assert_eq!(message, Message::decode(payload));
    let text = match &message.call {
        Ok(_) => "answered",
        Err(what) => what,
    };
    let id = message.id;
    let reply = refuse(&id, Reason::BadRequest, text);
    assert!(reply.len() <= MAX_REPLY);
    let repeated = match id.format() {
        Format::Json => {
            let json: Value = serde_json::from_slice(&reply).expect("a reply is JSON");
            assert_eq!(json["error"], "bad_request");
            let end = [br#","version":1,"id":"#, id.written(), b"}"].concat();
            reply.ends_with(&end)
        }
        Format::Etf => {
            let Term::Map(map) = Term::decode(&reply[..]).expect("a reply is a term") else {
                panic!("a reply is a map");
            };
            let id = Term::decode(&[&[131], id.written()].concat()[..]).expect("an id is a term");
            map.map.get(&Term::from(Atom::from("id"))) == Some(&id)
        }
    };
    assert!(repeated, "the reply has the request's id");
}

/// Parts: listener, host, host type, authzid, certificates.
fn check_request(data: &[u8]) {
    let whole: Vec<&[u8]> = data.split(|&byte| byte == crate::SEPARATOR).collect();
    let mut parts = crate::parts(data);
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (listener, host, host_type, authzid) = (text(), text(), text(), text());
    let chain: Vec<Vec<u8>> = whole
        .get(4..)
        .unwrap_or_default()
        .iter()
        .map(|der| der.to_vec())
        .collect();
    let request = Request {
        listener: match listener.strip_prefix('#').map(str::parse) {
            Some(Ok(port)) => ListenerRef::Port(port),
            _ => ListenerRef::Name(listener),
        },
        host,
        host_type: Some(host_type).filter(|name| !name.is_empty()),
        chain,
        authzid: match authzid.strip_prefix('=') {
            _ if authzid.is_empty() => Authzid::Absent,
            Some(response) => Authzid::InitialResponse(response.to_owned()),
            None => Authzid::Decoded(authzid.into_bytes()),
        },
        verified: None,
    };
    let call = Ok(Call::Authenticate(Login {
        request: request.clone(),
        forwarded: None,
    }));
    assert_eq!(
        Message::decode(to_json(&request).to_string().as_bytes()).call,
        call
    );
    let mut bytes = Vec::new();
    to_term(&request)
        .encode(&mut bytes)
        .expect("a Vec takes everything");
    assert_eq!(Message::decode(&bytes).call, call);
}

fn to_json(request: &Request) -> Value {
    let chain: Vec<String> = request
        .chain
        .iter()
        .map(|der| STANDARD.encode(der))
        .collect();
    let mut json = json!({
        "request": "authenticate",
        "host": request.host,
        "host_type": request.host_type,
        "chain": chain,
        "listener": match &request.listener {
            ListenerRef::Name(name) => json!(name),
            ListenerRef::Port(port) => json!({ "port": port }),
        },
    });
    match &request.authzid {
        Authzid::Absent => {}
        Authzid::Decoded(bytes) => json["authzid"] = json!(String::from_utf8_lossy(bytes)),
        Authzid::InitialResponse(text) => json["initial_response"] = json!(text),
    }
    json
}

fn to_term(request: &Request) -> Term {
    let binary = |text: &[u8]| Term::from(Binary::from(text.to_vec()));
    let atom = |name: &str| Term::from(Atom::from(name));
    let chain: Vec<Term> = request.chain.iter().map(|der| binary(der)).collect();
    let mut fields = HashMap::from([
        (atom("request"), atom("authenticate")),
        (atom("host"), binary(request.host.as_bytes())),
        (atom("chain"), List::from(chain).into()),
        (
            atom("listener"),
            match &request.listener {
                ListenerRef::Name(name) => binary(name.as_bytes()),
                ListenerRef::Port(port) => {
                    let port = Term::from(FixInteger::from(i32::from(*port)));
                    Map::from(HashMap::from([(atom("port"), port)])).into()
                }
            },
        ),
    ]);
    if let Some(host_type) = &request.host_type {
        fields.insert(atom("host_type"), binary(host_type.as_bytes()));
    }
    match &request.authzid {
        Authzid::Absent => {}
        Authzid::Decoded(bytes) => drop(fields.insert(atom("authzid"), binary(bytes))),
        Authzid::InitialResponse(text) => {
            fields.insert(atom("initial_response"), binary(text.as_bytes()));
        }
    }
    Map::from(fields).into()
}

/// Requests of all kinds in both formats.
pub fn seeds() -> Vec<Vec<u8>> {
    let json: [&[u8]; 9] = [
        br#"{"id":1,"request":"status"}"#,
        br#"{"id":"a","request":"authenticate","listener":"c2s","host":"localhost","chain":["MIIB"],"authzid":"alice@localhost"}"#,
        br#"{"id":null,"request":"mechanisms","listener":{"port":5222},"host":"localhost","host_type":"x","chain":[]}"#,
        br#"{"id":-1.5,"request":"authenticate","listener":"http","host":"localhost","chain":":AQID:","initial_response":"=","verified":false}"#,
        br#"{"id":[1],"request":"status"}"#,
        br#"{"id":1,"id":2,"request":"status"}"#,
        br#"{"id":18446744073709551616,"request":"mechanisms","listener":{"port":1,"\u0070ort":2}}"#,
        br#"{"id":1E+400,"request":"status","x":[{"a":1,"a":1}]}"#,
        b"{}",
    ];
    // term_to_binary(#{id => 1, request => status}), and one of other types.
    let terms: [&[u8]; 3] = [
        b"\x83t\0\0\0\x02w\x02ida\x01w\x07requestw\x06status",
        b"\x83t\0\0\0\x03d\0\x02idm\0\0\0\x01xm\0\0\0\x07requestk\0\x06statusw\x05chainl\0\0\0\x01m\0\0\0\x020\0j",
        b"\x83t\0\0\0\x02w\x02idn\x08\0\x01\x02\x03\x04\x05\x06\x07\x08w\x08listenert\0\0\0\x01w\x04portb\0\0\x14f",
    ];
    let parts: [&[&[u8]]; 3] = [
        &[
            b"\x02c2s",
            b"localhost",
            b"",
            b"alice@localhost",
            b"\x30\x00",
        ],
        &[
            b"\x02#5222",
            b"LOCALHOST",
            b"dynamic",
            b"=YQ==",
            b"\x30\x00",
            b"\x30\x01\x00",
        ],
        &[b"\x02", b"", b"", b""],
    ];
    let parts = parts.iter().map(|parts| crate::join(parts));
    json.iter()
        .chain(&terms)
        .map(|seed| seed.to_vec())
        .chain(parts)
        .collect()
}

const PARTS: u8 = 2;

/// The names of fields, in both formats, and the tags of terms.
pub const WORDS: &[&str] = &[
    "\"id\":",
    "\"request\":",
    "\"authenticate\"",
    "\"mechanisms\"",
    "\"status\"",
    "\"listener\":",
    "\"port\":",
    "\"host\":",
    "\"host_type\":",
    "\"chain\":",
    "\"authzid\":",
    "\"initial_response\":",
    "\"verified\":",
    "\"c2s\"",
    "null",
    "true",
    "1e999",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ",",
    "w\x02id",
    "w\x07request",
    "w\x06status",
    "w\x08listener",
    "w\x04host",
    "w\x05chain",
    "t\0\0\0\x01",
    "l\0\0\0\x01",
    "m\0\0\0\x01",
    "j",
    "k\0\x01",
    "n\x01\0",
    "P",
];
