//! Passwords outside the URL, where libpq looks for them: `PGPASSWORD`, and the file that
//! `PGPASSFILE` names, or else `~/.pgpass`.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tokio_postgres::Config;

/// Looks for the password of these hosts, which are `host:port` each.
///
/// # Errors
/// Where the file can't be read, or others can read it too.
pub(super) fn find(hosts: &[String], config: &Config) -> Result<Option<String>, String> {
    if let Ok(password) = env::var("PGPASSWORD") {
        return Ok(Some(password));
    }
    let file = match (env::var_os("PGPASSFILE"), env::var_os("HOME")) {
        (Some(file), _) => PathBuf::from(file),
        (None, Some(home)) => PathBuf::from(home).join(".pgpass"),
        (None, None) => return Ok(None),
    };
    let named = |what: &dyn core::fmt::Display| format!("{}: {what}", file.display());
    let mode = match fs::metadata(&file) {
        Ok(metadata) => metadata.permissions().mode(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(named(&error)),
    };
    if mode & 0o077 != 0 {
        return Err(named(&"others than its owner may read it (chmod 600)"));
    }
    let text = fs::read_to_string(&file).map_err(|error| named(&error))?;
    let user = config.get_user().unwrap_or_default();
    let database = config.get_dbname().unwrap_or(user);
    Ok(hosts
        .iter()
        .find_map(|host| in_lines(&text, host, database, user)))
}

/// The fields of a line are host, port, database, user and password; `*` fits all.
fn in_lines(text: &str, host: &str, database: &str, user: &str) -> Option<String> {
    let (name, port) = host.rsplit_once(':')?;
    // A socket's folder is known as localhost too.
    let is_host = |field: &str| field == name || (name.starts_with('/') && field == "localhost");
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(fields)
        .find_map(|fields| match <[String; 5]>::try_from(fields) {
            Ok([for_host, for_port, for_database, for_user, password])
                if (for_host == "*" || is_host(&for_host))
                    && fits(&for_port, port)
                    && fits(&for_database, database)
                    && fits(&for_user, user) =>
            {
                Some(password)
            }
            _ => None,
        })
}

fn fits(field: &str, value: &str) -> bool {
    field == "*" || field == value
}

/// Fields end with a colon, and a backslash takes the next character's meaning away.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (character, fields.last_mut()) {
            (':', _) => fields.push(String::new()),
            ('\\', Some(field)) => field.extend(characters.next()),
            (_, Some(field)) => field.push(character),
            (_, None) => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# h:1:d:u:comment\nother:*:*:*:a\nh:1:d:u:b\\:c\\\\d\n*:*:*:u:e\n::::::\n";
        assert_eq!(in_lines(text, "h:1", "d", "u").as_deref(), Some("b:c\\d"));
        assert_eq!(in_lines(text, "h:2", "d", "u").as_deref(), Some("e"));
        assert_eq!(in_lines(text, "other:2", "d", "v").as_deref(), Some("a"));
        assert_eq!(in_lines(text, "h:1", "d", "v"), None);
        let local = "localhost:*:*:*:a\n";
        assert_eq!(
            in_lines(local, "/run/postgresql:5432", "d", "u").as_deref(),
            Some("a")
        );
    }
}
