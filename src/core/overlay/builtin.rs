//! The built-in overlays: the files in `overlays/`.

use crate::core::overlay::Overlay;
use crate::core::report::diagnostic::{Checked, Diagnostic};

/// Pairs the name of each file with its text.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../overlays/", $name, ".yaml")))),*]
    };
}

/// Name and text of each overlay, sorted by name.
const FILES: &[(&str, &str)] = files![
    "allowed-service-tags",
    "dual-stack",
    "health-probe",
    "idle-timeout",
    "internal-lb",
    "internal-subnet",
    "local-traffic",
    "no-node-ports",
    "port-health-probe",
    "proxy-protocol",
    "public-ip",
    "resource-group",
    "source-ranges",
    "static-address",
    "traffic-distribution",
    "zonal",
];

/// Follows the file name of a built-in overlay in messages.
pub const BUILT_IN: &str = " (built in)";

/// Returns the names of the built-in overlays, sorted.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// Reads a built-in overlay; `None` if no overlay has this name.
pub fn read_builtin(name: &str) -> Option<Checked<Overlay>> {
    let (_, text) = FILES.iter().find(|(known, _)| *known == name)?;
    let no_files = |_: &str| Err(Diagnostic::error("a built-in overlay cannot read files").into());
    Some(Overlay::read(&format!("overlays/{name}.yaml{BUILT_IN}"), text, &no_files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_valid_and_named_like_their_files() {
        for name in builtin_names() {
            let overlay = read_builtin(name).unwrap().unwrap();
            assert_eq!(overlay.name, name);
            assert!(!overlay.spec.title.is_empty(), "{name} has no title");
            assert!(!overlay.spec.sources.is_empty(), "{name} has no source");
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("overlays");
        assert_eq!(
            std::fs::read_dir(folder).unwrap().count(),
            FILES.len() + 1, // README.md
            "a file in overlays/ is not built in"
        );
    }
}
