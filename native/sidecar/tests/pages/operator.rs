//! docs/operator.md: its blocks in their order, in one folder. That folder has what the page
//! presupposes: a mongooseim.toml for example.org, the CA that it names with its key, and the
//! certificates of alice and bob. Beside that the test differs from the page in this:
//!
//! | on the page | here |
//! |---|---|
//! | `/etc/mongooseim/mongooseim.toml`, `/run/certjid/certjid.sock` | in the folder |
//! | `certjid serve` | runs to the end of the test |
//! | `systemctl reload certjid` | SIGHUP, and the line in the log that the policy is reloaded |
//! | `certjid top` | `certjid top --count 1` |
//! | a block of `ini` | a file of the name in its first line |
//! | a block of `toml` | added to the listener's section `tls` |
//!
//! The text after `#` must be in the output of the command, which ends with status 1 where
//! that is REFUSED, and else with 0.

use std::fs;
use std::path::Path;

use crate::common::CONFIG;
use crate::common::cli::{ALLOWED, REFUSED, run, text};
use crate::common::serving::Serving;
use crate::common::wait_for_socket;
use crate::{blocks, read, sh};

#[test]
fn every_command_does_what_the_page_says() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    for user in ["alice", "bob"] {
        run(folder, &["dev-cert", &format!("{user}@example.org")], 0);
    }
    for kind in ["pem", "key"] {
        let name = |name: &str| folder.join(format!("{name}.{kind}"));
        fs::rename(name("ca"), name("users-ca")).unwrap();
    }
    let config = CONFIG
        .replace("localhost", "example.org")
        .replace("ca.pem", "users-ca.pem");
    fs::write(folder.join("mongooseim.toml"), config).unwrap();

    let page = read("docs/operator.md");
    let mut reader = Reader {
        folder,
        serving: None,
        commands: 0,
    };
    for (language, block) in blocks(&page) {
        match language {
            "sh" => block.lines().for_each(|line| reader.run(line)),
            "ini" => {
                let name = block.lines().next().unwrap().trim_start_matches("# ");
                fs::write(folder.join(name), block).unwrap();
            }
            "toml" => {
                let file = folder.join("mongooseim.toml");
                let config = fs::read_to_string(&file).unwrap();
                // The section is the last of the file.
                fs::write(file, config + block).unwrap();
            }
            other => panic!("a block of {other:?}"),
        }
    }
    assert!(reader.commands > 30, "{}", reader.commands);
    assert!(folder.join("try/alice.pem").exists());
}

struct Reader<'a> {
    folder: &'a Path,
    serving: Option<Serving>,
    commands: usize,
}

impl Reader<'_> {
    fn run(&mut self, line: &str) {
        self.commands += 1;
        let (command, says) = line.split_once(" # ").unwrap_or((line, ""));
        let folder = format!("{}/", self.folder.display());
        let command = command
            .replace("/etc/mongooseim/", &folder)
            .replace("/run/certjid/", &folder)
            .replace("certjid top", "certjid top --count 1");
        if let Some(args) = command.strip_prefix("certjid serve ") {
            let args: Vec<&str> = args.split(' ').collect();
            self.serving = Some(Serving::start(self.folder, &args));
            wait_for_socket(&self.folder.join("certjid.sock"));
        } else if command == "systemctl reload certjid" {
            let serving = self.serving.as_ref().expect("the page starts it before");
            serving.signal("HUP");
            serving.logged("the policy is reloaded");
        } else {
            let output = sh(self.folder, &command);
            let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
            let status = if says.starts_with("REFUSED") {
                REFUSED
            } else {
                ALLOWED
            };
            assert_eq!(output.status.code(), Some(status), "{command}\n{said}");
            assert!(said.contains(says), "{command}\n{said}");
        }
    }
}
