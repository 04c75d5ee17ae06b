//! See `certjid_fuzz::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certjid_fuzz::config::check(data));
