//! Writes docs/configuration.md:
//! `cargo run -p certjid-core --example configuration > docs/configuration.md`

use core::fmt::Write as _;

use certjid_core::config::options::{Absent, ConfigOption, Effect, GROUPS, Group, Kind};

fn main() {
    print!("{}", page());
}

/// The page.
pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for group in GROUPS {
        let _ = write!(page, "\n## {}\n\n", heading(group));
        page.push_str("| option | value | default | what certjid does with it |\n");
        page.push_str("|---|---|---|---|\n");
        for option in group.options {
            page.push_str(&row(option));
        }
    }
    page
}

fn heading(group: &Group) -> String {
    let sections = group.sections.iter().map(|section| match *section {
        "" => "The other sections".to_owned(),
        section => format!("`{section}`"),
    });
    sections.collect::<Vec<_>>().join(", ")
}

fn row(option: &ConfigOption) -> String {
    let default = match option.default {
        Absent::Required => "must be there".to_owned(),
        Absent::Said(what) => what.to_owned(),
        Absent::Unset => String::new(),
        Absent::Value(value) => format!("`{value}`"),
    };
    let effect = match option.effect {
        Effect::Ignored(why) => format!("ignored: {why}"),
        Effect::Older(what) => format!("older spelling, with a warning; read as {what}"),
        Effect::Used(how) => format!("used: {how}"),
    };
    let kind = values(&option.kind);
    format!("| `{}` | {kind} | {default} | {effect} |\n", option.key)
}

fn values(kind: &Kind) -> String {
    match kind {
        Kind::Any => "not checked".to_owned(),
        Kind::Boolean => "boolean".to_owned(),
        Kind::File => "a file that exists".to_owned(),
        Kind::Integer(least, Some(most)) => format!("integer, {least} to {most}"),
        Kind::Integer(least, None) => format!("integer, {least} or more"),
        Kind::IntegerOrInfinity(least) => format!("integer, {least} or more, or `\"infinity\"`"),
        Kind::List(of) => format!("list: {}", values(of)),
        Kind::NonEmpty => "string, not empty".to_owned(),
        Kind::Number(numbers) => {
            let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
            numbers.join(" or ")
        }
        Kind::OneOf(names) => {
            let names: Vec<String> = names.iter().map(|name| format!("`\"{name}\"`")).collect();
            names.join(", ")
        }
        Kind::Several(of) => format!("list of one or more, each once: {}", values(of)),
        Kind::String => "string".to_owned(),
        Kind::Syntax { name, .. } => (*name).to_owned(),
        Kind::Table => "table".to_owned(),
        Kind::Unique(of) => format!("list, each once: {}", values(of)),
    }
}

const INTRODUCTION: &str = r#"<!-- Made by `cargo run -p certjid-core --example configuration`; a test compares it. -->
# The configuration

certjid reads `mongooseim.toml` as MongooseIM does, and takes from it what decides a login by certificate. Below stands
every option that it knows. A value of another type or out of range, and a key that is not here, is an error with line and
path (an unknown key in `general` is a warning), and `certjid config check` reports all of them at once. Relative file
names start at the folder of the file, or else at the working directory. `[]` stands for an entry of a list of tables, as in `[[listen.c2s]]`, and `TAG` for the name of a
pool: the method http asks the pool `auth`, and ldap the one that `auth.ldap.pool_tag` names.

`auth` in a `[[host_config]]` replaces the whole global `auth` for that host or host type. A dynamic domain is decided by
the `host_type` of the request.

## Services

No login waits for a service for longer than `call_timeout`. Where a service does not answer as it should, the next method
is asked, and where none says yes the client gets `temporary-auth-failure`. Only the logins that need a service wait for it.

A directory that was away is asked again 250 ms after it failed, whatever `connect_interval` says: logins work again within
a second of its return. Of several `servers`, one that failed is tried after the others for `connect_interval`, and each has
its share of `call_timeout`.

What a service sends is bounded: 1 MiB for an answer of HTTP or for a message of LDAP. More counts as no answer.

### StartTLS

MongooseIM knows LDAP over TLS only as LDAPS: with a section `tls`, TLS begins at once, by default on port 636. It has no
option for StartTLS and does not start with one, so that this is a setting of certjid's own: `--ldap-starttls TAG` of
`certjid serve` and `certjid check`, `CERTJID_LDAP_STARTTLS`, or `ldap_starttls = ["TAG"]` in the settings file. The pools
`outgoing_pools.ldap.TAG` then use StartTLS on their port, for which the file has to say `port = 389`. Nothing is sent
before TLS has begun. Their section `tls` says how the directory is checked; without one, its defaults count.
"#;
