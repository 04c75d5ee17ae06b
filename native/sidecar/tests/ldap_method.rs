//! The method `ldap`, with a real slapd on free ports of the loopback.

mod common;

use std::time::{Duration, Instant};

use certjid_core::policy::Outcome;
use common::slapd::Slapd;
use common::{Site, decide, reason, wait_until};

#[test]
fn a_user_with_an_entry_logs_in() {
    let site = Site::new();
    let slapd = Slapd::start(site.dir.path());
    for tls in [false, true] {
        let config = slapd.config(tls, "", "\"ldap\"");
        let allowed = login(&site, &config, "alice");
        let Outcome::Allowed(allowed) = allowed else {
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

fn login(site: &Site, config: &str, user: &str) -> Outcome {
    decide(&site.backed(config), &site.request(user))
}
