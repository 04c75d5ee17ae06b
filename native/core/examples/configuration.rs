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
        Effect::Leftover(releases) => {
            format!("MongooseIM {releases} alone reads it: ignored, with a warning")
        }
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

certjid reads `mongooseim.toml` as MongooseIM does, and takes from it what decides a login by certificate. Below is every
option that it knows. `certjid config check` reports all faults at once, each with line and path, and the warnings with
them. Relative file names start at the folder of the file, otherwise at the working directory. `[]` is an entry of a list of
tables, as in `[[listen.c2s]]`, and `TAG` the name of a pool: the method http asks the pool `auth`, and ldap the one that
`auth.ldap.pool_tag` names.

## What is an error, and what a warning

Reading is strict where a login is decided, so that no misspelt option loosens anything. Elsewhere a fault is a warning:
the next release of MongooseIM may have options that this certjid does not know, and an upgrade must not stop it.

| part | an option that certjid does not know, or a value of another type or out of range |
|---|---|
| `auth`, `host_config` | an error |
| `tls` of a listener where a certificate can log in | an error |
| a pool that a method asks about certificates | an error |
| other pools | a warning; the pool is not used |
| `general`, the listeners, `tls` of the other listeners, `outgoing_pools`, the sections themselves | an error for what is *used* by the tables below, and for a key that looks like a slip of such an option; otherwise a warning |
| the other sections | not read |

A certificate can log in at a listener of users (c2s, or http with BOSH or WebSocket) where some `auth` has `external` among
its `sasl_mechanisms` and one of `http`, `ldap` and `pki` among its `methods`, and `allowed_auth_methods` leaves one of them.

## Which listener

A request names its listener by `"c2s"` or `"http"`, or by its port. `"http"` is the first http listener with BOSH or
WebSocket among its handlers, if any has one, so that an admin API before it does not count. Listeners that have one port on
several addresses must judge alike, or it is an error: the same TLS or none, `verify_mode`, `cacertfile`, `crl_files` and
`disconnect_on_failure`, and the same of `http`, `ldap` and `pki` in `allowed_auth_methods`. Whatever else they have may
differ.

## Hosts

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
