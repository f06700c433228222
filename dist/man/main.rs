//! Writes the man pages into a directory: `cargo run --example man -- DIRECTORY DATE`. It is not a part of the
//! program, which stays smaller this way.

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
        // The default error output is enough for developers.
        Err(error) => panic!("{}: {error}", directory.display()),
    }
}
