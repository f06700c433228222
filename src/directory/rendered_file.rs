//! Facts that the content of a rendered file shows.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::core::render::{is_rendered, pool_of};
use crate::core::yaml;
use crate::directory::files::read_text;

/// How many bytes of a file are read to find the header, which is in the first lines.
const HEAD: u64 = 4096;

/// Whether a file has the header of this program.
pub(super) fn has_header(path: &Path) -> bool {
    // Opening other file types, such as a named pipe, may block forever.
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut head = Vec::new();
    // A file that cannot be read is reported where its content is needed.
    File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head)).is_ok() && is_rendered(&head)
}

/// Returns the object in a rendered file.
pub(super) fn object_of(path: &Path) -> Option<Value> {
    let text = read_text(path, "").ok()?;
    Some(yaml::read_one("", &text).ok()?.value)
}

/// Returns the pool of the Service in a rendered file.
pub(super) fn pool_of_file(path: &Path) -> Option<String> {
    pool_of(&object_of(path)?).map(str::to_owned)
}
