//! The operations, and how often each is chosen.

use crate::month::desk::{Desk, Outcome};
use crate::month::life::Life;

/// An operation of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    AddPool,
    EmptyPool,
    ReturnPool,
    RelabelPool,
    MislabelNode,
    ForgetPool,
    ChangePort,
    AddService,
    RemoveService,
    EditRendered,
    DeleteRendered,
    CopyRendered,
    DeleteLock,
    OldLock,
    Interrupt,
    Branch,
    Switch,
    Merge,
    Rebase,
    CherryPick,
    Revert,
    Stash,
    RenameSpec,
    RenameOutput,
    RenameApp,
    MoveDirectory,
    Split,
}

const WEIGHTS: &[(Operation, usize)] = &[
    (Operation::AddPool, 4),
    (Operation::EmptyPool, 6),
    (Operation::ReturnPool, 3),
    (Operation::RelabelPool, 2),
    (Operation::MislabelNode, 2),
    (Operation::ForgetPool, 3),
    (Operation::ChangePort, 6),
    (Operation::AddService, 2),
    (Operation::RemoveService, 1),
    (Operation::EditRendered, 1),
    (Operation::DeleteRendered, 1),
    (Operation::CopyRendered, 1),
    (Operation::DeleteLock, 1),
    (Operation::OldLock, 1),
    (Operation::Interrupt, 2),
    (Operation::Branch, 4),
    (Operation::Switch, 4),
    (Operation::Merge, 8),
    (Operation::Rebase, 3),
    (Operation::CherryPick, 3),
    (Operation::Revert, 3),
    (Operation::Stash, 2),
    (Operation::RenameSpec, 1),
    (Operation::RenameOutput, 1),
    (Operation::RenameApp, 2),
    (Operation::MoveDirectory, 1),
    (Operation::Split, 1),
];

impl Operation {
    pub fn any(desk: &mut Desk) -> Self {
        let sum = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut at = desk.below(sum);
        for (operation, weight) in WEIGHTS {
            match at.checked_sub(*weight) {
                None => return *operation,
                Some(rest) => at = rest,
            }
        }
        Self::ChangePort
    }

    /// Whether a render reads versions of files from git.
    pub fn needs_git(self) -> bool {
        use Operation as It;
        let nodes =
            [It::AddPool, It::EmptyPool, It::ReturnPool, It::RelabelPool, It::MislabelNode, It::ForgetPool];
        let content =
            [It::ChangePort, It::AddService, It::RemoveService, It::Interrupt, It::Branch, It::Switch];
        !nodes.contains(&self) && !content.contains(&self)
    }

    /// Runs the operation, and commits; `None` if it is not possible now.
    pub fn run(self, life: &mut Life) -> Outcome<Option<()>> {
        match self {
            Self::AddPool => life.add_pool(),
            Self::EmptyPool => life.empty_pool(),
            Self::ReturnPool => life.return_pool(),
            Self::RelabelPool => life.relabel_pool(),
            Self::MislabelNode => life.mislabel_node(),
            Self::ForgetPool => life.forget_pool(),
            Self::ChangePort => life.change_port(),
            Self::AddService => life.add_service(),
            Self::RemoveService => life.remove_service(),
            Self::EditRendered => life.edit_rendered(),
            Self::DeleteRendered => life.delete_rendered(),
            Self::CopyRendered => life.copy_rendered(),
            Self::DeleteLock => life.delete_lock(),
            Self::OldLock => life.old_lock(),
            Self::Interrupt => life.interrupt(),
            Self::Branch => life.branch(),
            Self::Switch => life.switch(),
            Self::Merge => life.merge(),
            Self::Rebase => life.rebase(),
            Self::CherryPick => life.cherry_pick(),
            Self::Revert => life.revert(),
            Self::Stash => life.stash(),
            Self::RenameSpec => life.rename_spec(),
            Self::RenameOutput => life.rename_output(),
            Self::RenameApp => life.rename_app(),
            Self::MoveDirectory => life.move_directory(),
            Self::Split => life.split(),
        }
    }
}
