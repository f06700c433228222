//! Objects of Helm, Argo CD and Flux in manifests that were read from a cluster.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::apply::owners::{Tool, other_owners};
use crate::core::live::LiveObject;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::core::yaml::Document;

/// Returns why objects may not enter a directory: another tool has marked them, would revert or delete them, and is not one
/// of those that the user takes over. The output of `helm template` has no marks, because Helm adds them when it installs.
pub fn refuse_owned(objects: &[Document], taken: &[Tool]) -> Vec<Diagnostic> {
    let mut found: BTreeMap<(Tool, String), Vec<&Document>> = BTreeMap::new();
    for object in objects {
        let Ok(live) = LiveObject::read(object.value.clone()) else { continue };
        for tracker in other_owners(&live).into_iter().filter(|tracker| !taken.contains(&tracker.tool)) {
            found.entry((tracker.tool, tracker.owner)).or_default().push(object);
        }
    }
    let refuse = |((tool, owner), objects): ((Tool, String), Vec<&Document>)| {
        let (first, others) = objects.split_first()?;
        let (more, belong) = match others.len() {
            0 => (String::new(), "belongs"),
            count => (format!(" and {}", plural(count, "other object")), "belong"),
        };
        let message = format!(
            "{}{more} {belong} to {} ({owner}), which would revert or delete a change",
            Key::of(&first.value),
            tool.name()
        );
        let hint = format!(
            "release the objects as docs/howto/take-over.md describes, then use --from-{}",
            tool.flag()
        );
        Some(Diagnostic::refusal(message).at(first.location("/metadata")).hint(hint))
    };
    found.into_iter().filter_map(refuse).collect()
}

/// Returns the tools that have marked one of these objects.
pub fn tools_of(objects: &[Document]) -> BTreeSet<Tool> {
    let live = objects.iter().filter_map(|object| LiveObject::read(object.value.clone()).ok());
    live.flat_map(|live| other_owners(&live)).map(|tracker| tracker.tool).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::yaml;

    #[test]
    fn marked_objects_are_refused_unless_their_tool_is_taken_over() {
        let text = "apiVersion: v1
kind: ConfigMap
metadata: {name: a, labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: shop}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b, labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: shop}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, labels: {app.kubernetes.io/managed-by: Helm}}
";
        let objects = yaml::read("dump.yaml", text).unwrap();
        let shown: Vec<String> = refuse_owned(&objects, &[]).iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "dump.yaml:3: configmap/a and 1 other object belong to Helm (shop), which would revert or delete a change"
            ]
        );
        assert_eq!(refuse_owned(&objects, &[Tool::Helm]), []);
        assert_eq!(refuse_owned(&objects, &[Tool::Flux]).len(), 1);
        assert_eq!(tools_of(&objects), [Tool::Helm].into());
        assert_eq!(tools_of(&objects[2..]), [].into());
    }
}
