//! Nodes from a file or standard input.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use crate::core::diagnostic::Diagnostic;
use crate::core::node::Node;
use crate::core::node_list::read_nodes;
use crate::directory::files::cannot;

/// Large enough that a dump of 100,000 nodes is read in few calls, small enough to matter to nobody.
const BUFFER: usize = 1 << 18;

/// Reads nodes from a file; `-` is standard input.
pub fn nodes_from(path: &Path, shown: &str) -> Result<Vec<Node>, Diagnostic> {
    if path == Path::new("-") {
        return read_nodes("standard input", BufReader::with_capacity(BUFFER, io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| cannot("read", &error, path, shown))?;
    if path.is_dir() {
        return Err(cannot("read", &io::Error::other("is a directory"), path, shown));
    }
    read_nodes(shown, BufReader::with_capacity(BUFFER, file))
}
