//! The overlay that set a field of a rendered object.

use crate::core::render::draft::Input;
use crate::core::report::diagnostic::Location;

/// Returns the line of the last operation in an overlay that sets a field, or a field around it; `None` if no overlay does.
pub(super) fn overlay_line(input: Input<'_>, path: &str) -> Option<Location> {
    let platform = &input.platform.name;
    let overlays = input.overlays.iter().rev();
    let patches = overlays.flat_map(|overlay| overlay.patches_for(platform));
    let is_around =
        |set: &str| path == set || path.strip_prefix(set).is_some_and(|rest| rest.starts_with('/'));
    patches
        .flat_map(|patch| patch.patch.located_paths())
        .find(|(set, _)| !set.is_empty() && is_around(set))
        .map(|(_, location)| location.clone())
}
