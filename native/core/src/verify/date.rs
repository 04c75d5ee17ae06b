use x509_parser::time::ASN1Time;

/// A time in Unix seconds, for people to read.
pub(crate) fn date(seconds: i64) -> String {
    ASN1Time::from_timestamp(seconds)
        .ok()
        .and_then(|time| time.to_rfc2822().ok())
        .unwrap_or_else(|| "a time out of range".to_owned())
}

/// A span of seconds, in the unit that says most.
pub(super) fn span(seconds: i64) -> String {
    match seconds / 86_400 {
        0 => format!("{seconds} seconds"),
        1 => "one day".to_owned(),
        days => format!("{days} days"),
    }
}
