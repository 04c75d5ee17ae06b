//! What a client asks and is told, in both formats.

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_sidecar::protocol::{MAX_FIELDS, MAX_FRAME, MAX_ID, MAX_REPLY};
use common::{Connection, Site};
use eetf::{Atom, Binary, FixInteger, List, Map, Term};
use serde_json::{Value, json};

fn request(der: &[u8]) -> Value {
    json!({
        "id": 1,
        "request": "authenticate",
        "listener": "c2s",
        "host": "localhost",
        "chain": [STANDARD.encode(der)],
    })
}

fn with(mut request: Value, name: &str, value: impl Into<Value>) -> Value {
    request[name] = value.into();
    request
}

#[test]
fn a_login_is_allowed_or_refused_with_the_reason() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    let alice = request(&site.client(&["Alice@localhost"]));

    let reply = connection.ask(&alice);
    assert_eq!(reply["id"], 1);
    assert_eq!(reply["version"], 1);
    assert_eq!(reply["allowed"], true, "{reply}");
    assert_eq!(reply["jid"], "alice@localhost");
    assert_eq!(reply["username"], "alice");
    assert_eq!(reply["method"], "pki");
    assert_eq!(reply["source"], "xmppAddr");
    assert_eq!(reply["kind"], "standard");
    assert!(reply["trail"][0]["what"].is_string());

    let reply = connection.ask(&with(alice.clone(), "authzid", "bob@localhost"));
    assert_eq!(reply["allowed"], false);
    assert_eq!(reply["condition"], "invalid-authzid");
    assert!(reply["reason"].is_string() && reply["message"].is_string());
    assert_eq!(reply["disconnect"], false);
    assert!(reply["jid"].is_null());

    let stranger = Site::new().client(&["alice@localhost"]);
    let reply = connection.ask(&request(&stranger));
    assert_eq!(reply["condition"], "not-authorized");
    assert_eq!(reply["reason"], "unknown_ca");

    let reply = connection.ask(&with(alice.clone(), "chain", json!([])));
    assert_eq!(reply["condition"], "not-authorized");
    let reply = connection.ask(&with(alice.clone(), "verified", false));
    assert_eq!(reply["allowed"], false);
    let reply = connection.ask(&with(alice, "listener", json!({ "port": 5222 })));
    assert_eq!(reply["allowed"], true);

    let status = connection.ask(&json!({ "id": "s", "request": "status" }));
    assert_eq!(status["id"], "s");
    assert_eq!(status["allowed"], 2);
    assert_eq!(status["refused"], 4);
    assert_eq!(status["errors"], 0);
    assert_eq!(status["connections"], 1);
    assert_eq!(status["reload_error"], Value::Null);
    assert_eq!(status["pid"], std::process::id());
}

#[test]
fn a_chain_comes_in_every_encoding() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    let der = site.client(&["alice@localhost"]);
    let base64 = STANDARD.encode(&der);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
    let escaped = pem
        .replace(' ', "%20")
        .replace('\n', "%0A")
        .replace('+', "%2B");
    let field = format!(":{base64}:");
    for chain in [&pem, &escaped, &field] {
        let reply = connection.ask(&with(request(&der), "chain", chain.as_str()));
        assert_eq!(reply["allowed"], true, "{reply}");
    }
    // A header that is there twice is refused here as in `forwarded`.
    for header in [&escaped, &field] {
        for doubled in [format!("{header}, {header}"), format!("{header}{header}")] {
            let reply = connection.ask(&with(request(&der), "chain", doubled));
            assert_eq!(reply["error"], "bad_request", "{reply}");
        }
    }
    let reply = connection.ask(&with(request(&der), "chain", ""));
    assert_eq!(reply["condition"], "not-authorized");
}

#[test]
fn the_initial_response_keeps_its_states_apart() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    let one = request(&site.client(&["alice@localhost"]));
    for (text, outcome) in [
        ("", Ok("alice@localhost")),
        ("=", Ok("alice@localhost")),
        // bob@localhost
        ("Ym9iQGxvY2FsaG9zdA==", Err("invalid-authzid")),
        ("Ym9iQGxvY2FsaG9zdA", Err("incorrect-encoding")),
    ] {
        let reply = connection.ask(&with(one.clone(), "initial_response", text));
        match outcome {
            Ok(jid) => assert_eq!(reply["jid"], jid, "{text:?}: {reply}"),
            Err(condition) => assert_eq!(reply["condition"], condition, "{text:?}: {reply}"),
        }
    }
    let two = request(&site.client(&["alice@localhost", "bob@localhost"]));
    let reply = connection.ask(&with(
        two.clone(),
        "initial_response",
        "Ym9iQGxvY2FsaG9zdA==",
    ));
    assert_eq!(reply["jid"], "bob@localhost");
    let reply = connection.ask(&two);
    assert_eq!(reply["condition"], "invalid-authzid");
}

#[test]
fn mechanisms_says_whether_external_is_offered() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    let asked = with(
        request(&site.client(&["alice@localhost"])),
        "request",
        "mechanisms",
    );
    let reply = connection.ask(&asked);
    assert_eq!(reply["external"], true, "{reply}");
    assert_eq!(reply["mechanisms"], json!(["EXTERNAL"]));
    assert_eq!(reply["reason"], "offered");
    let reply = connection.ask(&with(asked, "chain", json!([])));
    assert_eq!(reply["external"], false);
    assert_eq!(reply["mechanisms"], json!([]));
    assert!(reply["message"].is_string());
}

#[test]
fn a_bad_request_is_named_and_the_connection_stays() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    let good = request(&site.client(&["alice@localhost"]));
    let with = |name, value: Value| with(good.clone(), name, value);
    for (asked, named) in [
        (json!({ "id": 1 }), "request"),
        (with("request", json!("login")), "login"),
        (with("request", json!(7)), "request"),
        (with("listener", json!(null)), "listener"),
        (with("listener", json!({ "port": 70000 })), "listener"),
        (with("host", json!(["localhost"])), "host"),
        (with("chain", json!(["!"])), "chain"),
        (with("chain", json!("no PEM")), "chain"),
        (with("chain", json!([1])), "chain"),
        (with("verified", json!("yes")), "verified"),
        (with("authzid", json!(1)), "authzid"),
        (with("autzid", json!("alice@localhost")), "autzid"),
        (more_fields(&good, 40), "40 fields are more"),
        (more_fields(&good, 20_000), "20000 fields are more"),
    ] {
        let reply = connection.ask(&asked);
        assert_eq!(reply["error"], "bad_request", "{named}");
        assert_eq!(reply["id"], 1, "{named}");
        assert!(
            reply["message"].as_str().unwrap().contains(named),
            "{reply}"
        );
    }
    let mut both = with("authzid", json!("a@b"));
    both["initial_response"] = json!("=");
    assert_eq!(connection.ask(&both)["error"], "bad_request");
    let reply = connection.ask(&with("id", json!([1])));
    assert_eq!(
        (&reply["error"], &reply["id"]),
        (&json!("bad_request"), &Value::Null)
    );

    connection.send(br#"{"id":1,"request":"status","request":"status"}"#);
    let message = connection.receive_json()["message"].clone();
    assert_eq!(message, "duplicate field \"request\"");
    assert_eq!(connection.ask(&good)["allowed"], true);
    assert_eq!(
        connection.ask(&json!({ "request": "status" }))["errors"],
        17
    );
}

/// So many fields in all, and an id.
fn more_fields(request: &Value, count: usize) -> Value {
    let mut request = request.clone();
    let known = request.as_object().unwrap().len() - 1;
    for number in known..count {
        request[format!("{number:x}")] = 1.into();
    }
    request
}

/// What JSON readers keep of two values differs.
#[test]
fn a_name_stands_in_an_object_once_at_any_depth_and_in_any_spelling() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    let base64 = STANDARD.encode(site.client(&["alice@localhost"]));
    let begin = format!(
        r#"{{"id":18446744073709551616,"request":"authenticate","host":"localhost","chain":["{base64}"]"#
    );
    for (listener, duplicate) in [
        (r#","listener":{"port":5222}}"#, None),
        (r#","listener":{"port":1,"port":5222}}"#, Some("port")),
        (r#","listener":{"port":1,"\u0070ort":5222}}"#, Some("port")),
        (
            r#","listener":"c2s","h\u006fst":"localhost"}"#,
            Some("host"),
        ),
        (
            r#","listener":"c2s","forwarded":{"proxy":"nginx","proxy":"envoy"}}"#,
            Some("proxy"),
        ),
        (
            r#","listener":"c2s","x":[[{"a":1,"b":{},"a":1}]]}"#,
            Some("a"),
        ),
    ] {
        connection.send(format!("{begin}{listener}").as_bytes());
        let reply = connection.receive().unwrap();
        let reply = String::from_utf8(reply).unwrap();
        assert!(reply.ends_with("\"id\":18446744073709551616}"), "{reply}");
        let reply: Value = serde_json::from_str(&reply).unwrap();
        match duplicate {
            None => assert_eq!(reply["allowed"], true, "{reply}"),
            Some(name) => {
                let message = format!("duplicate field {name:?}");
                assert_eq!(reply["message"], message, "{listener}");
            }
        }
    }
    // #{request => status, x => #{<<"a">> => 1, a => 1}}
    connection.send(
        b"\x83t\0\0\0\x02w\x07requestw\x06statusw\x01xt\0\0\0\x02m\0\0\0\x01aa\x01w\x01aa\x01",
    );
    let reply = connection.receive().unwrap();
    let reply = String::from_utf8_lossy(&reply);
    assert!(reply.contains("duplicate field \"a\""), "{reply}");
}

/// Each limit of the page, at its edge and one above.
#[test]
fn limits_hold_at_their_edge() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    let mut ask = |text: String| {
        connection.send(text.as_bytes());
        connection.receive_json()
    };
    for (excess, error) in [(0, None), (1, Some("bad_request"))] {
        let id = "x".repeat(MAX_ID - 2 + excess);
        let reply = ask(format!(r#"{{"id":"{id}","request":"status"}}"#));
        assert_eq!(reply["error"].as_str(), error, "{reply}");
        let id = format!("0.{}", "7".repeat(MAX_ID - 2 + excess));
        let reply = ask(format!(r#"{{"request":"status","id":{id}}}"#));
        assert_eq!(reply["error"].as_str(), error, "{reply}");
    }
    let of_fields = |count: usize| {
        let fields = (0..count).map(|number| format!(r#""f{number}":1"#));
        fields.collect::<Vec<_>>().join(",")
    };
    for (count, named) in [
        (MAX_FIELDS, "not a field"),
        (MAX_FIELDS + 1, "more than any"),
    ] {
        for fields in [
            of_fields(count),
            format!(r#""x":[{{{}}}]"#, of_fields(count)),
        ] {
            let reply = ask(format!("{{{fields}}}"));
            let message = reply["message"].as_str().unwrap();
            assert!(
                message.contains(named) || named == "not a field",
                "{count}: {message}"
            );
        }
    }
    let long = "x".repeat(MAX_FRAME / 2);
    let reply = ask(format!(r#"{{"id":1,"request":"{long}"}}"#));
    let message = reply["message"].as_str().unwrap();
    let name = format!("a name of {} bytes", long.len());
    assert!(message.contains(&name), "{message}");
}

/// Whatever is asked of a long chain, host, name or authorization identity.
#[test]
fn no_reply_is_longer_than_its_limit() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    let many: Vec<String> = (0..100)
        .map(|n| format!("\\{}{n}@localhost", "\\".repeat(900)))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let good = request(&site.client(&["alice@localhost"]));
    let noise: Vec<String> = ["\u{1}", "\"", "\\", "x", "\u{10ffff}", "ż"]
        .map(|c| c.repeat(15_000 / c.len()))
        .to_vec();
    let mut requests = vec![request(&site.client(&many))];
    for text in &noise {
        for name in [
            "authzid",
            "initial_response",
            "host",
            "host_type",
            "listener",
            "request",
            "chain",
            "verified",
            text,
        ] {
            requests.push(with(good.clone(), name, text.clone()));
        }
    }
    for mut request in requests {
        request["id"] = json!("\u{1}".repeat(MAX_ID / 6 - 1));
        for kind in ["authenticate", "mechanisms"] {
            if request["request"]
                .as_str()
                .is_some_and(|kind| kind.len() < 20)
            {
                request["request"] = json!(kind);
            }
            connection.send(request.to_string().as_bytes());
            let reply = connection.receive().unwrap();
            assert!(reply.len() <= MAX_REPLY, "{}", reply.len());
            let reply: Value = serde_json::from_slice(&reply).unwrap();
            assert_eq!(reply["id"], request["id"]);
        }
    }
}

#[test]
fn ids_may_be_any_scalar() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    for id in [
        json!("x"),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(true),
        json!(null),
    ] {
        let reply = connection.ask(&json!({ "id": id, "request": "status" }));
        assert_eq!(reply["id"], id);
    }
}

fn atom(name: &str) -> Term {
    Atom::from(name).into()
}

fn binary(text: impl AsRef<[u8]>) -> Term {
    Binary::from(text.as_ref()).into()
}

fn ask_term(connection: &mut Connection, fields: Vec<(Term, Term)>) -> Vec<(String, Term)> {
    let term = Term::from(Map {
        map: fields.into_iter().collect(),
    });
    let mut payload = Vec::new();
    term.encode(&mut payload).unwrap();
    connection.send(&payload);
    let reply = connection.receive().expect("a reply");
    assert_eq!(reply[0], 131);
    let Term::Map(map) = Term::decode(reply.as_slice()).unwrap() else {
        panic!("no map");
    };
    map.map
        .into_iter()
        .map(|(key, value)| match key {
            Term::Atom(atom) => (atom.name, value),
            key => panic!("{key} is no atom"),
        })
        .collect()
}

fn field<'a>(reply: &'a [(String, Term)], name: &str) -> &'a Term {
    &reply
        .iter()
        .find(|(known, _)| known == name)
        .unwrap_or_else(|| panic!("{name}: {reply:?}"))
        .1
}

#[test]
fn erlang_terms_are_answered_with_erlang_terms() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    let chain = Term::from(List::from(vec![binary(site.client(&["alice@localhost"]))]));
    let fields = |more: Vec<(Term, Term)>| {
        let mut fields = vec![
            (atom("id"), binary("a")),
            (atom("request"), atom("authenticate")),
            (binary("listener"), atom("c2s")),
            (binary("host"), Term::from("localhost".to_owned())),
            (atom("host_type"), atom("undefined")),
            (atom("chain"), chain.clone()),
        ];
        fields.extend(more);
        fields
    };

    let reply = ask_term(&mut connection, fields(vec![]));
    assert_eq!(*field(&reply, "allowed"), atom("true"));
    assert_eq!(*field(&reply, "id"), binary("a"));
    assert_eq!(*field(&reply, "jid"), binary("alice@localhost"));
    assert_eq!(*field(&reply, "version"), FixInteger::from(1).into());
    assert!(matches!(field(&reply, "trail"), Term::List(_)));

    // An authzid that no JSON string can be.
    let reply = ask_term(
        &mut connection,
        fields(vec![(atom("authzid"), binary([0xff, 0xfe]))]),
    );
    assert_eq!(*field(&reply, "allowed"), atom("false"));
    assert_eq!(*field(&reply, "condition"), binary("invalid-authzid"));

    // Erlang's empty string.
    let reply = ask_term(
        &mut connection,
        fields(vec![(atom("authzid"), List::from(vec![]).into())]),
    );
    assert_eq!(*field(&reply, "allowed"), atom("true"));

    let reply = ask_term(
        &mut connection,
        fields(vec![(binary("host"), binary([0xff]))]),
    );
    assert_eq!(*field(&reply, "error"), binary("bad_request"));

    let big = eetf::BigInteger::from(u64::MAX);
    let reply = ask_term(
        &mut connection,
        vec![
            (atom("id"), big.clone().into()),
            (atom("request"), atom("status")),
        ],
    );
    assert_eq!(*field(&reply, "id"), big.into());
    assert_eq!(*field(&reply, "reload_error"), atom("undefined"));
    let port = Map {
        map: [(atom("port"), FixInteger::from(5222).into())].into(),
    };
    let mut by_port = fields(vec![]);
    by_port[2].1 = port.into();
    assert_eq!(
        *field(&ask_term(&mut connection, by_port), "allowed"),
        atom("true")
    );
}
