//! The field `forwarded`: a client certificate from the headers that a proxy has written.

use certjid_core::headers::{Forwarded, Proxy};

use super::value::{Fields, Value};

pub(super) fn read(fields: &mut Fields<'_>) -> Result<Option<Forwarded>, String> {
    let format = fields.format;
    match fields.take("forwarded") {
        Value::Absent => Ok(None),
        Value::Map(values) => read_map(Fields::within(format, values))
            .map(Some)
            .map_err(|message| format!("\"forwarded\": {message}")),
        _ => Err("\"forwarded\" must be an object".to_owned()),
    }
}

fn read_map(mut fields: Fields<'_>) -> Result<Forwarded, String> {
    let forwarded = Forwarded {
        proxy: fields
            .required_text("proxy")?
            .parse::<Proxy>()
            .map_err(|error| format!("\"proxy\": {error}"))?,
        certificate: values(&mut fields, "certificate")?
            .ok_or("\"certificate\" is missing: the values of the header, or an empty list")?,
        chain: values(&mut fields, "chain")?.unwrap_or_default(),
    };
    fields.finish()?;
    Ok(forwarded)
}

/// Always a list, so that nobody joins the values of a duplicate header.
fn values(fields: &mut Fields<'_>, name: &str) -> Result<Option<Vec<Vec<u8>>>, String> {
    let due = || format!("{name:?} must be a list of strings, the values of the header");
    match fields.take(name) {
        Value::Absent => Ok(None),
        Value::List(items) => items
            .into_iter()
            .map(|item| match item {
                Value::Text(value) => Ok(value.into_owned()),
                _ => Err(due()),
            })
            .collect::<Result<_, _>>()
            .map(Some),
        _ => Err(due()),
    }
}
