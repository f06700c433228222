#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| largescale_fuzz::run("gateways", data));
