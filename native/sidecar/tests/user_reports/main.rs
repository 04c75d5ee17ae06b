//! What people report about client-certificate logins: a test for each situation, named after
//! its row.

#[path = "../common/mod.rs"]
mod common;
mod logins;
mod names;
mod shapes;
mod x509;

use std::fs;
use std::path::Path;

use common::CONFIG;
use common::cli::{UNUSABLE, certjid, run, text};
use serde_json::Value;
use tempfile::TempDir;
use x509::{Authority, Contents};

/// A folder with a CA and a mongooseim.toml.
struct Site {
    dir: TempDir,
    ca: Authority,
}

impl Site {
    /// One whose `sasl_external` is the given TOML list.
    fn new(sasl_external: &str) -> Self {
        let site = Self {
            dir: tempfile::tempdir().unwrap(),
            ca: Authority::new(),
        };
        let pem = pem(&site.ca.certificate());
        fs::write(site.path().join("ca.pem"), pem).unwrap();
        site.configure(&CONFIG.replace(r#"["standard"]"#, sasl_external));
        site
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn configure(&self, config: &str) {
        fs::write(self.path().join("mongooseim.toml"), config).unwrap();
    }

    /// Issues client.der.
    fn issue(&self, contents: &Contents<'_>) {
        fs::write(self.path().join("client.der"), self.ca.issue(contents)).unwrap();
    }

    fn check_args<'a>(&self, more: &[&'a str]) -> Vec<&'a str> {
        let args = "check --config mongooseim.toml --host localhost --cert client.der";
        args.split(' ').chain(more.iter().copied()).collect()
    }

    /// The answer to a login with client.der.
    fn check(&self, more: &[&str], status: i32) -> Value {
        let args = self.check_args(&[more, &["--json"]].concat());
        serde_json::from_str(&run(self.path(), &args, status)).unwrap()
    }

    /// The same as a person reads it.
    fn explain(&self, more: &[&str], status: i32) -> String {
        run(self.path(), &self.check_args(more), status)
    }

    fn inspect(&self) -> Value {
        inspect(&self.path().join("client.der"))
    }

    /// What `config check` warns of.
    fn warnings(&self) -> String {
        run(self.path(), &["config", "check", "mongooseim.toml"], 0)
    }

    /// Why `config check` refuses the file.
    fn faults(&self) -> String {
        let args = ["config", "check", "mongooseim.toml"];
        run(self.path(), &args, UNUSABLE)
    }
}

fn inspect(file: &Path) -> Value {
    let output = certjid(
        Path::new("/"),
        &["inspect", "--json", file.to_str().unwrap()],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The steps of an answer's trail as `what outcome message`.
fn trail(answer: &Value) -> Vec<String> {
    let part = |step: &Value, name: &str| step[name].as_str().unwrap().to_owned();
    answer["trail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            ["what", "outcome", "message"]
                .map(|name| part(step, name))
                .join(" ")
        })
        .collect()
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = base64
        .as_bytes()
        .chunks(64)
        .map(|line| core::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}
