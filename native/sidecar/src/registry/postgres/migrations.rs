//! The tables, and what brings them from each version to the next.

use tokio_postgres::Client;

use super::{Failure, LOCK};
use crate::registry::{Missing, RegistryError};

/// Brings the tables to the newest version. Several nodes may do so at once. Where that is done
/// already, nothing is written, and no right to do so is needed.
pub(super) async fn run(client: &mut Client, missing: Missing) -> Result<(), Failure> {
    let table = "SELECT to_regclass('certjid_migrations') IS NOT NULL";
    let version: i32 = if client.query_one(table, &[]).await?.try_get(0)? {
        client.query_one(VERSION, &[]).await?.try_get(0)?
    } else {
        0
    };
    if is_newest(version, missing)? {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await?;
    transaction.batch_execute(VERSIONS).await?;
    // Another node may have been here while this one waited.
    let version: i32 = transaction.query_one(VERSION, &[]).await?.try_get(0)?;
    is_newest(version, Missing::Create)?;
    let done = "INSERT INTO certjid_migrations (version) VALUES ($1)";
    for (number, migration) in (1_i32..).zip(MIGRATIONS) {
        if number > version {
            transaction.batch_execute(migration).await?;
            transaction.execute(done, &[&number]).await?;
        }
    }
    Ok(transaction.commit().await?)
}

fn is_newest(version: i32, missing: Missing) -> Result<bool, Failure> {
    let newest = MIGRATIONS.len() as i32;
    let why = match version {
        0 if missing == Missing::Refuse => {
            "there is no registry in this database; `certjid registry add` makes one"
        }
        _ if version > newest => "a newer certjid has made this registry",
        _ => return Ok(version == newest),
    };
    Err(RegistryError::Unusable(why.to_owned()).into())
}

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS certjid_migrations (
    version integer PRIMARY KEY,
    applied timestamptz NOT NULL DEFAULT now()
)";

const VERSION: &str = "SELECT coalesce(max(version), 0) FROM certjid_migrations";

/// Only ever add to the end. The order of names is that of their bytes, as in a file.
const MIGRATIONS: [&str; 1] = ["CREATE TABLE certjid_certificates (
    host text COLLATE \"C\" NOT NULL,
    local text COLLATE \"C\" NOT NULL,
    fingerprint bytea NOT NULL,
    der bytea NOT NULL,
    added bigint NOT NULL,
    note text,
    PRIMARY KEY (host, local, fingerprint)
)"];
