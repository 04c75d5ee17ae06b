use proptest::prelude::*;

use super::tests::block;
use super::*;

/// What a file is made of: text that is part of a block, part of a line, and between.
fn pieces() -> impl Strategy<Value = Vec<String>> {
    let label = prop_oneof![
        Just("CERTIFICATE"),
        Just("X509 CRL"),
        Just("PRIVATE KEY"),
        Just("RSA PRIVATE KEY"),
    ];
    let content = proptest::collection::vec(any::<u8>(), 1..120);
    let whole = (label.clone(), content).prop_map(|(label, content)| block(label, &content));
    let cut = (whole.clone(), any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(block, at, is_begin)| {
            let (begin, end) = block.split_at(at.index(block.len()));
            if is_begin { begin } else { end }.to_owned()
        },
    );
    let indented = whole.clone().prop_map(|block| block.replace('\n', "\n  "));
    let other = prop_oneof![
        Just("\n"),
        Just(" "),
        Just("\r"),
        Just("\u{feff}"),
        Just("subject=CN = alice\n"),
        Just("-----"),
        Just("-----BEGIN "),
        Just("-----END "),
        Just("\\n"),
        Just("#"),
    ];
    let piece = prop_oneof![
        4 => whole.clone(),
        2 => whole.prop_map(|block| block.trim_end().to_owned()),
        1 => indented,
        1 => cut,
        2 => other.prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..8)
}

proptest! {
    #[test]
    fn every_begin_is_a_block_or_an_error(pieces in pieces()) {
        let file = pieces.concat();
        let begins = file.matches("-----BEGIN").count();
        if let Ok(contents) = certificates(file.as_bytes()) {
            prop_assert_eq!(contents.items.len() + contents.others.len(), begins);
        }
        if let Ok(contents) = crls(file.as_bytes()) {
            prop_assert_eq!(contents.items.len() + contents.others.len(), begins);
        }
        let lines = file.lines().count() + file.matches('\r').count();
        if let Err(error) = certificates(file.as_bytes()) {
            prop_assert!(error.line.is_some_and(|line| (1..=lines).contains(&line)), "{:?}", error);
        }
    }

    #[test]
    fn blocks_are_read_however_they_are_joined(
        contents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 0..6),
        joins in proptest::collection::vec(0..6_usize, 6),
        ends in 0..3_usize,
    ) {
        let mut file = String::new();
        for (content, join) in contents.iter().zip(joins) {
            file += &block("CERTIFICATE", content);
            let length = file.trim_end().len();
            match join {
                0 => file.truncate(length),
                1 => file += "\u{feff}",
                2 => file += "text that says nothing\n  ",
                3 => file += "\n\n\t",
                4 => file += "-----\n",
                _ => {}
            }
        }
        let file = file.replace('\n', ["\n", "\r\n", "\r"][ends]);
        prop_assert_eq!(certificates(file.as_bytes()).unwrap().ders(), contents);
    }

    #[test]
    fn no_error_holds_bytes_of_the_file(pieces in pieces(), at in any::<prop::sample::Index>()) {
        let mut file = pieces.concat();
        let at = at.index(file.len() + 1);
        if file.is_char_boundary(at) {
            file.insert_str(at, "SECRETsecretSECRET");
        }
        let errors = [
            certificates(file.as_bytes()).map(drop),
            crls(file.as_bytes()).map(drop),
            private_key(file.as_bytes()).map(drop),
        ];
        for error in errors.into_iter().filter_map(Result::err) {
            let text = format!("{error} {error:?}");
            prop_assert!(!text.to_ascii_lowercase().contains("secretsecret"), "{}", text);
        }
    }
}
