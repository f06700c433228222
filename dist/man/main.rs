//! Writes the man pages to a directory: `cargo run --example man -- DIRECTORY DATE`. It is not part of the program, which
//! stays smaller without it.

mod pages;

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, date] = &arguments[..] else { bail!("usage: man DIRECTORY DATE") };
    let directory = Path::new(directory);
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    for (name, text) in pages::pages(date) {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
