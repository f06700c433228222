//! Writes the man pages into a directory: `cargo run --example man -- DIRECTORY DATE`. Not a part of the program, which is
//! smaller without them.

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
        // The system says why, in the form of a debugger: this is for developers.
        Err(error) => panic!("{}: {error}", directory.display()),
    }
}
