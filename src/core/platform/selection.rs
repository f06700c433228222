//! How the controller of a platform reads a binding, and which nodes it selects.

mod form;
mod key_values;
mod read;
mod selected;

pub use crate::core::platform::selection::form::{
    Selection, SelectionForm, SelectionObjects, Spaces, Unset, WithoutValue,
};
pub use crate::core::platform::selection::selected::Selected;
