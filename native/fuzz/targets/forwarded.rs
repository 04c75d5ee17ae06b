//! See `certjid_fuzz::forwarded`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certjid_fuzz::forwarded::check(data));
