//! K1, K2, K7: logins that MongooseIM's process does not survive, or does not offer.

use certjid_core::decide::{Authzid, Outcome, Request};
use certjid_core::policy::{Modules, Policy};
use certjid_core::reason::Reason;
use certjid_core::sasl::ModuleAnswer;

use super::authority::{Authority, addressed, named};
use super::server::{
    NOW, PKI, Server, allowed, refused, request, settings, tried, why, with_authzid,
};

#[test]
fn a_malformed_authzid_is_refused() {
    let (ca, policy) = with_kinds("['auth_id', 'common_name']");
    let leaf = ca.issue(&named("alice"));
    for authzid in ["a b@localhost", "@localhost", "alice@"] {
        let refused = refused(&policy, &with_authzid(&leaf, authzid), NOW);
        assert_eq!(refused.condition.as_str(), "invalid-authzid", "{authzid}");
        assert_eq!(refused.reason, Reason::MalformedAuthzid);
        // common_name is not tried.
        assert_eq!(tried(&refused), [("auth_id", "invalid-authzid")]);
    }
    let bytes = Request {
        authzid: Authzid::Decoded(b"\xff@localhost".to_vec()),
        ..request(&[leaf])
    };
    let expected = ("invalid-authzid", "malformed_authzid".to_owned());
    assert_eq!(why(&policy, &bytes), expected);
}

#[test]
fn a_malformed_authzid_that_no_kind_reads_changes_nothing() {
    let (ca, policy) = with_kinds("['standard']");
    let leaf = ca.issue(&named("alice"));
    let expected = ("not-authorized", "no_xmpp_addr".to_owned());
    assert_eq!(
        why(&policy, &with_authzid(&leaf, "a b@localhost")),
        expected
    );
}

#[test]
fn a_malformed_xmpp_addr_is_refused() {
    let (ca, policy) = with_kinds("['standard', 'common_name']");
    for address in ["a b@localhost", "@localhost", "alice@", ""] {
        let login = request(&[ca.issue(&addressed(&[address]))]);
        let refused = refused(&policy, &login, NOW);
        assert_eq!(refused.condition.as_str(), "not-authorized", "{address:?}");
        assert_eq!(refused.reason, Reason::MalformedXmppAddr, "{address:?}");
        // common_name is not tried.
        assert_eq!(tried(&refused), [("standard", "not-authorized")]);
    }
}

#[test]
fn a_malformed_initial_response_is_an_incorrect_encoding() {
    let (ca, policy) = with_kinds("['standard']");
    let leaf = ca.issue(&addressed(&["alice@localhost"]));
    let chain = [leaf];
    let respond = |text: &str| Request {
        authzid: Authzid::InitialResponse(text.to_owned()),
        ..request(&chain)
    };
    for text in ["YQ", "Y", "Y=", "YWI", "=A"] {
        let expected = ("incorrect-encoding", "malformed_base64".to_owned());
        assert_eq!(why(&policy, &respond(text)), expected, "{text:?}");
    }
    for text in ["", "=", "!!!"] {
        assert_eq!(allowed(&policy, &respond(text)).username, "alice");
    }
}

#[test]
fn an_empty_list_of_kinds_is_a_refusal() {
    let (ca, policy) = with_kinds("[]");
    let expected = ("not-authorized", "no_verification_kind".to_owned());
    assert_eq!(
        why(&policy, &request(&[ca.issue(&named("alice"))])),
        expected
    );
}

#[test]
fn a_mechanism_listed_twice_counts_once() {
    let ca = Authority::new();
    let text = settings(PKI, "").replace("['external']", "['external', 'external']");
    let policy = Server::new(&ca.pem)
        .try_load(&text, Modules::Called)
        .unwrap();
    let login = request(&[ca.issue(&addressed(&["alice@localhost"]))]);
    assert!(policy.mechanisms(&login, NOW).external());
    assert_eq!(allowed(&policy, &login).username, "alice");
}

#[test]
fn methods_that_can_not_do_external_are_skipped() {
    let ca = Authority::new();
    let server = Server::new(&ca.pem);
    let login = request(&[ca.issue(&addressed(&["alice@localhost"]))]);
    for other in ["rdbms", "internal", "dummy", "anonymous", "jwt"] {
        let auth = format!("methods = ['{other}', 'pki']\npki = {{}}");
        let policy = server.load(&auth, "");
        assert!(policy.mechanisms(&login, NOW).external());
        let alice = allowed(&policy, &login);
        assert_eq!(
            (alice.jid.as_str(), alice.method.as_str()),
            ("alice@localhost", "pki")
        );
        let skipped = alice.trail.iter().find(|step| step.what == other).unwrap();
        assert_eq!(skipped.outcome, "skipped");
    }
}

#[test]
fn external_is_offered_for_http_alone() {
    let ca = Authority::new();
    let auth = "methods = ['http']\nhttp = {}\n\
                [outgoing_pools.http.auth.connection]\nhost = 'http://localhost:8000'";
    let policy = Server::new(&ca.pem).load(auth, "");
    let login = request(&[ca.issue(&addressed(&["alice@localhost"]))]);
    let offer = policy.mechanisms(&login, NOW);
    assert!(offer.external(), "{offer:?}");
}

#[test]
fn the_modules_that_certjid_knows_are_built_in() {
    let ca = Authority::new();
    let server = Server::new(&ca.pem);
    for module in ["cyrsasl_external_verification", "certjid_verification"] {
        let auth = format!("{PKI}\nsasl_external = ['{module}']");
        let text = settings(&auth, "");
        let policy = server.try_load(&text, Modules::Refused).unwrap();
        let login = request(&[ca.issue(&addressed(&["alice@localhost"]))]);
        assert_eq!(allowed(&policy, &login).kind, module);
    }
}

#[test]
fn other_modules_are_asked_in_erlang_and_refused_elsewhere() {
    let ca = Authority::new();
    let server = Server::new(&ca.pem);
    let text = settings(&format!("{PKI}\nsasl_external = ['my_module']"), "");
    let errors = server.try_load(&text, Modules::Refused).unwrap_err();
    assert_eq!(errors.faults.len(), 1);
    assert_eq!(errors.faults[0].path, "auth.sasl_external");

    let policy = server.try_load(&text, Modules::Called).unwrap();
    let login = request(&[ca.issue(&named("alice"))]);
    let Outcome::AskModule(pending) = policy.authenticate(&login, NOW) else {
        panic!("the module is not asked");
    };
    let question = pending.question();
    assert_eq!(question.module, "my_module");
    assert_eq!(question.common_name.as_deref(), Some("alice"));
    let answer = ModuleAnswer::Ok("bob".to_owned());
    let Outcome::Allowed(bob) = pending.answered(answer) else {
        panic!("the module's user is refused");
    };
    assert_eq!((bob.username.as_str(), bob.source), ("bob", "module"));
}

#[test]
fn a_mechanism_that_is_not_offered_is_invalid() {
    let ca = Authority::new();
    let text = settings(PKI, "").replace("['external']", "['plain']");
    let policy = Server::new(&ca.pem)
        .try_load(&text, Modules::Called)
        .unwrap();
    let login = request(&[ca.issue(&addressed(&["alice@localhost"]))]);
    let expected = ("invalid-mechanism", "external_not_configured".to_owned());
    assert_eq!(why(&policy, &login), expected);
    assert!(!policy.mechanisms(&login, NOW).external());
}

fn with_kinds(kinds: &str) -> (Authority, Policy) {
    let ca = Authority::new();
    let auth = format!("{PKI}\nsasl_external = {kinds}");
    let policy = Server::new(&ca.pem).load(&auth, "");
    (ca, policy)
}
