//! "Did you mean ...": the known word that a misspelt one resembles.

/// ` (did you mean WORD?)`, or nothing where no known word is near.
pub(super) fn did_you_mean(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!(" (did you mean {near}?)"),
        None => String::new(),
    }
}

/// The known word nearest to `word`, if it is near at all: one edit for every three letters.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    if word.len() > MAX_WORD {
        return None;
    }
    let distances = known.iter().map(|&known| (distance(word, known), known));
    let (distance, near) = distances.min()?;
    (distance > 0 && distance <= word.len().max(near.len()).div_ceil(3).min(MAX_EDITS))
        .then_some(near)
}

/// The known word that `word` is a slip of: only a few letters differ, or it has some of the same
/// words. Narrower than [`nearest`], for a new option may resemble an old one.
pub(super) fn slip_of<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    if word.len() > MAX_WORD {
        return None;
    }
    known.iter().copied().find(|known| is_slip(word, known))
}

fn is_slip(word: &str, known: &str) -> bool {
    if word == known {
        return false;
    }
    let word = word.to_lowercase().replace('-', "_");
    // A number at the end makes another option, as in http3.
    if word.strip_prefix(known).is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || c == '_')
    }) {
        return false;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (word.split('_').collect(), known.split('_').collect());
    if a.len() == b.len() {
        return a.iter().zip(&b).all(|(a, b)| is_slip_of_letters(a, b));
    }
    let (few, many) = if a.len() < b.len() {
        (&a, &b)
    } else {
        (&b, &a)
    };
    is_slip_of_letters(&word, known) || few.len() > 1 && few.iter().all(|part| many.contains(part))
}

/// One edit for every four letters; letters that are swapped are one.
fn is_slip_of_letters(a: &str, b: &str) -> bool {
    let length = a.chars().count().max(b.chars().count());
    let most = (length / 4).clamp(1, MAX_EDITS);
    distance(a, b) <= most || most == 1 && is_swap(a, b)
}

/// True where two letters that follow each other are swapped.
fn is_swap(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    a.len() == b.len()
        && (1..a.len()).any(|i| {
            a[..i - 1] == b[..i - 1]
                && a[i - 1] == b[i]
                && a[i] == b[i - 1]
                && a[i + 1..] == b[i + 1..]
        })
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, &d) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(c != d);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Longer words resemble nothing.
const MAX_WORD: usize = 64;

/// Words with more edits between them are not alike.
const MAX_EDITS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_word_with_letters_changed_added_or_left_out() {
        let known = ["cacertfile", "certfile", "verify_mode"];
        assert_eq!(nearest("cacert_file", &known), Some("cacertfile"));
        assert_eq!(nearest("verifymode", &known), Some("verify_mode"));
        assert_eq!(nearest("certfiel", &known), Some("certfile"));
        assert_eq!(nearest("port", &known), None);
        assert_eq!(nearest("", &[]), None);
    }

    #[test]
    fn tells_a_slip_from_a_new_option() {
        let known = [
            "allowed_auth_methods",
            "handlers",
            "hosts",
            "http",
            "port",
            "tls",
        ];
        for (slip, meant) in [
            ("allowed_auth_method", "allowed_auth_methods"),
            ("alowed_auth_methods", "allowed_auth_methods"),
            ("allowed-auth-methods", "allowed_auth_methods"),
            ("allowedauth_methods", "allowed_auth_methods"),
            ("auth_methods", "allowed_auth_methods"),
            ("Handlers", "handlers"),
            ("host", "hosts"),
            ("htpp", "http"),
            ("tsl", "tls"),
            ("TLS", "tls"),
        ] {
            assert_eq!(slip_of(slip, &known), Some(meant), "{slip}");
        }
        for new in [
            "acl",
            "brand_new_option",
            "c2s_quic",
            "http3",
            "kafka",
            "path",
            "tls_1_4",
        ] {
            assert_eq!(slip_of(new, &known), None, "{new}");
        }
        assert_eq!(
            slip_of("mongoose_new_handler", &["mongoose_bosh_handler"]),
            None
        );
        assert_eq!(slip_of("tls", &["tls"]), None);
    }
}
