//! The method `ldap`, with a real slapd on free ports of the loopback.

mod common;

use std::time::{Duration, Instant};

use certjid_core::decide::{Decided, Request};
use common::slapd::Slapd;
use common::{Site, decide, reason, wait_until};

#[test]
fn a_user_with_an_entry_logs_in() {
    let site = Site::new();
    let slapd = Slapd::start(site.dir.path());
    for tls in [false, true] {
        let config = slapd.config(tls, "", "\"ldap\"");
        let allowed = login(&site, &config, "alice");
        let Ok(allowed) = allowed else {
            panic!("{allowed:?}")
        };
        assert_eq!(
            (allowed.method.as_str(), allowed.jid.as_str()),
            ("ldap", "alice@localhost")
        );
        assert!(
            allowed
                .trail
                .last()
                .unwrap()
                .message
                .contains("uid=alice,ou=Users")
        );
        assert_eq!(reason(&login(&site, &config, "bob")), "method_refused");
        assert_eq!(reason(&login(&site, &config, "żółw")), "ok");
        // No user name is a filter.
        assert_eq!(reason(&login(&site, &config, "*")), "method_refused");
        assert_eq!(reason(&login(&site, &config, "a*")), "method_refused");
    }
}

#[test]
fn the_options_of_the_documentation() {
    let site = Site::new();
    let slapd = Slapd::start(site.dir.path());
    let cases = [
        ("filter = \"(objectClass=inetOrgPerson)\"", "ok"),
        ("filter = \"(objectClass=device)\"", "method_refused"),
        (
            "uids = [{attr = \"mail\", format = \"%u@mail.example.org\"}]",
            "ok",
        ),
        ("uids = [{attr = \"cn\"}, {attr = \"uid\"}]", "ok"),
        ("uids = [{attr = \"cn\"}]", "method_refused"),
        (
            "base = \"ou=Nobody,dc=example,dc=com\"",
            "method_unavailable",
        ),
        (
            "local_filter = {operation = \"equal\", attribute = \"title\", values = [\"boss\"]}",
            "ok",
        ),
        (
            "local_filter = {operation = \"notequal\", attribute = \"TITLE\", values = [\"boss\"]}",
            "method_refused",
        ),
        (
            "dn_filter = {filter = \"(&(objectClass=groupOfNames)(member=%D))\"}",
            "ok",
        ),
        (
            "dn_filter = {filter = \"(&(uid=%u)(sn=%s)(title=%s))\", attributes = [\"sn\", \"title\"]}",
            "ok",
        ),
        (
            "dn_filter = {filter = \"(&(uid=%u)(sn=%s)(title=%s))\", attributes = [\"title\", \"sn\"]}",
            "method_refused",
        ),
    ];
    for (option, expected) in cases {
        let outcome = login(&site, &slapd.config(false, option, "\"ldap\""), "alice");
        assert_eq!(reason(&outcome), expected, "{option}: {outcome:?}");
    }
}

#[test]
fn the_directory_reads_each_user_name_as_it_is() {
    let site = Site::new();
    let slapd = Slapd::start(site.dir.path());
    let option = "filter = \"(objectClass=*)\"\nderef = \"always\"";
    let backed = site.backed(&slapd.config(false, option, "\"ldap\""));
    // As slapd writes filters in its log: a hex escape for each octet that could be taken for
    // more, and for each that is not ASCII.
    let cases = [
        ("alice", "alice"),
        ("*", "\\2A"),
        ("a*e", "a\\2Ae"),
        ("a)(uid=*", "a\\29\\28uid=\\2A"),
        ("back\\slash", "back\\5Cslash"),
        ("\\2a", "\\5C2a"),
        ("%u%d", "%u%d"),
        ("żółw", "\\C5\\BC\\C3\\B3\\C5\\82w"),
    ];
    for (user, _) in cases {
        let outcome = decide(&backed, &site.request(user));
        let known = user == "alice" || user == "żółw";
        let expected = if known { "ok" } else { "method_refused" };
        assert_eq!(reason(&outcome), expected, "{user}: {outcome:?}");
    }
    let log = slapd.log();
    let searches: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("SRCH base="))
        .collect();
    assert_eq!(searches.len(), cases.len(), "{log}");
    for (search, (_, written)) in searches.iter().zip(cases) {
        let expected = format!(
            "SRCH base=\"dc=example,dc=com\" scope=2 deref=3 filter=\"(&(uid={written})(objectClass=*))\""
        );
        assert!(
            search.to_lowercase().contains(&expected.to_lowercase()),
            "{search}\n{expected}"
        );
    }

    // NUL is in no user name, so that the directory never sees one.
    let outcome = decide(&backed, &site.request("a\0b"));
    assert_eq!(reason(&outcome), "malformed_xmpp_addr", "{outcome:?}");
    assert_eq!(slapd.log().matches("SRCH base=").count(), cases.len());
}

#[test]
fn a_dynamic_domain_has_the_pool_and_the_filter_of_its_host_type() {
    let site = Site::new();
    let slapd = Slapd::start(site.dir.path());
    let config = slapd.config(
        false,
        "uids = [{attr = \"mail\", format = \"%u@%d\"}]",
        "\"ldap\"",
    );
    let config = config
        .replace(
            "hosts = [",
            "host_types = [\"mail.example.org\", \"other\"]\nhosts = [",
        )
        .replace("call_timeout", "scope = \"host_type\"\ncall_timeout");
    // The other host type has a pool of its own, where nobody listens.
    let other = "[[host_config]]\nhost_type = \"other\"\n\
                 [host_config.outgoing_pools.ldap.default]\ncall_timeout = 500\n\
                 connection.servers = [\"127.0.0.2\"]\nconnection.port = 1\n";
    let backed = site.backed(&format!("{config}{other}"));
    let login = |host_type: Option<&str>| {
        let request = Request {
            host: "chat.example.net".to_owned(),
            host_type: host_type.map(str::to_owned),
            chain: vec![site.client(&["alice@chat.example.net"])],
            ..site.request("alice")
        };
        reason(&decide(&backed, &request)).to_owned()
    };
    assert_eq!(login(Some("mail.example.org")), "ok");
    assert_eq!(login(Some("other")), "method_unavailable");
    assert_eq!(login(Some("third")), "host_unknown");
    assert_eq!(login(None), "host_unknown");
    // A static host is its own host type.
    assert_eq!(
        reason(&decide(&backed, &site.request("alice"))),
        "method_refused"
    );
}

#[test]
fn a_directory_that_is_away_is_no_refusal() {
    let site = Site::new();
    let mut slapd = Slapd::start(site.dir.path());
    let config = slapd.config(false, "", "\"ldap\"");
    let backed = site.backed(&config);
    let alice = site.request("alice");
    let ask = || reason(&decide(&backed, &alice)).to_owned();
    assert_eq!(ask(), "ok");

    slapd.stop();
    assert_eq!(ask(), "method_unavailable");
    let both = login(
        &site,
        &slapd.config(false, "", "\"ldap\", \"pki\""),
        "alice",
    );
    assert_eq!(reason(&both), "ok");

    slapd.restart();
    wait_until("the directory is asked again", || ask() == "ok");

    slapd.signal("STOP");
    let begun = Instant::now();
    assert_eq!(ask(), "method_unavailable");
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
    slapd.signal("CONT");
    wait_until("the directory answers again", || ask() == "ok");
}

fn login(site: &Site, config: &str, user: &str) -> Decided {
    decide(&site.backed(config), &site.request(user))
}
