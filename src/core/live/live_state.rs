//! What a command knows about an object in the cluster.

use crate::core::live::live_object::LiveObject;

/// A live object, as far as the user may read it.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveState {
    /// The object does not exist.
    Absent,
    /// The user may not read the object.
    Hidden,
    /// The object exists.
    Present(LiveObject),
}

impl LiveState {
    /// Returns the object, if it exists and the user may read it.
    pub fn object(&self) -> Option<&LiveObject> {
        let Self::Present(object) = self else { return None };
        Some(object)
    }
}
