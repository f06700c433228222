//! Reports changes of immutable fields before files are written that the API server would reject.

use std::collections::BTreeMap;

use crate::core::render::RenderedFile;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::tree::plan::{Action, Plan};
use crate::core::yaml;

/// Reports Services whose `spec.loadBalancerClass` would change: "Once set, it can not be changed" (kubernetes/api
/// core/v1/types.go). `known` holds the current files; `output` is their directory in messages.
pub fn changed_classes(
    plan: &Plan,
    rendered: &[RenderedFile],
    known: &BTreeMap<String, Vec<u8>>,
    output: &str,
) -> Vec<Diagnostic> {
    let changed = plan.steps.iter().filter(|step| step.action == Action::Changed);
    let mut new: BTreeMap<&str, &RenderedFile> = BTreeMap::new();
    new.extend(
        rendered.iter().filter(|file| file.key.kind == "Service").map(|file| (file.path.as_str(), file)),
    );
    let mut problems = Vec::new();
    for step in changed {
        let (Some(new), Some(old)) = (new.get(step.path.as_str()), known.get(&step.path)) else { continue };
        let old = String::from_utf8_lossy(old);
        if ![&*old, &new.text].iter().any(|text| text.contains("loadBalancerClass")) {
            continue;
        }
        let (before, after) = (class(&step.path, &old), class(&step.path, &new.text));
        if before == after {
            continue;
        }
        let shown =
            |class: Option<String>| class.map_or_else(|| "unset".to_owned(), |class| format!("`{class}`"));
        problems.push(
            Diagnostic::refusal(format!(
                "{}: `spec.loadBalancerClass` is immutable and would change from {} to {}",
                new.key,
                shown(before),
                shown(after)
            ))
            .at(Location::file(format!("{output}/{}", step.path)))
            .hint("keep the class; or, if its address may be lost, delete the Service in the cluster and its file in the rendered directory, and render again"),
        );
    }
    problems
}

/// Returns the class of a Service, if its file can be read.
fn class(file: &str, text: &str) -> Option<String> {
    let document = yaml::read_one(file, text).ok()?;
    document.value["spec"]["loadBalancerClass"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::manifest::Key;
    use crate::core::tree::plan::Overwrite;

    fn messages(before: &str, after: &str) -> Vec<String> {
        let service = |spec: &str| format!("kind: Service\nspec:\n  type: LoadBalancer\n{spec}");
        let key = Key {
            group: String::new(),
            kind: "Service".to_owned(),
            namespace: String::new(),
            name: "a".to_owned(),
        };
        let path = "service-a.yaml".to_owned();
        let rendered = [RenderedFile { path: path.clone(), key, pool: None, text: service(after) }];
        let known = BTreeMap::from([(path, service(before).into_bytes())]);
        let plan = crate::core::tree::plan::plan(&rendered, None, &known, "out", Overwrite::Allowed).unwrap();
        changed_classes(&plan, &rendered, &known, "out").into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn a_changed_class_is_refused() {
        let of = |class: &str| format!("  loadBalancerClass: {class}\n");
        assert_eq!(messages(&of("a"), &of("a")), [""; 0]);
        assert_eq!(messages("", "  externalTrafficPolicy: Local\n"), [""; 0]);
        let changed = "service/a: `spec.loadBalancerClass` is immutable and would change from";
        assert_eq!(messages(&of("a"), &of("b/c")), [format!("{changed} `a` to `b/c`")]);
        assert_eq!(messages("", &of("b")), [format!("{changed} unset to `b`")]);
        assert_eq!(messages(&of("a"), ""), [format!("{changed} `a` to unset")]);
    }
}
