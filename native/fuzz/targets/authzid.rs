//! See `certjid_fuzz::authzid`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certjid_fuzz::authzid::check(data));
