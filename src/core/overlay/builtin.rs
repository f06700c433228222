//! The overlays that are built in: the files of `overlays/`.

use crate::core::overlay::Overlay;
use crate::core::report::diagnostic::{Checked, Diagnostic};

/// Name and text of files.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../overlays/", $name, ".yaml")))),*]
    };
}

/// Name and text, in order of their names.
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
];

/// Behind the names of their files, in messages.
pub const BUILT_IN: &str = " (built in)";

/// The names, in order.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// A built-in overlay; `None` if there is none of that name.
pub fn read_builtin(name: &str) -> Option<Checked<Overlay>> {
    let (_, text) = FILES.iter().find(|(known, _)| *known == name)?;
    let no_files = |_: &str| Err(Diagnostic::error("a built-in overlay has no files beside it").into());
    Some(Overlay::read(&format!("overlays/{name}.yaml{BUILT_IN}"), text, &no_files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_whole_and_named_as_their_files() {
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
            "a file of overlays/ is not built in"
        );
    }
}
