//! `tls` of outgoing pools: LDAPS, StartTLS and https, and what is checked of the server.

mod common;

use std::fs;
use std::path::Path;

use certjid_core::decide::Request;
use certjid_sidecar::backend::{Backed, Options};
use common::http_service::{Service, answer, pem};
use common::slapd::Slapd;
use common::{Site, cli, decide, reason};

const OK: &str = "ok";
const UNAVAILABLE: &str = "method_unavailable";

#[test]
fn a_directory_is_reached_by_ldaps_and_by_starttls() {
    let site = Site::new();
    // Without TLS, the directory refuses the password.
    let slapd = Slapd::start_with(site.dir.path(), "security tls=128", "");
    let alice = site.request("alice");
    let plain = slapd.config(false, "", "\"ldap\"");
    let outcome = decide(&site.backed(&plain), &alice);
    assert_eq!(reason(&outcome), UNAVAILABLE, "{outcome:?}");

    let ldaps = slapd.config(true, "", "\"ldap\"");
    let starttls = ldaps.replace(
        &format!("port = {}", slapd.tls_port),
        &format!("port = {}", slapd.port),
    );
    let never = Options::default();
    let always = Options {
        ldap_starttls: vec!["default".to_owned()],
        ..Options::default()
    };
    let other_ca = format!("{:?}", site.path("ca.pem"));
    let ca = format!("{:?}", slapd.folder.join("ca.pem"));
    for (config, options) in [(&ldaps, &never), (&starttls, &always)] {
        let (site_ca, sni) = (other_ca.as_str(), "tls.server_name_indication");
        for (more, ca, expected) in [
            // The address stands in the certificate, and so does localhost.
            (String::new(), ca.as_str(), OK),
            (String::new(), site_ca, UNAVAILABLE),
            (format!("{sni}.host = \"localhost\""), &ca, OK),
            (format!("{sni}.host = \"other.example\""), &ca, UNAVAILABLE),
            (
                format!("{sni}.host = \"other.example\"\n{sni}.enabled = false"),
                &ca,
                OK,
            ),
            (format!("{sni}.enabled = false"), site_ca, UNAVAILABLE),
            ("tls.verify_mode = \"none\"".to_owned(), site_ca, OK),
            (
                "tls.verify_mode = \"selfsigned_peer\"".to_owned(),
                site_ca,
                UNAVAILABLE,
            ),
            ("tls.versions = [\"tlsv1.2\"]".to_owned(), &ca, OK),
            ("tls.versions = [\"tlsv1.3\"]".to_owned(), &ca, OK),
        ] {
            let config = config.replace(&format!("{:?}", slapd.folder.join("ca.pem")), ca);
            let config = format!("{config}\n{more}\n");
            let outcome = decide(&site.backed_with(&config, options), &alice);
            assert_eq!(reason(&outcome), expected, "{more} {ca}: {outcome:?}");
        }
    }

    // Each way at the other's port, where nothing is sent in the clear instead.
    for (config, options) in [(&ldaps, &always), (&starttls, &never)] {
        let outcome = decide(&site.backed_with(config, options), &alice);
        assert_eq!(reason(&outcome), UNAVAILABLE, "{outcome:?}");
    }
    // Without a section tls, the system's CAs count, of which the directory's is none.
    let outcome = decide(&site.backed_with(&plain, &always), &alice);
    assert_eq!(reason(&outcome), UNAVAILABLE, "{outcome:?}");

    // So too from the command line.
    fs::write(site.config(), &starttls).unwrap();
    fs::write(site.path("alice.pem"), pem(&alice.chain[0])).unwrap();
    let check = |more: &[&str], status| {
        let login = [
            "check",
            "--config",
            "mongooseim.toml",
            "--host",
            "localhost",
        ];
        let args = [&login[..], &["--cert", "alice.pem"], more].concat();
        cli::run(site.dir.path(), &args, status)
    };
    check(&[], cli::REFUSED);
    let out = check(&["--ldap-starttls", "default"], cli::ALLOWED);
    assert!(out.contains("ALLOWED as alice@localhost"), "{out}");

    // A tag of no pool would leave the directory without TLS.
    let out = check(&["--ldap-starttls", "default,defualt"], cli::UNUSABLE);
    assert!(out.contains("--ldap-starttls names \"defualt\""), "{out}");
}

#[test]
fn a_directory_may_ask_for_a_certificate() {
    let site = Site::new();
    let slapd = Slapd::start_with(site.dir.path(), "TLSVerifyClient demand", "");
    cli::run(&slapd.folder, &["dev-cert", "sidecar@localhost"], 0);
    cli::openssl(
        &slapd.folder,
        &[
            "pkcs8",
            "-topk8",
            "-in",
            "sidecar.key",
            "-out",
            "locked.key",
            "-v2",
            "aes256",
            "-passout",
            "pass:of the key",
        ],
    );
    let config = slapd.config(true, "", "\"ldap\"");
    let with = |key: &str, more: &str| {
        let (cert, key) = (slapd.folder.join("sidecar.pem"), slapd.folder.join(key));
        format!("{config}\ntls.certfile = {cert:?}\ntls.keyfile = {key:?}\n{more}\n")
    };
    let alice = site.request("alice");
    for (config, expected) in [
        (config.clone(), UNAVAILABLE),
        (with("sidecar.key", ""), OK),
        (with("locked.key", "tls.password = \"of the key\""), OK),
    ] {
        let outcome = decide(&site.backed(&config), &alice);
        assert_eq!(reason(&outcome), expected, "{outcome:?}");
    }
    for more in ["", "tls.password = \"wrong-password\""] {
        fs::write(site.config(), with("locked.key", more)).unwrap();
        let errors = Backed::load(&site.config(), &Options::default());
        let errors = errors.err().unwrap().to_string();
        assert!(
            errors.contains("locked.key") && errors.contains("outgoing_pools.ldap.default"),
            "{errors}"
        );
        assert!(!errors.contains("wrong-password"), "{errors}");
    }
}

#[test]
fn an_https_service_is_checked_by_name() {
    let site = Site::new();
    let alice = site.request("alice");
    let (exact, wildcard) = (site.path("exact"), site.path("wildcard"));
    for (folder, name) in [(&exact, "auth.example.org"), (&wildcard, "*.example.org")] {
        fs::create_dir(folder).unwrap();
        cli::run(folder, &["dev-cert", "--server", name], 0);
    }
    let sni = "tls.server_name_indication";
    let named = format!("{sni}.host = \"auth.example.org\"");
    for (folder, more, sent, expected) in [
        (&exact, String::new(), "", OK),
        (&exact, named.clone(), "auth.example.org", OK),
        (
            &exact,
            format!("{sni}.host = \"AUTH.example.org\""),
            "auth.example.org",
            OK,
        ),
        (
            &exact,
            format!("{sni}.host = \"www.example.org\""),
            "",
            UNAVAILABLE,
        ),
        (&exact, format!("{named}\n{sni}.enabled = false"), "", OK),
        // As in OTP.
        (&wildcard, named.clone(), "", UNAVAILABLE),
        (
            &wildcard,
            format!("{named}\n{sni}.protocol = \"https\""),
            "auth.example.org",
            OK,
        ),
    ] {
        let service = Service::start_tls(folder, answer(200, &pem(&alice.chain[0])));
        let outcome = login(&site, &service, folder, &more, &alice);
        assert_eq!(outcome, expected, "{folder:?} {more}");
        if expected == OK {
            assert_eq!(service.requests.recv().unwrap(), [sent], "{more}");
        }
    }
}

#[test]
fn a_revoked_service_is_not_asked() {
    let site = Site::new();
    let alice = site.request("alice");
    let folder = site.path("service");
    fs::create_dir(&folder).unwrap();
    cli::run(&folder, &["dev-cert", "--server", "localhost"], 0);
    fs::write(folder.join("index.txt"), "").unwrap();
    fs::write(folder.join("number"), "01").unwrap();
    let conf = "[ca]\ndefault_ca = c\n[c]\ndatabase = index.txt\ncrlnumber = number\n\
                default_md = sha256\ndefault_crl_days = 30\ncertificate = ca.pem\n\
                private_key = ca.key\ncrl_extensions = e\n[e]\nauthorityKeyIdentifier = keyid\n";
    fs::write(folder.join("ca.conf"), conf).unwrap();
    let list = |name: &str| {
        let args = ["ca", "-config", "ca.conf", "-gencrl", "-out", name];
        cli::openssl(&folder, &args);
        format!("tls.crl_files = [{:?}]", folder.join(name))
    };
    let empty = list("empty.crl");
    cli::openssl(
        &folder,
        &["ca", "-config", "ca.conf", "-revoke", "server.pem"],
    );
    let revoked = list("revoked.crl");
    let convert = [
        "crl",
        "-in",
        "revoked.crl",
        "-outform",
        "DER",
        "-out",
        "revoked.der",
    ];
    cli::openssl(&folder, &convert);
    let in_der = revoked.replace("revoked.crl", "revoked.der");
    for (crl, expected) in [(empty, OK), (revoked, UNAVAILABLE), (in_der, UNAVAILABLE)] {
        let service = Service::start_tls(&folder, answer(200, &pem(&alice.chain[0])));
        assert_eq!(
            login(&site, &service, &folder, &crl, &alice),
            expected,
            "{crl}"
        );
    }
}

#[test]
fn a_self_signed_service_is_for_development() {
    let site = Site::new();
    let alice = site.request("alice");
    let folder = site.path("service");
    fs::create_dir(&folder).unwrap();
    cli::openssl(
        &folder,
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "server.key",
            "-out",
            "server.pem",
            "-subj",
            "/CN=service",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ],
    );
    fs::copy(site.path("ca.pem"), folder.join("ca.pem")).unwrap();
    for (mode, expected) in [("peer", UNAVAILABLE), ("selfsigned_peer", OK), ("none", OK)] {
        let service = Service::start_tls(&folder, answer(200, &pem(&alice.chain[0])));
        let mode = format!("tls.verify_mode = {mode:?}");
        assert_eq!(
            login(&site, &service, &folder, &mode, &alice),
            expected,
            "{mode}"
        );
    }
}

/// By https, with the CA of the folder.
fn login(site: &Site, service: &Service, folder: &Path, more: &str, request: &Request) -> String {
    let ca = folder.join("ca.pem");
    let config = service.config("\"http\"", &format!("tls.cacertfile = {ca:?}\n{more}"));
    let backed = site.backed(&config.replace("http://", "https://"));
    reason(&decide(&backed, request)).to_owned()
}
