//! The file of nodes that a spec names.

use std::path::{Path, PathBuf};

use crate::commands::init::Args;
use crate::directory::{is_outside, is_regular_file};

/// Returns the file of nodes relative to the directory of the spec.
pub(super) fn nodes_source(args: &Args) -> String {
    if args.nodes == "cluster" || args.nodes == "-" {
        return "cluster".to_owned();
    }
    let from = |path: &Path| std::path::absolute(path).ok();
    let (Some(file), Some(directory)) = (from(Path::new(&args.nodes)), from(&args.directory)) else {
        return args.nodes.clone();
    };
    if let Ok(below) = file.strip_prefix(&directory) {
        return below.display().to_string();
    }
    let shared = file.components().zip(directory.components()).take_while(|(a, b)| a == b).count();
    let up = directory.components().skip(shared).map(|_| "..".to_owned());
    let down = file.components().skip(shared).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// Returns where to copy the file of nodes, if the spec may not name it where it is.
pub(super) fn copy_of_nodes(args: &Args) -> Option<PathBuf> {
    let file = Path::new(&args.nodes);
    let is_file = !["cluster", "-"].contains(&args.nodes.as_str()) && is_regular_file(file);
    let copy = args.directory.strip_prefix(".").unwrap_or(&args.directory).join(file.file_name()?);
    (is_file && is_outside(&args.directory, file) && !copy.exists()).then_some(copy)
}
