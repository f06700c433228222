//! The operations, and how often each is chosen.

use crate::month::life::{Done, Life};

/// An operation of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    AddPool,
    EmptyPool,
    ReturnPool,
    RelabelPool,
    MislabelNode,
    ForgetPool,
    ChangePort,
    AddService,
    RemoveService,
    RenameSpec,
    RenameOutput,
    MoveDirectory,
    RenameApp,
    MoveNamespace,
    Split,
    UndoSplit,
    MoveService,
    Join,
    KillApply,
    KillMove,
    KillHandOver,
}

use Operation::{
    AddPool, AddService, ChangePort, EmptyPool, ForgetPool, Join, KillApply, KillHandOver, KillMove,
    MislabelNode, MoveDirectory, MoveNamespace, MoveService, RelabelPool, RemoveService, RenameApp,
    RenameOutput, RenameSpec, ReturnPool, Split, UndoSplit,
};

const WEIGHTS: &[(Operation, usize)] = &[
    (AddPool, 4),
    (EmptyPool, 5),
    (ReturnPool, 3),
    (RelabelPool, 2),
    (MislabelNode, 2),
    (ForgetPool, 4),
    (ChangePort, 3),
    (AddService, 3),
    (RemoveService, 1),
    (RenameSpec, 2),
    (RenameOutput, 2),
    (MoveDirectory, 2),
    (RenameApp, 3),
    (MoveNamespace, 2),
    (Split, 8),
    (UndoSplit, 5),
    (MoveService, 10),
    (Join, 3),
    (KillApply, 2),
    (KillMove, 2),
    (KillHandOver, 6),
];

/// Operations that Flux cannot take part in: they change or need sets.
const SETS: [Operation; 8] =
    [MoveNamespace, Split, UndoSplit, MoveService, Join, KillApply, KillMove, KillHandOver];

impl Operation {
    pub(crate) fn any(life: &mut Life<'_>) -> Self {
        loop {
            let sum = WEIGHTS.iter().map(|(_, weight)| weight).sum();
            let mut at = life.desk.below(sum);
            for (operation, weight) in WEIGHTS {
                match at.checked_sub(*weight) {
                    Some(rest) => at = rest,
                    None if life.flux.is_some() && SETS.contains(operation) => break,
                    None => return *operation,
                }
            }
        }
    }

    /// Runs the operation, and checks the invariants.
    pub(crate) fn run(self, life: &mut Life<'_>) -> Done {
        match self {
            AddPool => life.add_pool(),
            EmptyPool => life.empty_pool(),
            ReturnPool => life.return_pool(),
            RelabelPool => life.relabel_pool(),
            MislabelNode => life.mislabel_node(),
            ForgetPool => life.forget_pool(),
            ChangePort => life.change_port(),
            AddService => life.add_service(),
            RemoveService => life.remove_service(),
            RenameSpec => life.rename_spec(),
            RenameOutput => life.rename_output(),
            MoveDirectory => life.move_directory(),
            RenameApp => life.rename_app(),
            MoveNamespace => life.move_namespace(),
            Split => life.split(),
            UndoSplit => life.undo_split(),
            MoveService => life.move_service(),
            Join => life.join(),
            KillApply => life.kill_apply(),
            KillMove => life.kill_move(),
            KillHandOver => life.kill_hand_over(),
        }
    }
}
