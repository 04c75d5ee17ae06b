//! The binary, as a person or a script runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::CONFIG;

pub const ALLOWED: i32 = 0;
pub const REFUSED: i32 = 1;
pub const UNUSABLE: i32 = 2;

pub fn certjid(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_certjid"))
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .env_remove("CERTJID_CONFIG")
        .output()
        .unwrap()
}

pub fn run(dir: &Path, args: &[&str], status: i32) -> String {
    let output = certjid(dir, args);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{args:?}\n{out}\n{err}");
    if status == UNUSABLE {
        assert!(!err.is_empty(), "{args:?}");
        err
    } else {
        assert_eq!(err, "", "{args:?}");
        out
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub fn openssl(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "openssl {args:?}\n{}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Asks the sidecar at `sock` about alice.
pub const CHECK: [&str; 7] = check_of("alice.pem");

/// Asks the sidecar at `sock` about a certificate.
pub const fn check_of(cert: &str) -> [&str; 7] {
    [
        "check",
        "--socket",
        "sock",
        "--host",
        "localhost",
        "--cert",
        cert,
    ]
}

/// Writes alice.der.
pub fn write_der(dir: &Path) {
    let convert = "x509 -in alice.pem -outform DER -out alice.der";
    openssl(dir, &convert.split(' ').collect::<Vec<_>>());
}

/// A folder with what `dev-cert` makes for alice@localhost, and a mongooseim.toml.
pub fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &["dev-cert", "alice@localhost"], 0);
    fs::write(dir.path().join("mongooseim.toml"), CONFIG).unwrap();
    dir
}
