//! Checks of a platform file that its schema cannot express.

use crate::core::kubernetes::node::KEPT_ANNOTATIONS;
use crate::core::kubernetes::object_shape;
use crate::core::pattern;
use crate::core::platform::proof::Proof;
use crate::core::platform::{PlatformSpec, Selection, SelectionForm, Spaces, WithoutValue, setting_patterns};
use crate::core::pointer;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml::Document;

/// Checks a platform, and adds its problems to `problems`.
pub(super) fn check(spec: &PlatformSpec, document: &Document, problems: &mut Vec<Diagnostic>) {
    let recognize = recognize_at(document);
    let mut report =
        |at: String, message: String| problems.push(Diagnostic::error(message).at(document.location(&at)));
    if spec.sources.is_empty() {
        report(
            "/spec/sources".to_owned(),
            "`spec.sources` is empty; a platform needs a source for its facts".to_owned(),
        );
    }
    if spec.refused.is_none() && spec.binding.is_empty() && spec.objects.is_empty() {
        report(
            "/spec".to_owned(),
            "missing `spec.binding` or `spec.objects`, or `spec.refused` with the reason why there is none"
                .to_owned(),
        );
    }
    for (at, annotation) in annotations(spec) {
        if !KEPT_ANNOTATIONS.contains(&annotation.as_str()) {
            report(
                at,
                format!(
                    "the node annotation `{annotation}` is not read; supported annotations: {}",
                    KEPT_ANNOTATIONS.join(", ")
                ),
            );
        }
    }
    for (at, pattern) in patterns(spec, recognize) {
        if let Err(error) = pattern::compile(pattern) {
            report(at, format!("invalid regular expression `{pattern}`: {error}"));
        }
    }
    for (index, object) in spec.objects.iter().enumerate() {
        for wrong in object_shape::misshapen(object) {
            report(
                format!("/spec/objects/{index}{}", wrong.pointer),
                format!("`spec.objects[{index}]`: {}", wrong.message),
            );
        }
    }
    for (index, lookalike) in spec.recognize.rejects.iter().enumerate() {
        let by_value_only = lookalike.matches.is_some() && lookalike.label.is_none();
        if lookalike.label.is_some() == lookalike.provider_id.is_some() || by_value_only {
            report(
                format!("{recognize}/rejects/{index}"),
                "expected either `label` (with or without `matches`) or `providerID`".to_owned(),
            );
        }
    }
    for (index, rule) in spec.not_backends.iter().enumerate() {
        let signs = [rule.label.is_some(), rule.provider_id.is_some(), rule.taint.is_some()];
        let has_value = rule.value.is_some() || rule.other_than.is_some();
        if signs.into_iter().filter(|is_set| *is_set).count() != 1 || (has_value && rule.label.is_none()) {
            report(
                format!("/spec/notBackends/{index}"),
                "expected one of `label` (with or without `value` or `otherThan`), `providerID` and `taint`"
                    .to_owned(),
            );
        }
    }
    for (index, rule) in spec.refuses_nodes.iter().enumerate() {
        let by_value_only = rule.value.is_some() && rule.label.is_none();
        if rule.label.is_some() == rule.tainted_except.is_some() || by_value_only {
            report(
                format!("/spec/refusesNodes/{index}"),
                "expected either `label` (with or without `value`) or `taintedExcept`".to_owned(),
            );
        }
    }
    for (index, _) in spec.protocols.iter().enumerate().filter(|(_, rule)| rule.has.is_empty()) {
        report(format!("/spec/protocols/{index}"), "`has` is empty; name the protocols".to_owned());
    }
    for (field, problem) in spec.proof.iter().flat_map(Proof::misfits) {
        let at = if field.is_empty() { "/spec/proof".to_owned() } else { format!("/spec/proof/{field}") };
        report(at, problem);
    }
    if spec.serial_updates.as_ref().is_some_and(|serial| serial.seconds == 0) {
        report("/spec/serialUpdates/seconds".to_owned(), "`seconds` is 0".to_owned());
    }
    if let Some(selection) = &spec.selection {
        for problem in incomplete(selection, spec) {
            report("/spec/selection".to_owned(), problem);
        }
    }
    for (index, config) in spec.cloud_config.iter().enumerate() {
        let is_document = config.document.is_some() && config.entries_at.is_some() && config.entry.is_some();
        if is_document == config.command.is_some() {
            report(
                format!("/spec/otherHalf/{index}"),
                "expected either `document`, `entriesAt` and `entry`, or `command`".to_owned(),
            );
        } else if config.entry_by_label.is_some() && !is_document {
            report(
                format!("/spec/otherHalf/{index}/entryByLabel"),
                "`entryByLabel` applies to a `document`, not to a `command`".to_owned(),
            );
        }
    }
}

/// Returns the fields that a selection lacks for its form, and the fields that belong to other forms.
fn incomplete(selection: &Selection, spec: &PlatformSpec) -> Vec<String> {
    let form = selection.form;
    let mut problems = Vec::new();
    for (field, is_set, is_of, is_needed) in [
        ("path", selection.path.is_some(), true, form != SelectionForm::Objects),
        ("label", selection.label.is_some(), form == SelectionForm::LabelValue, true),
        ("name", selection.name.is_some(), form == SelectionForm::Names, true),
        ("auto", selection.auto.is_some(), form == SelectionForm::Names, false),
        ("nameLabels", !selection.name_labels.is_empty(), form == SelectionForm::Names, false),
        ("objects", selection.objects.is_some(), form == SelectionForm::Objects, true),
        ("spaces", selection.spaces != Spaces::default(), form == SelectionForm::KeyValues, false),
        (
            "withoutValue",
            selection.without_value != WithoutValue::default(),
            form == SelectionForm::KeyValues,
            false,
        ),
    ] {
        if is_set && !is_of {
            problems.push(format!("`selection.{field}` does not apply to this form"));
        } else if !is_set && is_of && is_needed {
            problems.push(format!("this form requires `selection.{field}`"));
        }
    }
    if form == SelectionForm::OneKeyValue && spec.only_labels.is_none() {
        problems.push("this form requires `spec.onlyLabels`".to_owned());
    }
    problems
}

/// Returns the pointer of `recognize` in a document, which may use the old spelling of the key.
fn recognize_at(document: &Document) -> &'static str {
    let old = "/spec/recognise"; // typos:ignore
    if document.value.pointer(old).is_some() { old } else { "/spec/recognize" }
}

/// Returns all patterns of a platform with their pointers; `recognize` is the pointer of that key.
fn patterns<'a>(spec: &'a PlatformSpec, recognize: &str) -> Vec<(String, &'a String)> {
    let nodes = &spec.recognize;
    let mut patterns: Vec<(String, &String)> = Vec::new();
    for (at, list) in [
        (format!("{recognize}/providerIDPatterns"), &nodes.provider_id_patterns),
        (format!("{recognize}/nodeNames"), &nodes.node_names),
        ("/spec/vmSets/suffix".to_owned(), &spec.vm_sets.suffix),
    ] {
        patterns.extend(list.iter().enumerate().map(|(index, pattern)| (format!("{at}/{index}"), pattern)));
    }
    for (index, rule) in spec.vm_sets.rules.iter().enumerate() {
        let at = format!("/spec/vmSets/rules/{index}/match");
        patterns.extend(rule.matches.provider_id.iter().map(|p| (format!("{at}/providerID"), p)));
        patterns.extend(rule.matches.node_name.iter().map(|p| (format!("{at}/nodeName"), p)));
        patterns.extend(rule.matches.annotations.values().map(|p| (format!("{at}/annotations"), p)));
    }
    for (index, config) in spec.cloud_config.iter().enumerate() {
        let at = format!("/spec/otherHalf/{index}/whenVmSetsMatch");
        patterns.extend(config.when_vm_sets_match.iter().map(|p| (at.clone(), p)));
    }
    patterns.extend(setting_patterns(&spec.settings));
    for (index, rule) in spec.refuses.iter().enumerate() {
        let at = format!("/spec/refuses/{index}");
        patterns.extend(rule.matches.iter().map(|p| (format!("{at}/matches"), p)));
        patterns.extend(rule.keys.iter().map(|p| (format!("{at}/keys"), p)));
        patterns.extend(rule.when.iter().map(|condition| (format!("{at}/when"), &condition.matches)));
    }
    for (index, rule) in spec.requires.iter().enumerate() {
        let at = format!("/spec/requires/{index}/when");
        patterns.extend(rule.when.iter().map(|condition| (at.clone(), &condition.matches)));
    }
    for (index, rule) in spec.protocols.iter().enumerate() {
        let at = format!("/spec/protocols/{index}/when");
        patterns.extend(rule.when.iter().map(|condition| (at.clone(), &condition.matches)));
    }
    for (label, pattern) in &nodes.label_patterns {
        patterns.push((pointer::join(&format!("{recognize}/labelPatterns"), label), pattern));
    }
    for (index, rule) in nodes.rejects.iter().enumerate() {
        let at = format!("{recognize}/rejects/{index}/matches");
        patterns.extend(rule.matches.iter().map(|pattern| (at.clone(), pattern)));
    }
    for (index, mark) in nodes.services.iter().enumerate() {
        let at = format!("{recognize}/services/{index}");
        patterns.extend(mark.keys.iter().map(|pattern| (format!("{at}/keys"), pattern)));
        patterns.extend(mark.matches.iter().map(|pattern| (format!("{at}/matches"), pattern)));
    }
    for pattern in spec.selection.iter().filter_map(|selection| selection.other_keys.as_ref()) {
        patterns.push(("/spec/selection/otherKeys".to_owned(), pattern));
    }
    for (index, condition) in spec.selection.iter().flat_map(|it| &it.only_if).enumerate() {
        patterns.push((format!("/spec/selection/onlyIf/{index}/matches"), &condition.matches));
    }
    patterns
}

/// Returns the node annotations that a platform reads, with their pointers.
fn annotations(spec: &PlatformSpec) -> Vec<(String, &String)> {
    let pool = spec.pool_annotation.iter().map(|key| ("/spec/poolAnnotation".to_owned(), key));
    let rules = spec.vm_sets.rules.iter().enumerate().flat_map(|(index, rule)| {
        let at = format!("/spec/vmSets/rules/{index}/match/annotations");
        rule.matches.annotations.keys().map(move |key| (at.clone(), key))
    });
    pool.chain(rules).collect()
}
