//! UTCTime and GeneralizedTime as RFC 5280 section 4.1.2.5 has them: whole seconds, and Z.

use super::{Error, Reader};

/// Takes a time off, as Unix seconds: negative before 1970.
pub(crate) fn take(reader: &mut Reader<'_>) -> Result<i64, Error> {
    let element = reader.any()?;
    parse(element.tag, element.value).ok_or(Error("a time that is not valid"))
}

/// Whether the next element is a time.
pub(crate) fn is_next(reader: &Reader<'_>) -> bool {
    matches!(reader.rest().first(), Some(&(UTC_TIME | GENERALIZED_TIME)))
}

fn parse(tag: u8, value: &[u8]) -> Option<i64> {
    match (tag, value) {
        (UTC_TIME, [y1, y2, rest @ ..]) => match digits(*y1, *y2)? {
            year @ 50.. => unix(1900 + year, rest),
            year => unix(2000 + year, rest),
        },
        (GENERALIZED_TIME, [y1, y2, y3, y4, rest @ ..]) => {
            unix(100 * digits(*y1, *y2)? + digits(*y3, *y4)?, rest)
        }
        _ => None,
    }
}

/// From a year, and month, day, hour, minute, second and Z as they are written.
fn unix(year: i64, rest: &[u8]) -> Option<i64> {
    let &[mon1, mon2, day1, day2, h1, h2, min1, min2, s1, s2, b'Z'] = rest else {
        return None;
    };
    let (month, day) = (digits(mon1, mon2)?, digits(day1, day2)?);
    let (hour, minute, second) = (digits(h1, h2)?, digits(min1, min2)?, digits(s1, s2)?);
    let is_valid = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    is_valid
        .then(|| ((days_before(year, month) + day - 1) * 24 + hour) * 3600 + minute * 60 + second)
}

/// The days from 1970 to the first of a month.
fn days_before(year: i64, month: i64) -> i64 {
    let leap_days = |year: i64| year / 4 - year / 100 + year / 400;
    let years = 365 * (year - 1970) + leap_days(year - 1 + 400) - leap_days(1969 + 400);
    (1..month).fold(years, |days, month| days + days_of(year, month))
}

fn days_of(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn digits(tens: u8, ones: u8) -> Option<i64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    Some(10 * digit(tens)? + digit(ones)?)
}

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_rfc_5280() {
        for (text, seconds) in [
            ("700101000000Z", 0),
            ("691231235959Z", -1),
            ("500101000000Z", -631_152_000),
            ("491231235959Z", 2_524_607_999),
            ("20240229120000Z", 1_709_208_000),
            ("20000229000000Z", 951_782_400),
            ("00000101000000Z", -62_167_219_200),
            ("99991231235959Z", 253_402_300_799),
        ] {
            let tag = if text.len() == 13 {
                UTC_TIME
            } else {
                GENERALIZED_TIME
            };
            assert_eq!(parse(tag, text.as_bytes()), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_not_such_a_time() {
        for text in [
            "",
            "7001010000Z",
            "700101000000",
            "700101000000+0000",
            "230229000000Z",
            "701301000000Z",
            "700100000000Z",
            "700101240000Z",
            "700101006000Z",
            "700101000060Z",
            "70010100000 Z",
        ] {
            assert_eq!(parse(UTC_TIME, text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(GENERALIZED_TIME, b"20240229120000.5Z"), None);
        assert_eq!(parse(GENERALIZED_TIME, b"19000229000000Z"), None);
        assert_eq!(parse(0x0c, b"700101000000Z"), None);
    }
}
