//! The directory of the process and its repository, for paths in messages.

use std::env::current_dir;

use crate::core::report::repository_path::WorkingDirectory;

/// Returns the directory of the process, with the nearest directory above it that has a `.git`. Does not call git, and reads no
/// file: a wrong repository only changes how paths are shown. If the directory was removed, paths stay as they are.
pub fn working_directory() -> WorkingDirectory {
    let Ok(directory) = current_dir() else { return WorkingDirectory::default() };
    let repository = directory.ancestors().find(|above| above.join(".git").exists()).unwrap_or(&directory);
    WorkingDirectory::new(repository, directory.clone())
}
