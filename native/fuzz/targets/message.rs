//! See `certjid_fuzz::message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certjid_fuzz::message::check(data));
