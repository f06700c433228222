//! The result of a render.

use crate::core::platform::CloudConfigText;
use crate::core::pools::Merged;
use crate::core::tree::plan::Plan;
use crate::directory::Project;
use crate::directory::git::GitFileStatus;
use crate::scope::Scope;

/// The result of a render, or of a check.
pub(super) struct Outcome<'a> {
    /// The app and its cluster.
    pub(super) scope: &'a Scope,
    /// The input.
    pub(super) project: &'a Project,
    /// The pools.
    pub(super) merged: &'a Merged,
    /// The files.
    pub(super) plan: &'a Plan,
    /// The configuration of the cloud provider, if the platform has one.
    pub(super) cloud_config: Option<&'a CloudConfigText>,
    /// Files that are not committed.
    pub(super) git_status: &'a [GitFileStatus],
    /// Whether nothing changes, including the lock file.
    pub(super) same: bool,
}
