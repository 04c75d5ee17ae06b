//! See `certjid_fuzz::body`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certjid_fuzz::body::check(data));
