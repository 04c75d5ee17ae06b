//! The method `ldap`, with a real slapd on free ports of the loopback.

mod common;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use certjid_core::config::ListenerRef;
use certjid_core::policy::{self, Authzid, Outcome, Request};
use certjid_core::verify::CrlPolicy;
use certjid_sidecar::backend::Backed;
use common::{Site, wait_until};

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
    fs::write(site.config(), &config).unwrap();
    let backed = Backed::load(&site.config(), CrlPolicy::default()).unwrap();
    let alice = request(&site, "alice");
    let ask = || reason(&backed.authenticate(&alice, policy::now())).to_owned();
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
    assert_eq!(ask(), "ok");

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
    fs::write(site.config(), config).unwrap();
    let backed = Backed::load(&site.config(), CrlPolicy::default())
        .unwrap_or_else(|errors| panic!("{errors}"));
    backed.authenticate(&request(site, user), policy::now())
}

fn request(site: &Site, user: &str) -> Request {
    Request {
        listener: ListenerRef::Name("c2s".to_owned()),
        host: "localhost".to_owned(),
        host_type: None,
        chain: vec![site.client(&[&format!("{user}@localhost")])],
        authzid: Authzid::Absent,
        verified: None,
        answers: Default::default(),
    }
}

fn reason(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Allowed(_) => "ok",
        Outcome::Refused(refused) => &refused.reason,
        Outcome::AskModule(_) => panic!("no module is configured"),
    }
}

struct Slapd {
    child: Option<Child>,
    folder: std::path::PathBuf,
    port: u16,
    tls_port: u16,
}

impl Slapd {
    fn start(site: &Path) -> Self {
        let folder = site.join("slapd");
        fs::create_dir_all(folder.join("db")).unwrap();
        common::cli::run(&folder, &["dev-cert", "--server", "localhost"], 0);
        let text = |text: &str| text.replace("DIR", folder.to_str().unwrap());
        fs::write(folder.join("slapd.conf"), text(SLAPD_CONF)).unwrap();
        fs::write(folder.join("base.ldif"), LDIF).unwrap();
        let filled = Command::new("slapadd")
            .args(["-q", "-f", "slapd.conf", "-l", "base.ldif"])
            .current_dir(&folder)
            .output()
            .expect("slapd is installed");
        assert!(
            filled.status.success(),
            "{}",
            String::from_utf8_lossy(&filled.stderr)
        );
        let (port, tls_port) = (free_port(), free_port());
        let mut slapd = Self {
            child: None,
            folder,
            port,
            tls_port,
        };
        slapd.restart();
        slapd
    }

    fn restart(&mut self) {
        let addresses = format!(
            "ldap://127.0.0.1:{} ldaps://127.0.0.1:{}",
            self.port, self.tls_port
        );
        // With -d it stays in the foreground, and so is this process's child.
        let child = Command::new("slapd")
            .args(["-d", "0", "-f", "slapd.conf", "-h", &addresses])
            .current_dir(&self.folder)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let port = self.port;
        wait_until("slapd listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    fn config(&self, tls: bool, option: &str, methods: &str) -> String {
        let (port, section) = if tls {
            let ca = self.folder.join("ca.pem");
            (self.tls_port, format!("tls.cacertfile = {ca:?}\n"))
        } else {
            (self.port, String::new())
        };
        let base = if option.starts_with("base") {
            ""
        } else {
            "base = \"dc=example,dc=com\""
        };
        format!(
            "[general]\ndefault_server_domain = \"localhost\"\nhosts = [\"localhost\"]\n\
             [auth]\nmethods = [{methods}]\nsasl_mechanisms = [\"external\"]\n[auth.pki]\n\
             [auth.ldap]\n{base}\n{option}\n\
             [[listen.c2s]]\nport = 5222\n[listen.c2s.tls]\ncacertfile = \"ca.pem\"\n\
             [outgoing_pools.ldap.default]\ncall_timeout = 2000\n\
             [outgoing_pools.ldap.default.connection]\nservers = [\"127.0.0.1\"]\nport = {port}\n\
             root_dn = \"cn=admin,dc=example,dc=com\"\npassword = \"secret\"\n{section}"
        )
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

const SLAPD_CONF: &str = "\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile DIR/slapd.pid
argsfile DIR/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile DIR/ca.pem
TLSCertificateFile DIR/server.pem
TLSCertificateKeyFile DIR/server.key
database mdb
suffix \"dc=example,dc=com\"
rootdn \"cn=admin,dc=example,dc=com\"
rootpw secret
directory DIR/db
maxsize 10485760
index objectClass,uid eq
";

const LDIF: &str = "\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=Users,dc=example,dc=com
objectClass: organizationalUnit
ou: Users

dn: uid=alice,ou=Users,dc=example,dc=com
objectClass: inetOrgPerson
uid: alice
cn: Alice Doe
sn: Doe
title: boss
mail: alice@mail.example.org

dn: uid=żółw,ou=Users,dc=example,dc=com
objectClass: inetOrgPerson
uid: żółw
cn: T
sn: T

dn: cn=staff,dc=example,dc=com
objectClass: groupOfNames
cn: staff
member: uid=alice,ou=Users,dc=example,dc=com
";
