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
}
