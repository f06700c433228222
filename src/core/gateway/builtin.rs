//! The built-in implementations of the Gateway API: the files in `gateways/`.

use crate::core::gateway::Implementation;
use crate::core::report::diagnostic::Checked;

/// Pairs the name of each file with its text.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../gateways/", $name, ".yaml")))),*]
    };
}

/// Name and text of each implementation, sorted by name.
const FILES: &[(&str, &str)] = files!["cilium", "envoy-gateway", "istio", "nginx-gateway-fabric"];

/// Returns the names of the built-in implementations, sorted.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// Returns the text of a built-in implementation.
pub fn builtin_text(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Reads a built-in implementation; `None` if none has this name.
pub fn read_builtin(name: &str) -> Option<Checked<Implementation>> {
    builtin_text(name).map(|text| Implementation::read(&format!("gateways/{name}.yaml (built in)"), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_valid_and_named_like_their_files() {
        for name in builtin_names() {
            assert_eq!(read_builtin(name).unwrap().unwrap().name, name);
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("gateways");
        assert_eq!(
            std::fs::read_dir(folder).unwrap().count(),
            FILES.len(),
            "a file in gateways/ is not built in"
        );
    }
}
