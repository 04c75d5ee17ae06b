//! What `certjid config check` says of the configurations in test/data/cases/warnings.jsonl, each
//! laid out in a folder of its own; and `certjid serve` with options that it does not know.

mod common;

use std::collections::BTreeMap;
use std::fs;

use common::Site;
use common::cases::{self, File, Line};
use common::cli::{certjid, text};
use common::serving::Serving;
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    name: String,
    files: BTreeMap<String, File>,
    want: Want,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Want {
    exit: Exit,
    silent: bool,
    warnings: Option<u64>,
    mentions: Mentions,
    lines: Option<(u32, u32)>,
    lacks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Exit {
    Either(Vec<i32>),
    One(i32),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Mentions {
    OfALine(Vec<String>),
    OfSeveral(Vec<Vec<String>>),
}

/// What the program said.
struct Told {
    status: i32,
    out: String,
    all: String,
}

#[test]
fn every_row_is_told_as_wanted() {
    let rows: Vec<Row> = cases::rows("warnings.jsonl");
    assert!(rows.len() > 90, "{}", rows.len());
    let attempt = |row: &Row| {
        let dir = tempfile::tempdir().unwrap();
        for (name, file) in &row.files {
            fs::write(dir.path().join(name), file.bytes()).unwrap();
        }
        let output = certjid(dir.path(), &["config", "check", "mongooseim.toml"]);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        let told = Told {
            status: output.status.code().unwrap(),
            all: format!("{out}{err}"),
            out,
        };
        let fault = row.want.judge(&told)?;
        Some(format!("{}: {fault}\n{}", row.name, told.all))
    };
    let faults: Vec<String> = rows.iter().filter_map(attempt).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// An upgrade of MongooseIM does not stop the sidecar: options that it does not know, in all parts
/// that decide no login.
#[test]
fn unknown_options_leave_the_sidecar_running() {
    let site = Site::new();
    let new = "brand_new_option = 1";
    let config = common::CONFIG
        .replace("[general]", &format!("[general]\n{new}"))
        .replace("port = 5222", &format!("port = 5222\n{new}"));
    let config = format!(
        "{config}\n[new_section]\n{new}\n[[listen.quic]]\n{new}\n[[listen.http]]\nport = 5551\n{new}\n\
         tls.{new}\ntransport.{new}\n[[listen.http.handlers.mongoose_new_handler]]\n{new}\n\
         [outgoing_pools.kafka.x]\n{new}\n[outgoing_pools.ldap.x]\n{new}\nconnection.{new}\n"
    );
    fs::write(site.config(), config).unwrap();
    let serving = Serving::with(site.dir.path(), "mongooseim.toml");
    let warned = serving.logged("listen.quic");
    assert_eq!(warned["level"], "WARN");
    let checked = certjid(site.dir.path(), &["config", "check", "mongooseim.toml"]);
    let told = text(&checked.stdout);
    // In sections that are unknown as a whole, only the section is named.
    assert_eq!(told.matches("brand_new_option: ").count(), 7, "{told}");
    for name in [
        "new_section",
        "listen.quic",
        "mongoose_new_handler",
        "kafka",
    ] {
        assert!(told.contains(name), "{name}: {told}");
    }
}

impl Want {
    /// What is wrong, if anything.
    fn judge(&self, told: &Told) -> Option<String> {
        let statuses = match &self.exit {
            Exit::Either(statuses) => statuses.as_slice(),
            Exit::One(status) => core::slice::from_ref(status),
        };
        if !statuses.contains(&told.status) {
            return Some(format!("exit status {}", told.status));
        }
        if told.status == 0 {
            let count = told.warnings();
            if self.silent && count > 0 || self.warnings.is_some_and(|wanted| wanted != count) {
                return Some(format!("{count} warnings"));
            }
        }
        let all = told.all.to_lowercase();
        if let Some(word) = self.lacks.iter().find(|word| all.contains(*word)) {
            return Some(format!("the output has {word:?}"));
        }
        let (lines, several) = match &self.mentions {
            Mentions::OfALine(words) => (self.lines, core::slice::from_ref(words)),
            Mentions::OfSeveral(several) => (None, several.as_slice()),
        };
        several.iter().find_map(|mentions| {
            let line = Line { mentions, lines };
            (!line.is_in(&told.all)).then(|| format!("no line has {mentions:?} {lines:?}"))
        })
    }
}

impl Default for Exit {
    fn default() -> Self {
        Self::One(0)
    }
}

impl Default for Mentions {
    fn default() -> Self {
        Self::OfALine(Vec::new())
    }
}

impl Told {
    /// How many warnings the last line counts.
    fn warnings(&self) -> u64 {
        let last = self.out.lines().last().unwrap_or_default();
        let before = last.split(" warning").next().unwrap_or_default();
        let count = before.rsplit(' ').next();
        count.and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}
