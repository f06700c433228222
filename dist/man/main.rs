//! Writes the man pages to a directory: `cargo run --example man -- DIRECTORY DATE`. It is not part of the program, which
//! stays smaller without it.

mod pages;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, date] = &arguments[..] else { return ExitCode::from(2) };
    let directory = Path::new(directory);
    let write = |(name, text): &(String, String)| std::fs::write(directory.join(name), text);
    let written =
        std::fs::create_dir_all(directory).and_then(|()| pages::pages(date).iter().try_for_each(write));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        // Only developers run this, so the debug form of the error is enough.
        Err(error) => panic!("{}: {error}", directory.display()),
    }
}
