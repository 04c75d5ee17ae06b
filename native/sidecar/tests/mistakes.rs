//! Ten mistakes that operators make, and the words by which `check`, `config check` and the log
//! of the sidecar name them.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::cli::{REFUSED, UNUSABLE, certjid, check_of, run, text};
use common::serving::Serving;
use tempfile::TempDir;

/// What `check` says of a certificate that is refused, and the sidecar's log in the same words.
const REFUSALS: [(&str, &str, &str); 8] = [
    // the certificate file, the reason, what the sentence says
    (
        "other-ca.pem",
        "unknown_ca",
        "its issuer \"CN=other\" (key id ",
    ),
    (
        "no-intermediate.pem",
        "unknown_ca",
        "its issuer \"O=middle\" (key id ",
    ),
    ("swapped.pem", "no_common_name", "the chain is swapped"),
    ("expired.pem", "cert_expired", "it expired 9 days ago"),
    ("future.pem", "cert_expired", "is a clock wrong?"),
    (
        "server-only.pem",
        "invalid_ext_key_usage",
        "has serverAuth but not clientAuth",
    ),
    (
        "self-signed.pem",
        "selfsigned_peer",
        "is self-signed, and verify_mode \"peer\"",
    ),
    (
        "stale-crl.pem",
        "revocation_status_undetermined",
        "is out of date",
    ),
];

#[test]
fn check_names_each_mistake() {
    let folder = folder();
    for (file, reason, words) in REFUSALS {
        let out = check(folder.path(), "mongooseim.toml", file);
        assert_eq!(
            out.status.code(),
            Some(REFUSED),
            "{file}: {}",
            text(&out.stdout)
        );
        let said = text(&out.stdout);
        assert!(said.contains(&format!("({reason})")), "{file}: {said}");
        assert!(said.contains(words), "{file}: {said}");
    }
}

#[test]
fn the_log_names_each_mistake() {
    let folder = folder();
    let config = fs::read_to_string(folder.path().join("mongooseim.toml")).unwrap();
    let keys = config.replace("keyfile = \"root.key\"", "keyfile = \"middle.key\"");
    fs::write(folder.path().join("keys.toml"), keys).unwrap();
    let serving = Serving::with(folder.path(), "keys.toml");
    let warned = serving.logged("is not the key of the certificate in");
    assert_eq!(warned["level"], "WARN", "{warned}");

    for (file, reason, words) in REFUSALS {
        run(folder.path(), &check_of(file), REFUSED);
        let line = serving.logged("login refused: ");
        assert_eq!(line["reason"], reason, "{file}");
        assert_eq!(line["fingerprint"].as_str().unwrap().len(), 64, "{file}");
        let part = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let said = part("cause") + &part("notes");
        assert!(said.contains(words), "{file}: {said}");
    }

    fs::rename(folder.path().join("root.pem"), folder.path().join("away")).unwrap();
    serving.signal("HUP");
    let line = serving.logged("the policy is not reloaded").to_string();
    for part in ["keys.toml", "listen.c2s[1].tls.cacertfile", "root.pem"] {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn a_ca_file_that_can_t_be_read_is_named() {
    let folder = folder();
    let config = fs::read_to_string(folder.path().join("mongooseim.toml")).unwrap();
    for (name, words) in [
        ("no-such.pem", "there is no file"),
        ("k.pem", "there is no CERTIFICATE block"),
    ] {
        let broken = config.replace(
            "cacertfile = \"root.pem\"",
            &format!("cacertfile = {name:?}"),
        );
        fs::write(folder.path().join("broken.toml"), broken).unwrap();
        let out = check(folder.path(), "broken.toml", "expired.pem");
        assert_eq!(out.status.code(), Some(UNUSABLE));
        let said = text(&out.stderr);
        for part in ["broken.toml:", "listen.c2s[1].tls.cacertfile", name, words] {
            assert!(said.contains(part), "{said}");
        }
    }
}

#[test]
fn a_key_that_does_not_fit_is_named() {
    let folder = folder();
    let said = |config: &str| {
        let out = certjid(folder.path(), &["config", "check", config]);
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        text(&out.stdout)
    };
    assert!(!said("mongooseim.toml").contains("is not the key"));
    let config = fs::read_to_string(folder.path().join("mongooseim.toml")).unwrap();
    let swapped = config.replace("keyfile = \"root.key\"", "keyfile = \"middle.key\"");
    fs::write(folder.path().join("keys.toml"), swapped).unwrap();
    let said = said("keys.toml");
    assert!(
        said.contains("middle.key is not the key of the certificate in"),
        "{said}"
    );
}

fn check(folder: &Path, config: &str, cert: &str) -> std::process::Output {
    certjid(
        folder,
        &[
            "check",
            "--config",
            config,
            "--listener",
            "c2s",
            "--host",
            "localhost",
            "--cert",
            cert,
        ],
    )
}

/// A folder with every mistake in it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mongooseim.toml"), CONFIG).unwrap();
    let made = Command::new("sh")
        .args(["-ec", SCRIPT])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    folder
}

const CONFIG: &str = r#"
[general]
  default_server_domain = "localhost"
  hosts = ["localhost"]
[auth]
  sasl_mechanisms = ["external"]
  sasl_external = ["standard", "common_name"]
  [auth.pki]
[[listen.c2s]]
  port = 5222
  [listen.c2s.tls]
    cacertfile = "root.pem"
    crl_files = ["stale.crl"]
    certfile = "root.pem"
    keyfile = "root.key"
"#;

const SCRIPT: &str = r#"
at() { date -ud "$1" +%Y%m%d%H%M%SZ; }
key() { openssl ecparam -genkey -name prime256v1 -noout -out $1.key; }
ca() { key $1; openssl req -x509 -key $1.key -subj /CN=$1 -days 30 -out $1.pem; }
database() {
    : >$1.db; echo 1234 >$1.serial
    cat >$1.cnf <<END
[ca]
default_ca=d
[d]
database=$1.db
new_certs_dir=.
certificate=$1.pem
private_key=$1.key
serial=$1.serial
crlnumber=$1.serial
default_md=sha256
policy=p
unique_subject=no
crl_extensions=e
copy_extensions=none
[e]
authorityKeyIdentifier=keyid
[p]
commonName=optional
organizationName=optional
END
}
# leaf NAME ISSUER EXTENSIONS OPTIONS...
leaf() {
    name=$1; issuer=$2; printf '%b\n' "$3\nauthorityKeyIdentifier=keyid" >x.cnf; shift 3
    [ -e k.pem ] || openssl ecparam -genkey -name prime256v1 -noout -out k.pem
    openssl req -new -key k.pem -subj /O=alice -out r.pem
    openssl ca -batch -config $issuer.cnf -in r.pem -notext -extfile x.cnf -out $name.pem "$@"
}
client=extendedKeyUsage=clientAuth
for ca in root other listed; do ca $ca; database $ca; done
key middle
openssl req -new -key middle.key -subj /O=middle -out r.pem
printf 'basicConstraints=critical,CA:TRUE\nextendedKeyUsage=clientAuth\nsubjectKeyIdentifier=hash\n' >ca.cnf
openssl ca -batch -config root.cnf -in r.pem -notext -extfile ca.cnf -days 9 -out middle.pem
database middle
leaf other-ca other $client -days 9
leaf no-intermediate middle $client -days 9
cat middle.pem no-intermediate.pem >swapped.pem
leaf expired root $client -startdate $(at '-99 days') -enddate $(at '-9 days')
leaf future root $client -startdate $(at '+99 days') -days 999
leaf server-only root extendedKeyUsage=serverAuth -days 9
openssl req -x509 -key k.pem -subj /CN=alice -out self-signed.pem
# Only what `listed` issued is touched by its list, which is out of date.
leaf stale-crl listed $client -days 9
openssl ca -config listed.cnf -gencrl -crl_lastupdate $(at '-99 days') -crl_nextupdate $(at '-9 days') \
    -out stale.crl
cat listed.pem >>root.pem
"#;
