//! See `certjid_fuzz::chain`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certjid_fuzz::chain::check(data));
