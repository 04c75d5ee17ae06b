//! See `certjid_fuzz::frame`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certjid_fuzz::frame::check(data));
