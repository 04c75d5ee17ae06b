//! The clock is set while the sidecar runs (by libfaketime).

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{Site, wait_until};
use crate::login;
use crate::process::Process;

#[test]
fn each_login_is_judged_by_the_clock_as_it_is_then() {
    let library = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
        .map(|folder| format!("{folder}/faketime/libfaketimeMT.so.1"))
        .into_iter()
        .find(|path| Path::new(path).exists())
        .expect("libfaketime is installed (rel/setup.sh)");
    let site = Site::new();
    let dir = site.dir.path();
    let set = |offset: &str| {
        fs::write(dir.join("clock.new"), offset).unwrap();
        fs::rename(dir.join("clock.new"), dir.join("clock")).unwrap();
    };
    set("+0\n");
    // The time-outs are those of another clock, which nobody can set.
    let prepare = format!(
        "export LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE=\"$PWD/clock\" FAKETIME_NO_CACHE=1 \
         FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1;"
    );
    let sidecar = Process::start(dir, &prepare, &[]);
    let der = site.client(&["alice@localhost"]);
    let mut connection = sidecar.connect();
    let mut reason = |id| -> Value { connection.ask(&login(id, &der))["reason"].clone() };
    assert_eq!(reason(0), Value::Null);
    // The certificate is valid for 30 days.
    for (id, (offset, due)) in [
        ("+40d\n", Value::from("cert_expired")),
        ("-5y\n", Value::from("cert_expired")),
        ("+0\n", Value::Null),
        ("+20y\n", Value::from("cert_expired")),
        ("-1h\n", Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        set(offset);
        assert_eq!(reason(id + 1), due, "at {offset}");
    }
    // A connection that was there before all of it still is, and others can be made.
    wait_until("the sidecar answers", || {
        sidecar.connect().ask(&login(9, &der))["allowed"] == true
    });
}
