//! See `certjid_fuzz::pem`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certjid_fuzz::pem::check(data));
