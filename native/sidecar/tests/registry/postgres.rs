//! The registry in PostgreSQL: what differs from a file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::commands::certificates_are_added_listed_and_removed_in;
use crate::common::cli::{ALLOWED, REFUSED, UNUSABLE, text};
use crate::common::wait_until;
use crate::crashes::processes_that_add_at_once_lose_nothing_in;
use crate::postgres_server::Server as Postgres;
use crate::store::is_a_store;
use crate::{Server, add_in, check, connect, folder, registry_in, send};

#[test]
fn postgresql_is_a_store() {
    let postgres = Postgres::start();
    is_a_store(&postgres.socket_url());
    postgres.sql("DROP TABLE certjid_certificates, certjid_migrations");
    certificates_are_added_listed_and_removed_in(&postgres.socket_url());
    // All of them find no tables, and make them.
    postgres.sql("DROP TABLE certjid_certificates, certjid_migrations");
    processes_that_add_at_once_lose_nothing_in(&postgres.socket_url());
    assert_eq!(postgres.sql("SELECT version FROM certjid_migrations"), "1");

    let dir = folder();
    let said = registry_in(
        dir.path(),
        &postgres.socket_url(),
        &["backup", "b"],
        UNUSABLE,
    );
    assert!(said.contains("pg_dump"), "{said}");
    postgres.sql("INSERT INTO certjid_migrations VALUES (99)");
    let said = registry_in(dir.path(), &postgres.socket_url(), &["list"], UNUSABLE);
    assert!(said.contains("a newer certjid"), "{said}");
}

#[test]
fn a_change_counts_on_every_node() {
    let postgres = Postgres::start();
    let dir = folder();
    let dir = dir.path();
    let place = postgres.socket_url();
    let start = || Server::start_with(dir, &["--registry", &place, "--http", "127.0.0.1:0"], &[]);
    let nodes = [start(), start(), start()];
    for _ in 0..3 {
        add_in(dir, &place, "alice@example.org", "alice.pem");
        for node in &nodes {
            node.config(dir, &[]);
            check(dir, "alice.pem", &[], ALLOWED);
        }
        registry_in(dir, &place, &["remove", "alice@example.org"], 0);
        for node in &nodes {
            node.config(dir, &[]);
            check(dir, "alice.pem", &[], REFUSED);
        }
    }
}

#[test]
fn a_database_that_is_away_is_unavailable_until_it_is_back() {
    let mut postgres = Postgres::start();
    let dir = folder();
    let dir = dir.path();
    let place = postgres.socket_url();
    add_in(dir, &place, "alice@example.org", "alice.pem");
    let server = Server::start_with(dir, &["--registry", &place, "--http", "127.0.0.1:0"], &[]);
    server.config(dir, &[]);
    let question = b"GET /get_certs?user=alice&server=example.org HTTP/1.1\r\n\
        Host: x\r\nConnection: close\r\n\r\n";
    let address = &*server.address;
    let ask = || send(connect(address), question).status;
    // A machine that is busy with other tests may let one request run out of time.
    let ask_patiently = || {
        let begun = Instant::now();
        loop {
            match ask() {
                503 if begun.elapsed() < Duration::from_secs(5) => {}
                status => return status,
            }
        }
    };
    let ask_at_once = |expected: &[u16]| {
        let ask: &(dyn Fn() -> u16 + Sync) = if expected == [200] {
            &ask_patiently
        } else {
            &ask
        };
        thread::scope(|scope| {
            for asking in [(); 20].map(|()| scope.spawn(ask)) {
                let status = asking.join().unwrap();
                assert!(expected.contains(&status), "{status}");
            }
        });
    };
    ask_at_once(&[200]);

    // Stopped: 503 at once. Back: the first request finds it, though all connections are lost.
    postgres.stop();
    assert_eq!(ask(), 503);
    assert_eq!(
        check(dir, "alice.pem", &[], REFUSED)["condition"],
        "temporary-auth-failure"
    );
    postgres.restart();
    ask_at_once(&[200]);
    postgres.stop();
    postgres.restart();
    ask_at_once(&[200]);

    // Hung: 503 within the time that MongooseIM waits, or little more on a busy machine.
    postgres.signal_all("STOP");
    let begun = Instant::now();
    ask_at_once(&[503]);
    assert!(begun.elapsed() >= Duration::from_millis(1400));
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    postgres.signal_all("CONT");
    let begun = Instant::now();
    wait_until("it answers again", || ask() == 200);
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    ask_at_once(&[200]);

    // Connections that never answer again are given up, and others made.
    let backends = "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity
        WHERE application_name = 'certjid'";
    let backends = postgres.sql(backends);
    let signal = |name: &str| {
        let processes = backends.split(' ');
        let sent = Command::new("kill")
            .args(["-s", name])
            .args(processes)
            .status();
        assert!(sent.unwrap().success());
    };
    signal("STOP");
    ask_at_once(&[200, 503]);
    ask_at_once(&[200]);
    signal("CONT");

    // Lost ones are made anew, also in the middle of a question.
    let asking = AtomicBool::new(true);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while asking.load(Ordering::Relaxed) {
                    assert_eq!(ask_patiently(), 200);
                }
            });
        }
        for _ in 0..30 {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'certjid'";
            postgres.sql(end);
        }
        asking.store(false, Ordering::Relaxed);
    });

    // Locked by somebody: the same.
    let locking = thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let connected = tokio_postgres::connect(&place, tokio_postgres::NoTls).await;
            let (client, connection) = connected.unwrap();
            tokio::spawn(connection);
            let lock = "BEGIN; LOCK TABLE certjid_certificates; SELECT pg_sleep(4); COMMIT";
            client.batch_execute(lock).await.unwrap();
        });
    });
    wait_until("the table is locked", || ask() == 503);
    locking.join().unwrap();
    assert_eq!(ask(), 200);
}

#[test]
fn a_service_that_starts_before_its_database_works_when_that_comes() {
    let mut postgres = Postgres::start();
    let dir = folder();
    let dir = dir.path();
    let place = postgres.socket_url();
    postgres.stop();
    let server = Server::start_with(dir, &["--registry", &place, "--http", "127.0.0.1:0"], &[]);
    server.wait_for("can't be read yet");
    let ask = || {
        server
            .get("/get_certs?user=alice&server=example.org")
            .status
    };
    assert_eq!(ask(), 503);
    postgres.restart();
    wait_until("it answers", || ask() == 404);
    add_in(dir, &place, "alice@example.org", "alice.pem");
    assert_eq!(ask(), 200);
}

#[test]
fn the_service_needs_no_right_but_to_read() {
    let postgres = Postgres::start();
    let dir = folder();
    let dir = dir.path();
    let place = postgres.socket_url();
    add_in(dir, &place, "alice@example.org", "alice.pem");
    postgres.sql(
        "CREATE ROLE reader LOGIN;
         GRANT SELECT ON certjid_certificates, certjid_migrations TO reader",
    );
    let reader = place.replace("certjid@", "reader@");
    let server = Server::start_with(dir, &["--registry", &reader, "--http", "127.0.0.1:0"], &[]);
    assert_eq!(
        server
            .get("/get_certs?user=alice&server=example.org")
            .status,
        200
    );
    let said = registry_in(dir, &reader, &["remove", "alice@example.org"], UNUSABLE);
    assert!(said.contains("permission denied"), "{said}");
}

#[test]
fn passwords_and_tls() {
    let postgres = Postgres::start();
    let dir = folder();
    let dir = dir.path();
    // What a command says with these variables.
    let list = |place: &str, variables: &[(&str, &str)], status| {
        let output = Command::new(env!("CARGO_BIN_EXE_certjid"))
            .args(["registry", "list"])
            .current_dir(dir)
            .env("HOME", dir)
            .env("CERTJID_REGISTRY", place)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert!(!said.contains("sesame"), "{said}");
        said
    };
    registry_in(
        dir,
        &postgres.socket_url(),
        &["add", "alice@example.org", "--cert", "alice.pem"],
        0,
    );
    let with = postgres.url("certjid:sesame", "127.0.0.1", "");
    let without = postgres.url("certjid", "127.0.0.1", "");
    assert!(list(&with, &[], 0).contains("alice@example.org"));
    let wrong = with.replace("sesame", "open-sesame");
    assert!(list(&wrong, &[], UNUSABLE).contains("authentication failed"));
    assert!(list(&without, &[], UNUSABLE).contains("password"));
    list(&without, &[("PGPASSWORD", "sesame")], 0);
    let pass_file = dir.join("pass");
    fs::write(&pass_file, "127.0.0.1:*:certjid:certjid:sesame\n").unwrap();
    let variable = [("PGPASSFILE", pass_file.to_str().unwrap())];
    fs::set_permissions(&pass_file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(list(&without, &variable, UNUSABLE).contains("others than its owner"));
    fs::set_permissions(&pass_file, fs::Permissions::from_mode(0o600)).unwrap();
    list(&without, &variable, 0);
    fs::rename(&pass_file, dir.join(".pgpass")).unwrap();
    list(&without, &[], 0);
    fs::remove_file(dir.join(".pgpass")).unwrap();

    for args in [
        &["list"][..],
        &["add", "alice@example.org", "--cert", "alice.pem"],
    ] {
        let said = registry_in(dir, &with, args, UNUSABLE);
        assert!(
            said.contains("on the command line") && !said.contains("sesame"),
            "{said}"
        );
    }
    let args = ["--log-level", "trace", "--http", "127.0.0.1:0"];
    let mut server = Server::start_with(dir, &args, &[("CERTJID_REGISTRY", &with)]);
    assert_eq!(
        server
            .get("/get_certs?user=alice&server=example.org")
            .status,
        200
    );
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    let log: Vec<String> = server.log.iter().collect();
    assert!(!log.iter().any(|line| line.contains("sesame")), "{log:?}");

    let tls = |host: &str, ca: &str, mode: &str| {
        let more = format!("?sslmode={mode}&sslrootcert={ca}");
        postgres.url("certjid:sesame", host, &more)
    };
    let ca = postgres.path().join("ca.pem");
    let ca = ca.to_str().unwrap();
    list(&tls("localhost", ca, "verify-full"), &[], 0);
    list(&tls("localhost", ca, "require"), &[], 0);
    // alice.pem is a certificate, but not one that has issued the server's.
    assert!(list(&tls("localhost", "alice.pem", "require"), &[], UNUSABLE).contains("certificate"));
    assert!(list(&tls("localhost", "none", "require"), &[], UNUSABLE).contains("none"));
    assert!(list(&tls("localhost", ca, "prefer"), &[], UNUSABLE).contains("sslmode"));
}
