//! Nodes from a file or standard input.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::Path;

use crate::core::kubernetes::node::Node;
use crate::core::node_list::{read_nodes, read_nodes_in};
use crate::core::report::diagnostic::Diagnostic;
use crate::directory::files::cannot;

/// Large enough that a dump of 100,000 nodes is read in few calls, small enough to matter to nobody.
const BUFFER: usize = 1 << 18;

/// A file of at most 64 MiB is read as a whole, which is faster; a larger one piece by piece, which needs the memory
/// of its nodes only.
const WHOLE: u64 = 64 << 20;

/// Reads nodes from a file; `-` is standard input.
pub fn nodes_from(path: &Path, shown: &str) -> Result<Vec<Node>, Diagnostic> {
    if path == Path::new("-") {
        return read_nodes("standard input", BufReader::with_capacity(BUFFER, io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| cannot("read", &error, path, shown))?;
    let metadata = file.metadata().map_err(|error| cannot("read", &error, path, shown))?;
    if metadata.is_dir() {
        return Err(cannot("read", &io::Error::other("is a directory"), path, shown));
    }
    if metadata.is_file() && metadata.len() <= WHOLE {
        let text = fs::read(path).map_err(|error| cannot("read", &error, path, shown))?;
        return read_nodes_in(shown, &text);
    }
    read_nodes(shown, BufReader::with_capacity(BUFFER, file))
}
