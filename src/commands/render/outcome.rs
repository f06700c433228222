//! What a render did, or would do.

use crate::core::platform::CloudConfigText;
use crate::core::pools::Merged;
use crate::core::tree::plan::Plan;
use crate::directory::Project;
use crate::directory::git::GitFileStatus;
use crate::scope::Scope;

/// What a render did, or would do.
pub(super) struct Outcome<'a> {
    /// Which app, and in which cluster.
    pub(super) scope: &'a Scope,
    /// What it was made from.
    pub(super) project: &'a Project,
    /// The pools.
    pub(super) merged: &'a Merged,
    /// The files.
    pub(super) plan: &'a Plan,
    /// What has to be said to the cloud elsewhere.
    pub(super) half: Option<&'a CloudConfigText>,
    /// What git has not seen yet.
    pub(super) git_status: &'a [GitFileStatus],
    /// Nothing changes, not even the lock.
    pub(super) same: bool,
}
