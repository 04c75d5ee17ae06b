//! Stringprep is over Unicode 3.2, and the crates here know a later one: every code point is
//! compared with Python's module `stringprep`, which has the tables of RFC 3454 and the data of 3.2.

use std::process::{Command, Stdio};

use certjid_core::jid::{Jid, nameprep, nodeprep};

/// Of each code point, alone and among right-to-left letters, what each profile makes of it; `-`
/// where it refuses.
const PYTHON: &str = r#"
import stringprep as tables
from functools import cache
from unicodedata import ucd_3_2_0

common = [tables.in_table_c12, tables.in_table_c22, tables.in_table_c3, tables.in_table_c4,
          tables.in_table_c5, tables.in_table_c6, tables.in_table_c7, tables.in_table_c8,
          tables.in_table_c9]
profiles = {
    "node": common + [tables.in_table_c11, tables.in_table_c21, lambda c: c in "\"&'/:<>@"],
    "name": common,
    "resource": common + [tables.in_table_c21],
}

prohibited = cache(lambda profile, c: any(table(c) for table in profiles[profile]))
is_random_al, is_left = cache(tables.in_table_d1), cache(tables.in_table_d2)

@cache
def mapped(profile, c):
    if tables.in_table_b1(c):
        return ""
    if profile == "resource":
        return c
    # The module takes the lower case of today where RFC 3454 has no exception.
    folded = tables.map_table_b2(c)
    return c if any(map(tables.in_table_a1, folded)) else folded

def prepare(profile, text):
    result = ucd_3_2_0.normalize("NFKC", "".join(mapped(profile, c) for c in text))
    if any(prohibited(profile, c) for c in result):
        return None
    if any(map(is_random_al, result)):
        if any(map(is_left, result)):
            return None
        if not (is_random_al(result[0]) and is_random_al(result[-1])):
            return None
    return result

def written(result):
    return "-" if result is None else ",".join("%x" % ord(c) for c in result)

for code in range(0x110000):
    c = chr(code)
    if 0xd800 <= code < 0xe000 or tables.in_table_a1(c) or tables.in_table_c3(c):
        continue
    print("%x" % code, *(written(prepare(profile, text))
                         for text in (c, "\u05d0%s\u05d0" % c) for profile in profiles))
"#;

#[test]
fn every_code_point_is_prepared_by_unicode_3_2() {
    let python = Command::new("python3")
        .args(["-c", PYTHON])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(python.status.success());
    let expected = String::from_utf8(python.stdout).unwrap();
    let mut known = vec![false; 0x11_0000];
    let mut other = Vec::new();
    for line in expected.lines() {
        let (code, results) = line.split_once(' ').unwrap();
        let code = u32::from_str_radix(code, 16).unwrap();
        known[code as usize] = true;
        let c = char::from_u32(code).unwrap();
        let texts = [c.to_string(), format!("\u{5d0}{c}\u{5d0}")];
        let prepared: Vec<String> = texts
            .iter()
            .flat_map(|text| {
                // A resource has no function of its own.
                let jid = Jid::parse(format!("localhost/{text}").as_bytes());
                [
                    written(nodeprep(text).ok()),
                    written(nameprep(text).ok()),
                    written(jid.ok().map(|jid| jid.resource)),
                ]
            })
            .collect();
        let prepared = prepared.join(" ");
        if prepared != results {
            other.push(format!("U+{code:04X}: {prepared}, wanted {results}"));
        }
    }
    assert!(
        other.is_empty(),
        "{} differ:\n{}",
        other.len(),
        other.join("\n")
    );
    // All others are unassigned in 3.2, or for private use.
    let count = known.iter().filter(|known| **known).count();
    assert!(count > 90_000, "{count}");
    for (code, _) in (0_u32..).zip(&known).filter(|(_, known)| !**known) {
        if let Some(c) = char::from_u32(code) {
            let text = c.to_string();
            assert!(nodeprep(&text).is_err(), "U+{code:04X}");
            assert!(nameprep(&text).is_err(), "U+{code:04X}");
        }
    }
}

fn written(prepared: Option<String>) -> String {
    prepared.map_or_else(
        || "-".to_owned(),
        |text| {
            let codes = text.chars().map(|c| format!("{:x}", u32::from(c)));
            codes.collect::<Vec<_>>().join(",")
        },
    )
}
