//! Reads nodes from a file or standard input.

use std::fs;
use std::io;
use std::path::Path;

use crate::core::kubernetes::node::Node;
use crate::core::node_list::{read_nodes, read_nodes_in};
use crate::core::report::diagnostic::Diagnostic;
use crate::directory::FileError;
use crate::directory::files::{NamedBy, open};

/// Files up to 64 MiB are read at once, which is faster. Larger files are read in pieces, which only needs memory
/// for their nodes.
const WHOLE: u64 = 64 << 20;

/// Reads nodes from a file; `-` is standard input if the user named it.
pub fn nodes_from(path: &Path, shown: &str, by: NamedBy) -> Result<Vec<Node>, Diagnostic> {
    if by == NamedBy::User && path == Path::new("-") {
        return read_nodes("standard input", io::stdin().lock());
    }
    let file = open(path, shown, by)?;
    let metadata = file.metadata().map_err(|error| FileError::read(error, path, shown))?;
    if metadata.is_dir() {
        return Err(FileError::read(io::ErrorKind::IsADirectory.into(), path, shown).into());
    }
    if metadata.is_file() && metadata.len() <= WHOLE {
        let text = fs::read(path).map_err(|error| FileError::read(error, path, shown))?;
        return read_nodes_in(shown, &text);
    }
    read_nodes(shown, file)
}
