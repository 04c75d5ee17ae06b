use std::fs;

use certjid_core::jid::Jid;

/// All rows of jids.tsv. Those of which the file tells only lengths are made anew here.
#[test]
fn jids() {
    let text = fs::read_to_string(super::path("jids.tsv")).unwrap();
    let mut count = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        let &[name, input, local, domain, resource, ..] = &columns[..] else {
            panic!("{line}");
        };
        count += 1;
        if input.ends_with(" bytes)") {
            check_length(name, input, local);
            continue;
        }
        let parsed = Jid::parse(&unescape(input));
        if local == "error" {
            assert!(parsed.is_err(), "{name}: {parsed:?}");
            continue;
        }
        let jid = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            (
                jid.local.as_bytes(),
                jid.domain.as_bytes(),
                jid.resource.as_bytes()
            ),
            (
                &unescape(local)[..],
                &unescape(domain)[..],
                &unescape(resource)[..]
            ),
            "{name}"
        );
    }
    assert_eq!(count, 115);
}

fn check_length(name: &str, length: &str, local: &str) {
    let jid = |local: usize, domain: usize, resource: usize| {
        let slash = if resource == 0 { "" } else { "/" };
        let (local, domain) = ("a".repeat(local), "b".repeat(domain));
        format!("{local}@{domain}{slash}{}", "c".repeat(resource))
    };
    let input = match name {
        "local_1023" => jid(1023, 9, 0),
        "local_1024" => jid(1024, 9, 0),
        "domain_1023" => jid(1, 1023, 0),
        "domain_1024" => jid(1, 1024, 0),
        "res_1023" => jid(1, 1, 1023),
        "res_1024" => jid(1, 1, 1024),
        "total_3070" => jid(1023, 1022, 1023),
        "total_3071" => jid(1023, 1023, 1023),
        // A soft hyphen of two bytes goes, so that 1023 would be left.
        "shrinks_to_1023" => format!("\u{ad}{}", jid(1023, 9, 0)),
        _ => panic!("{name} is new"),
    };
    assert_eq!(format!("({} bytes)", input.len()), length, "{name}");
    let parsed = Jid::parse(input.as_bytes());
    assert_eq!(parsed.is_err(), local == "error", "{name}");
}

/// Undoes the escapes of the file: `\xNN` and `\\`.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'\\', [b'x', _, _, ..]) => {
                let digits = std::str::from_utf8(&after[1..3]).unwrap();
                (u8::from_str_radix(digits, 16).unwrap(), &after[3..])
            }
            (b'\\', [b'\\', after @ ..]) => (b'\\', after),
            other => other,
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}
