//! The fuzz targets: for each reader of the program a function that takes any bytes, and panics if a property does not
//! hold.
//!
//! `fuzz_targets` calls these functions with input of libFuzzer. `tests/cli/corpora.rs` includes this file, and calls
//! them with the committed inputs.

mod answers;
mod checks;
mod cluster_models;
mod field_paths;
mod gateways;
mod json;
mod kubeconfig;
mod lock;
mod managed_fields;
mod manifests;
mod nodes;
mod overlays;
mod patches;
mod plan;
mod platforms;
mod render;
mod selectors;
mod specs;
mod texts;
mod yaml;

/// A target: its name, and what it does with one input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, sorted by name.
pub const TARGETS: &[Target] = &[
    ("api_answers", answers::texts),
    ("cluster_models", cluster_models::texts),
    ("field_paths", field_paths::paths),
    ("gateways", gateways::texts),
    ("kubeconfig", kubeconfig::texts),
    ("kubeconfig_fields", kubeconfig::fields),
    ("live_objects", answers::objects),
    ("lock", lock::texts),
    ("lock_fields", lock::fields),
    ("managed_fields", managed_fields::pairs),
    ("manifests", manifests::texts),
    ("nodes", nodes::texts),
    ("nodes_fields", nodes::fields),
    ("overlays", overlays::texts),
    ("patches", patches::operations),
    ("plan", plan::texts),
    ("plan_fields", plan::fields),
    ("platforms", platforms::texts),
    ("render", render::apps),
    ("responses", answers::responses),
    ("selectors", selectors::texts),
    ("selectors_fields", selectors::fields),
    ("specs", specs::texts),
    ("texts", texts::words),
    ("yaml", yaml::texts),
    ("yaml_values", yaml::values),
];

/// Runs a target.
///
/// # Panics
///
/// Panics if a property does not hold, and if no target has this name.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name).expect("the name of a target");
    target.1(data);
}
